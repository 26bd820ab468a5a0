#!/usr/bin/env bash
# Installs what is missing, builds, runs the test suite through CTest and ends with its counts in one line.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: tests/run.sh [--full] [--preset release|mpich|debug|asan-ubsan|tsan|fuzz|coverage] [OPTION OF ctest]...

Builds build/PRESET (release unless told otherwise) (warnings are errors where CI=true) and runs the tests.
--full tries all combinations of ranks, threads and instruction sets. Without it each instruction set meets some numbers
of ranks and threads, and each of these some sets: tests/README.md tells which.
Examples:  tests/run.sh -L unit                     the tests of one label: unit, mpi, e2e, faults, lint, bench
           tests/run.sh -R digest                   tests by name
           tests/run.sh --preset asan-ubsan -LE e2e
           tests/run.sh --preset tsan               races between threads (clang)
           tests/run.sh --preset fuzz               each fuzzer searches for ten seconds (clang)
The last line is "N passed, N failed, N skipped". Exit status 0 only if no test failed and at least one passed.
TEXT
}

preset=release
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --full) export LOCKSTEP_TEST_FULL=1 && shift ;;
    --preset)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        preset=$2
        shift 2
        ;;
    --preset=*) preset=${1#*=} && shift ;;
    *) break ;;
    esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=build/$preset
junit=$PWD/$build/junit.xml

# The closing line is due also where no test could run.
stopped() {
    echo "tests/run.sh: error: $1" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

packages=(--tests)
case $preset in tsan | fuzz) packages+=(--clang) ;; esac
jobs/install-deps.sh "${packages[@]}" || stopped "packages are missing"
# Warnings are errors in CI only: elsewhere another compiler's new warning should stop nobody, and what the user has
# built already is not built again.
werror=OFF
if [ "${CI-}" = true ]; then werror=ON; fi
# Of a whole build a sixth is make's own work. A folder goes on with what it began with.
generator=()
if [ ! -e "$build/CMakeCache.txt" ] && [ -z "${CMAKE_GENERATOR-}" ] && command -v ninja >/dev/null; then
    generator=(-G Ninja)
fi
cmake --preset "$preset" "${generator[@]}" -DLOCKSTEP_WERROR=$werror -DLOCKSTEP_TESTS=ON ||
    stopped "configuring $build failed"
cmake --build --preset "$preset" --parallel "$(nproc)" || stopped "building $build failed"

# Sanitizers: leaks of the MPI library itself are listed in lsan.supp; to recognise them the whole stack is needed. Not
# detect_stack_use_after_return: GCC 12 does not align its stack for vectors of 64 bytes (GCC bug 110027). Not
# intercept_tls_get_addr: where a loaded plug-in's thread-local block happens to begin 16 bytes into a page, it is taken
# for one of an old glibc, and the search for leaks reads at a wild address and dies.
# What the caller sets is added, and wins.
ASAN_OPTIONS=fast_unwind_on_malloc=0:strict_string_checks=1:intercept_tls_get_addr=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
export LSAN_OPTIONS=${LSAN_OPTIONS-"suppressions='$PWD/tests/support/lsan.supp':print_suppressions=0"}
export UBSAN_OPTIONS=${UBSAN_OPTIONS-"print_stacktrace=1"}
# Under them a run takes many times as long, and each rank looks for leaks when it ends.
if [ "$preset" = asan-ubsan ]; then
    export LOCKSTEP_TEST_SECONDS=${LOCKSTEP_TEST_SECONDS-60}
fi
# The thread sanitizer learns from archer, which comes with clang's OpenMP, what OpenMP's barriers order. Libraries that
# were built without it, like MPI's, are taken as they are.
if [ "$preset" = tsan ]; then
    export OMP_TOOL_LIBRARIES=${OMP_TOOL_LIBRARIES-$(dirname "$(readlink -f "$(command -v clang)")")/../lib/libarcher.so}
    export KMP_BLOCKTIME=${KMP_BLOCKTIME-0} # threads of clang that wait sleep
    export TSAN_OPTIONS=${TSAN_OPTIONS-"ignore_noninstrumented_modules=1:suppressions='$PWD/tests/support/tsan.supp'"}
fi

rm -f "$junit"
[ -n "${LOCKSTEP_TEST_FULL-}" ] || echo "tests/run.sh: tests in their shorter form; --full tries all combinations"
status=0
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" --output-junit "$junit" "$@" </dev/null || status=$?

# CTest's report: status is "run", "fail", "disabled" or "notrun". A skipping test and one whose program is missing are
# both "notrun"; the message tells them apart.
count() { if [ -e "$junit" ]; then grep -c "$1" "$junit" || true; else echo 0; fi; }
passed=$(count '<testcase .*status="run"')
skipped=$(($(count '<skipped message="SKIP_') + $(count '<testcase .*status="disabled"')))
failed=$(($(count '<testcase ') - passed - skipped))
if [ $status -ne 0 ] && [ $failed -eq 0 ]; then
    failed=1 # CTest itself failed
fi
[ $skipped -eq 0 ] || sed -n 's/.*\(skipped: .*\)/\1/p' "$junit"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ "$passed" -gt 0 ]
