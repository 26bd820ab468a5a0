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
for ranks in 3 5; do
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

# --- data.placement: host: all images once on the host, none goes from rank to rank
data=$golden
host=(--set data.placement=host)
for ranks in 1 3 4; do
    trained held$ranks $ranks "${few[@]}" "${host[@]}"
    same "held by the host of $ranks ranks" "$(result alone)" "$(result held$ranks)"
    same "held by the host of $ranks ranks, the set" "$(key alone data_digest)" "$(key held$ranks data_digest)"
done
check "what is sent is told" grep -q 'exchange   buffers' "$work/zipped3.log"
check "none is sent" [ "$(grep -c 'exchange   buffers' "$work/held3.log")" -eq 0 ]
mib() { # mib RUN: MiB of images and labels that the rank with the most holds
    sed -nE 's/^memory +[0-9.]+\.\.([0-9.]+) MiB of images.*/\1/p' "$work/$1.log"
}
same "a rank's part of the memory" "$(mib zipped3)" "$(mib held3)"
varied=(--threads 1 --set data.validation=0.2 --set data.balanced=true --set data.normalize=computed)
trained varied 1 "${varied[@]}" --set train.max_steps=45
trained parts 3 "${varied[@]}" "${host[@]}" --set train.max_steps=17
trained parts 2 "${varied[@]}" --set train.max_steps=30
trained parts 4 "${varied[@]}" "${host[@]}" --set train.exchange=host --set train.max_steps=45
same "resumed across placements" "$(result varied)" "$(result parts)"
printf '%s\n' '#!/bin/sh' 'shift 2' "exec \"$MPIEXEC\" -n 2 prlimit --fsize=1048576 \"\$@\"" >"$work/limited"
chmod +x "$work/limited"
status=0
MPIEXEC=$work/limited train refused 2 "${few[@]}" "${host[@]}" || status=$?
same "without memory: exit status" 1 $status
same "without memory: one message" 1 \
    "$(grep -cE 'error: data.placement: host: the ranks of a host cannot share memory, 1.5 MiB: .*sharded needs no' "$work/refused.log")"

# --- ranks of two hosts, by turns: each host inflates for its own, and holds all
# shellcheck source=tests/e2e/two_hosts.sh
source "$here/two_hosts.sh"
trained two-hosts 5 "${few[@]}"
same ".gz on two hosts" "$(result alone)" "$(result two-hosts)"
trained two-holders 5 "${few[@]}" "${host[@]}"
same "held by two hosts" "$(result alone)" "$(result two-holders)"
finish
