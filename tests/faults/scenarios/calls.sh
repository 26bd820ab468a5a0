# shellcheck shell=bash
# each call of a run on its files fails in turn: EIO, ENOSPC, EDQUOT, EINTR, ESTALE, short

readonly scatter=7919 # a prime: seeds that follow each other meet calls far apart, and all of them come up
readonly passes=5     # each call has five errors; those of the first pass meet every call once

prepare() {
    ended_well=0
    in_trial count 0 life 1 "FAULT_CALLS=$file_calls"
    mapfile -t kind_of < <(cut -d ' ' -f 2 "$work/count/faults")
    calls=${#kind_of[@]}
}
count_all() { echo $((calls * passes)); }
remark() { echo "   $ended_well lives went on to the end; a run has $calls calls"; }

# Files that training does not need: what cannot be written to them is warned of, and made up for.
beside() {
    case $(awk '$1 == "FAULT" { print $4; exit }' "$trial/faults") in
    */metrics.jsonl | */history.h5 | */.tmp-history* | */report.html | */.tmp-report* | */last.h5 | */best.h5 | \
        */.tmp-last* | */.tmp-best*) return 0 ;;
    *) return 1 ;;
    esac
}

try() {
    local call=$((seed * scatter % calls)) errors=(EIO ENOSPC EDQUOT EINTR)
    case ${kind_of[call]} in
    read | write) errors+=(short) ;;
    *) errors+=(ESTALE) ;;
    esac
    local at=$((call + 1)) error=${errors[(call + seed / calls) % passes]}
    life 1 "FAULT_CALLS=$file_calls" "FAULT_AT=$at" "FAULT_DO=$error"
    case $status in
    0) ended_well=$((ended_well + 1)) ;;
    1) if beside; then fail "$(grep -m 1 FAULT "$trial/faults" | cut -c 1-100): a side file ended the run"; fi ;;
    *) fail "$(grep -m 1 FAULT "$trial/faults" | cut -c 1-100): the life ends with $status" ;;
    esac
    settle
    judge
}
