#!/usr/bin/env bash
# Two programs on the same training, or one with a key and without, in turn and each first in every second round: what
# one costs more than the other, as the median of the rounds' ratios with its interval. For machines that do other work
# at the same time.
#
# Usage: paired.sh [--rounds N] [--new-set KEY=VALUE]... OLD NEW CONFIG [OPTION...]
# OLD and NEW are programs, OPTION is one of `lockstep train`; only NEW gets the keys of --new-set: paired.sh --rounds 30
# old/lockstep new/lockstep configs/mnist-convnet.yaml --set train.max_steps=500 --threads 2
set -euo pipefail
export LC_ALL=C
rounds=20 keys=()
while [[ ${1-} == --* ]]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --new-set) keys+=(--set "$2") ;;
    *) echo "paired.sh: error: $1: no such option" >&2 && exit 2 ;;
    esac
    shift 2
done
old=$1 new=$2 config=$3
shift 3
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-paired-XXXXXX")
trap 'rm -rf "$work"' EXIT

# Seconds in steps, of training with its checkpoints, both by the clock, and of processor time from start to end.
run() {
    local program=$1 times
    shift
    rm -rf "$work/run"
    times=$({ TIMEFORMAT='%U %S' && time "$program" train "$config" --out "$work/run" --resume never "$@" >/dev/null 2>"$work/log"; } 2>&1) ||
        { cat "$work/log" >&2 && return 1; }
    echo "$(jq -r '[.train_seconds, .samples_seen / .images_per_second] | @tsv' "$work/run/summary.json") $(awk '{ print $1 + $2 }' <<<"$times")"
}

for ((round = 0; round < rounds; round++)); do
    if ((round % 2)); then
        b=$(run "$new" "$@" "${keys[@]}") && a=$(run "$old" "$@")
    else
        a=$(run "$old" "$@") && b=$(run "$new" "$@" "${keys[@]}")
    fi
    echo "$a $b"
done >"$work/rounds"

# The median's interval of 95 %: order statistics of the binomial distribution, by its normal approximation.
columns=(. 'time in steps' 'time training' 'processor time')
for column in 1 2 3; do
    awk -v c=$column '{ print $(c + 3) / $c }' "$work/rounds" | sort -g | awk -v what="${columns[column]}" '
        { ratio[NR] = $1 }
        END {
            low = int(NR / 2 - 0.98 * sqrt(NR)); high = int(NR / 2 + 1 + 0.98 * sqrt(NR) + 0.999)
            low = low < 1 ? 1 : low; high = high > NR ? NR : high
            median = (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2
            printf "%-14s new : old %+.2f %%, 95 %% interval %+.2f to %+.2f %%, %d rounds\n", what,
                100 * (median - 1), 100 * (ratio[low] - 1), 100 * (ratio[high] - 1), NR
        }'
done
