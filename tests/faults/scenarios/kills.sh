# shellcheck shell=bash
# a rank, mpirun or the job is killed: at a chosen call or step, at any moment; up to three times a run

# How many calls and steps a run has, counted once.
prepare() {
    kills=0
    in_trial count 0 life 2 "FAULT_CALLS=$file_calls"
    calls=$(wc -l <"$work/count/faults")
    in_trial count 0 life 2 FAULT_CALLS=step
    steps=$(wc -l <"$work/count/faults")
    local started ended
    started=$(date +%s%N)
    in_trial count 0 life 2
    ended=$(date +%s%N)
    milliseconds=$(((ended - started) / 1000000))
}

remark() { echo "   $kills kills"; }

# Exactly before or after a call of rank 0, who writes, on all ranks' way through a run.
kill_at_call() {
    local at deed deeds=(kill kill kill-after kill-after kill-parent)
    pick "$calls" && at=$((REPLY + 1))
    pick 5 && deed=${deeds[REPLY]}
    pick 3
    [ "$deed" != kill-parent ] || REPLY=1 # a rank without mpirun has the test for a parent
    life $((REPLY + 1)) "FAULT_CALLS=$file_calls" "FAULT_AT=$at" "FAULT_DO=$deed"
}

# Where a run folder is between two states: a checkpoint has its name and no link names it yet, links are moved, what is
# too many is removed. Epochs end at steps 17, 34 and 51.
kill_in_window() {
    local at kind path most deed deeds=(kill kill-after)
    local windows=("rename */step-*.h5 12" "rename */step-000000[135][147].h5 3" "rename */last.h5 12" "rename */best.h5 3"
        "unlink */step-*.h5 9" "rename */history.h5 1" "rename */summary.json 1" "rename */report.html 1")
    pick ${#windows[@]} && read -r kind path most <<<"${windows[REPLY]}"
    pick 2 && deed=${deeds[REPLY]}
    pick "$most" && at=$((REPLY + 1))
    pick 3
    life $((REPLY + 1)) "FAULT_CALLS=$kind" "FAULT_PATH=$path" "FAULT_AT=$at" "FAULT_DO=$deed"
}

# Before or after a step's message, on any rank.
kill_at_step() {
    local at ranks rank deed deeds=(kill kill-after)
    pick "$steps" && at=$((REPLY + 1))
    pick 2 && ranks=$((REPLY + 2))
    pick "$ranks" && rank=$REPLY
    pick 2 && deed=${deeds[REPLY]}
    life "$ranks" FAULT_CALLS=step "FAULT_AT=$at" "FAULT_DO=$deed" "FAULT_RANK=$rank"
}

# At any moment: one rank, mpirun alone, or all of them.
kill_at_moment() {
    local ranks alive
    pick 3 && ranks=$((REPLY + 1))
    pick $((milliseconds * 5 / 4)) && printf -v moment '%d.%03d' $((REPLY / 1000)) $((REPLY % 1000))
    pick 3
    begin_life "$ranks"
    sleep "$moment"
    mapfile -t alive < <(ranks_alive)
    case $REPLY in
    0) [ ${#alive[@]} -eq 0 ] || kill -KILL "${alive[$((seed % ${#alive[@]}))]}" 2>/dev/null || true ;;
    1) kill -KILL "$launcher" 2>/dev/null || true ;;
    2) kill -KILL -- "-$launcher" 2>/dev/null || true ;;
    esac
    end_life
}

try() {
    local times
    pick 3 && times=$((REPLY + 1))
    while [ $times -gt 0 ]; do
        times=$((times - 1))
        pick 4
        case $REPLY in
        0) kill_at_call ;;
        1) kill_in_window ;;
        2) kill_at_step ;;
        3) kill_at_moment ;;
        esac
        # Started where the former life still works, or at an end that came before the moment: no kill.
        case $status in
        0 | 73) ;;
        124) fail "a life hung" && return 0 ;;
        *) kills=$((kills + 1)) ;;
        esac
    done
    settle
    judge
}
