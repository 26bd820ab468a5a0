#!/usr/bin/env bash
# Training, its threads beside the main one, evaluation, prediction and replay under the thread sanitizer: no race.
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
# A run of the program that another compiler built, where it was built, has the bits of this one.
program=$LOCKSTEP other=$SOURCE/build/release/bin/lockstep
for precision in float32 bf16; do
    [ -x "$other" ] || continue
    LOCKSTEP=$other
    quiet "another compiler, $precision" launch 2 "${training[@]}" --threads 1 --out "$work/$precision" --set "train.precision=$precision"
    LOCKSTEP=$program
    quiet "replay of it" launch 1 replay "$work/$precision" --threads 2
    check "it is verified" grep -q '^verified:  steps 1 to 12 of 12 .* on 1 rank x 2 threads, .*, Clang' "$work/log"
done
quiet "bench" launch 1 bench "$here/odd.yaml" --data "$golden" --threads 3 --steps 3 --rounds 1
finish
