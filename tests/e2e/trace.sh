#!/usr/bin/env bash
# --trace FILE: whole JSON with every rank and thread in it, whatever way the run ends, and the same bits. How long
# anything took does not matter.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# --- what holds for any trace
# Whole nanoseconds, since sums of microseconds with a fraction round.
definitions='
    def ns: . * 1000 | round;
    def events: [.traceEvents[] | select(.ph == "X") | {pid, tid, name, s: (.ts | ns), e: ((.ts | ns) + (.dur | ns))}];
    def threads: events | group_by([.pid, .tid]);
    # by start, and each inside those that it lies in: what has ended is dropped from the stack
    def nested: reduce .[] as $e ({ok: true, last: 0, stack: []};
        .stack |= (until(length == 0 or .[-1] > $e.s; .[:-1]))
        | .ok = (.ok and $e.s >= .last and ((.stack | length) == 0 or $e.e <= .stack[-1]))
        | .last = $e.s | .stack += [$e.e]) | .ok;
    def metadata($what): [.traceEvents[] | select(.ph == "M" and .name == $what)];
'
true_of() { jq -e "$definitions $2" "$work/$1" >/dev/null; }
holds() { # holds FILE WHAT FILTER: true for the trace
    check "$1: $2" true_of "$1" "$3"
}
sound() { # sound FILE RANKS THREADS
    local file=$1 ranks=$2 threads=$3
    holds "$file" "is JSON" 'type == "object"'
    holds "$file" "$ranks ranks" "[events[].pid] | unique == [range($ranks)]"
    holds "$file" "$threads threads each" "[events[] | select(.pid == 0).tid] | unique == [range($threads)]"
    holds "$file" "ranks have names" "metadata(\"process_name\") | length == $ranks
        and all(.[]; .pid as \$rank | .args.name | test(\"^rank \(\$rank) on .\"))"
    holds "$file" "threads have names" "metadata(\"thread_name\") | length == $ranks * $threads
        and all(.[]; .args.name == (if .tid == 0 then \"main\" else \"thread \(.tid)\" end))"
    holds "$file" "no time is negative" '[.traceEvents[] | select(.ph == "X")] | all(.[]; .ts >= 0 and .dur >= 0)'
    holds "$file" "events of a thread nest" '[threads[] | nested] | all'
    holds "$file" "other threads work within the main one's stretches" 'threads | group_by(.[0].pid) | all(.[];
        [.[0][] | select(.name == "compute" or .name == "evaluate")] as $main | all(.[1:][][]; . as $e
        | any($main[]; .s <= $e.s and $e.e <= .e)))'
    same "$file: no temporary is left" "" "$(find "$work" -maxdepth 1 -name '.tmp-*')"
}
# steps FILE PID: numbers of the steps in a rank's events of a name, as [first, last, how many]
steps() {
    jq -c --argjson pid "$2" --arg name "${3:-update}" '[.traceEvents[] | select(.pid == $pid and .name == $name) | .args.step]
        | [.[0], .[-1], length]' "$work/$1"
}
phases='["allreduce","batch","checkpoint","compute","epoch","evaluate","exchange","update","verify"]'
all_phases() { # all_phases FILE
    holds "$1" "all phases of all ranks" "[events[] | select(.tid == 0)] | group_by(.pid) | all(.[];
        ([.[].name] | unique) - ([\"forward\", \"backward\", \"forward and backward\", \"weights\", \"moments\", \"collect\"]) == $phases)"
}

# --- 2 epochs of 38 steps: alone with two threads, and three ranks; in a folder that the run itself makes
trained plain 1 --threads 1
wanted=$(result plain)
trained two 1 --threads 2 --trace "$work/two/trace.json"
cp "$work/two/trace.json" "$work/two.json"
trained three 3 --threads 1 --trace "$work/three.json"
sound two.json 1 2
sound three.json 3 1
for run in two three; do
    same "$run: the bits of a run without a trace" "$wanted" "$(result $run)"
    all_phases $run.json
    holds $run.json "both epochs" '[.traceEvents[] | select(.name == "epoch" and .pid == 0).args.epoch] == [1, 2]'
    holds $run.json "nothing is missing" '.otherData | .steps == 76 and .steps_recorded == 76'
    check "$run: the trace is named" grep -q "^trace  *$work/.*: 76 steps, [0-9]* events" "$work/$run.log"
done
for rank in 0 1 2; do
    same "rank $rank: every step" '[1,76,76]' "$(steps three.json $rank)"
    same "rank $rank: one allreduce a step" '[1,76,76]' "$(steps three.json $rank allreduce)"
    same "rank $rank: compute of every step" '[1,76,76]' "$(steps three.json $rank compute)"
done
# Some ranks alone, rank 0 not among them; a rank may be named twice.
trained some 4 --threads 1 --trace "$work/some.json" --trace-ranks 1,3-3,1
holds some.json "is JSON" 'type == "object"'
holds some.json "ranks 1 and 3 alone" '[.traceEvents[].pid] | unique == [1, 3]'
holds some.json "each step of them" '.otherData.steps_recorded == 76'
same "some: the bits of a run without a trace" "$wanted" "$(result some)"
for list in 4 1-4 2-1 "" "," "1," "1,,2" x 1x -1 "1 2" 99999999999; do
    status=0
    train refused 4 --trace "$work/refused.json" --trace-ranks "$list" >/dev/null 2>&1 || status=$?
    same "--trace-ranks '$list': exit status" 2 $status
    check "--trace-ranks '$list': is named" grep -q -- "--trace-ranks" "$work/refused.log"
done
for thread in 0 1; do
    holds two.json "thread $thread has a pass in each step" "[events[] | select(.name == \"compute\")] as \$steps
        | [events[] | select(.tid == $thread and .name == \"forward and backward\").ts] as \$passes
        | (\$steps | length) == 76 and (\$steps | all(. as \$s | any(\$passes[]; . >= \$s.ts and . <= \$s.ts + \$s.dur)))"
done

# --- batch normalisation: the ranks meet inside forward and backward, too
config=$here/finetune.yaml trained norm 2 --threads 2 --trace "$work/norm.json"
config=$here/finetune.yaml trained normless 1 --threads 1
sound norm.json 2 2
same "batchnorm: the same bits" "$(result normless)" "$(result norm)"
for rank in 0 1; do
    same "batchnorm, rank $rank: three allreduces a step" '[1,32,96]' "$(steps norm.json $rank allreduce)"
done
holds norm.json "passes of every thread" '[threads[] | [.[].name] | unique | contains(["backward", "forward", "moments"])] | all'

# --- stopped at its limit, and going on: the trace is of one process
trained parts 2 --threads 1 --set train.max_steps=50 --trace "$work/first.json"
trained parts 3 --threads 1 --trace "$work/second.json"
sound first.json 2 1
sound second.json 3 1
same "the first 50 steps" '[1,50,50]' "$(steps first.json 1)"
same "the other steps" '[51,76,26]' "$(steps second.json 2)"
same "resumed with a trace: the same bits" "$wanted" "$(result parts)"
status=0
train limited 2 --threads 1 --set train.epochs=1000 --set metrics.every_steps=0 --time-limit 1 \
    --trace "$work/limited.json" || status=$?
same "a time limit ends with 75" 75 $status
sound limited.json 2 1
step=$(sed -n 's/.*stopped at step \([0-9]*\) of .*/\1/p' "$work/limited.log")
same "all steps until the limit" "[1,$step,$step]" "$(steps limited.json 1)"

# --- an error in the middle
status=0
train failed 2 --threads 1 --set train.optimizer.name=sgd --set train.optimizer.lr=1e30 --trace "$work/failed.json" || status=$?
same "an infinite loss ends with 1" 1 $status
same "an infinite loss: one message" 1 "$(grep -c 'lockstep: error:' "$work/failed.log")"
sound failed.json 2 1
holds failed.json "the step that failed" '[events[] | select(.name == "allreduce" and .pid == 1)] | length > 0'

# --- a buffer that is full
export LOCKSTEP_TRACE_EVENTS=100
trained full 2 --threads 2 --trace "$work/full.json"
sound full.json 2 2
holds full.json "no thread has more" '[threads[] | length] | max == 100'
holds full.json "the first steps" '.otherData | .steps == 76 and .steps_recorded > 3 and .steps_recorded < 76 and
    .events_per_thread == 100'
holds full.json "where recording stopped is marked" '[.traceEvents[] | select(.ph == "i" and (.name | test("full")))]
    | [.[].pid] == [0, 1] and all(.[]; .s == "p" and .ts > 0)'
kept=$(jq '[.traceEvents[] | select(.name == "update")] | group_by(.pid) | map(length) | min' "$work/full.json")
same "how many steps were kept" "$kept" "$(jq .otherData.steps_recorded "$work/full.json")"
check "that is said" grep -qE "^trace .*full.json: the first $kept of 76 steps; .* 100 events was full" "$work/full.log"
same "a full buffer: the same bits" "$wanted" "$(result full)"
for events in 0 -1 many 5x; do
    status=0
    LOCKSTEP_TRACE_EVENTS=$events train refused 2 --trace "$work/refused.json" || status=$?
    same "LOCKSTEP_TRACE_EVENTS=$events ends with 2" 2 $status
    check "LOCKSTEP_TRACE_EVENTS=$events is named" grep -q "error: LOCKSTEP_TRACE_EVENTS=$events" "$work/refused.log"
done
unset LOCKSTEP_TRACE_EVENTS

# --- no place for the file: known before training, and before anything is removed
before=$(find "$work/plain" -type f -printf '%p %s %i %T@\n' | sort)
for place in "$work/nowhere/trace.json" "$work" "$config/trace.json" /dev/null; do
    status=0
    train plain 2 --resume never --trace "$place" || status=$?
    same "$place: status" 1 $status
    same "$place: one message" 1 "$(grep -c 'lockstep: error:' "$work/plain.log")"
    check "$place: is named" grep -qF -- "--trace: cannot write $place: " "$work/plain.log"
    $ok || show "$work/plain.log"
    same "$place: the earlier run is as it was" "$before" "$(find "$work/plain" -type f -printf '%p %s %i %T@\n' | sort)"
done
status=0
(cd "$work" && exec "$LOCKSTEP" train "$config" --set "data.dir=$golden" --out new/one --trace nowhere/trace.json) \
    >"$work/new.log" 2>&1 || status=$?
same "a new run that cannot be traced: status" 1 $status
check "it leaves no folder behind" [ ! -e "$work/new" ]
mkdir -p "$work/empty/checkpoints"
train empty 1 --trace "$work/nowhere/trace.json" || true
check "folders that were there stay" [ -d "$work/empty/checkpoints" ]
status=0
train dry 1 --dry-run --trace "$work/dry.json" || status=$?
same "--dry-run has no trace: status" 2 $status
check "--dry-run has no trace: it is said" grep -q 'error: --trace .*dry run' "$work/dry.log"
check "--dry-run has no trace" [ ! -e "$work/dry.json" ]

# --- a disk that fills up while the trace is written: the run has its results. On a file system of its own, mounted
# where nobody else sees it.
small_disk() { # small_disk DISK LIST COMMAND...: lists what is left there
    mkdir "$1" && mount -t tmpfs -o size=64k tmpfs "$1" || exit 99
    local status=0
    "${@:3}" || status=$?
    ls -A "$1" >"$2"
    exit "$status"
}
export -f small_disk
apart=(unshare --mount)
[ "$(id -u)" -eq 0 ] || apart=(unshare --mount --map-root-user)
if "${apart[@]}" mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    status=0
    "${apart[@]}" bash -c 'small_disk "$@"' - "$work/disk" "$work/left" "$MPIEXEC" -n 3 "$LOCKSTEP" train "$config" \
        --set "data.dir=$golden" --out "$work/nospace" --progress never --threads 1 --trace "$work/disk/trace.json" \
        >"$work/nospace.log" 2>&1 </dev/null || status=$?
    same "a full disk: status" 0 $status
    check "a full disk: a warning" grep -q 'warning: no trace: .*No space left' "$work/nospace.log"
    $ok || show "$work/nospace.log"
    same "a full disk: nothing is left there" "" "$(cat "$work/left")"
    same "a full disk: the run's results" "$wanted" "$(result nospace)"
else
    echo "the full disk was not tried: no file system may be mounted here"
fi
finish
