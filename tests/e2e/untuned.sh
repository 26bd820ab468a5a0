#!/usr/bin/env bash
# A network with everything in it that nobody tuned: one digest on all numbers of ranks and threads and all instruction
# sets, over stops and resumes; averaged weights and the best ones are what is evaluated.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
config=$here/untuned.yaml

results() { # all of result, and what validation decided
    jq -c '[.weights_sha256, .state_sha256, .steps, .test_correct, .test_loss, .validation_loss]' "$work/$1/summary.json"
}

trained reference 1 --threads 1
wanted=$(results reference)
echo "reference: $wanted"
same "1,801 images, 37 batches, 13 steps an epoch" 39 "$(key reference steps)"
rates=$(jq -s -c '[.[] | select(.type == "epoch") | .lr]' "$work/reference/metrics.jsonl")
check "the rate was reduced by what validation showed: $rates" jq -e '.[2] < .[0]' <<<"$rates" >/dev/null
check "gradients were longer than what is allowed" \
    jq -s -e 'any(.[]; .type == "step" and .gradient_norm > 0.5)' "$work/reference/metrics.jsonl" >/dev/null

shapes="1x2 2x1 3x2 5x1"
[ -z "$full" ] || shapes="1x2 2x1 2x2 3x1 3x2 5x1 5x2"
for shape in $shapes; do
    trained run "${shape%x*}" --threads "${shape#*x}"
    same "$shape ranks x threads" "$wanted" "$(results run)"
    rm -rf "$work/run"
done

short=(--set train.max_steps=3) # the portable kernels are too slow for more
trained begun 1 --threads 1 "${short[@]}"
turn=0
for isa in $(isas); do
    turn=$((turn + 1))
    ranks_here=$((1 + 2 * (turn % 2))) # in turn one and three; in the full form both
    [ -z "$full" ] || ranks_here="1 3"
    for ranks in $ranks_here; do
        LOCKSTEP_ISA=$isa trained run "$ranks" --threads 2 "${short[@]}"
        same "$isa, $ranks ranks x 2 threads" "$(results begun)" "$(results run)"
        rm -rf "$work/run"
    done
done

stops=(1 12 13 14 30 0) # around the end of an epoch, and anywhere
ranks=(2 1 5 3 2 1)
for i in "${!stops[@]}"; do
    trained parts "${ranks[i]}" --threads $((2 - i % 2)) --set "train.max_steps=${stops[i]}"
done
same "five stops, resumed on other numbers of ranks" "$wanted" "$(results parts)"

# --- averaged weights
same "the average is what is evaluated" average "$(key reference evaluated)"
accuracy() { sed -n 's/^test[^0-9]*\([0-9.]*\) %.*/\1/p' "$1" | head -n 1; }
percent() { awk -v a="$(key "$1" test_accuracy)" 'BEGIN { printf "%.2f", 100 * a }'; }
launch 2 eval "$work/reference/checkpoints/last.h5" --data "$golden" >"$work/eval" 2>&1 || show "$work/eval"
same "eval takes the average too" "$(percent reference)" "$(accuracy "$work/eval")"
trained plain 1 --threads 1 --set train.ema.decay=0 --set train.schedule.name=constant
trained averaged 1 --threads 1 --set train.schedule.name=constant
same "averaging changes no weight" "$(key plain weights_sha256)" "$(key averaged weights_sha256)"
check "but what is evaluated" [ "$(key plain test_loss)" != "$(key averaged test_loss)" ]
check "and the state" [ "$(key plain state_sha256)" != "$(key averaged state_sha256)" ]

# --- test figures of the best weights
trained best 3 --threads 1 --set eval.test_weights=best --set train.optimizer.lr=0.1
step=$(key best test_step)
check "the best weights here are not the last ones" [ "$step" -lt "$(key best steps)" ]
same "best.h5 is of that step" "$(printf 'step-%08d.h5' "$step")" "$(readlink "$work/best/checkpoints/best.h5")"
launch 1 eval "$work/best/checkpoints/best.h5" --data "$golden" >"$work/eval" 2>&1 || show "$work/eval"
same "and its figures are the run's" "$(percent best)" "$(accuracy "$work/eval")"
# All that stands beside them is of the same weights: here the average, as best.h5 holds it.
"$LOCKSTEP" info "$work/best/checkpoints/best.h5" >"$work/info" 2>&1 || show "$work/info"
digest=$(awk '$1 == "average" { print $2 }' "$work/info")
check "info tells the digest of the average" grep -qxE '[0-9a-f]{64}' <<<"$digest"
same "its digest" "$digest" "$(key best test_weights_sha256)"
line=$(jq -c "select(.type == \"epoch\" and .step == $step) | [.epoch, .validation_accuracy, .validation_loss]" "$work/best/metrics.jsonl")
same "their validation, and after which epoch" "$line" \
    "$(jq -c '[.test_epoch, .test_validation_accuracy, .test_validation_loss]' "$work/best/summary.json")"
check "the last weights' validation is another" [ "$(key best validation_loss)" != "$(key best test_validation_loss)" ]
same "the test's line in metrics.jsonl" "[$step,\"best\",\"average\",\"$digest\",$(key best test_accuracy)]" \
    "$(jq -c 'select(.type == "test") | [.step, .weights, .evaluated, .weights_sha256, .test_accuracy]' "$work/best/metrics.jsonl")"
page=$work/best/report.html
check "the report's headline has them, too" eval 'sed -n "/id=\"headline\"/,/<.section>/p" "$page" | grep -q "<code>$digest</code>"'
same "and not the last ones'" 0 "$(sed -n '/id="headline"/,/<.section>/p' "$page" | grep -c "$(key best weights_sha256)" || true)"
headline() { sed -n '/id="headline"/,/<.section>/p' "$1" | sed -e 's/ data-key="[a-z_]*"//' -e '/Not all of the run folder/d'; }
cp -r "$work/best" "$work/older" # of a version that did not tell them
jq 'del(.sha256, .test_weights_sha256, .test_epoch, .test_validation_accuracy, .test_validation_loss)' "$work/best/summary.json" \
    >"$work/older/summary.json"
"$LOCKSTEP" report "$work/older" >"$work/older.log" 2>&1 || show "$work/older.log"
check "a summary that does not vouch for itself: said" grep -q 'older/summary.json has no SHA-256 of itself' "$work/older.log"
same "an older summary: the checkpoint tells" "$(headline "$page")" \
    "$(headline "$work/older/report.html")"
"$LOCKSTEP" info "$work/best" >"$work/info" 2>&1 || show "$work/info"
check "info of the run tells of which weights" grep -qE "^tested +best averaged weights, step $step, .*: $digest\$" "$work/info"
check "train says so at its end" grep -qE "^tested +$digest \\(best by validation, averaged, step $step\\)\$" "$work/best.log"
trained last 1 --threads 1 --set train.optimizer.lr=0.1
same "the last weights stay what a resume goes on from" "$(key last state_sha256)" "$(key best state_sha256)"
check "the two tests differ" [ "$(key last test_loss)" != "$(key best test_loss)" ]
trained cut 1 --threads 1 --set eval.test_weights=best --set train.max_steps=20
rm "$work/cut/checkpoints/$(readlink "$work/cut/checkpoints/best.h5")"
status=0
train cut 2 --threads 1 --set eval.test_weights=best || status=$?
same "no best checkpoint where one is needed: said before training" 2 $status
same "one message" 1 "$(grep -c 'lockstep: error:.*eval.test_weights' "$work/cut.log" || true)"
rm -f "$work/cut/checkpoints/best.h5"
cp -L "$work"/cut/checkpoints/{last,best}.h5
status=0
train cut 2 --threads 1 --set eval.test_weights=best || status=$?
same "another checkpoint in its place: said before training, too" 1 $status
check "at which steps" grep -q 'lockstep: error:.*best.h5: .*at step 20, the best one was 13' "$work/cut.log"
check "before training" eval '! grep -q "^epoch" "$work/cut.log" && [ ! -e "$work/cut/checkpoints/step-00000026.h5" ]'
finish
