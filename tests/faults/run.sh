#!/usr/bin/env bash
# Trains a small network again and again with a fault in each run, and compares what comes out with the undisturbed run.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<TEXT
Usage: tests/faults/run.sh [--trials N|all] [--seed S] [--build DIR] [--keep DIR] [SCENARIO]...

Prints a line for each scenario: trials, how many were survived, seconds. Trial i (from 0) takes the seed S + i, from which
all that is random in it follows. A trial that fails prints its seed, and the command that repeats it, and its folder stays.
  --trials N   trials of each scenario (10); all: of a scenario that can count its faults each of them, of others 10
  --seed S     the first trial's seed (1)
  --build DIR  where the program was built, with tests (build/release)
  --keep DIR   where trials have their folders (a new folder below TMPDIR, /tmp)
Scenarios, all unless named:
TEXT
    for file in "$here"/scenarios/*.sh; do
        printf '  %-9s %s\n' "$(basename "$file" .sh)" "$(sed -n '2s/^# //p' "$file")"
    done
}

trials=10 first_seed=1 build=$here/../../build/release work='' scenarios=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --trials | --seed | --build | --keep)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        case $1 in
        --trials) trials=$2 ;;
        --seed) first_seed=$2 ;;
        --build) build=$2 ;;
        --keep) work=$2 ;;
        esac
        shift 2
        ;;
    -*) usage >&2 && exit 2 ;;
    *)
        [ -e "$here/scenarios/$1.sh" ] || { echo "run.sh: error: no scenario $1" >&2 && usage >&2 && exit 2; }
        scenarios+=("$1") && shift
        ;;
    esac
done
# The suite's short form is longer in tests/run.sh --full.
if [ -n "${LOCKSTEP_TEST_FULL-}" ] && [ "$trials" != all ]; then trials=$((trials * 10)); fi
[[ $trials =~ ^([0-9]+|all)$ && $first_seed =~ ^[0-9]+$ ]] || { usage >&2 && exit 2; }
[ ${#scenarios[@]} -gt 0 ] || mapfile -t scenarios < <(basename -a -s .sh "$here"/scenarios/*.sh)

program=$(readlink -f "$build/bin/lockstep" || true) shim=$(readlink -f "$build/tests/faults/libfault_shim.so" || true)
mpiexec=$(command -v mpirun || true) network=$here/network.yaml images=$here/../golden
for file in "$program" "$shim" "$mpiexec"; do
    [ -e "$file" ] || { echo "skipped: no program, shim or mpirun; build with -DLOCKSTEP_TESTS=ON" && exit 77; }
done
for tool in jq h5dump pgrep setsid timeout /usr/bin/python3; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
if [ -n "$work" ]; then mkdir -p "$work"; else work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-faults-XXXXXX"); fi
work=$(readlink -f "$work")
# shellcheck source=tests/faults/lib.sh
source "$here/lib.sh"

# in_trial NAME SEED COMMAND...: a trial from its empty folder to the verdict
in_trial() {
    trial=$work/$1 seed=$2
    shift 2
    rm -rf "$trial"
    mkdir -p "$trial"
    RANDOM=$seed
    "$@"
    [ -d "$trial" ] && [ ! -s "$trial/verdict" ]
}

undisturbed() {
    life 1
    [ "$status" -eq 0 ] || { cat "$trial/log" && echo "run.sh: error: the undisturbed run ends with $status" && exit 1; }
    portrait "$trial" >"$trial/portrait"
}

# In a shell of its own: a scenario's functions end with it.
run_scenario() {
    local n=$trials survived=0 started=$SECONDS i
    # shellcheck source=/dev/null
    source "$here/scenarios/$scenario.sh"
    prepare
    if [ "$n" = all ]; then n=$(count_all); fi
    trap 'n=$((i + 1))' INT TERM # the present trial is the last one, and the line tells how many there were
    for ((i = 0; i < n; i++)); do
        if in_trial "$scenario-$((first_seed + i))" $((first_seed + i)) try; then
            survived=$((survived + 1))
            rm -rf "${trial:?}"
        else
            echo "FAILED: $scenario, seed $seed: $(head -n 1 "$trial/verdict")"
            echo "    again: tests/faults/run.sh --trials 1 --seed $seed $scenario    folder: $trial"
        fi
    done
    printf '%-9s %5d trials %5d survived %6d s%s\n' "$scenario" "$n" "$survived" $((SECONDS - started)) "$(remark)"
    [ "$survived" -eq "$n" ]
}

# What a scenario may have to say for itself: what it needs, how many trials are all, a remark on its line.
prepare() { :; }
count_all() { echo 10; }
remark() { :; }

in_trial whole 0 undisturbed
failed=0 skipped=0
for scenario in "${scenarios[@]}"; do
    result=0
    (run_scenario) || result=$?
    case $result in
    0) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)) ;;
    esac
done
# What failed stays to be looked at.
[ $failed -eq 0 ] || exit 1
rm -rf "$work"
[ $skipped -lt ${#scenarios[@]} ] || exit 77
