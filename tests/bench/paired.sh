#!/usr/bin/env bash
# Two programs on the same training, in turn and each first in every second round: what one costs more than the other,
# as the median of the rounds' ratios with its interval. For machines that do other work at the same time.
#
# Usage: paired.sh [--rounds N] OLD NEW CONFIG [OPTION...]
# OLD and NEW are programs, OPTION is one of `lockstep train`: paired.sh --rounds 30 old/lockstep new/lockstep
# configs/mnist-convnet.yaml --set train.max_steps=500 --threads 2
set -euo pipefail
export LC_ALL=C
rounds=20
if [ "${1-}" = --rounds ]; then rounds=$2 && shift 2; fi
old=$1 new=$2 config=$3
shift 3
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-paired-XXXXXX")
trap 'rm -rf "$work"' EXIT

# Seconds in steps, by the clock, and of processor time from start to end.
run() {
    local program=$1 times
    shift
    rm -rf "$work/run"
    times=$({ TIMEFORMAT=%U && time "$program" train "$config" --out "$work/run" --resume never "$@" >/dev/null 2>"$work/log"; } 2>&1) ||
        { cat "$work/log" >&2 && return 1; }
    echo "$(jq .train_seconds "$work/run/summary.json") $times"
}

for ((round = 0; round < rounds; round++)); do
    if ((round % 2)); then
        b=$(run "$new" "$@") && a=$(run "$old" "$@")
    else
        a=$(run "$old" "$@") && b=$(run "$new" "$@")
    fi
    echo "$a $b"
done >"$work/rounds"

# The median's interval of 95 %: order statistics of the binomial distribution, by its normal approximation.
for column in 1 2; do
    awk -v c=$column '{ print $(c + 2) / $c }' "$work/rounds" | sort -g | awk -v what="$([ $column = 1 ] && echo 'time in steps' || echo 'processor time')" '
        { ratio[NR] = $1 }
        END {
            low = int(NR / 2 - 0.98 * sqrt(NR)); high = int(NR / 2 + 1 + 0.98 * sqrt(NR) + 0.999)
            low = low < 1 ? 1 : low; high = high > NR ? NR : high
            median = (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2
            printf "%-14s new : old %+.2f %%, 95 %% interval %+.2f to %+.2f %%, %d rounds\n", what,
                100 * (median - 1), 100 * (ratio[low] - 1), 100 * (ratio[high] - 1), NR
        }'
done
