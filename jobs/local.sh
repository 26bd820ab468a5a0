#!/usr/bin/env bash
# Trains with several processes on this machine, or on several ones without a scheduler.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<TEXT
Usage: $0 [-n RANKS | --hosts FILE] CONFIG [OPTION OF lockstep train]...

Starts \`lockstep train CONFIG\` with mpirun: one rank a usable core, but at most as many as the global batch keeps busy;
cores that are left over go to the ranks as threads. -n chooses the number of ranks; results are the same for any.
--hosts starts ranks on several machines instead: FILE is like hostfile.example beside this script. When one of them gets
lost, the run goes on at once on the others, from the newest checkpoint.
Stop it with Ctrl-C (a second one ends it as it stands); the same command goes on. Exit status as of lockstep: 0 done,
1 failed, 2 wrong usage, 73 another run works in the run folder, 75 stopped with a checkpoint saved, 76 memory changed,
79 a rank stood still. After 75 and above the same command goes on. 205: a host is gone.
TEXT
}

usage_error() {
    echo "local.sh: error: $1" >&2
    usage >&2
    exit 2
}

ranks=0
file=''
case ${1-} in
-h | --help) usage && exit 0 ;;
-n)
    ranks=${2-}
    [[ $ranks =~ ^[1-9][0-9]{0,3}$ ]] || usage_error "-n ${2-}: not a number of ranks"
    shift 2
    ;;
--hosts)
    file=${2-}
    [ -r "$file" ] || usage_error "--hosts $file: no such file"
    shift 2
    ;;
esac
[[ $# -ge 1 && $1 != -* ]] || usage_error "a configuration is missing; lockstep configs lists some"
config=$1
shift

say() { echo "local.sh: $*" || true; } # nobody has to hear it
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=jobs/launch.sh
source "$project/jobs/launch.sh"
find_lockstep "$project"
prepare_mpi
stop_on_signals
LOCKSTEP_JOB=local-$(uname -n)-$$-$(date +%s) # what this call starts again is a later life of the same job
export LOCKSTEP_JOB

# --- several machines

# read_hosts FILE: into $hosts and $ranks_on, as mpirun reads it
read_hosts() {
    local host rest slots
    while read -r host rest || [ -n "$host" ]; do # the last line may have no end
        case $host in '' | '#'*) continue ;; esac
        [ -n "${ranks_on[$host]-}" ] || hosts+=("$host")
        slots=1
        if [[ " $rest" =~ [[:space:]]slots\ *=\ *([0-9]+) ]]; then slots=${BASH_REMATCH[1]}; fi
        ranks_on[$host]=$((${ranks_on[$host]:-0} + 10#$slots))
    done <"$1"
    [ ${#hosts[@]} -gt 0 ] || usage_error "--hosts $1: no host in it"
}
answers() {
    local placed
    mpirun_on "$1"
    timeout -k 5 30 setsid mpirun -n 1 "${placed[@]}" true
}
start() {
    local placed
    mpirun_on "$(places)" LOCKSTEP_JOB LOCKSTEP_RELAUNCH
    out_of_reach mpirun -n "$(all_ranks)" "${placed[@]}" \
        "$lockstep" train "$config" --threads 1 "$@"
}
if [ -n "$file" ]; then
    read_hosts "$file"
    say "$(all_ranks) ranks on ${hosts[*]}"
    status=0
    on_hosts "$@" || status=$?
    exit $status
fi

# --- this machine
cores=$(usable_cores)
if [ "$ranks" -eq 0 ]; then
    most=$(most_ranks "$config" "$@") # info has said what is wrong with the configuration
    ranks=$((cores < most ? cores : most))
fi
threads=$((cores > ranks ? cores / ranks : 1))

say "$ranks ranks x $threads threads"
status=0
on_this_machine "$ranks" "$threads" "$lockstep" train "$config" --threads "$threads" "$@" || status=$?
exit $status
