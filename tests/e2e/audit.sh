#!/usr/bin/env bash
# train.audit changes no bit, finds nothing where nothing is wrong, and takes the same batches on any number of ranks.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# The line at the end: how many batches, and who computed them.
audit_line() { grep '^audit ' "$work/$1.log" || echo "no line about an audit"; }
told() { echo "audit      $1 computed a second time, $2: nothing differs"; }

# audited WHAT RANKS BATCHES ARGUMENT...: each batch is audited, on so many ranks; in the full form on one to three
audited() {
    local what=$1 counts=$2 batches=$3 ranks who
    shift 3
    [ -z "$full" ] || counts="1 2 3"
    trained plain 1 --threads 2 "$@"
    same "$what: no audit, no line" "no line about an audit" "$(audit_line plain)"
    for ranks in $counts; do
        who="each chunk by another rank"
        [ "$ranks" -gt 1 ] || who="by this rank, which is alone"
        trained audited "$ranks" --threads $((ranks < 3 ? 2 : 1)) "$@" --set train.audit=1 "${with[@]}"
        same "$what, $ranks ranks" "$(result plain)" "$(result audited)"
        same "$what, $ranks ranks: the line" "$(told "$batches batches" "$who")" "$(audit_line audited)"
        rm -rf "$work/audited"
    done
    rm -rf "$work/plain"
}

with=()
# dropout, a batch that is no multiple of the chunk, several batches a step, the epoch's short last one, augmentation
audited "several batches a step" "1 2 3" 42 --set train.accumulate=4 --set train.max_steps=11 --set augment.preset=digits
# batches of one chunk: some ranks have none
audited "one chunk" 3 6 --set train.global_batch=8 --set train.max_steps=6 --set train.precision=bf16
with=(--set train.exchange=host)
audited "wide, one copy a host" 2 15 --set model.dense1.units=2048 --set train.accumulate=3 --set train.max_steps=5
# batchnorm, sums of layers, noise measured in the same steps
config=$here/untuned.yaml
with=()
audited "batchnorm" "1 3" 27 --set train.max_steps=9 --set metrics.every_steps=1 --set metrics.noise_every_steps=2
config=$here/odd.yaml

# --- a share of the batches: which ones follows from the seed, not from ranks; a stop changes nothing
trained quarter 1 --threads 1 --set train.audit=0.25
trained third 3 --threads 1 --set train.audit=0.25
count() { audit_line "$1" | sed -nE 's/^audit +([0-9]+) batch.*/\1/p'; }
same "as many on three ranks" "$(count quarter)" "$(count third)"
check "about a quarter of 76" [ "$(count quarter)" -ge 10 -a "$(count quarter)" -le 28 ]
same "the same result" "$(result quarter)" "$(result third)"
trained stopped 2 --threads 1 --set train.audit=0.25 --set train.max_steps=30
before=$(count stopped)
trained stopped 1 --threads 2 --set train.audit=0.25
same "stopped and resumed: as many" "$(count quarter)" $((before + $(count stopped)))
same "stopped and resumed: the same result" "$(result quarter)" "$(result stopped)"

# --- what is no fault is not taken for one; what cannot be audited is refused
status=0
train diverged 2 --threads 1 --set train.audit=1 --set train.optimizer.name=sgd --set train.optimizer.lr=1e30 || status=$?
same "numbers that are not finite: ends with 1" 1 $status
same "numbers that are not finite: one message" 1 "$(grep -c 'lockstep: error: .*smaller train.optimizer.lr' "$work/diverged.log")"
status=0
train floats 1 --set train.audit=1 --set train.reduce=fp32 || status=$?
same "float sums: ends with 2" 2 $status
check "float sums: the message says what goes" grep -q "train.audit.*train.reduce" "$work/floats.log"
check "float sums: no folder" [ ! -e "$work/floats" ]
finish
