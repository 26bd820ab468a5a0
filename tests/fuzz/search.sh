#!/usr/bin/env bash
# One fuzzer for some seconds. Usage: search.sh PROGRAM NAME SECONDS BUILD INPUTS... It begins with all inputs, and with
# what former searches learnt: corpora/NAME.tar.gz (keep.sh), which is unpacked into BUILD/corpus/NAME. What it learns
# stays there; an input that did harm in BUILD/found/NAME-*. Fails if there is one.
set -euo pipefail
export LC_ALL=C
program=$1 name=$2 seconds=$3 build=$4
shift 4
corpus=$build/corpus/$name
former=${BASH_SOURCE[0]%/*}/corpora/$name.tar.gz
mkdir -p "$build/found"
if [ ! -d "$corpus" ]; then
    mkdir -p "$corpus"
    [ ! -e "$former" ] || tar -xzf "$former" -C "$corpus"
fi
inputs=()
for folder; do
    [ ! -d "$folder" ] || inputs+=("$folder")
done
# MPI is not started here, so no library leaks and the short way through the stack will do. Freed memory that is kept to
# notice its use counts as memory: a little will do.
export ASAN_OPTIONS=intercept_tls_get_addr=0:quarantine_size_mb=32
export LSAN_OPTIONS="suppressions='${BASH_SOURCE[0]%/*}/lsan.supp':print_suppressions=0"
# -timeout: seconds for one input. -malloc_limit_mb, -rss_limit_mb: memory that a small file may make a reader take, at
# once and in all; the fuzzer itself has its share in the latter.
"$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -malloc_limit_mb=256 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="$build/found/$name-" "$corpus" "${inputs[@]}" 2>&1 |
    grep -vE -e '^#[0-9]+[[:space:]]+(NEW|REDUCE|pulse)|NEW_FUNC' -e '^(lockstep: |`lockstep )'
