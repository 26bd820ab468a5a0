#!/usr/bin/env bash
# From a fresh clone to a trained network: install what is missing, build, fetch MNIST, train on all local cores,
# print the test accuracy. Run again it reuses what is there.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<TEXT
Usage: $0 [OPTION OF lockstep train]...

Installs what is missing, builds build/release, fetches MNIST to data/mnist, trains configs/mnist-half-minute.yaml with
mpirun on all local cores, and prints the test accuracy and the run folder. Every step reuses what is there.
Arguments go to \`lockstep train\`, for example: --set seed=2 --out runs/seed2
TEXT
}

case ${1-} in
-h | --help) usage && exit 0 ;;
esac

called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
logs=build/quickstart
mkdir -p "$logs"

say() { echo "quickstart: $*"; }

fail() { # fail STEP LOG: the first error in the log is the cause; a line that ends in ":" goes on in the next
    local cause
    cause=$(awk 'tolower($0) ~ /error/ || more { sub(/^ +/, ""); printf "%s%s", more, $0; more = " "; if (/[^:]$/) exit }' "$2")
    echo "quickstart: error: $1 failed, log in $PWD/$2: ${cause:-$(grep -m 1 '[[:alnum:]]' "$2" || true)}" >&2
    exit 1
}

step() { # step NAME LINE COMMAND...: one line for the reader, everything else in the log
    local name=$1 log=$logs/$1.log
    say "$2"
    shift 2
    "$@" >"$log" 2>&1 || fail "$name" "$log"
}

# --- where the run goes: the last --out wins, relative to where the caller stands
run=runs/mnist-half-minute
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --out=*) set -- --out "${1#--out=}" "${@:2}" ;;
    -o?*) set -- --out "${1#-o}" "${@:2}" ;;
    -o) set -- --out "${@:2}" ;;
    esac
    if [ "$1" = --out ] && [ $# -ge 2 ]; then
        case $2 in
        /*) run=$2 ;;
        *) run=$called_from/$2 ;;
        esac
        shift 2
    else
        arguments+=("$1")
        shift
    fi
done

build() {
    # A tree that is configured, with tests or without, stays as it is.
    if [ ! -e build/release/Makefile ] && [ ! -e build/release/build.ninja ]; then
        cmake --preset release -DLOCKSTEP_TESTS=OFF || return 1
    fi
    # the man pages as well: cmake --install wants them
    cmake --build --preset release --target lockstep man --parallel "$(nproc)"
}

started=$SECONDS
if [ -z "$(jobs/install-deps.sh --list)" ]; then
    say "1/4 packages: nothing is missing"
else
    step packages "1/4 packages: installing $(jobs/install-deps.sh --list | tr '\n' ' ')" jobs/install-deps.sh
fi
step build "2/4 build: build/release/bin/lockstep" build
step data "3/4 data: MNIST in data/mnist" jobs/fetch-data.sh mnist data/mnist

say "4/4 training: configs/mnist-half-minute.yaml, run folder $run"
status=0
# Output stays on the caller's terminal, for the progress bar; messages are kept as well.
exec 3> >(tee "$logs/training.log" >&2)
tee=$!
PATH=$PWD/build/release/bin:$PATH jobs/local.sh configs/mnist-half-minute.yaml --out "$run" "${arguments[@]}" 2>&3 || status=$?
exec 3>&-
wait $tee || true
# Where a second Ctrl-C ended mpirun, its own status hides that of the program.
if [ $status -eq 75 ] || grep -q 'stopped at step' "$logs/training.log"; then
    say "stopped early, checkpoint saved in $run; the same command goes on from there"
    exit 75
fi
if [ $status -eq 2 ]; then exit 2; fi # the program has said what is wrong with the arguments
[ $status -eq 0 ] || fail training "$logs/training.log"

accuracy=$(sed -n 's/.*"test_accuracy": *\([0-9.eE+-]*\).*/\1/p' "$run/summary.json")
if [ -z "$accuracy" ]; then
    echo "error: no test_accuracy in $run/summary.json" >"$logs/result.log"
    fail result "$logs/result.log"
fi
accuracy=$(awk -v share="$accuracy" 'BEGIN { printf "%.2f %%", 100 * share }')
say "test accuracy $accuracy, run folder $run, $((SECONDS - started)) s in all"
if [ -e "$run/report.html" ]; then say "curves, errors, and more to look at: open $run/report.html in a browser"; fi
