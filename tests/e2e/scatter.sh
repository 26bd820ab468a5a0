#!/usr/bin/env bash
# Ranks that each sum and update a share of the weights (train.exchange: scatter) compute the bits that replicas compute.
# e2e/exchange has that of every optimizer.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
scatter=(--set train.exchange=scatter)

# --- wide layers, products in bfloat16, frozen layers, audits; plain sums go that way, too
config=$here/odd.yaml
wide=(--set train.max_steps=5 --set model.dense1.units=601 --set model.conv1.trainable=false)
trained replicas 1 --threads 2 "${wide[@]}" --set train.precision=bf16
trained shares 3 --threads 1 "${wide[@]}" --set train.precision=bf16 "${scatter[@]}" --set train.audit=0.5
same "bf16, frozen, audited" "$(result replicas)" "$(result shares)"
trained plain 2 --threads 1 "${wide[@]}" --set train.reduce=fp32
trained plain-shares 2 --threads 1 "${wide[@]}" --set train.reduce=fp32 "${scatter[@]}"
same "plain sums of two ranks" "$(key plain weights_sha256)" "$(key plain-shares weights_sha256)"
config=$here/untuned.yaml

# --- said at the start, in the summary and in the forecast of memory
trained whole 1 --threads 1
trained parts 3 --threads 1 "${scatter[@]}" --set train.max_steps=14
same "scatter is told by the summary" scatter "$(key parts exchange)"
check "and at the start" grep -Eq '^exchange   scatter: .* at most [0-9.]+ % of them' "$work/parts.log"
train forecast 2 --threads 1 --dry-run "${scatter[@]}"
check "its memory is forecast" grep -Eq '^  shares of sums and weights +[0-9.]+ +0\.0*[1-9]' "$work/forecast.log"

# --- checkpoints within an epoch, by steps and by the clock, have the states of all ranks: other ways go on from them
trained parts 2 --threads 1 "${scatter[@]}" --set train.max_steps=20 --set checkpoint.every_steps=3 --set checkpoint.keep=0
find "$work/parts/checkpoints" -name 'step-*18.h5' -exec cp {} "$work/within.h5" \;
trained parts 1 --threads 2 --set train.exchange=host --set train.max_steps=30
trained parts 4 --threads 1 "${scatter[@]}" --set checkpoint.every_seconds=0.01
same "resumed with other exchanges" "$(result whole)" "$(result parts)"
trained back 1 --threads 1 --resume "$work/within.h5"
same "from a checkpoint in the midst of an epoch" "$(result whole)" "$(result back)"

# --- a run is checked by ranks that have shares
status=0
launch 2 replay "$work/parts" --threads 1 "${scatter[@]}" >"$work/replay.log" 2>&1 || status=$?
same "replay: ends with 0" 0 $status
check "replay: verified, checkpoints within an epoch too" grep -q '^verified' "$work/replay.log"

# --- a start from other weights, and a test of the best ones
tuned=(--init-from "$work/whole" --set train.max_steps=8 --set eval.test_weights=best)
trained tuned 1 --threads 1 "${tuned[@]}"
trained tuned-shares 3 --threads 1 "${tuned[@]}" "${scatter[@]}"
same "fine-tuned" "$(result tuned)" "$(result tuned-shares)"

# --- bench tells the digest of whole states
status=0
"$MPIEXEC" -n 2 "$LOCKSTEP" bench "$config" --data "$golden" --steps 2 --rounds 1 --threads 1 "${scatter[@]}" --format json >"$work/bench" 2>"$work/bench.log" </dev/null || status=$?
same "bench ends with 0" 0 $status
same "bench names it" scatter "$(jq -r .exchange "$work/bench")"

# --- sums are not packed
status=0
train refused 2 --threads 1 "${scatter[@]}" --set train.packing=always || status=$?
same "packing: always is refused with 2" 2 $status
check "and why is said" grep -q 'train.packing: always needs another train.exchange than scatter' "$work/refused.log"

# --- a loss that is not finite ends the job with one message
status=0
train failed 3 --threads 1 "${scatter[@]}" --set train.optimizer.name=sgd --set train.optimizer.lr=1e30 || status=$?
same "an infinite loss ends with 1" 1 $status
same "an infinite loss: one message" 1 "$(grep -c 'lockstep: error:' "$work/failed.log")"
finish
