#!/usr/bin/env bash
# MPI fails on one rank, which the others cannot know: one message that names call, rank and host, and all ranks end.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
library=$4
[ "$(uname)" = Linux ] || skip "no LD_PRELOAD"

# fails RANKS RANK CALL COMMAND...: the program, on RANKS ranks, with call CALL of MPI_Allreduce failing on RANK
fails() {
    local ranks=$1 rank=$2 call=$3 status=0
    shift 3
    timeout 60 "$MPIEXEC" -n "$ranks" env ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" LD_PRELOAD="$library" FAIL_RANK="$rank" FAIL_CALL="$call" "$LOCKSTEP" "$@" \
        >"$work/log" 2>&1 </dev/null || status=$?
    same "$1, call $call on rank $rank of $ranks: exit status" 1 $status
    same "$1, call $call on rank $rank of $ranks: messages" 1 "$(grep -c 'lockstep: error' "$work/log" || true)"
    check "$1, call $call on rank $rank of $ranks: the message" grep -q \
        "lockstep: error: MPI failed: MPI_Allreduce.*MPI_ERR_INTERN.*comm.c:.*(rank $rank on $(hostname))" "$work/log"
    $ok || show "$work/log"
}

training=(train "$here/odd.yaml" --set "data.dir=$golden" --progress never --threads 1)
# At start, while data are opened, in the first steps, in the evaluation and verification after an epoch.
for call in 1 2 5 12 24 30 50 70 86 87 93 125 127 128 129; do
    fails 3 $((call % 3)) $call "${training[@]}" --out "$work/run"
    rm -rf "$work/run"
done
fails 1 0 30 "${training[@]}" --out "$work/run"
rm -rf "$work/run"

# What was saved before is whole: the same command goes on from it. Few snapshots wait at a time, so some are files.
fails 2 1 110 "${training[@]}" --out "$work/run" --set checkpoint.every_steps=1
check "a checkpoint of before" [ -e "$work/run/checkpoints/last.h5" ]
trained run 2 --threads 1
trained whole 1 --threads 1
same "a run that goes on after MPI failed" "$(result whole)" "$(result run)"

for call in 1 4 8; do
    fails 2 1 $call eval "$work/whole" --data "$golden"
done
fails 2 0 3 bench "$here/odd.yaml" --data "$golden" --steps 3
finish
