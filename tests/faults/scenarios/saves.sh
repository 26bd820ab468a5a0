# shellcheck shell=bash
# a checkpoint each step, on a disk that is slow at times; then all ranks are killed at any moment

# Of which one is being written, one waits, and one is being computed.
readonly at_risk=3

prepare() {
    extra=(--set checkpoint.every_steps=1)
    reference=saves-whole
    local started ended
    started=$(date +%s%N)
    in_trial $reference 0 undisturbed
    ended=$(date +%s%N)
    milliseconds=$(((ended - started) / 1000000))
    steps_lost=0
}

remark() { echo "   at most $steps_lost steps lost"; }

# Whole files only, and the newest one is not far behind what was computed.
check_files() {
    local file newest=0 computed
    for file in "$trial"/run/checkpoints/step-*.h5; do
        [ -e "$file" ] || continue
        "$program" info "$file" >>"$trial/log" 2>&1 || fail "$(basename "$file") is not whole"
        newest=$((10#$(basename "${file#*/step-}" .h5)))
    done
    # The last line may be cut.
    computed=$({ jq -R 'fromjson? | select(.type == "step").step' "$trial/run/metrics.jsonl" 2>/dev/null || true; } | tail -n 1)
    [ -n "$computed" ] || return 0
    [ $((computed - newest)) -le $at_risk ] || fail "step $computed was done, the newest checkpoint is of step $newest"
    [ $((computed - newest)) -le "$steps_lost" ] || steps_lost=$((computed - newest))
}

# mpirun's ranks have groups of their own.
kill_all() {
    kill -KILL -- "-$launcher" 2>/dev/null || true
    end_life
    while [ -n "$(ranks_alive)" ]; do end_all KILL && sleep 0.05; done
}

try() {
    local ranks slow moment times
    pick 3 && times=$((REPLY + 1))
    while [ $times -gt 0 ]; do
        times=$((times - 1))
        pick 2 && ranks=$((REPLY + 1))
        pick 40 && slow=$((REPLY * 1000))
        pick $((milliseconds * 3 / 2)) && printf -v moment '%d.%03d' $((REPLY / 1000)) $((REPLY % 1000))
        begin_life "$ranks" FAULT_CALLS=fsync FAULT_AT=1 FAULT_FOR=0 FAULT_DO=slow "FAULT_DELAY=$slow"
        sleep "$moment"
        kill_all
        check_files
    done
    settle
    judge
}
