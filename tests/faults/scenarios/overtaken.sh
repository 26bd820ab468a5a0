# shellcheck shell=bash
# a run is stopped (SIGSTOP) at a call, overtaken by --take-over, and woken: it publishes nothing, and ends with 73

# The calls after a run has taken its folder, and before it leaves it.
prepare() {
    in_trial count 0 life 1 "FAULT_CALLS=$file_calls"
    first=$(awk '$2 == "rename" && /lives\/00000001$/ { print $1 + 1 }' "$work/count/faults")
    last=$(awk '$2 == "rename" && /\/ended$/ { print $1 - 5 }' "$work/count/faults")
}

is_stopped() { [ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = T ]; }

# Which rank is stopped: its process in $asleep. False where the run has ended before.
wait_for_stop() {
    local process
    while kill -0 "$launcher" 2>/dev/null; do
        for process in $(ranks_alive); do
            if is_stopped "$process"; then asleep=$process && return 0; fi
        done
        sleep 0.05
    done
    return 1
}

# What there is of the run folder: names, places, times.
inventory() {
    find "$trial/run" \( -type f -o -type l \) ! -path '*/lives/*' -printf '%p %i %s %T@ %C@\n' | sort
}

try() {
    local ranks at deed deeds=(stop stop-after) asleep=
    pick 2 && ranks=$((REPLY + 1))
    pick $((last - first)) && at=$((first + REPLY))
    pick 2 && deed=${deeds[REPLY]}
    begin_life "$ranks" "FAULT_CALLS=$file_calls" "FAULT_AT=$at" "FAULT_DO=$deed"
    if ! wait_for_stop; then
        end_life
        fail "the run was not stopped at call $at; it ended with $status"
        return 0
    fi
    extra=(--take-over)
    life $((3 - ranks))
    extra=()
    [ "$status" -eq 0 ] || fail "--take-over: ends with $status"
    inventory >"$trial/before"
    kill -CONT "$asleep"
    end_life
    [ "$status" -eq 73 ] || fail "stopped at call $at, overtaken, woken: ends with $status"
    inventory >"$trial/after"
    diff "$trial/before" "$trial/after" >"$trial/changed" ||
        fail "woken, it changed: $(sed -n 's/^[<>] *//p' "$trial/changed" | head -n 1)"
    grep -q 'was overtaken by life 2: process' "$trial/log" || fail "it does not say who has overtaken it"
    judge
}
