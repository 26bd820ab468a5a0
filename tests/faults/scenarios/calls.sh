# shellcheck shell=bash
# each call of a run on its files fails in turn: EIO, ENOSPC, EDQUOT, EINTR, short

readonly scatter=7919 # a prime: seeds that follow each other meet calls far apart, and all of them come up

# Each call with each error; only reads and writes can be short.
prepare() {
    ended_well=0
    in_trial count 0 life 1 "FAULT_CALLS=$file_calls"
    mapfile -t pairs < <(awk '{
        n = split("EIO ENOSPC EDQUOT EINTR" ($2 == "read" || $2 == "write" ? " short" : ""), errors, " ")
        for (i = 1; i <= n; i++) print $1, errors[i]
    }' "$work/count/faults")
}
count_all() { echo ${#pairs[@]}; }
remark() { echo "   $ended_well lives went on to the end"; }

# Files that training does not need: what cannot be written to them is warned of, and made up for.
beside() {
    case $(awk '$1 == "FAULT" { print $4; exit }' "$trial/faults") in
    */metrics.jsonl | */history.h5 | */.tmp-history* | */report.html | */.tmp-report* | */last.h5 | */best.h5 | \
        */.tmp-last* | */.tmp-best*) return 0 ;;
    *) return 1 ;;
    esac
}

try() {
    local at error
    read -r at error <<<"${pairs[seed * scatter % ${#pairs[@]}]}"
    life 1 "FAULT_CALLS=$file_calls" "FAULT_AT=$at" "FAULT_DO=$error"
    case $status in
    0) ended_well=$((ended_well + 1)) ;;
    1) if beside; then fail "$(grep -m 1 FAULT "$trial/faults" | cut -c 1-100): a side file ended the run"; fi ;;
    *) fail "$(grep -m 1 FAULT "$trial/faults" | cut -c 1-100): the life ends with $status" ;;
    esac
    settle
    judge
}
