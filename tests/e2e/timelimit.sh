#!/usr/bin/env bash
# --time-limit stops a run like a signal does: checkpoint, status 75, and the bits of the undisturbed run in the end.
# How far a run comes in a second does not matter.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# --- a run much longer than its limit, stopped three times: alone, on three ranks, and by the clock of rank 1 only
long=(--threads 1 --set train.epochs=1000 --set metrics.every_steps=0 --set checkpoint.every_epochs=0)
one_clock() {
    local args=(train "$config" --set "data.dir=$golden" --out "$work/long" --progress never "${long[@]}")
    "$MPIEXEC" -n 1 "$LOCKSTEP" "${args[@]}" : -n 1 "$LOCKSTEP" "${args[@]}" --time-limit 1 >"$work/long.log" 2>&1 \
        </dev/null
}
before=0
for life in "train long 1" "train long 3" one_clock; do
    status=0
    case $life in
    train*) $life "${long[@]}" --time-limit 00:01 || status=$? ;;
    *) $life || status=$? ;;
    esac
    same "$life: a limit of a second ends with 75" 75 $status
    check "$life: why the run stopped is said" \
        grep -q 'stopped at step .* at its time limit; checkpoint saved' "$work/long.log"
    $ok || show "$work/long.log"
    step=$(sed -n 's/.*stopped at step \([0-9]*\) of .*/\1/p' "$work/long.log")
    check "$life: gets further, to step ${step:-none} from $before" [ "${step:-0}" -gt "$before" ]
    check "$life: that step is in the checkpoint" \
        [ -e "$work/long/checkpoints/$(printf 'step-%08d.h5' "${step:-0}")" ]
    check "$life: a stopped run has no summary" [ ! -e "$work/long/summary.json" ]
    before=${step:-0}
done

# --- it goes on to the bits of a run that nobody stopped; a limit that is not met changes nothing
end=(--set "train.max_steps=$((before + 5))")
trained long 2 "${long[@]}" "${end[@]}" --time-limit 1-00:00:00
trained whole 2 "${long[@]}" "${end[@]}"
same "stopped three times, at last at step $before" "$(result whole)" "$(result long)"

# --- what is a time, and what is none: the configuration is looked at later, and a missing one ends with 2 as well
times() { # times PATTERN TIME...: what a run with this limit says
    local pattern=$1 time
    shift
    for time; do
        "$LOCKSTEP" train "$work/nowhere.yaml" --time-limit "$time" >"$work/times.log" 2>&1 </dev/null || true
        check "--time-limit '$time': $pattern" grep -q -- "$pattern" "$work/times.log"
    done
}
times 'nowhere.yaml' 1 90 90:00 2:03:04 1-02:03:04 200:00:00
times '--time-limit' '' 0 0:00 -1 1.5 10s 1-12 1-12:30 1:60 1:60:00 1-24:00:00 1:2:3:4 :30 30: 1-2-3:04:05 UNLIMITED ' 1' 9999999999
finish
