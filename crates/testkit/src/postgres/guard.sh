# The guard of one private database server. It is told what to do on its standard input, a pipe that the owner of the
# server holds: when the owner ends, in whatever way, the pipe closes, the server stops and its directory is removed.
#
#   start N   start the server for the Nth time
#   quit      stop it at once, as a crash would
#
# Arguments: the directory, a line of shell that makes the server's data there, the signal that ends the server as a
# crash would, and the server's own command line. In the directory the owner finds `log`, `pid.N` and, when the server
# that was started for the Nth time has ended, `stopped.N`; `failed` when its data could not be made.
directory=$1 init=$2 signal=$3
shift 3
server=
count=

run() {
    "$@" &
    echo $! >"$directory/pid.$count"
    wait $!
    : >"$directory/stopped.$count"
}

# Asks again until the server is gone: it is deaf until it has set up its signal handlers.
stop() {
    [ -n "$server" ] || return
    until [ -s "$directory/pid.$count" ] || ! kill -0 "$server" 2>/dev/null; do sleep 0.01; done
    [ -e "$directory/stopped.$count" ] || while kill -s "$signal" "$(cat "$directory/pid.$count")"; do sleep 0.01; done
    wait "$server"
    server=
}

obey() {
    while read -r order number; do
        case $order in
        start)
            stop
            count=$number
            run "$@" </dev/null >>"$directory/log" 2>&1 &
            server=$!
            ;;
        quit) stop ;;
        esac
    done
}

if eval "$init" </dev/null >"$directory/log" 2>&1; then
    obey "$@"
else
    : >"$directory/failed"
    while read -r _; do :; done
fi
stop
cd / || exit 1
# A program of the server may be writing its last file.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$directory" && exit 0
    sleep 0.1
done
exit 1
