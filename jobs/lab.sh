#!/usr/bin/env bash
# A lesson in parallel training on one machine: the same run on 1, 2, 4, ... ranks, with exact sums and with plain ones.
# jobs/README.md tells what one sees, with exercises.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<TEXT
Usage: $0 [--steps N] [--out DIR] CONFIG [MAX_RANKS] [OPTION OF lockstep train]...

Trains CONFIG on 1, 2, 4, ... MAX_RANKS ranks of this machine, one thread each, and prints a table: images a second,
speed-up, efficiency, the shares of communication and of wait, and the digest of the weights. Then it does the same with
plain float sums (train.reduce=fp32), and ends with what one saw.
MAX_RANKS is the number of cores unless it is given, at least 2. More ranks than cores take turns: look at the digests
then, not at the speed. Every call measures anew; runs and tables stay in the folder.
  --steps N   optimizer steps of each run (default: 500)
  --out DIR   folder of the runs (default: runs/lab-NAME, NAME being the configuration file's)
Where the configuration's data are missing, the small MNIST set of the tests stands in, if this is a clone of the source; an
installation has no such set, and the message names the command that fetches the data. Ctrl-C ends the lab.
Exit status: 0 done, 1 a run failed or exact sums gave different weights, 2 wrong usage, 75 stopped.
Example: $0 configs/mnist-convnet.yaml 4
TEXT
}

say() { echo "lab.sh: $*" || true; } # nobody has to hear it

usage_error() {
    say "error: $1" >&2
    usage >&2
    exit 2
}

# --- what is asked for -----------------------------------------------------------------------------------

steps=500 folder=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --steps | --out) [ $# -ge 2 ] || usage_error "$1: its value is missing" ;;&
    --steps) steps=$2 && shift 2 ;;
    --out) folder=$2 && shift 2 ;;
    -*) usage_error "unknown option '$1'; options of lockstep train come last" ;;
    *) break ;;
    esac
done
[[ $steps =~ ^[1-9][0-9]{0,8}$ ]] || usage_error "--steps $steps: not a number of steps"
[ $# -ge 1 ] || usage_error "a configuration is missing; lockstep configs lists some"
config=$1
shift
max_ranks=0
if [ $# -gt 0 ] && [[ $1 != -* ]]; then
    [[ $1 =~ ^[1-9][0-9]{0,3}$ ]] || usage_error "$1: not a number of ranks"
    max_ranks=$1
    shift
fi
for option; do
    case $option in # each run has a folder of its own
    --out | --out=* | -o* | --resume | --resume=* | -r*)
        usage_error "$option comes from the lab; --out DIR before CONFIG moves all runs"
        ;;
    esac
done
folder=${folder:-runs/lab-$(basename "$config" .yaml)}

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=jobs/launch.sh
source "$project/jobs/launch.sh"
find_lockstep "$project"
prepare_mpi
# Ranks that take turns must give way: waiting would otherwise cost as much as working.
export OMP_WAIT_POLICY=passive

# --- the data, or a stand-in -----------------------------------------------------------------------------

options=(--set "train.epochs=$steps" --set "train.max_steps=$steps" --set "eval.every_epochs=$steps"
    --set checkpoint.every_epochs=0 "$@")
mkdir -p "$folder"
ready() {
    "$lockstep" train "$config" --dry-run --out "$folder/exact-1" --resume never --threads 1 "${options[@]}" \
        >"$folder/lab.log" 2>&1
}
status=0
ready || status=$?
if [ $status -ne 0 ] && [ -d "$project/tests/golden" ] && grep -q 'ubyte: no such file' "$folder/lab.log"; then
    say "no data where the configuration looks for them: taking the 2,000 images of tests/golden" \
        "($(word "$project/jobs/fetch-data.sh") mnist data/mnist gets all 60,000)"
    options+=(--set "data.dir=$project/tests/golden")
    status=0
    ready || status=$?
fi
if [ $status -ne 0 ]; then
    cat "$folder/lab.log" >&2
    exit $status
fi

# --- how many ranks --------------------------------------------------------------------------------------

cores=$(usable_cores)
busy=$(most_ranks "$config" "${options[@]}")
if [ "$max_ranks" -eq 0 ]; then
    max_ranks=$((cores < busy ? cores : busy))
    if [ "$max_ranks" -lt 2 ]; then max_ranks=2; fi
fi
say "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $cores cores, load" \
    "$(cut -d ' ' -f 1 /proc/loadavg); $steps step$([ "$steps" -eq 1 ] || echo s) of $(basename "$config"), 1 thread a rank; runs in $folder"
if awk -v cores="$cores" '{ exit !($1 > cores / 2) }' /proc/loadavg; then
    say "other programs are at work here: close them, or take the figures of speed for what they are"
fi
if [ "$max_ranks" -gt "$cores" ]; then
    say "more than $cores ranks share cores and take turns: their digests count, their speed does not"
fi
if [ "$max_ranks" -gt "$busy" ]; then
    say "more than $busy ranks find no work: the global batch has no more chunks"
fi

# --- the runs --------------------------------------------------------------------------------------------

# measure SUMS: a run on each number of ranks; the table in $folder/SUMS.txt. The status tells of exact sums whether
# they gave different weights.
measure() {
    local sums=$1 ranks status runs=()
    for ((ranks = 1; ; ranks = ranks * 2 < max_ranks ? ranks * 2 : max_ranks)); do
        local run=$folder/$sums-$ranks
        status=0
        # ranks that wait give the core away where it is shared
        OMPI_MCA_mpi_yield_when_idle=$((ranks > cores)) on_this_machine "$ranks" 1 "$lockstep" train "$config" \
            --threads 1 --out "$run" --resume never --progress never "${options[@]}" --set "train.reduce=$sums" \
            >"$run.log" 2>&1 || status=$?
        if [ $status -ne 0 ]; then
            tail -n 5 "$run.log" >&2
            say "$run ended with $status, output in $run.log" >&2
            exit $status
        fi
        runs+=("$ranks $run/summary.json")
        [ "$ranks" -lt "$max_ranks" ] || break
    done
    printf '%s\n' "${runs[@]}" | scaling_table ranks >"$folder/$sums.txt"
}

stop_on_signals
printf '\nexact sums (train.reduce: exact)\n'
parted=no
measure exact || parted=yes
cat "$folder/exact.txt"
[ $parted = no ] || exit 1
printf '\nplain float sums (train.reduce: fp32)\n'
measure fp32 || parted=yes
sed '$d' "$folder/fp32.txt" # its last line is what the sentences below say

# --- what one saw ----------------------------------------------------------------------------------------

# The row of the most ranks that had a core each: ranks, and speed-up.
read -r ranks times < <(awk -v cores="$cores" '
    /^ *[0-9]/ && (NR == 2 || $1 <= cores) { row = $1 " " $4 }
    END { print row }' "$folder/exact.txt")
printf '\nWith exact sums all runs ended with the same weights, bit for bit'
if [ "$ranks" -gt 1 ]; then printf '; %s ranks trained %s times as fast as one' "$ranks" "$times"; fi
if [ $parted = yes ]; then
    printf '.\nWith float sums the weights parted: '
    printf 'such a sum depends on the order of its terms, which the ranks change.\n'
    say "see where: lockstep diff $(word "$folder/fp32-1") $(word "$folder/fp32-$max_ranks")"
else
    printf '.\nWith float sums the weights did not part this time: so few terms had the same sum in every order.\n'
fi
