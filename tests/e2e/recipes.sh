#!/usr/bin/env bash
# The recipes of configs/ that were measured here, as they are: their first steps give one digest on any number of ranks
# and threads and any instruction set.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

recipes=$(grep -l '^# measured: ' "$SOURCE"/configs/*.yaml) || true
check "there are recipes" [ -n "$recipes" ]
none=(--set 'data.test_images=""' --set 'data.test_labels=""')
# The reference has the set that is chosen by itself. The other sets follow each other in one run, on one rank more each:
# portable code, which is slow, takes one step, and each after it two.
mapfile -t sets < <(isas | sed '$d')
[ ${#sets[@]} -gt 0 ] || sets=(portable)
last=$((2 * ${#sets[@]} - 1))
for config in $recipes; do
    name=$(basename "$config" .yaml)
    trained reference 1 --threads 2 "${none[@]}" --set train.max_steps=$last
    same "$name: steps" $last "$(key reference steps)"
    for i in "${!sets[@]}"; do
        LOCKSTEP_ISA=${sets[i]} trained run $((2 + i)) --threads $((1 + i % 2)) "${none[@]}" --set train.max_steps=$((1 + 2 * i))
    done
    same "$name: ${sets[*]} on 2 ranks and more" "$(result reference)" "$(result run)"
    rm -rf "$work"/{run,reference}
done
finish
