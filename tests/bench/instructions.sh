#!/usr/bin/env bash
# A guard against slower kernels that times nothing: instructions that a step of small networks executes, kernel by
# kernel, under callgrind, and the instructions of the AVX-512 kernels' inner loops, which valgrind cannot run. Compared
# with instructions.txt; what is more than 5 % above it fails.
#
# Usage: instructions.sh BUILD_DIR, or to write instructions.txt anew after a change that is meant:
#        tests/bench/instructions.sh --record build/release
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
recorded=$here/instructions.txt
least=10000 # instructions of a kernel in a step: fewer are not recorded

record=no
if [ "${1-}" = --record ]; then record=yes && shift; fi
build=$(cd "$1" && pwd)
program=$build/bin/bench_instructions
objects=$build/src/kernels/CMakeFiles/lks_kernels_avx512.dir
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT

skip() {
    echo "skipped: bench/instructions: $*"
    exit 77
}

for tool in valgrind objdump; do
    command -v $tool >/dev/null || skip "$tool is not installed"
done
made="made $("$program" --build)"
if [ $record = no ] && ! grep -qxF "$made" "$recorded"; then
    skip "recorded with \"$(sed -n 's/^made //p' "$recorded")\", this is \"${made#made }\""
fi

# Lines "ISA NETWORK KERNEL INSTRUCTIONS" of the instruction sets that valgrind knows.
count_calls() {
    local isa network status
    for isa in portable avx2; do
        for network in $("$program"); do
            status=0
            valgrind --tool=callgrind --callgrind-out-file="$work/calls" --compress-strings=no --compress-pos=no \
                --dump-line=no "$program" $isa "$network" >"$work/log" 2>&1 || status=$?
            if [ $status -eq 77 ]; then
                echo "$isa is left out: this machine cannot run it" >&2
                break
            elif [ $status -ne 0 ]; then
                tail -n 20 "$work/log" >&2
                return 1
            fi
            awk -v isa=$isa -f "$here/calls.awk" "$work/calls" | awk -v what="$isa $network" '{ print what, $0 }' | sort
        done
    done
}

# Lines "avx512 KERNEL MULTIPLY-ADDS INSTRUCTIONS STACK" of inner loops.
count_loops() {
    objdump -d --no-show-raw-insn "$objects"/{forward,winograd,wgrad,lists}.c.o | awk -f "$here/loops.awk" | sort -k 2,2 -k 3,3n
}

count_calls >"$work/found"
count_loops >>"$work/found"
[ "$(grep -c '^avx512 ' "$work/found")" -gt 0 ] || { echo "no inner loop found in $objects" && exit 1; }

if [ $record = yes ]; then
    {
        echo "# Instructions that instructions.sh compares with; written by: tests/bench/instructions.sh --record build/release"
        echo "# ISA, network, kernel (what it calls included), instructions in a step;"
        echo "# or avx512, kernel, multiply-adds in an inner loop, most instructions of such a loop, vectors moved on the stack"
        echo "$made"
        awk -v least=$least '$1 == "avx512" || $4 >= least' "$work/found"
    } >"$recorded"
    echo "recorded: $(grep -vc '^#\|^made ' "$recorded") figures in $recorded"
    exit 0
fi

awk -v least=$least '
    /^#|^made / { next }
    { loop = $1 == "avx512"; key = $1 " " $2 " " $3; value = $4; stack = loop ? $5 : 0 }
    NR == FNR { bound[key] = value; spills[key] = stack; next }
    { seen[key] = 1; isas[$1] = 1 }
    !(key in bound) && !loop && value < 2 * least { next }
    !(key in bound) { print "FAILED: " key ": not recorded"; bad++; next }
    {
        checks++
        more = 100 * (value / bound[key] - 1)
        if (more > 5) { printf "FAILED: %s: %d instructions, recorded %d: %+.1f %%\n", key, value, bound[key], more; bad++ }
        if (stack > spills[key]) { printf "FAILED: %s: %d vectors on the stack, recorded %d\n", key, stack, spills[key]; bad++ }
        if (more < -5) { printf "%s: %d instructions, recorded %d: %+.1f %%\n", key, value, bound[key], more; better++ }
    }
    END {
        for (key in bound) {
            split(key, part, " ")
            if ((part[1] in isas) && !(key in seen)) { print "FAILED: " key ": recorded, but not there"; bad++ }
        }
        printf "%d checks, %d failed\n", checks, bad
        if (bad || better) print "where this is meant: tests/bench/instructions.sh --record build/release"
        exit bad > 0 || checks == 0
    }' "$recorded" "$work/found"
