#!/usr/bin/env bash
# The recipes of configs/ that were measured here, as they are: their first steps give one digest on any number of ranks
# and threads and any instruction set.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

recipes=$(grep -l '^# measured: ' "$SOURCE"/configs/*.yaml) || true
check "there are recipes" [ -n "$recipes" ]
steps=(--set train.max_steps=6 --set 'data.test_images=""' --set 'data.test_labels=""')
for config in $recipes; do
    name=$(basename "$config" .yaml)
    trained reference 1 --threads 2 "${steps[@]}"
    same "$name: steps" 6 "$(key reference steps)"
    turn=1
    for isa in $(isas); do
        turn=$((turn + 1))
        LOCKSTEP_ISA=$isa trained run $turn --threads $((1 + turn % 2)) "${steps[@]}"
        same "$name: $turn ranks, $isa" "$(result reference)" "$(result run)"
        rm -rf "$work/run"
    done
    rm -rf "$work/reference"
done
finish
