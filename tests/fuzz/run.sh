#!/usr/bin/env bash
# All fuzzers, one after the other as there are cores.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: tests/fuzz/run.sh [SECONDS [NAME...]]

Builds the fuzzers with clang's libFuzzer and sanitizers (preset fuzz) and lets each search for SECONDS (10 unless told
otherwise), as many side by side as there are cores: with 16 fuzzers on two cores it takes 8 times SECONDS in all.
NAME...: only these. What they learn stays in build/fuzz/tests/fuzz/corpus, and the next call begins there. Each line of
the table at the end is a fuzzer: inputs tried, places in the code that were reached, and inputs that did harm, which
are in build/fuzz/tests/fuzz/found.
Exit status 0 only if there are none.
TEXT
}

seconds=10
case ${1-} in
-h | --help) usage && exit 0 ;;
"") ;;
*[!0-9]*) usage >&2 && exit 2 ;;
*) seconds=$1 && shift ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=build/fuzz
jobs/install-deps.sh --tests --clang
cmake --preset fuzz -DLOCKSTEP_TESTS=ON -DLOCKSTEP_FUZZ_SECONDS="$seconds" >/dev/null
cmake --build --preset fuzz --parallel "$(nproc)" >/dev/null
names=$(IFS='|' && echo "$*")
log=$build/Testing/Temporary/LastTest.log
status=0
ctest --test-dir "$build" -j "$(nproc)" -R "^fuzz/(${names:-.*})\$" --output-on-failure || status=$?
printf '\n%-14s %12s %10s %s\n' fuzzer inputs places harm
awk -v found="$build/tests/fuzz/found" '
    /^[0-9]+\/[0-9]+ Testing: fuzz\// { sub("fuzz/", "", $3); name = $3 }
    / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") places[name] = $(i + 1) }
    /^stat::number_of_executed_units/ { inputs[name] = $2; order[++n] = name }
    END { for (i = 1; i <= n; i++) {
        command = "ls -d " found "/" order[i] "-* 2>/dev/null | wc -l"
        command | getline harm; close(command)
        printf "%-14s %12d %10d %d\n", order[i], inputs[order[i]], places[order[i]], harm } }' "$log"
exit $status
