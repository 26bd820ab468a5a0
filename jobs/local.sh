#!/usr/bin/env bash
# Trains with several processes on this machine, as mpirun would on a cluster.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: jobs/local.sh [-n RANKS] CONFIG [OPTION OF lockstep train]...

Starts `lockstep train CONFIG` with mpirun: one rank a usable core, but at most as many as the global batch keeps busy;
cores that are left over go to the ranks as threads. -n chooses the number of ranks; results are the same for any.
Stop it with Ctrl-C (a second one ends it as it stands); the same command goes on. Exit status as of lockstep: 0 done,
1 failed, 2 wrong usage, 75 stopped with a checkpoint saved.
TEXT
}

usage_error() {
    echo "local.sh: error: $1" >&2
    usage >&2
    exit 2
}

ranks=0
case ${1-} in
-h | --help) usage && exit 0 ;;
-n)
    ranks=${2-}
    [[ $ranks =~ ^[1-9][0-9]{0,3}$ ]] || usage_error "-n ${2-}: not a number of ranks"
    shift 2
    ;;
esac
[[ $# -ge 1 && $1 != -* ]] || usage_error "a configuration is missing, e.g. configs/mnist-convnet.yaml"
config=$1
shift

say() { echo "local.sh: $*"; }
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=jobs/launch.sh
source "$project/jobs/launch.sh"
find_lockstep "$project"
allow_root

cores=$(usable_cores)
if [ "$ranks" -eq 0 ]; then
    most=$(most_ranks "$config" "$@") # info has said what is wrong with the configuration
    ranks=$((cores < most ? cores : most))
fi
threads=$((cores > ranks ? cores / ranks : 1))

say "$ranks ranks x $threads threads"
stop_on_signals
status=0
on_this_machine "$ranks" "$threads" "$lockstep" train "$config" --threads "$threads" "$@" || status=$?
exit $status
