#!/usr/bin/env bash
# train.precision: bf16 gives the same bits on every instruction set, with AMX or without, on every number of ranks and
# threads and after a stop, for every network that comes with the program; what follows from a checkpoint follows its
# precision. The digests stand here, so that each machine compares itself with all others.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# SHA-256 of the weights after two steps of ten images of the golden set, in chunks of 4; a change that moves one has to
# raise LKS_NUMERICS
declare -A golden_digest=(
    [fashion-best]=f9c463b96d2ad646a997f4684c0f4e1f6207217e81f9782f5f3830e203bd7f21
    [fashion-mnist]=4c4f42a84f39a4779ba2058788ce1ba7634d085e49d1ba2df736e25a3990ebf1
    [lenet5]=1806eeea5031da67fbf35cf34b531035e8faedda543e514a5bc49aeec84c54c0
    [m3]=9e8099ac750a82e9fb0bd799e7a04e267f64b9b93943e9354c49e34e4f3a38f4
    [m5]=752e483c7e5a8fe950ffad7c43f23df99e3e262a99bda9b0a66bb35973c572ac
    [m7]=dd7096f0ff1dc5c36171cf27123672e06f1f62713e73925e3ba87949450aa991
    [mnist-15-minutes]=3b588b66bceaddad4e1b8075d7b6f9f7985558e95c9c223e9106923b8d8558ab
    [mnist-99-speedrun]=b1fb0aae6ef083ac822f765c391feeefe735fec46c3dfd08ae2b165c9e3bfef5
    [mnist-batch-1024]=2f052fce0e7a046bf4e006c9e9f928edc03b2ef26675793d6d5adf539b3e2910
    [mnist-batch-8192]=9c88851477cbda25d8725b7d7c90015fcd1861c72bf8738923fe3a08579c5e6a
    [mnist-batch-all]=206314fec9d04ea9c11d3c9dc174c8eedecc85895dc9e48159e6b09c643f411e
    [mnist-convnet]=362b0178a8d62f203f2ae3a7f68d7df4fea91c846ac42dddf6038c4add3c0d33
    [mnist-half-minute]=49030d0318c72184f4b5f5c96ce58229c37d93c07418e776b51b11796edecba8
    [mnist-tiny]=b8bc1905292da37e7944eea98b332bf5625da3bbbafccb3d702f6bcad127d1ba
    [pytorch-example]=2a668c0d18f94f6a8d9ea55f307d45ca4bcdafeb611516930ba65cdbef467fd0
    [resnet-small]=89328d3e392906f53fd531b9e96700a8e7b731fb632af7fca1c59ad55430bce1
    [smoke]=3eacf5cabaecd451d292a75e9ad6539f941d981e770912ccd02e94919a758960
    [train-mnist-fast]=9079b49e39d68582753819bdb97a591f02df93345834a79f0d5d264164237d04
)
none=(--set 'data.test_images=""' --set 'data.test_labels=""')
short=(--set train.precision=bf16 --set train.global_batch=10 --set train.chunk=4 --set data.limit=200 "${none[@]}")
usable=$("$LOCKSTEP" --version | sed -n 's/^kernels .*(usable here: \(.*\))$/\1/p' | tr -d ,)
check "portable kernels are usable" grep -qw portable <<<"$usable"

"$LOCKSTEP" configs --format json >"$work/list.json" || true

# Each instruction set makes one of the two steps: a run stops after the first, and another set goes on, on other ranks
# and threads; an odd one makes both. In the full form each makes either.
turn=0
apart=2
[ -z "$full" ] || apart=1
for config in "$SOURCE"/configs/*.yaml; do
    net=$(basename "$config" .yaml)
    turn=$((turn + 1))
    # portable code takes ten seconds for each of these: only in the full form
    read -ra sets <<<"$usable"
    if [[ $net == m[357] && -z $full && ${#sets[@]} -gt 1 ]]; then sets=("${sets[@]:1}"); fi
    ranks=$((2 + turn % 2))
    if [[ $net == m[57] && -z $full ]]; then ranks=1; fi # m3's layers, and more of them
    for ((i = 0; i < ${#sets[@]}; i += apart)); do
        first=${sets[(turn + i) % ${#sets[@]}]} second=${sets[(turn + i + 1) % ${#sets[@]}]}
        if ((i + 1 == ${#sets[@]} && i > 0 && apart == 2)); then
            second=$first
        else
            LOCKSTEP_ISA=$first trained run $ranks --threads 1 "${short[@]}" --set train.max_steps=1
        fi
        LOCKSTEP_ISA=$second trained run 1 --threads $ranks "${short[@]}" --set train.max_steps=2
        same "$net, $first on $ranks ranks, then $second" "${golden_digest[$net]-none}" "$(key run weights_sha256)"
        same "$net, $first, $second: state" "${state:=$(key run state_sha256)}" "$(key run state_sha256)"
        built=$(key run parameters)
        rm -rf "$work/run"
        ranks=1
    done
    same "$net: parameters of the network built" "$(jq ".[] | select(.name == \"$net\") | .parameters" "$work/list.json")" "$built"
    unset state
done
same "every network has its digest" "${#golden_digest[@]}" $turn

# --- with a checkpoint
config=$here/layers.yaml
trained run 2 --threads 1 --set train.precision=bf16 --set train.epochs=1
trained plain 1 --threads 1 --set train.epochs=1
check "other weights than in float32" [ "$(key run weights_sha256)" != "$(key plain weights_sha256)" ]
same "what ran" "bf16 $("$LOCKSTEP" --version | grep -q '^kernels *amx ' && echo amx || echo fma)" \
    "$(key run precision) $(key run products)"
check "train says it" grep -qE '^products   bfloat16, (on AMX tiles|by fused multiply-adds)' "$work/run.log"
"$LOCKSTEP" eval "$work/run" >"$work/eval.log" 2>&1 || show "$work/eval.log"
same "eval computes as training did" "$(grep -E '^test ' "$work/run.log")" "$(grep -E '^test ' "$work/eval.log")"
check "info says it" grep -qE '^products +bfloat16, ' <("$LOCKSTEP" info "$work/run/checkpoints/last.h5")
status=0
train run 1 --threads 1 --set train.precision=float32 --set train.epochs=1 --set train.max_steps=99 || status=$?
check "it does not go on in float32" [ $status -ne 0 ]
check "and says why" grep -q 'train.precision: bf16 in the checkpoint, float32 now' "$work/run.log"
trained tuned 1 --threads 1 --set train.epochs=1 --set train.max_steps=1 --init-from "$work/run"
same "weights are taken into either" float32 "$(key tuned precision)"
finish
