#!/usr/bin/env bash
# Checkpoints that are written while training goes on. A run that ended exactly at an epoch's end, by a limit, a signal or
# a death, goes on as if nothing had been: figures of the epoch, the best weights, and the rates that follow from them.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5dump
shim=${4-}

# Ten batches an epoch, the last one shorter, of which a step takes three: 4, 8, 12 and 16 end an epoch, and every second
# epoch is evaluated. The rate falls and the run may end by what validation says.
run() { # run NAME RANKS ARGUMENT...
    local name=$1 ranks=$2
    shift 2
    train "$name" "$ranks" --threads 1 --set data.limit=600 --set data.validation=0.2 --set train.accumulate=3 \
        --set train.epochs=4 --set train.schedule.name=plateau --set train.schedule.patience=0 \
        --set train.early_stop.patience=2 --set train.ema.decay=0.9 --set eval.every_epochs=2 \
        --set eval.test_weights=best --set metrics.every_steps=1 --set checkpoint.every_steps=4 \
        --set checkpoint.every_epochs=0 --set checkpoint.keep=1 "$@"
}

# with VARIABLE=VALUE... -- COMMAND...: in an environment of its own
with() (
    while [ "$1" != -- ]; do export "${1?}" && shift; done
    shift
    "$@"
)

# all that is no time of a run folder
told() {
    local folder=$work/$1 name
    jq -c 'del(.seconds, .images_per_second, .comm_seconds, .energy_joules, .phases, .check)' "$folder/metrics.jsonl"
    jq -cS 'del(.train_seconds, .images_per_second, .comm_seconds, .sent_bytes_per_step, .energy_joules, .phases, .peak_rss_mib, .resumed_from, .world_size,
        .hosts, .sha256)' "$folder/summary.json"
    for name in steps/step steps/loss epochs/step epochs/train_loss epochs/validation_loss epochs/test_loss; do
        h5dump -y -w 0 -d "/$name" "$folder/history.h5" | tail -n +2
    done
    for name in last best; do
        h5dump -y -w 0 -a /weights_sha256 -a /state_sha256 -a /best_step -a /cursor/step "$folder/checkpoints/$name.h5" | tail -n +2
    done
}

run whole 1
same "the undisturbed run has an evaluation every second epoch" '[false,true,false,true]' \
    "$(jq -cs '[.[] | select(.type == "epoch").validation_loss != null]' "$work/whole/metrics.jsonl")"
told whole >"$work/whole.told"

# goes_on WHAT STATUS STEP [VARIABLE=VALUE...] [ARGUMENT...]: a first life that ends with STATUS at STEP, and a second one.
# STEP "-": the thread that writes checkpoints decides
goes_on() {
    local what=$1 wanted=$2 step=$3 status=0 variables=()
    shift 3
    while [ $# -gt 0 ] && [[ $1 =~ ^[A-Z] ]]; do variables+=("$1") && shift; done
    rm -rf "$work/parts"
    if [ ${#variables[@]} -gt 0 ]; then
        with "${variables[@]}" "FAULT_UNDER=$work" "LD_PRELOAD=$shim" -- run parts 1 "$@" 2>/dev/null || status=$?
    else
        run parts 1 "$@" || status=$?
    fi
    same "$what: status of the first life" "$wanted" "$status"
    [ "$step" = - ] || same "$what: where it left off" "step-$(printf %08d "$step").h5" "$(readlink "$work/parts/checkpoints/last.h5")"
    status=0
    run parts 1 || status=$?
    same "$what: status of the second life" 0 $status
    told parts >"$work/parts.told"
    check "$what: all is as in the undisturbed run" cmp -s "$work/whole.told" "$work/parts.told"
    $ok || diff "$work/whole.told" "$work/parts.told" | cut -c 1-200 | head -n 8
}
goes_on "a limit, without an evaluation" 0 4 --set train.max_steps=4
goes_on "a limit, with one" 0 8 --set train.max_steps=8
if [ -e "$shim" ]; then
    line=(FAULT_CALLS=write FAULT_PATH='*/metrics.jsonl')
    goes_on "a signal in the last step" 75 8 "${line[@]}" FAULT_AT=8 FAULT_DO=usr1 # before the line of step 7
    goes_on "a signal while the epoch is evaluated" 75 9 "${line[@]}" FAULT_AT=9 FAULT_DO=usr1
    goes_on "death after the last step" 137 - "${line[@]}" FAULT_AT=9 FAULT_DO=kill
    goes_on "death at the epoch's line" 137 - "${line[@]}" FAULT_AT=10 FAULT_DO=kill-after
    goes_on "death before the checkpoint has its name" 137 - FAULT_CALLS=rename FAULT_PATH='*/step-00000008.h5' FAULT_AT=1 \
        FAULT_DO=kill
fi

# --- without the thread that writes checkpoints: the same
with LOCKSTEP_BACKGROUND=off -- run alone 1
told alone >"$work/alone.told"
check "without a thread for checkpoints all is the same" cmp -s "$work/whole.told" "$work/alone.told"

# --- by the clock: the first step is due at once
run clock 2 --set checkpoint.every_seconds=1e-9 --set checkpoint.keep=0
told clock >"$work/clock.told"
check "by the clock there is one of the first step" [ -e "$work/clock/checkpoints/step-00000001.h5" ]
check "checkpoints by the clock change nothing" cmp -s "$work/whole.told" "$work/clock.told"

# --- what cannot be written ends all ranks at the next step, with one message, and what was there stays
if [ -e "$shim" ]; then
    for background in on off; do
        rm -rf "$work/short"
        status=0
        with "LOCKSTEP_BACKGROUND=$background" "FAULT_UNDER=$work" FAULT_CALLS=write FAULT_AT=1 FAULT_DO=ENOSPC \
            FAULT_PATH='*/.tmp*step-00000008.h5*' "LD_PRELOAD=$shim" -- run short 2 2>/dev/null || status=$?
        same "no space for a checkpoint (threads $background): status" 1 $status
        same "no space (threads $background): one message names file and cause" 1 \
            "$(grep -c 'lockstep: error: cannot write .*/step-00000008\.h5: No space left' "$work/short.log")"
        same "no space (threads $background): errors" 1 "$(grep -c 'lockstep: error:' "$work/short.log")"
        same "no space (threads $background): what is there" "last.h5 step-00000004.h5" \
            "$(cd "$work/short/checkpoints" && find . -mindepth 1 -printf '%P\n' | sort | paste -sd ' ')"
    done
fi
finish
