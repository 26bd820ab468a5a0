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

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if lockstep=$(command -v lockstep); then :; elif [ -x "$project/build/release/bin/lockstep" ]; then
    lockstep=$project/build/release/bin/lockstep
else
    echo "local.sh: error: no lockstep on PATH nor in $project/build/release/bin; build it first:" \
        "cmake --preset release && cmake --build --preset release" >&2
    exit 2
fi

# Physical cores that this process may use.
usable_cores() {
    local cores quota period
    cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$cores" -lt 1 ] || [ "$cores" -gt "$(nproc)" ]; then cores=$(nproc); fi
    # a container's share of processor time (control groups, version 2) may be smaller than what it sees
    if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [ "$quota" != max ]; then
        quota=$(((quota + period - 1) / period))
        [ "$quota" -ge "$cores" ] || cores=$quota
    fi
    echo "$cores"
}

# most_ranks ARGUMENT...: ranks beyond this number would have no work; --set may change it
most_ranks() {
    local sets=()
    while [ $# -gt 0 ]; do
        case $1 in
        --set=*) sets+=("$1") ;;
        --set) sets+=("$1" "${2-}") ;;
        esac
        shift
    done
    "$lockstep" info "$config" "${sets[@]}" | sed -n 's/^global batch .*: more than \([0-9]*\) ranks\{0,1\} would.*/\1/p'
}

cores=$(usable_cores)
if [ "$ranks" -eq 0 ]; then
    most=$(most_ranks "$@") # info has said what is wrong with the configuration
    ranks=$((cores < most ? cores : most))
fi
threads=$((cores > ranks ? cores / ranks : 1))
if [ "$(nproc)" -eq "$(nproc --all)" ] && [ $((ranks * threads)) -le "$cores" ]; then
    placement=(--map-by "slot:PE=$threads" --bind-to core)
else # only part of the machine is ours, or cores are shared: fixed places could be wrong
    placement=(--oversubscribe --bind-to none)
fi
if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
say() { echo "local.sh: $*"; }
# shellcheck source=jobs/launch.sh
source "$project/jobs/launch.sh"

# interrupt SIGNAL: the first time the run saves and stops; the second time mpirun ends it as it stands
interrupt() {
    [ -z "$stop" ] || kill -TERM "$launcher" 2>/dev/null || true
    pass_on "$1"
}
for signal in INT TERM HUP USR1; do
    # shellcheck disable=SC2064 # the name as it is now
    trap "interrupt $signal" $signal
done

say "$ranks ranks x $threads threads"
# In a session of its own, out of reach of the terminal's Ctrl-C: mpirun would kill the ranks two seconds after it.
status=0
launch setsid mpirun -n "$ranks" "${placement[@]}" "$lockstep" train "$config" --threads "$threads" "$@" || status=$?
exit $status
