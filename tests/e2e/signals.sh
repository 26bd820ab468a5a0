#!/usr/bin/env bash
# A signal asks for a stop at whatever moment it comes, the first and the last included, and by whatever name; the same
# command goes on to the bits of the undisturbed run.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
shim=$4 # makes the program wait at an exact place; not built under sanitizers

few=(--threads 1 --set train.max_steps=45 --set data.validation=0.1 --set checkpoint.every_steps=10 --set metrics.every_steps=0)
trained whole 1 "${few[@]}"

# start [OPTION OF env | NAME=VALUE]...: the run in the background, its process in $!, ready for signals
start() {
    env --default-signal=HUP,INT "$@" "$LOCKSTEP" train "$config" --set "data.dir=$golden" --out "$work/run" --progress never \
        "${few[@]}" >"$work/run.log" 2>&1 </dev/null &
    for _ in $(seq 600); do
        if catches_term; then return; fi
        sleep 0.01
    done
}
ends() { # ends STATUS WHAT
    local status=0
    wait $! || status=$?
    same "$2" "$1" $status
    $ok || show "$work/run.log"
}

# --- by name, before there is a first step: it is made and saved, so that even such a life gets further
step=0
for name in TERM INT HUP USR1 USR2 XCPU; do
    start
    kill -$name $!
    ends 75 "$name while the run starts"
    step=$((step + 1))
    check "$name: the step is saved" [ -e "$work/run/checkpoints/$(printf 'step-%08d.h5' $step)" ]
done

# --- what a launcher left ignored or blocked; asked again and again it is one request
start --block-signal=USR1 --ignore-signal=USR2
for _ in 1 2 3 4 5; do
    kill -USR1 $!
    kill -USR2 $!
done
ends 75 "USR1 that came blocked, USR2 that came ignored, several times"
same "one step more" "step-00000007.h5" "$(readlink "$work/run/checkpoints/last.h5")"

# --- nohup and a shell's background
for name in HUP INT; do
    rm -rf "$work/run"
    start --ignore-signal=$name
    kill -$name $!
    ends 0 "$name stays ignored where it was"
done

# --- in the middle of things: the run waits at an exact place, gets the signal there, and goes on
stops_at() { # stops_at STATUS WHAT CALL PATTERN [NUMBER]
    local state=''
    start LD_PRELOAD="$shim" FAULT_UNDER="$work" FAULT_CALLS="$3" FAULT_PATH="$4" FAULT_AT="${5:-1}" FAULT_DO=stop
    for _ in $(seq 3000); do
        state=$(sed 's/.*) //; s/ .*//' "/proc/$!/stat" 2>/dev/null) || break
        [ "$state" != T ] || break
        sleep 0.01
    done
    same "$2: the place is reached" T "$state"
    kill -USR1 $!
    kill -CONT $!
    ends "$1" "USR1 $2"
}
if [ -e "$shim" ]; then
    rm -rf "$work/run"
    stops_at 75 "while a checkpoint is written" rename '*/step-00000010.h5'
    stops_at 75 "after an epoch's evaluation" write '*/metrics.jsonl'
    check "the epoch is whole" grep -q '"type":"epoch"' "$work/run/metrics.jsonl"
    stops_at 0 "while the results are written" rename '*/history.h5'
    same "stopped in the middle of things" "$(result whole)" "$(result run)"
    stops_at 0 "when all is done" rename '*/report.html'
fi
finish
