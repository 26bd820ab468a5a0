#!/usr/bin/env bash
# --init-from: a new run starts from the weights of a checkpoint, whatever the number of ranks, and says where it
# started; what does not fit is refused by name and shapes.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5dump

config=$here/finetune.yaml
trained base 2 --threads 1
base=$work/base/checkpoints/last.h5
same "a run of its own started from nothing" null "$(key base init_from)"

# value CHECKPOINT DATASET: the bits of a tensor (equal text would do for most numbers, not for all)
value() {
    h5dump -d "$2" -b LE -o "$work/value" "$1" >/dev/null 2>&1 || echo "no $2 in $1"
    sha256sum <"$work/value"
}

# --- all layers frozen but the last: they stay as loaded, running moments too
frozen=(--init-from "$base" --set model.conv1.trainable=false --set model.bn1.trainable=false
    --set model.conv2.trainable=false)
trained frozen 2 --threads 1 "${frozen[@]}" --set seed=6
for tensor in conv1/weight bn1/weight bn1/bias bn1/running_mean bn1/running_var conv2/weight conv2/bias; do
    same "$tensor is as in the checkpoint" "$(value "$base" "/model/$tensor")" \
        "$(value "$work/frozen/checkpoints/last.h5" "/model/$tensor")"
done
check "the last layer was trained" [ "$(value "$base" /model/dense1/weight)" != \
    "$(value "$work/frozen/checkpoints/last.h5" /model/dense1/weight)" ]
check "the start is in the log" grep -q "started    from $base: 9 of 9 tensors" "$work/frozen.log"

# --- origin, in the summary and in the checkpoint
same "path in the summary" "$base" "$(key frozen init_from.path)"
same "digest in the summary" "$(key base weights_sha256)" "$(key frozen init_from.weights_sha256)"
check "digest in the checkpoint" grep -q "$(key base weights_sha256)" \
    <<<"$(h5dump -a /provenance/init_from_sha256 "$work/frozen/checkpoints/last.h5")"
check "info tells it" grep -qF "started from   $base (model)" \
    <<<"$("$LOCKSTEP" info "$work/frozen/checkpoints/last.h5")"

# --- the same bits on any number of ranks, and over a stop; step and history start afresh
tuned=(--init-from "$base" --set train.epochs=2)
trained tuned1 1 --threads 2 "${tuned[@]}"
trained tuned3 3 --threads 1 "${tuned[@]}"
same "one rank and three" "$(result tuned1)" "$(result tuned3)"
same "steps count from 0" 64 "$(key tuned1 steps)"
same "epochs count from 1" '[1,2]' \
    "$(jq -s -c '[.[] | select(.type == "epoch") | .epoch]' "$work/tuned1/metrics.jsonl")"
trained plain 1 --threads 2 --set train.epochs=2
check "other weights than without it" [ "$(key plain weights_sha256)" != "$(key tuned1 weights_sha256)" ]
trained parts 2 --threads 1 "${tuned[@]}" --set train.max_steps=40
trained parts 1 --threads 1 "${tuned[@]}"
same "stopped and gone on" "$(result tuned1)" "$(result parts)"
check "gone on: --init-from is ignored, and that is said" grep -q -- '--init-from .* is ignored' "$work/parts.log"
same "gone on: the origin is kept" "$(key base weights_sha256)" "$(key parts init_from.weights_sha256)"

# --- other classes: the last layer starts fresh, the others do not
classes=(--set data.classes=12 --set model.dense1.units=12 --set model.dense1.trainable=false --set train.max_steps=1)
trained fresh 1 --threads 1 "${classes[@]}"
trained head 2 --threads 1 "${classes[@]}" --init-from "$base" --set model.conv1.trainable=false
check "the fresh layer is named with both shapes" \
    grep -qE 'layer dense1 keeps fresh initial weights: dense1/weight is [0-9]+ x 12 here and [0-9]+ x 10 in' "$work/head.log"
same "the last layer has the weights of a new run" "$(value "$work/fresh/checkpoints/last.h5" /model/dense1/weight)" \
    "$(value "$work/head/checkpoints/last.h5" /model/dense1/weight)"
same "the first layer has those of the checkpoint" "$(value "$base" /model/conv1/weight)" \
    "$(value "$work/head/checkpoints/last.h5" /model/conv1/weight)"

# --- what is refused: one message on all ranks, status 1
refused() { # refused WHAT PATTERN ARGUMENT...
    local what=$1 pattern=$2 status=0
    shift 2
    train other 2 --threads 1 "$@" || status=$?
    same "$what: status" 1 $status
    same "$what: one error" 1 "$(grep -c 'lockstep: error:' "$work/other.log" || true)"
    check "$what: says why" grep -qE "$pattern" "$work/other.log"
    $ok || show "$work/other.log"
    same "$what: no checkpoint" "" "$(find "$work/other" -name '*.h5' 2>/dev/null)"
    rm -rf "$work/other"
}
refused "another shape" 'conv2/weight is 3 x 3 x 6 x 9 here and 3 x 3 x 6 x 8 in' --init-from "$base" --set model.conv2.filters=9
refused "a tensor that is not there" 'norm/weight \(6\) is not in' --init-from "$base" --set model.bn1.name=norm
sed 's/name: adam/name: sgd/; s/conv2d: {filters: 6/conv2d: {name: first, filters: 6/; s/conv2d: {filters: 8/conv2d: {name: second, filters: 8/; s/dense: 10/dense: {units: 10, name: third}/; s/- batchnorm/- batchnorm: {name: norm}/' \
    "$config" >"$work/renamed.yaml"
config=$work/renamed.yaml refused "nothing in common" 'none of its tensors' --init-from "$base"
refused "a missing checkpoint" 'nowhere\.h5' --init-from "$work/nowhere.h5"
refused "something else than a checkpoint" 'history\.h5' --init-from "$work/base/history.h5"
finish
