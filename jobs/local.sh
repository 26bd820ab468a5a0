#!/usr/bin/env bash
# Trains on all cores of this machine: one process a core, as mpirun would on a cluster.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: jobs/local.sh [-n RANKS] CONFIG [OPTION OF lockstep train]...

Starts `lockstep train CONFIG` under mpirun with one rank a usable core, at most as many ranks as the global batch keeps
busy, the other cores as threads. Exit status as of lockstep: 0 done, 1 failed, 2 wrong usage, 75 stopped with a
checkpoint saved (the same command goes on). Ctrl-C stops at the next step.
TEXT
}

ranks=0
case ${1-} in
-h | --help) usage && exit 0 ;;
-n) ranks=${2-} && shift 2 ;;
esac
if [ $# -lt 1 ] || [[ $1 == -* ]] || ! [[ $ranks =~ ^[0-9]+$ ]]; then
    usage >&2
    exit 2
fi
config=$1
shift

project=$(dirname "${BASH_SOURCE[0]}")/..
if command -v lockstep >/dev/null; then
    lockstep=$(command -v lockstep)
elif [ -x "$project/build/release/bin/lockstep" ]; then
    lockstep=$project/build/release/bin/lockstep
else
    echo "local.sh: error: lockstep is neither on PATH nor in build/release/bin; build it: cmake --preset release && cmake --build --preset release" >&2
    exit 2
fi

# Cores this process may use: physical ones, cut to the share of a container.
usable_cores() {
    local cores quota period
    cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    [ "$cores" -ge 1 ] && [ "$cores" -le "$(nproc)" ] || cores=$(nproc)
    # control groups, version 2
    if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [ "$quota" != max ]; then
        quota=$(((quota + period - 1) / period))
        [ "$quota" -ge "$cores" ] || cores=$quota
    fi
    echo "$cores"
}

# A rank without a chunk would have no work.
cores=$(usable_cores)
busy=$("$lockstep" info "$config" | sed -n 's/^global batch .*: more than \([0-9]*\) ranks\{0,1\} would.*/\1/p')
if [ "$ranks" -eq 0 ]; then
    ranks=$((cores < ${busy:-1} ? cores : ${busy:-1}))
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
# Time to write a checkpoint after Ctrl-C, before mpirun kills the ranks.
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout-30}

echo "local.sh: $ranks ranks x $threads threads"
exec mpirun -n "$ranks" "${placement[@]}" "$lockstep" train "$config" --threads "$threads" "$@"
