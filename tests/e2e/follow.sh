#!/usr/bin/env bash
# `lockstep info --follow`: runs that end, are stopped, killed, or stand still, seen from outside, on a pipe and on terminals.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
python=/usr/bin/python3
command -v $python >/dev/null || skip "$python is not installed"
cd "$work"
trap 'kill -KILL $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# follows STATUS WHAT ARGUMENT...: on a pipe, output in out and err
follows() {
    local wanted=$1 what=$2 status=0
    shift 2
    timeout 100 "$LOCKSTEP" info --follow "$@" >out 2>err </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show err
}
# begins RUN: a run that takes longer than anybody waits, in the background, once it has a checkpoint and some epochs
begins() {
    "$LOCKSTEP" train "$config" --set "data.dir=$golden" --out "$1" --threads 1 --progress never \
        --set train.epochs=100000 --set data.validation=0.2 >"$1.log" 2>&1 </dev/null &
    worker=$!
    for _ in {1..300}; do
        if [ -e "$1/checkpoints/last.h5" ] && [ "$(grep -c '"epoch","epoch"' "$1/metrics.jsonl")" -ge 3 ]; then return; fi
        sleep 0.2
    done
    check "$1 begins to train" false
}
epochs() { sed -nE 's/^epoch ([0-9]+)  step ([0-9]+)\/.*/\1 \2/p' "$1"; }

# --- one that has ended
trained ended 2 --threads 1 --set data.validation=0.2 --set train.epochs=3
before=$(find ended -printf '%p %s %i %T@\n' | sort)
follows 0 "an ended run" ended
same "its epochs" "$(jq -r 'select(.type == "epoch") | "\(.epoch) \(.step)"' ended/metrics.jsonl)" "$(epochs out)"
check "what came out of them" grep -qF "  validation loss $(jq -r 'select(.epoch == 3 and .type == "epoch").validation_loss' ended/metrics.jsonl | xargs printf %.4f)" out
check "that it is done" grep -q '^ended  done  life 1: ' out
same "nothing in the folder changed" "$before" "$(find ended -printf '%p %s %i %T@\n' | sort)"
same "no control characters on a pipe" 0 "$(grep -c "$(printf '[\033\r]')" out || true)"

# --- one at work, that ends while somebody looks on
"$LOCKSTEP" train "$config" --set "data.dir=$golden" --out ends --threads 1 --progress never --set train.epochs=40 \
    --set data.validation=0.2 >ends.log 2>&1 </dev/null &
for _ in {1..300}; do
    [ ! -e ends/metrics.jsonl ] || break
    sleep 0.1
done
follows 0 "a run that ends" ends
wait $! || true
same "all epochs, each once" "$(jq -r 'select(.type == "epoch") | "\(.epoch) \(.step)"' ends/metrics.jsonl)" "$(epochs out)"
check "the last line says that it is done, and how well" \
    grep -qE "^ends  done  life 1.*; test accuracy $(jq '.test_accuracy * 10000 | round / 100' ends/summary.json)[0-9.]* %$" <(tail -n 1 out)

# --- stopped, killed, standing still
begins stops
kill -TERM $worker
wait $worker || true
follows 1 "a stopped run" stops
check "it says so" grep -q '^lockstep: error: stops: life 1: .*ended without a result at step [0-9]*: stopped, or failed' err
begins dies
kill -KILL $worker
wait $worker 2>/dev/null || true
follows 1 "a killed run" dies
check "its process is gone" grep -q '^lockstep: error: dies: life 1: .*: its process is gone, at step [0-9]*' err
begins still
kill -STOP $worker
follows 1 "a run that stands still" still --patience 3
check "its heartbeat does" grep -q '^lockstep: error: still: life 1: .*heartbeat stands still for [0-9]* s' err
kill -CONT $worker

# --- on terminals: that run works again
# terminal SIZE ACTION... -- ARGUMENT...: what stands there in the end, in screen
terminal() {
    check "a terminal of $1" $python "$here/terminal.py" "$@" >screen 2>broken
    $ok || show broken
}
watching=("$LOCKSTEP" info --follow still)
export TERM=xterm
LC_ALL=C.UTF-8 terminal 100x30 'step-0=>60x20' '; o validation=>^C' -- "${watching[@]}"
same "Ctrl-C ends it" "status 130" "$(tail -n 1 screen)"
same "on a line of its own, but for what the terminal itself shows" "" "$(sed -n 's/^cursor [02]$//p; s/^cursor //p' screen)"
same "one picture is there after another size" 1 "$(grep -c '^odd  still  at work' screen)"
check "where it stands" grep -qE '^epoch [0-9]+/100000  step [0-9]+/3100000  \[' screen
check "how fast, and how long" grep -qE '^[0-9]+ images/s  [0-9a-z]+ left  loss [0-9.]+  accuracy [0-9.]+ %' screen
check "where" grep -qE '^1 rank x 1 thread on .*memory [0-9]+ MiB in rank 0' screen
check "who" grep -qE '^life 1: process [0-9]+ on ' screen
check "curves in braille" $python -c 'import sys; sys.exit(not any("\u2801" <= c <= "\u28ff" for c in open("screen", encoding="utf-8").read()))'
LC_ALL=C terminal 80x24 '; o validation=>^C' -- "${watching[@]}"
same "curves in ASCII" 0 "$(LC_ALL=C grep -c '[^ -~]' screen || true)"
same "lines fit" "wraps 0" "$(grep wraps screen)"
check "there are some" grep -qE "\|.*[-.'|:]{3}" screen
for size in 40x6 20x12 3x2; do
    terminal $size 'o=>^C' -- "${watching[@]}"
    same "a terminal of $size" "status 130" "$(tail -n 1 screen)"
    same "lines fit" "wraps 0" "$(grep wraps screen)"
done
terminal 100x30 -- "$LOCKSTEP" info --follow ended
same "an ended run on a terminal" "status 0" "$(tail -n 1 screen)"
check "its picture stays" grep -q '; o validation' screen
same "below it goes on" "cursor 0" "$(tail -n 2 screen | head -n 1)"
TERM=dumb terminal 80x24 -- "$LOCKSTEP" info --follow ended
same "a terminal that cannot: lines" 3 "$(grep -c '^epoch [0-9]* ' screen)"
kill -KILL $worker
wait $worker 2>/dev/null || true

# --- what was never a run, and what goes with it
mkdir none
for folder in none nowhere "$golden" ended/checkpoints; do
    follows 2 "no run: $folder" "$folder"
    check "it says so" grep -qF "$folder is no run folder" err
done
cp ended/config.yaml none
follows 1 "nobody was there" none
check "it says so" grep -q 'nobody has worked there' err
for wrong in "ended --patience 0" "ended --format json" "ended --data" "$config"; do
    # shellcheck disable=SC2086 # words
    follows 2 "$wrong" $wrong
done
status=0
"$LOCKSTEP" info ended --patience 5 >/dev/null 2>err || status=$?
same "patience with nothing" 2 $status
finish
