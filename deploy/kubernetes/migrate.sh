#!/bin/sh
# Runs a migration in a cluster, step by step, and stops where one fails: migrate.sh OVERLAY [STEP…]
#
# OVERLAY is a folder with a kustomization over base; the steps are setup, enqueue, worker, report, in this order. To go on after one that
# failed, name it and those after it. Each step's job is made anew; workers that stand by (component standing) are applied and not
# waited for: then leave report out until `producer status` says that nothing is queued.
# KUBECTL names another kubectl, CERTFERRY_PATIENCE the seconds a step may take (86400).
set -eu
overlay=${1:?which folder has the kustomization: migrate.sh OVERLAY [STEP…]}
shift
[ $# -gt 0 ] || set -- setup enqueue worker report
kubectl=${KUBECTL:-kubectl}
patience=${CERTFERRY_PATIENCE:-86400}
component=app.kubernetes.io/component
manifests=$(mktemp)
trap 'rm -f "$manifests"' EXIT
"$kubectl" kustomize "$overlay" >"$manifests"

say() { printf '==> %s\n' "$*"; }

# Waits until the job of a step is done; fails where it failed, or takes too long.
await() {
    end=$(($(date +%s) + patience))
    while :; do
        conditions=$("$kubectl" -n certferry get "job/certferry-$1" \
            -o 'jsonpath={.status.conditions[?(@.status=="True")].type}')
        case " $conditions " in
        *' Complete '*) return 0 ;;
        *' Failed '*) return 1 ;;
        esac
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep "${CERTFERRY_INTERVAL:-2}"
    done
}

say 'what the steps need'
"$kubectl" apply -f "$manifests" -l "$component notin (setup, enqueue, worker, report)"
for step in "$@"; do
    say "$step"
    "$kubectl" -n certferry delete job "certferry-$step" --ignore-not-found --wait
    "$kubectl" apply -f "$manifests" -l "$component=$step"
    # Workers that stand by are no job.
    if [ "$step" = worker ] && ! grep -q '^ *parallelism:' "$manifests"; then
        continue
    fi
    if ! await "$step"; then
        "$kubectl" -n certferry logs "job/certferry-$step" --tail=20 || :
        echo "the step $step failed, and those after it were not begun; what its log says is above" >&2
        exit 1
    fi
done
