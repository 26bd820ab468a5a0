#!/usr/bin/env bash
# The same bits on every number of ranks and threads and every instruction set; other bits for other data or seeds.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

limit=(--set train.max_steps=45) # over the end of the first epoch, 38 steps
short=(--set train.max_steps=3)
trained reference 1 --threads 1 "${limit[@]}"
trained begun 1 --threads 1 "${short[@]}"
wanted=$(result reference)
echo "reference: $wanted"

# Guards the version of the rules: a change that moves this digest has to raise LKS_NUMERICS.
same "numerics" 2 "$(key reference numerics)"
same "golden digest of numerics 2" 569d3ce0a77ee8bf267b1bafd5fa67e6297c4c6968c21b8452e12c04b409f146 \
    "$(key reference weights_sha256)"

# A few steps on combinations; the portable kernels are too slow for more. Then one longer run on each. Every instruction
# set meets three ranks and two other numbers of them; sets, ranks and threads all meet all only in the full form.
pairs=("1 4" "2 7" "4 1" "7 2")
turn=0
for isa in $(isas); do
    export LOCKSTEP_ISA=$isa
    turn=$((turn + 1))
    ranks_here=${pairs[turn % 4]} threads_here=$((1 + turn / 2 % 2))
    [ -z "$full" ] || ranks_here="1 2 3 4 7" threads_here="1 2"
    for ranks in $ranks_here; do
        for threads in $threads_here; do
            trained run "$ranks" --threads "$threads" "${short[@]}"
            same "$isa, $ranks ranks x $threads threads" "$(result begun)" "$(result run)"
            same "$isa is what ran" "$isa" "$(key run isa)"
            rm -rf "$work/run"
        done
    done
    trained run 3 --threads 2 "${limit[@]}"
    same "$isa, over an epoch" "$wanted" "$(result run)"
    rm -rf "$work/run"
done
unset LOCKSTEP_ISA

export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4
trained run 2 --threads 1 "${limit[@]}"
same "a C library without FMA" "$wanted" "$(result run)"
rm -rf "$work/run"
LOCKSTEP_ISA=portable trained run 2 --threads 1 "${short[@]}"
same "a C library without FMA, portable kernels" "$(result begun)" "$(result run)"
unset GLIBC_TUNABLES
rm -rf "$work/run"

# Plain files are read in parts, one a rank, where .gz is read through: the images are the same.
unpack_golden "$work/data"
data=$work/data trained run 3 --threads 1 "${limit[@]}"
same "plain IDX files" "$wanted" "$(result run)"
rm -rf "$work/run"

# image 1,234 of 28 x 28 pixels after a header of 16 bytes: a pixel in the middle
poke "$work/data/train-images-idx3-ubyte" $((16 + 1234 * 784 + 14 * 28 + 14)) 001
data=$work/data trained run 1 --threads 1 "${limit[@]}"
check "one changed pixel changes the weights" [ "$(key run weights_sha256)" != "$(key reference weights_sha256)" ]
rm -rf "$work/run"

trained run 1 --threads 1 "${limit[@]}" --set seed=12
check "another seed changes the weights" [ "$(key run weights_sha256)" != "$(key reference weights_sha256)" ]
rm -rf "$work/run"

# 53 images in chunks of 32: two chunks, so five of seven ranks have no work
trained few 1 --threads 1 "${limit[@]}" --set train.chunk=32
trained many 7 --threads 1 "${limit[@]}" --set train.chunk=32
same "more ranks than chunks" "$(result few)" "$(result many)"
same "one warning about ranks without work" 1 "$(grep -c 'lockstep: warning:.*no work' "$work/many.log" || true)"

# Accumulated micro-batches and plain momentum take other paths.
other=("${limit[@]}" --set train.accumulate=3 --set train.optimizer.name=sgd --set train.optimizer.momentum=0.9
    --set train.optimizer.nesterov=true --set data.normalize=computed --set data.validation=0.1)
trained one 1 --threads 2 "${other[@]}"
trained three 3 --threads 1 "${other[@]}"
same "SGD, accumulation, normalisation, validation split" "$(result one)" "$(result three)"
same "validation results" "$(key one validation_loss)" "$(key three validation_loss)"
same "the same best checkpoint" "" \
    "$("$LOCKSTEP" diff "$work"/{one,three}/checkpoints/last.h5 | grep 'best_' || true)"

# LARS and LAMB update each tensor with norms of its own.
lars=("${limit[@]}" --set train.optimizer.name=lars --set train.optimizer.lr=10 --set train.optimizer.weight_decay=0.01)
trained lars 1 --threads 1 "${lars[@]}"
LOCKSTEP_ISA=portable trained stopped-lars 2 --threads 3 "${lars[@]}" --set train.max_steps=20
trained stopped-lars 3 --threads 1 "${lars[@]}"
same "LARS: ranks, threads, instruction sets, a stop" "$(result lars)" "$(result stopped-lars)"
lamb=("${limit[@]}" --set train.optimizer.name=lamb --set train.optimizer.lr=0.02 --set train.optimizer.weight_decay=0.01)
trained lamb 1 --threads 1 "${lamb[@]}"
LOCKSTEP_ISA=portable trained stopped-lamb 3 --threads 2 "${lamb[@]}" --set train.max_steps=20
same "LAMB, stopped in the first epoch" 20 "$(key stopped-lamb steps)"
trained stopped-lamb 2 --threads 1 "${lamb[@]}"
same "LAMB: ranks, threads, instruction sets, a stop" "$(result lamb)" "$(result stopped-lamb)"

# Muon makes matrices orthogonal, which no chunk and no block of weights does alone.
muon=("${limit[@]}" --set train.optimizer.name=muon --set train.optimizer.lr=0.02 --set train.optimizer.weight_decay=0.01)
trained muon 1 --threads 1 "${muon[@]}"
LOCKSTEP_ISA=portable trained stopped-muon 3 --threads 2 "${muon[@]}" --set train.max_steps=20
LOCKSTEP_ISA=$(isas | sed -n 2p) trained stopped-muon 2 --threads 3 "${muon[@]}" --set train.max_steps=30 --set train.exchange=host
trained stopped-muon 2 --threads 1 "${muon[@]}"
same "Muon: ranks, threads, instruction sets, exchanges, stops" "$(result muon)" "$(result stopped-muon)"

# Three batches of 48 are one of 144, in the short last step of an epoch (128 images), too: the same sums, divided once.
trained thrice 2 --threads 1 --set train.global_batch=48 --set train.accumulate=3
trained once 3 --threads 1 --set train.global_batch=144
same "k batches of B are one of k B" "$(key once state_sha256)" "$(key thrice state_sha256)"
same "steps: 14 an epoch" 28 "$(key thrice steps)"
trained other 1 --threads 2 --set train.global_batch=144 --set train.chunk=16
check "the chunk is part of the arithmetic" [ "$(key other weights_sha256)" != "$(key once weights_sha256)" ]

# Layers without weights stand in front of the first ones with weights: inputs of one unpadded channel.
for isa in $(isas); do
    LOCKSTEP_ISA=$isa config=$here/weightless.yaml trained "first-$isa" $((1 + RANDOM % 3)) --threads 1
    same "weightless layers first, $isa" "$(result first-portable)" "$(result "first-$isa")"
done

runnable=" $(isas | tr '\n' ' ')"
for isa in sse9 avx512 amx; do
    if [[ $runnable == *" $isa "* ]]; then continue; fi
    status=0
    LOCKSTEP_ISA=$isa train refused 1 --threads 1 "${limit[@]}" || status=$?
    same "LOCKSTEP_ISA=$isa is refused here" 2 $status
done
finish
