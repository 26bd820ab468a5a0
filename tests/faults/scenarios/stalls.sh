# shellcheck shell=bash
# a rank is stopped (SIGSTOP) at a step, for good: named in time, the job ended, nothing left behind

readonly timeout_seconds=3 grace_seconds=10

prepare() { slowest=0; }
remark() { echo "   the slowest end came after $slowest s"; }

try() {
    local ranks rank at seconds
    pick 2 && ranks=$((REPLY + 2))
    pick "$ranks" && rank=$REPLY
    pick 50 && at=$((REPLY + 1))
    extra=(--stall-timeout "$timeout_seconds")
    life "$ranks" FAULT_CALLS=step "FAULT_AT=$at" FAULT_DO=stop "FAULT_RANK=$rank"
    extra=()
    # The shim's last word comes right before the stop; what was before, like MPI's start, takes as long as it takes.
    seconds=$(($(date +%s) - $(stat -c %Y "$trial/faults")))
    [ "$seconds" -le "$slowest" ] || slowest=$seconds
    [ "$status" -eq 79 ] || fail "rank $rank of $ranks stopped at step $at: the life ends with $status"
    [ $seconds -le $((timeout_seconds + grace_seconds)) ] || fail "rank $rank of $ranks: ended after $seconds s"
    grep -qE "rank $rank\b" <(grep 'lockstep: error' "$trial/log") || fail "rank $rank is not named"
    [ -z "$(ranks_alive)" ] || fail "a process is left"
    end_all KILL
    settle
    judge
}
