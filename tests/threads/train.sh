#!/usr/bin/env bash
# Training, its threads beside the main one, evaluation and prediction under the thread sanitizer: no race.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/../e2e/lib.sh"

# quiet WHAT COMMAND...: ends with 0, and the sanitizer has nothing to report
quiet() {
    local what=$1 status=0
    shift
    "$@" >"$work/log" 2>&1 </dev/null || status=$?
    same "$what: status" 0 $status
    same "$what: races" 0 "$(grep -c 'WARNING: ThreadSanitizer' "$work/log" || true)"
    [ "$failures" -eq 0 ] || sed -n '/WARNING: ThreadSanitizer/,/^SUMMARY/p' "$work/log" | head -n 60
}
training=(train "$here/layers.yaml" --set "data.dir=$golden" --progress never --set checkpoint.every_steps=2 --set train.max_steps=12)

quiet "one rank, three threads" launch 1 "${training[@]}" --threads 3 --out "$work/one" --trace "$work/trace.json"
quiet "two ranks, two threads" launch 2 "${training[@]}" --threads 2 --out "$work/two"
quiet "going on" launch 1 "${training[@]}" --threads 2 --out "$work/two" --set train.max_steps=16
quiet "eval" launch 2 eval "$work/one" --threads 2
quiet "predict" launch 1 predict "$work/one" "$golden/t10k-images-idx3-ubyte.gz" --threads 3
quiet "bench" launch 1 bench "$here/odd.yaml" --data "$golden" --threads 3 --steps 3 --rounds 1
finish
