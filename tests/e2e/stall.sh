#!/usr/bin/env bash
# A rank that stands still is named, and the job ends; a job that was suspended as a whole, or works for long, goes on.
# How long anything takes does not matter. Its fourth argument is the library that stops ranks: tests/faults/shim.c.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
library=$4
need jq pgrep
[ -e "$library" ] || skip "nothing is preloaded under sanitizers"

limit=4
run=(train "$config" --set "data.dir=$golden" --progress never --threads 1 --stall-timeout "$limit"
    --set checkpoint.every_steps=10)

# stopping RANK NAME: into the array $stopping, the command of run NAME in which that rank stops itself at step 30
stopping() {
    stopping=(env "LD_PRELOAD=$library" FAULT_CALLS=step FAULT_AT=30 FAULT_DO=stop "FAULT_RANK=$1"
        "$LOCKSTEP" "${run[@]}" --out "$work/$2")
}

# Open MPI's launcher in the background, so that all of these wait side by side.
declare -A launcher
begin() { # begin NAME ARGUMENT OF mpirun...
    "$MPIEXEC" "${@:2}" >"$work/$1.log" 2>&1 </dev/null &
    launcher[$1]=$!
}
status_of() { # status_of NAME: into $status
    status=0
    wait "${launcher[$1]}" || status=$?
}
# ranks_of NAME: process ids of the ranks, which the launcher started
ranks_of() { pgrep -P "${launcher[$1]}" -x lockstep || true; }
none_of() { ! pgrep -f -- "--out $work/$1\$" >/dev/null; }
stopped() { # stopped NAME N: so many of its ranks are stopped
    local pid n=0
    for pid in $(ranks_of "$1"); do
        if [ "$(ps -o state= -p "$pid" || true)" = T ]; then n=$((n + 1)); fi
    done
    [ "$n" -eq "$2" ]
}
wait_for() { # wait_for COMMAND...: a minute at most
    for _ in {1..600}; do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    return 1
}

# --- one rank of 2, of 3, and rank 0 itself, stopped for good
declare -A victim=([one-of-2]=1 [first-of-2]=0 [one-of-3]=1)
for name in "${!victim[@]}"; do
    stopping "${victim[$name]}" "$name"
    begin "$name" -n "${name##*-}" "${stopping[@]}"
done

# --- a file system that hangs for rank 0, which is alive; the note in the run folder hangs as well
begin hanging -n 2 env "LD_PRELOAD=$library" FAULT_CALLS=write,open,fsync,rename "FAULT_UNDER=$work/hanging" FAULT_AT=40 \
    FAULT_FOR=0 FAULT_DO=hang "$LOCKSTEP" "${run[@]}" --out "$work/hanging"

# --- all ranks stopped, for longer than the limit, and continued
stopping 0 suspended
first=("${stopping[@]}")
stopping 1 suspended
begin suspended -n 1 "${first[@]}" : -n 1 "${stopping[@]}"
check "all ranks of a job are stopped" wait_for stopped suspended 2
$ok || show "$work/suspended.log"
suspended=$SECONDS

# --- an evaluation that takes longer than the limit, by one rank, while nobody else is there to wait
trained whole 2 --threads 1
status=0
"$LOCKSTEP" eval "$work/whole" "$work/whole" --data "$golden" --shifts 8 --threads 1 --stall-timeout 2 >"$work/log" 2>&1 ||
    status=$?
same "a long evaluation is no stall" 0 $status
$ok || show "$work/log"

# --- what became of them
for name in "${!victim[@]}"; do
    status_of "$name"
    same "$name: exit status" 79 $status
    same "$name: messages" 1 "$(grep -c 'lockstep: error' "$work/$name.log" || true)"
    check "$name: the message" grep -q "lockstep: error: stalled: rank ${victim[$name]} on $(hostname), last seen in .*, for \
[0-9]* s: no sign of life" "$work/$name.log"
    $ok || show "$work/$name.log"
    same "$name: faults.jsonl" "[\"stall\",${victim[$name]}]" "$(jq -c '[.kind, .rank]' "$work/$name/faults.jsonl")"
    check "$name: no process is left" wait_for none_of "$name"
    trained "$name" 2 --threads 1
    same "$name: the same command goes on" "$(result whole)" "$(result "$name")"
done

status_of hanging
same "hanging: exit status" 79 $status
check "hanging: the message" grep -q "lockstep: error: stalled: rank 0 on $(hostname), .*: alive, but gets nothing done" \
    "$work/hanging.log"
$ok || show "$work/hanging.log"
check "hanging: no process is left" wait_for none_of hanging

while [ $((SECONDS - suspended)) -le $((limit + 1)) ]; do sleep 0.2; done
for pid in $(ranks_of suspended); do kill -CONT "$pid"; done
status_of suspended
same "a job that was suspended as a whole: exit status" 0 $status
$ok || show "$work/suspended.log"
same "a job that was suspended as a whole" "$(result whole)" "$(result suspended)"

# --- without a watch
LOCKSTEP_BACKGROUND=off "$LOCKSTEP" "${run[@]}" --out "$work/off" --verbose >"$work/log" 2>&1
check "LOCKSTEP_BACKGROUND=off is said" grep -q 'no watch over stalls' "$work/log"
same "a run without threads in the background" "$(result whole)" "$(result off)"
for value in -1 1.5 '' 604801 forever; do
    status=0
    "$LOCKSTEP" "${run[@]}" --stall-timeout "$value" >"$work/log" 2>&1 || status=$?
    same "--stall-timeout '$value'" 2 $status
done
finish
