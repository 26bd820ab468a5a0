#!/usr/bin/env bash
# --refit: the best number of epochs by validation, trained afresh on all images: the run that somebody would have
# started by hand.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

fast=(--set train.optimizer.lr=0.02) # so that the last epoch is not the best
trained first 2 --threads 1 --set data.validation=0.2 --set train.epochs=5 --set eval.test_weights=best "${fast[@]}"
# more correct, then lower loss, then earlier
best=$(jq -s '[.[] | select(.type == "epoch")] | sort_by(-.validation_accuracy, .validation_loss, .epoch)[0].epoch' \
    "$work/first/metrics.jsonl")
echo "best epoch: $best of 5"
check "the run names the command" grep -qF "lockstep train --refit '$work/first'" "$work/first.log"

# --- refit, by a path with a slash at its end, as shells complete it
refit() { # refit LOG RANKS ARGUMENT...
    local log=$work/$1.log ranks=$2
    shift 2
    launch "$ranks" train "$@" --threads 1 --progress never >"$log" 2>&1 </dev/null
}
status=0
refit log 2 --refit "$work/first/" || status=$?
same "refit: status" 0 $status
$ok || show "$work/log.log"
trained plain 1 --threads 2 --set "train.epochs=$best" "${fast[@]}"
same "refit is the run by hand" "$(result plain)" "$(result first-refit)"
same "on all images, so many epochs" $((best * 2000)) "$(key first-refit samples_seen)"
same "no validation" null "$(key first-refit validation_accuracy)"
check "no refit of a refit is offered" [ "$(grep -c -- --refit "$work/log.log")" -eq 0 ]
before=$(cat "$work/first-refit/summary.json")
refit log 3 --refit "$work/first"
same "again: nothing is left to train" "$before" "$(cat "$work/first-refit/summary.json")"

# --- into another folder, with a setting of one's own, and only tried
refit log 2 --refit "$work/first" --out "$work/tried" --set seed=4 --dry-run
check "a dry run writes nothing" [ ! -e "$work/tried" ]
check "a dry run tells the epochs" grep -qE "^training +$best epochs? of .* seed 4" "$work/log.log"

# --- what is refused, in one message
refused() { # refused STATUS WHAT PATTERN ARGUMENT...
    local wanted=$1 what=$2 pattern=$3 status=0
    shift 3
    refit log 2 "$@" || status=$?
    same "$what: status" "$wanted" $status
    same "$what: one error" 1 "$(grep -c 'lockstep: error:' "$work/log.log" || true)"
    check "$what: says why" grep -qE -e "$pattern" "$work/log.log"
    $ok || show "$work/log.log"
}
refused 2 "a run without validation" 'no best checkpoint' --refit "$work/plain"
refused 2 "no run" 'config\.yaml' --refit "$work/nowhere"
refused 2 "a configuration besides" 'too many' "$config" --refit "$work/first"
refused 2 "epochs of one's own" 'train\.epochs=3: with --refit' --refit "$work/first" --set train.epochs=3
refused 2 "epochs in a section" 'with --refit train.epochs is' --refit "$work/first" --set 'train={epochs: 3}'
refused 2 "a validation split" 'data\.validation' --refit "$work/first" --set data.validation=0.1
refused 2 "its own folder" 'refitted' --refit "$work/first" --out "$work/../$(basename "$work")/first"
trained plateau 1 --threads 1 --set data.validation=0.2 --set train.schedule.name=plateau
refused 2 "a schedule that watches validation" 'plateau' --refit "$work/plateau"
check "no command is named where it would be refused" [ "$(grep -c -- --refit "$work/plateau.log")" -eq 0 ]
trained tuned 1 --threads 1 --set data.validation=0.2 --init-from "$work/plain/checkpoints/last.h5" "${fast[@]}"
refused 2 "a fine-tuned run without its start" 'init-from' --refit "$work/tuned"
refit log 1 --refit "$work/tuned" --init-from "$work/plain/checkpoints/last.h5" || true
same "with its start" "$(key plain weights_sha256)" "$(key tuned-refit init_from.weights_sha256)"
finish
