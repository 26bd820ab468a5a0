#!/usr/bin/env bash
# One fuzzer for some seconds. Usage: search.sh PROGRAM NAME SECONDS BUILD INPUTS... What it learns stays in
# BUILD/corpus/NAME; an input that did harm in BUILD/found/NAME-*. Fails if there is one.
set -euo pipefail
export LC_ALL=C
program=$1 name=$2 seconds=$3 build=$4
shift 4
corpus=$build/corpus/$name
mkdir -p "$corpus" "$build/found"
inputs=()
for folder; do
    [ ! -d "$folder" ] || inputs+=("$folder")
done
# MPI is not started here, so no library leaks and the short way through the stack will do.
export ASAN_OPTIONS=intercept_tls_get_addr=0
# -rss_limit_mb: memory that a small file may make a reader take; -timeout: seconds for one input
"$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$build/found/$name-" "$corpus" "${inputs[@]}" 2>&1 | grep -vE '^#[0-9]+[[:space:]]+(NEW|REDUCE|pulse)|NEW_FUNC' | grep -v '^lockstep: '
