# shellcheck shell=bash
# each allocation of the program fails in turn

readonly scatter=7919

prepare() {
    in_trial count 0 life 1 FAULT_CALLS=alloc
    calls=$(wc -l <"$work/count/faults")
}
count_all() { echo "$calls"; }

try() {
    life 1 FAULT_CALLS=alloc "FAULT_AT=$((seed * scatter % calls + 1))" FAULT_DO=ENOMEM
    case $status in
    0) ;;
    1) grep -q '^lockstep: error: ' "$trial/log" || fail "a failure without a message" ;;
    *) fail "allocation $((seed * scatter % calls + 1)): the life ends with $status" ;;
    esac
    settle
    judge
}
