#!/usr/bin/env bash
# A run that is stopped and goes on elsewhere ends with the bits of the undisturbed run.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

often=(--set checkpoint.every_steps=10)
trained whole 2 --threads 1 "${often[@]}"
wanted=$(result whole)
total=$(key whole steps)
echo "undisturbed: $wanted"

# --- stops at chosen steps: early, just before, at and after the end of an epoch (38 steps)
stops=(3 37 38 39 60 0)
ranks=(1 3 2 4 1 3)
for i in "${!stops[@]}"; do
    trained parts "${ranks[i]}" --threads $((1 + i % 2)) "${often[@]}" --set "train.max_steps=${stops[i]}"
    [ "${stops[i]}" -eq 0 ] || same "stopped at step ${stops[i]}" "${stops[i]}" "$(key parts steps)"
done
same "five stops at chosen steps" "$wanted" "$(result parts)"
check "resumed_from names a checkpoint" grep -q 'step-0*60' <<<"$(key parts resumed_from)"

# --- a finished run is left as it is
trained parts 2 --threads 1 "${often[@]}"
same "a finished run stays" "$wanted" "$(result parts)"

# --- SIGUSR1 and SIGTERM at arbitrary moments
signals=(USR1 TERM USR1 USR1)
saved=0
metric_lines() { if [ -e "$work/signalled/metrics.jsonl" ]; then wc -l <"$work/signalled/metrics.jsonl"; else echo 0; fi; }
for i in "${!signals[@]}" last; do
    status=0
    if [ "$i" = last ]; then
        trained signalled 3 --threads 1 --set train.epochs=12 "${often[@]}"
        break
    fi
    lines=$(metric_lines)
    n=$((1 + i % 3))
    if [ "${signals[i]}" = TERM ]; then n=1; fi # mpirun kills its ranks soon after passing TERM on
    launcher=("$MPIEXEC" -n "$n")
    [ "$n" -gt 1 ] || launcher=()
    "${launcher[@]}" "$LOCKSTEP" train "$config" --set "data.dir=$golden" --out "$work/signalled" --progress never \
        --threads 1 --set train.epochs=12 "${often[@]}" >"$work/signalled.log" 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 200); do # at most 10 s, until the run has written more metrics
        kill -0 $pid 2>/dev/null || break
        [ "$(metric_lines)" -le $((lines + 1)) ] || break
        sleep 0.05
    done
    sleep "0.0$((RANDOM % 10))"
    kill -"${signals[i]}" $pid 2>/dev/null || true
    wait $pid || status=$?
    case $status in
    75)
        saved=$((saved + 1))
        check "${signals[i]}: why the run stopped is said" grep -q 'stopped at step .* on a signal;' "$work/signalled.log"
        ;;
    0) ;; # had ended before the signal came
    *)
        check "a run stopped by ${signals[i]} ends with 75, not $status" false
        show "$work/signalled.log"
        ;;
    esac
done
check "at least two of ${#signals[@]} signals found the run at work ($saved did)" [ $saved -ge 2 ]
trained long 1 --threads 2 --set train.epochs=12
same "stopped by $saved signals" "$(result long)" "$(result signalled)"

# --- a damaged newest checkpoint is passed over
for damage in cut flip; do
    trained damaged 1 --threads 1 "${often[@]}" --set train.max_steps=25
    newest=$(find "$work/damaged/checkpoints" -name 'step-*.h5' | sort | tail -n 1)
    size=$(stat -c %s "$newest")
    case $damage in
    cut) truncate -s $((size / 2)) "$newest" ;;
    flip) # inside the weights, the largest part
        poke "$newest" $((size / 2)) 125 252 125
        ;;
    esac
    trained damaged 2 --threads 1 "${often[@]}"
    same "after passing over a checkpoint ($damage)" "$wanted" "$(result damaged)"
    check "the checkpoint passed over is named ($damage)" \
        grep -q "lockstep: warning:.*$(basename "$newest")" "$work/damaged.log"
    check "the one before was taken ($damage)" grep -q 'step-0*20' <<<"$(key damaged resumed_from)"
    rm -rf "$work/damaged"
done

# --- what is refused, in one message that names the difference
refused() { # refused WHAT PATTERN ARGUMENT...
    local what=$1 pattern=$2 status=0
    shift 2
    cp -r "$work/whole" "$work/other"
    train other 2 --threads 1 "$@" || status=$?
    check "$what is refused" [ $status -eq 1 ] || [ $status -eq 2 ]
    same "$what: one error" 1 "$(grep -c 'lockstep: error:' "$work/other.log" || true)"
    check "$what: the difference is named" grep -qE "$pattern" "$work/other.log"
    $ok || show "$work/other.log"
    rm -rf "$work/other"
}
file=$work/whole/checkpoints/last.h5
refused "another seed" seed --set seed=12
refused "another network" 'model|dense' --resume "$file" --set model.dense1.units=20
refused "another learning rate" 'lr' --set train.optimizer.lr=0.003
unpack_golden "$work/data"
poke "$work/data/train-images-idx3-ubyte" 10000 077
data=$work/data refused "another data set" 'data'
refused "a checkpoint that is not there" nowhere.h5 --resume "$work/nowhere.h5"

# --- --resume never starts anew, to the same end; what cannot be removed would be taken for the new run's
mv "$work/whole/history.h5" "$work/history.h5"
mkdir -p "$work/whole/history.h5/full"
refused "an earlier file that stays" 'cannot remove .*/history.h5: ' --resume never
rm -r "$work/whole/history.h5"
mv "$work/history.h5" "$work/whole/history.h5"
trained whole 1 --threads 1 --resume never "${often[@]}"
same "started anew" "$wanted" "$(result whole)"
same "total steps" "$total" "$(key whole steps)"
finish
