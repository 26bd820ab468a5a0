#!/usr/bin/env bash
# Who reads the images and where they stand: the same bits, whoever does. Its fourth argument is the library that counts
# calls, tests/faults/shim.c, which is not built under sanitizers.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
shim=$4
few=(--threads 1 --set train.max_steps=12)

# --- .gz: one rank of a host inflates it, in several pieces, for all
data=$work/gz
mkdir "$data"
cp "$golden"/*.gz "$data"
trained alone 1 "${few[@]}"
for ranks in 2 3 5; do
    trained zipped$ranks $ranks "${few[@]}"
    same ".gz on $ranks ranks" "$(result alone)" "$(result zipped$ranks)"
    same ".gz on $ranks ranks, the set" "$(key alone data_digest)" "$(key zipped$ranks data_digest)"
done
reads() { # reads RANK: how often rank RANK of 3 reads the file of training images
    FAULT_UNDER=$data FAULT_CALLS=read FAULT_PATH='*/train-images-idx3-ubyte.gz' FAULT_RANK=$1 FAULT_LOG=$work/calls \
        LD_PRELOAD=$shim launch 3 train "$config" --set "data.dir=$data" --dry-run --threads 1 >"$work/reads.log" 2>&1
    grep -c read "$work/calls"
    rm "$work/calls"
}
if [ -e "$shim" ]; then
    check "the first rank reads the whole .gz" [ "$(reads 0)" -gt 5 ]
    for rank in 1 2; do # its first two bytes, and what the header takes
        same "reads by rank $rank" 2 "$(reads $rank)"
    done
fi
damaged() { # damaged WHAT PATTERN: one message, on all three ranks
    local status=0
    train damaged 3 "${few[@]}" || status=$?
    same "$1: exit status" 1 $status
    same "$1: one message, which says $2" "1 1" \
        "$(grep -c 'lockstep: error: .' "$work/damaged.log") $(grep -cE "error: $data/train-images-idx3-ubyte.gz: .*$2" "$work/damaged.log")"
}
poke "$data/train-images-idx3-ubyte.gz" -7 001 002 003
damaged "a .gz whose checksum is wrong" "damaged gzip data near byte [0-9]+ .incorrect data check"
truncate -s 200000 "$data/train-images-idx3-ubyte.gz"
damaged "a truncated .gz" "truncated: the gzip data break off after 200000 bytes"

# --- ranks of two hosts, by turns: each host inflates for its own
# shellcheck source=tests/e2e/two_hosts.sh
source "$here/two_hosts.sh"
data=$golden
trained two-hosts 5 "${few[@]}"
same ".gz on two hosts" "$(result alone)" "$(result two-hosts)"
finish
