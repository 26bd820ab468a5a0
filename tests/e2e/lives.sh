#!/usr/bin/env bash
# One life at a time: who comes second is refused with 73 before anything is touched; a dead owner is followed at once,
# a silent one on another host after a while; a life that was overtaken and wakes up publishes nothing.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

trained whole 1 --threads 1
long=(--threads 1 --set train.epochs=100000)

trap 'for process in $(jobs -p); do kill -KILL "$process" 2>/dev/null; done; rm -rf "$work"' EXIT

# works RUN: process $process has begun to train there
works() {
    local newest
    newest=$(find "$work/$1/lives" -path '*/0*/owner.json' 2>/dev/null | sort | tail -n 1)
    [ -n "$newest" ] && [ "$(jq .process "$newest")" -eq "$process" ] && [ "$work/$1/metrics.jsonl" -nt "$newest" ]
}

# begin RUN ARGUMENT...: a run in the background that goes on for ever; its process is $process. It has begun to train.
begin() {
    local run=$1
    OMPI_MCA_orte_tmpdir_base=$work/mpi.$run "$LOCKSTEP" train "$config" --set "data.dir=$golden" --out "$work/$run" \
        --progress never "${long[@]}" "${@:2}" >"$work/$run.owner" 2>&1 </dev/null &
    process=$!
    until works "$run" || ! kill -0 $process 2>/dev/null; do sleep 0.05; done
}

# ends_with STATUS WHAT: the run in the background
ends_with() {
    local status=0
    { wait "$process" || status=$?; } 2>/dev/null
    same "$2" "$1" $status
}

# What there is of a run folder: names, places, times. Life folders have a beat that moves.
inventory() { find "$work/$1" ! -type d ! -path '*/lives/*' -printf '%p %i %s %T@ %C@\n' | sort; }

# refused WHAT RUN PATTERN ARGUMENT...: a start ends with 73 and one error, which has PATTERN
refused() {
    local what=$1 run=$2 pattern=$3 status=0
    "$LOCKSTEP" train "$config" --set "data.dir=$golden" --out "$work/$run" --progress never "${long[@]}" "${@:4}" \
        >"$work/out" 2>&1 </dev/null || status=$?
    same "$what: status" 73 $status
    same "$what: one error" 1 "$(grep -c 'lockstep: error:' "$work/out" || true)"
    check "$what: named" grep -qE "$pattern" "$work/out"
    $ok || show "$work/out"
}

# --- a life on another host that stands still: watched while the rest of this test goes on
# foreign RUN: a run folder whose owner is on another host
foreign() {
    local life=$work/$1/lives/00000001
    mkdir -p "$life"
    sed -E 's/"boot": "[^"]*"/"boot": "another"/; s/"host": "[^"]*"/"host": "far"/' \
        "$work/whole/lives/00000001/owner.json" >"$life/owner.json"
    touch "$life/beat-7"
}
foreign still
touch "$work/still/.tmp-1-config.yaml.far-1-1" # of that life
OMPI_MCA_orte_tmpdir_base=$work/mpi.still train still 1 --threads 1 --take-over-after 5 &
watching=$!

# --- another that beats is let alone, however it is started
foreign beats
(for ((beat = 7; ; beat++)); do
    mv "$work/beats/lives/00000001/beat-$beat" "$work/beats/lives/00000001/beat-$((beat + 1))" && sleep 0.3
done) &
heart=$!
before=$(inventory beats)
for how in auto never; do
    refused "a foreign heart beats, --resume $how" beats 'life 1: process [0-9]+ on far.*its heart beats' --resume $how
done
refused "a dry run says so, too" beats 'its heart beats' --dry-run
same "nothing is touched there" "$before" "$(inventory beats)"
kill $heart

# --- two at the same instant: one goes on, the other names it
for i in 0 1; do
    (until [ -e "$work/go" ]; do :; done && OMPI_MCA_orte_tmpdir_base=$work/mpi.both.$i exec "$LOCKSTEP" train "$config" \
        --set "data.dir=$golden" --out "$work/both" --progress never "${long[@]}" >"$work/both.$i" 2>&1) </dev/null &
    starts[i]=$!
done
touch "$work/go"
wait -n "${starts[@]}" && status=0 || status=$?
same "of two starts one is refused" 73 "$status"
if kill -0 "${starts[0]}" 2>/dev/null; then winner=0; else winner=1; fi
check "it names the other" grep -q "another process works in this run folder (life 1: process ${starts[winner]} on" \
    "$work/both.$((1 - winner))"
process=${starts[winner]}
until works both || ! kill -0 "$process" 2>/dev/null; do sleep 0.05; done
kill -USR1 "$process"
ends_with 75 "which goes on until it is told to stop"

# --- a live owner on this machine
begin run
before=$(find "$work/run/lives" -name owner.json -printf '%p %i %T@\n')
refused "a second start" run "run: another process works in this run folder \(life 1: process $process on"
refused "--resume never" run "life 1: process $process on" --resume never
refused "a dry run" run "life 1: process $process on" --dry-run
same "no life but the owner's" "$before" "$(find "$work/run/lives" -name owner.json -printf '%p %i %T@\n')"
"$LOCKSTEP" info "$work/run" >"$work/info"
check "info tells who works there" grep -qE "^worked on by +life 1: process $process on .*: at work" "$work/info"
check "the run goes on" kill -0 $process

# --- killed: followed at once, and no file of the dead one stays
until compgen -G "$work/run/checkpoints/step-*.h5" >/dev/null || ! kill -0 $process 2>/dev/null; do sleep 0.05; done
kill -KILL $process
ends_with 137 "the owner is killed"
touch "$work/run/checkpoints/.tmp-1-step-00000001.h5.here-1-1"
"$LOCKSTEP" info "$work/run" >"$work/info"
check "info tells that it died" grep -q "^worked on by .*its process has died" "$work/info"
first=$process
begin run
check "the dead owner is not waited for" grep -q '^resumed' "$work/run.owner"
same "no temporary of it stays" "" "$(find "$work/run" -name '.tmp-1-*')"
same "it was process $first" "$first" "$(jq .process "$work/run/lives/00000001/owner.json")"

# --- stopped, overtaken, woken: it publishes nothing more
kill -STOP $process
last=$(find "$work/run/checkpoints" -name 'step-*.h5' | sort | tail -n 1)
last=${last##*step-} last=$((10#${last%.h5}))
status=0
"$LOCKSTEP" train "$config" --set "data.dir=$golden" --out "$work/run" --progress never --take-over "${long[@]}" \
    --set train.max_steps=$((last + 60)) >"$work/over" 2>&1 </dev/null || status=$?
same "--take-over goes on" 0 $status
$ok || show "$work/over"
before=$(inventory run)
kill -CONT $process
ends_with 73 "the life that was overtaken ends"
check "and says by whom" grep -q 'error: this run (life 2) was overtaken by life 3: process' "$work/run.owner"
same "its one error" 1 "$(grep -c 'lockstep: error:' "$work/run.owner")"
same "it has published nothing" "$before" "$(inventory run)"

# --- a requeued job follows its former launch, which may still be there, but not a launch beside it
export LOCKSTEP_JOB=a-job
begin job
refused "the same job, not started anew" job "life 1: process $process on .*job a-job"
export LOCKSTEP_RELAUNCH=1
former=$process
begin job
next=$process process=$former
ends_with 73 "the former launch of the job ends"
kill -USR1 "$next"
process=$next
ends_with 75 "and the next one goes on"
unset LOCKSTEP_JOB LOCKSTEP_RELAUNCH

# --- what cannot hold the lives is no run folder
mkdir "$work/file"
touch "$work/file/lives"
status=0
train file 1 --threads 1 || status=$?
same "no folder of lives: status" 1 $status
check "no folder of lives: named" grep -q 'lockstep: error: .*file/lives' "$work/file.log"
same "no folder of lives: nothing else is made" "$work/file/lives" "$(find "$work/file" -mindepth 1)"
for wrong in 4 x ''; do
    status=0
    train none 1 --take-over-after "$wrong" || status=$?
    same "--take-over-after '$wrong': status" 2 $status
done

status=0
wait $watching || status=$?
same "the silent life is taken over" 0 $status
$ok || show "$work/still.log"
check "the wait is told" grep -q 'warning: .*process [0-9]* on far.*stood still for 5 s' "$work/still.log"
same "to the right end" "$(result whole)" "$(result still)"
same "its temporary is gone" "" "$(find "$work/still" -name '.tmp-*')"
finish
