#!/usr/bin/env bash
# Ranks of a host that share weights and optimizer state (train.exchange: host), and ranks that each update a share of the
# weights (scatter), compute the bits that replicas compute. e2e/scatter has what else there is to say of scatter.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq prlimit
host=(--set train.exchange=host)

# --- every optimizer, with norms, averages, batchnorm; few weights for many ranks. One copy a host in turn on two ranks
# --- and three, in the full form on both; shares on one rank, and on more ranks than there are blocks of weights.
config=$here/untuned.yaml
norms() { jq -c 'select(.gradient_norm) | .gradient_norm' "$work/$1/metrics.jsonl"; }
ranks=2
for optimizer in sgd adam adamw lars lamb muon rmsprop adadelta; do
    set=(--set train.max_steps=9 --set metrics.every_steps=1 --set "train.optimizer.name=$optimizer")
    [ $optimizer = adamw ] || set+=(--set train.optimizer.decay_bias_and_norm=true --set train.optimizer.weight_decay=0.01)
    trained replicas 1 --threads 2 "${set[@]}"
    ranks=$((5 - ranks))
    ways=("host $ranks") # WAY RANKS
    [ -z "$full" ] || ways+=("host $((5 - ranks))")
    case $optimizer in
    lamb) ways+=("scatter 1" "scatter 4") ;;
    muon) ways+=("scatter 2" "scatter 3") ;;
    adam) ways+=("scatter 3" "scatter 9") ;;
    *) ways+=("scatter 2") ;;
    esac
    for way in "${ways[@]}"; do
        n=${way#* }
        trained shared "$n" --threads $((n == 2 ? 2 : 1)) "${set[@]}" --set "train.exchange=${way% *}"
        same "$optimizer, $way ranks" "$(result replicas)" "$(result shared)"
        same "$optimizer, $way ranks: norms" "$(norms replicas)" "$(norms shared)"
        rm -rf "$work/shared"
    done
    rm -rf "$work/replicas"
done

# --- the gradient's noise: the same figures on any ranks, in the steps that are asked for and in an epoch's line
noise=(--set train.max_steps=14 --set metrics.every_steps=1 --set metrics.noise_every_steps=3) # an epoch has 13 steps
figures() { jq -c '[.type, .step, .epoch, .gradient_variance, .gradient_square, .noise_scale]' "$work/$1/metrics.jsonl"; }
trained alone 1 --threads 2 "${noise[@]}"
same "noise: steps that have it" "3 6 9 12" \
    "$(jq -r 'select(.gradient_variance > 0 and .gradient_square) | .step' "$work/alone/metrics.jsonl" | paste -sd ' ')"
same "noise: epochs that have it" 1 "$(jq -r 'select(.noise_scale != null) | .epoch' "$work/alone/metrics.jsonl" | paste -sd ' ')"
for way in allreduce host; do
    trained three 3 --threads 1 "${noise[@]}" --set train.exchange=$way
    same "noise: $way, 3 ranks" "$(figures alone)" "$(figures three)"
    rm -rf "$work/three"
done

# --- wide layers, whose gradients the ranks make together: sums in the message or apart from it, several batches a step,
# --- ranks without samples
config=$here/odd.yaml
wide_case() { # wide_case WHAT RANKS ARGUMENT...
    local what=$1 counts=$2 ranks
    shift 2
    trained replicas 1 --threads 2 --set train.max_steps=5 "$@"
    for ranks in $counts; do
        trained shared "$ranks" --threads $((4 - ranks)) --set train.max_steps=5 "$@" "${host[@]}"
        same "wide, $what, $ranks ranks" "$(result replicas)" "$(result shared)"
        rm -rf "$work/shared"
    done
    rm -rf "$work/replicas"
}
wide_case "in the message" "2 3" --set model.dense1.units=2048 --set train.accumulate=3
wide_case "apart, bf16" 2 --set model.conv2.filters=33 --set model.dense1.units=601 --set train.precision=bf16
wide_case "one chunk" 3 --set model.dense1.units=2048 --set train.global_batch=8 --set train.accumulate=2
config=$here/untuned.yaml

# --- said, in the start-up line, the forecast and the summary
trained whole 1 --threads 1
same "allreduce is the default" allreduce "$(key whole exchange)"
check "and not worth a line" eval '! grep -q "^exchange   host" "$work/whole.log"'
trained parts 2 --threads 1 "${host[@]}" --set train.max_steps=14
same "host is told by the summary" host "$(key parts exchange)"
check "and at the start" grep -q '^exchange   host: ' "$work/parts.log"
weights() { sed -nE 's/^  weights +[0-9.]+ +([0-9.]+)$/\1/p' "$work/$1.log"; }
wide=(--set model.dense1.units=4000)
train forecast 2 --threads 1 --dry-run "${wide[@]}"
train half 2 --threads 1 --dry-run "${wide[@]}" "${host[@]}"
check "two ranks share the weights" eval '[ "$(weights half)" != "" ] && awk "BEGIN { d = 2 * $(weights half) - $(weights forecast); exit !(d < 0.02 && d > -0.02) }"'

# --- stops, other numbers of ranks, and the other exchange
trained parts 1 --threads 2 --set train.max_steps=20
trained parts 3 --threads 1 "${host[@]}" --set train.max_steps=30
trained parts 2 --threads 1
same "resumed with another exchange" "$(result whole)" "$(result parts)"

# --- a start from other weights, and a test of the best ones
tuned=(--init-from "$work/whole" --set train.max_steps=8 --set eval.test_weights=best)
trained tuned 1 --threads 1 "${tuned[@]}"
trained tuned-host 3 --threads 1 "${tuned[@]}" "${host[@]}"
same "fine-tuned" "$(result tuned)" "$(result tuned-host)"

# --- what cannot be had is refused before the first step, by one message
config=$here/odd.yaml
launcher=$MPIEXEC
printf '%s\n' '#!/bin/sh' 'shift 2' "exec \"$launcher\" -n 2 prlimit --fsize=2097152 \"\$@\"" >"$work/limited"
chmod +x "$work/limited"
status=0
MPIEXEC=$work/limited train refused 2 --threads 1 "${wide[@]}" "${host[@]}" || status=$?
same "without memory: ends with" 1 $status
same "without memory: one message" 1 "$(grep -c 'lockstep: error: the ranks of a host cannot share memory' "$work/refused.log")"
check "without memory: no folder" [ ! -e "$work/refused" ]

# --- a loss that is not finite, and a rank that dies: the job ends, and nothing is left
status=0
train failed 3 --threads 1 "${host[@]}" --set train.optimizer.name=sgd --set train.optimizer.lr=1e30 || status=$?
same "an infinite loss ends with 1" 1 $status
same "an infinite loss: one message" 1 "$(grep -c 'lockstep: error:' "$work/failed.log")"
train killed 3 --threads 1 "${host[@]}" --set train.epochs=10000 --set checkpoint.every_epochs=0 &
launcher=$!
ranks() { pgrep -f -- "--out $work/killed" | while read -r p; do
    [ "$(readlink "/proc/$p/exe")" != "$LOCKSTEP" ] || echo "$p"
done; }
for _ in $(seq 100); do
    [ ! -s "$work/killed/metrics.jsonl" ] || break
    sleep 0.1
done
kill -KILL "$(ranks | sed -n 2p)" # after the ranks come processes that read files for them
status=0
wait $launcher || status=$?
check "a killed rank ends the job" [ $status -ne 0 ]
same "no rank is left" "" "$(ranks)"
finish
