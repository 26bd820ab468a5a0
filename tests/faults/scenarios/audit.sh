# shellcheck shell=bash
# a bit of what one chunk adds to a gradient flips before the sum: train.audit names step, layer, chunk and rank

# network.yaml has 17 batches of 6 chunks an epoch; the last one is shorter, and not every rank has as many of it.
readonly chunks=6 batches=17 layers=(conv1 bn1 dense1)
wrong=$(readlink -f "$build/bin/lockstep_wrong" || true) right=$program

prepare() {
    [ -x "$wrong" ] || skip "there is no lockstep_wrong; build with -DLOCKSTEP_TESTS=ON"
    extra=(--set train.audit=1 --set model.conv1.trainable=true)
    reference=audit-whole
    in_trial $reference 0 undisturbed
    found=0 lives=0
}
remark() { echo "   $found found; $lives lives without a flip, each batch audited"; }

try() {
    local ranks rank when=train step layer own number bit
    pick 3 && ranks=$((REPLY + 1))
    pick "$ranks" && rank=$REPLY
    pick 4 && [ "$REPLY" -gt 0 ] || when=audit
    pick 3 && step=$((REPLY * batches))
    pick $((batches - 1)) && step=$((step + REPLY + 1))
    pick ${#layers[@]} && layer=${layers[$REPLY]}
    pick $((chunks / ranks)) && own=$REPLY
    pick 1000 && number=$REPLY
    pick 12 && bit=$((18 + REPLY))
    program=$wrong
    WRONG_AT=$when:$rank:$step:$layer:$own:$number:$bit life "$ranks"
    program=$right
    check_message
    settle
    judge
    lives=$((lives + 1))
}

# Whose chunk it is says who went wrong: the rank itself, or the one that it audits.
check_message() {
    local told text wanted owner=$rank
    grep -q '^WRONG' "$trial/log" || fail "$layer of rank $rank at step $step: nothing flipped"
    [ "$status" -eq 76 ] || fail "$layer of rank $rank at step $step: a bit flipped, and the life ends with $status"
    told=$(tail -n 1 "$trial/run/faults.jsonl" 2>/dev/null || true)
    text=$(jq -r '.text' <<<"$told" 2>/dev/null || true)
    if [ "$when" = audit ]; then owner=$(sed -nE 's/.* not the same on rank ([0-9]+) .*/\1/p' <<<"$text"); fi
    wanted="step $step: audit: what chunk $((owner * chunks / ranks + own)) of the batch adds to the gradient of layer '$layer' is not"
    case $text in
    "$wanted"*) ;;
    *) fail "it says '$text', not '$wanted'" ;;
    esac
    [ "$(jq -r '"\(.kind) \(.rank)"' <<<"$told")" = "audit $rank" ] || fail "faults.jsonl says $told, and it was rank $rank"
    check_checkpoints
    [ -s "$trial/verdict" ] || found=$((found + 1))
}

# None was made of the step's gradient.
check_checkpoints() {
    local file
    for file in "$trial"/run/checkpoints/step-*.h5; do
        [ -e "$file" ] || continue
        file=${file##*/step-}
        [ $((10#${file%.h5})) -lt "$step" ] || fail "there is a checkpoint of step ${file%.h5}, and the flip came at $step"
    done
}
