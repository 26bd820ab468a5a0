#!/usr/bin/env bash
# Ranks on two hosts: what travels between them is packed, and the bits are those of one rank, which packs nothing.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# shellcheck source=tests/e2e/two_hosts.sh
source "$here/two_hosts.sh"

# --- what is packed: the message's length and the hosts decide
packed() { # packed RANKS ARGUMENT...: MiB of the packed message
    train dry "$1" --threads 1 --dry-run "${@:2}" || show "$work/dry.log" >&2
    sed -nE 's/^  packed message +([0-9.]+) +\1$/\1/p' "$work/dry.log"
}
wide=(--set model.dense1.units=500)
same "a message of 24,000 sums" 0.19 "$(packed 2 "${wide[@]}")"
same "on one rank" 0.00 "$(packed 1 "${wide[@]}")"
same "a short message" 0.00 "$(packed 2)"
same "on one host" 0.00 "$(MPIEXEC=$mpiexec packed 2 "${wide[@]}")"

# --- bench tells what travels
bench() { # bench FILTER ARGUMENT...: of two ranks
    launch 2 bench "$config" --set "data.dir=$golden" --set train.packing=always --threads 1 --steps 2 --rounds 1 --format json "${wide[@]}" "${@:2}" |
        jq "$1"
}
same "between hosts less than the numbers" true \
    "$(bench '.exact.sent_bytes > 0 and .exact.sent_bytes < 0.9 * .exact.message_bytes and .fp32.sent_bytes == .fp32.message_bytes')"
same "on one host all of them" true "$(MPIEXEC=$mpiexec bench '.exact.sent_bytes == .exact.message_bytes' --set train.packing=auto)"

# --- gradients as they come, small and large ones, so that 1 to 4 share a word or most are 0, from step to step
compare() { # compare WHAT RANKS ARGUMENT...
    local what=$1 ranks=$2
    shift 2
    trained one 1 --threads 1 "${wide[@]}" "$@"
    trained several "$ranks" --threads $((1 + ranks % 2)) "${wide[@]}" --set train.packing=always "$@"
    same "$what, $ranks ranks" "$(result one)" "$(result several)"
    rm -rf "$work/one" "$work/several"
}
short=(--set train.max_steps=12)
compare "the faster way, chosen in the first steps" 2 "${short[@]}" --set train.packing=auto
compare "gradients as they come" 2 --set train.max_steps=45
compare "a thousandth" 3 "${short[@]}" --set train.class_weighting=given \
    --set "train.class_weights=[.001, .001, .001, .001, .001, .001, .001, .001, .001, .001]"
compare "less" 4 "${short[@]}" --set train.class_weighting=given \
    --set "train.class_weights=[1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5]"
compare "a thousandfold, of two classes" 3 "${short[@]}" --set train.class_weighting=given \
    --set "train.class_weights=[1, 1, 1000, 1, 1, 1, 1, 1000, 1, 1]"
compare "a rate that kills most of the units" 4 "${short[@]}" --set train.optimizer.name=sgd --set train.optimizer.lr=1

# --- batchnorm, clipping and averages, and stops
config=$here/untuned.yaml
trained reference 1 --threads 1
trained parts 2 --threads 1 --set train.max_steps=14
trained parts 1 --threads 1 --set train.max_steps=20
trained parts 5 --threads 1
same "resumed on one host and on two" "$(result reference)" "$(result parts)"

# --- one copy of the state on each host, of two and one ranks, then of three and two: a part for each rank that both have
trained shared 3 --threads 1 --set train.exchange=host --set train.max_steps=14
trained shared 5 --threads 1 --set train.exchange=host
same "one copy on each host" "$(result reference)" "$(result shared)"
config=$here/odd.yaml
compare "one copy on each host, packed" 4 "${short[@]}" --set train.exchange=host

# --- a loss that is not finite is told by one message
status=0
train failed 3 --threads 1 "${wide[@]}" --set train.optimizer.name=sgd --set train.optimizer.lr=1e30 || status=$?
same "an infinite loss ends with 1" 1 $status
same "an infinite loss: one message" 1 "$(grep -c 'lockstep: error:' "$work/failed.log")"
finish
