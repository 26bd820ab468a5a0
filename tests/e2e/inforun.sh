#!/usr/bin/env bash
# `lockstep info RUN_DIR`: an ended run, one that is at work or was stopped, and one with damage.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

trained run 2 --threads 1 --set data.validation=0.2 --set train.epochs=3 --set checkpoint.keep=0
run=$work/run
info() { # info FOLDER: must end with 0 and change nothing
    local before status=0
    before=$(find "$1" -printf '%p %s %i %T@\n' | sort)
    "$LOCKSTEP" info "$1" >"$work/info" 2>&1 </dev/null || status=$?
    same "info $1: status" 0 $status
    $ok || show "$work/info"
    same "info $1: nothing changed" "$before" "$(find "$1" -printf '%p %s %i %T@\n' | sort)"
}
says() { check "info says: $1" grep -qE -e "$1" "$work/info"; }
# epoch, learning rate, loss and accuracy of training and validation: from the table and from metrics.jsonl
table() { awk '$1 ~ /^[0-9]+$/ && NF == 8 { print $1, $2, $3, $4, $5, $6 }' "$work/info"; }
curves() {
    jq -r 'select(.type == "epoch") | [.epoch, .lr, .train_loss, 100 * .train_accuracy, .validation_loss,
        100 * .validation_accuracy] | @tsv' "$run/metrics.jsonl" | awk '{ printf "%d %.3g %.4f %.2f %.4f %.2f\n", $1, $2, $3, $4, $5, $6 }'
}

info "$run"
wanted=$(curves)
same "three epochs" 3 "$(wc -l <<<"$wanted")"
same "the table of epochs" "$wanted" "$(table)"
says '^status +done$'
says "^configuration +odd: 3 epochs, global batch 53, float32, exact sums, seed 11"
says '1600 training images of 28x28x1, 10 classes'
says "^network +$(key run parameters) parameters in 11 layers"
says "^test +accuracy .*\\($(key run test_correct) of 500;"
says "^weights +$(key run weights_sha256)\$"
says "^state +$(key run state_sha256)\$"
says '^on +2 ranks x 1 thread'
best=$(basename "$(readlink "$run/checkpoints/best.h5")")
says "$best +[0-9.]+ MiB +best"
says "$(basename "$(readlink "$run/checkpoints/last.h5")") +[0-9.]+ MiB .*last"
same "all checkpoints are listed" 3 "$(grep -c 'step-.*MiB' "$work/info")"
epoch=$(jq -s '[.[] | select(.type == "epoch")] | sort_by(-.validation_accuracy, .validation_loss, .epoch)[0].epoch' \
    "$run/metrics.jsonl")
says "^best +after epoch $epoch: [0-9]+ of 400 "
# phase, least, mean, most, rank and share: sums over the epochs; the rank is the one that comes up most often
phase_table() { awk '$5 ~ /^\([0-9-]+\)$/ { print $1, $2, $3, $4, $5, $6 }' "$work/info"; }
phase_sums() {
    jq -rs '[.[] | select(.type == "epoch").phases // empty] as $e | ([$e[].total.avg] | add) as $all | $e[0] | keys_unsorted[] as $p |
        [$p, ([$e[][$p].min] | add), ([$e[][$p].avg] | add), ([$e[][$p].max] | add),
        ([$e[][$p].rank] | group_by(.) | sort_by([-length, .[0]])[0][0]), 100 * ([$e[][$p].avg] | add) / $all] | @tsv' \
        "$run/metrics.jsonl" | awk '{ printf "%s %.3f %.3f %.3f (%d) %.1f\n", $1, $2, $3, $4, $5, $6 }'
}
phase_wanted=$(phase_sums)
same "phases are those of the files" "exchange batch augment compute communication wait update evaluate checkpoint verify other total" \
    "$(cut -d ' ' -f 1 <<<"$phase_wanted" | paste -sd ' ')"
same "the table of phases" "$phase_wanted" "$(phase_table)"
says '^time per phase, seconds, sums over 3 epochs: '
same "a checkpoint behind an epoch's line counts in the next one's" '[false,true,true]' \
    "$(jq -cs '[.[] | select(.type == "epoch").phases.checkpoint.max > 0]' "$run/metrics.jsonl")"

# --- still at work: no summary, a line half written, a file on its way
rm "$run/summary.json"
printf '{"type":"epoch","epoch":4,"step":124,"lr":0.0' >>"$run/metrics.jsonl"
touch "$run/checkpoints/.tmp-step-00000124.h5.somewhere-1-1"
info "$run"
says '^status +not ended'
same "half a line is no epoch" "$wanted" "$(table)"
same "nor has it phases" "$phase_wanted" "$(phase_table)"

# --- without metrics the curves come from the newest checkpoint
mv "$run/metrics.jsonl" "$work/metrics.jsonl"
info "$run"
same "curves of the checkpoint" "$wanted" "$(table)"
same "phases of the checkpoint" "$phase_wanted" "$(phase_table)"
# --- epochs of an earlier version, without phases: some, then all
jq -c 'if .epoch == 2 then del(.phases, .check) else . end' "$work/metrics.jsonl" 2>/dev/null >"$run/metrics.jsonl" || true
info "$run"
same "phases of two epochs" "$(phase_sums)" "$(phase_table)"
says '^time per phase, seconds, sums over 2 epochs: '
jq -c 'del(.phases, .check)' "$work/metrics.jsonl" 2>/dev/null >"$run/metrics.jsonl" || true
info "$run"
same "curves without phases" "$wanted" "$(table)"
same "no phases, no table" "" "$(grep phase "$work/info" || true)"
mv "$work/metrics.jsonl" "$run/metrics.jsonl"

# --- a damaged checkpoint, and a run before its first one
poke "$run/checkpoints/last.h5" 5000 125 252 125
info "$run"
says 'warning: .*\.h5 is damaged'
same "curves in spite of it" "$wanted" "$(table)"
mkdir "$work/young"
cp "$run/config.yaml" "$work/young"
info "$work/young"
says '^status +not ended: no figures yet'
says '^checkpoints +none'
# --- figures that are there and cannot be read are no run without figures
mkdir "$work/young/metrics.jsonl"
status=0
"$LOCKSTEP" info "$work/young" >"$work/info" 2>&1 </dev/null || status=$?
same "unreadable figures: status" 1 $status
says 'cannot read .*/young/metrics\.jsonl: '
finish
