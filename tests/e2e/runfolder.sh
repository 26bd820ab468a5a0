#!/usr/bin/env bash
# Which checkpoint a run folder stands for: every command gives the same answer, of a run that has ended and of one that
# was stopped.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# The rate grows until the network is worse than it was: the best checkpoint is not the newest one.
options=(--threads 1 --set data.validation=0.2 --set train.epochs=3 --set checkpoint.keep=0 --set train.max_steps=70
    --set train.optimizer.lr=0.05)
trained run 1 "${options[@]}" --set eval.test_weights=best
run=$work/run
best=$(basename "$(readlink "$run/checkpoints/best.h5")") last=$(basename "$(readlink "$run/checkpoints/last.h5")")
check "the best checkpoint ($best) is not the newest ($last)" [ "$best" != "$last" ]
step=${best#step-} step=${step%.h5}
step=$((10#$step))
digest() { "$LOCKSTEP" info "$1" | awk '$1 == "weights" && length($2) == 64 { print $2 }'; }
tested=$(digest "$run/checkpoints/$best")
newest=$(digest "$run/checkpoints/$last")
check "their weights differ" [ "$tested" != "$newest" ]

# asks STATE: what each command takes of the folder
asks() {
    local state=$1 page
    "$LOCKSTEP" eval "$run" --threads 1 >"$work/eval" 2>&1 || true
    check "$state: eval takes the best weights" grep -q "weights ${tested:0:16}" "$work/eval"
    check "$state: diff takes them" "$LOCKSTEP" diff "$run" "$run/checkpoints/$best" >"$work/diff"
    "$LOCKSTEP" info "$run" >"$work/info"
    check "$state: info names them" grep -q "$tested" "$work/info"
    check "$state: info names the newest ones, too" grep -q "^weights *$newest" "$work/info"
    "$LOCKSTEP" report "$run" --out "$work/page.html" >/dev/null 2>&1
    page=$(tr -d '\n' <"$work/page.html")
    check "$state: the report shows them" grep -q "$tested" <<<"$page"
    sed -n '/id="headline"/,/<.section>/p' "$work/page.html" >"$work/headline"
    check "$state: its headline says which they are" grep -q "$tested.*best by validation, step $step;" "$work/headline"
    same "$state: and tells of no others" 0 "$(grep -c "$newest" "$work/headline" || true)"
    trained "from-$state" 1 --threads 1 --set train.max_steps=1 --init-from "$run"
    check "$state: --init-from takes them" grep -q "weights ${tested:0:16}" "$work/from-$state.log"
    same "$state: and notes the file" "$run/checkpoints/best.h5" "$(key "from-$state" init_from.path)"
    "$LOCKSTEP" predict "$run" "$golden/t10k-images-idx3-ubyte.gz" --verbose --threads 1 >"$work/predict" 2>&1
    check "$state: predict takes them" grep -q "checkpoints/$best" "$work/predict"
}

asks ended
same "the summary says so" best "$(key run test_weights)"

# The same command again keeps the summary, which has the times of the work; with other weights to test it is new.
seconds=$(key run train_seconds)
trained run 1 "${options[@]}" --set eval.test_weights=best
same "the times of the work stay" "$seconds" "$(key run train_seconds)"
trained run 1 "${options[@]}" --set eval.test_weights=last
same "other weights are tested, and the summary says so" "last $newest" \
    "$(key run test_weights) $(key run test_weights_sha256)"
trained run 1 "${options[@]}" --set eval.test_weights=best
same "and back" "best $tested" "$(key run test_weights) $(key run test_weights_sha256)"
rm "$run/summary.json" "$run/history.h5" "$run/report.html" # what a stopped run does not have
asks stopped

# The configuration of a stopped run may ask for the newest ones.
sed -i -e 's/test_weights: best/test_weights: last/' -e '/^# sha256: /d' "$run/config.yaml"
"$LOCKSTEP" eval "$run" --threads 1 >"$work/eval" 2>&1
check "test_weights: last: eval takes the newest weights" grep -q "weights ${newest:0:16}" "$work/eval"
"$LOCKSTEP" info "$run" >"$work/info"
same "test_weights: last: info names one set of weights" 0 "$(grep -c -e "$tested" "$work/info" || true)"

# A folder that is no run
mkdir "$work/empty"
for command in "eval" "predict" "diff $run"; do
    status=0
    # shellcheck disable=SC2086 # a command and its first argument
    "$LOCKSTEP" $command "$work/empty" "$golden/t10k-images-idx3-ubyte.gz" >"$work/out" 2>&1 || status=$?
    check "$command of an empty folder fails" [ $status -ne 0 ]
done
finish
