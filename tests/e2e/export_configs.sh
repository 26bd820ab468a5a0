#!/usr/bin/env bash
# Shipped networks as programs in C: plain convolutions, Winograd's, sums and normalisations, and products in bfloat16 give
# Lockstep's logits and probabilities to the bit, on x86-64, on AArch64 and on 32-bit Arm. Few images: these networks are
# large; e2e/export_c has more of them, and the other kinds of layers.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/programs.sh
source "$(dirname "$0")/programs.sh"
cd "$work"
images=40

# shipped CONFIG ARGUMENT...: trains it for three steps
shipped() {
    local name=$1
    config=$SOURCE/configs/$name.yaml
    shift
    trained "$name" 1 --threads 2 --set train.max_steps=3 --set train.global_batch=32 "$@"
    exported "$name"
    compare "$name.c" 40 "" gcc -O2 "${fma[@]}"
    compare "$name.c" 2 "" clang -O1 "${sanitized[@]}"
    on_aarch64 "$name.c" 2
    on_arm "$name.c" 2
}

shipped lenet5
shipped mnist-convnet
check "Winograd's convolutions are among them" grep -q convolve_by_tiles mnist-convnet.c
shipped resnet-small
check "sums and normalisations are among them" [ "$(grep -cE '^    (add|normalise)\(' resnet-small.c)" -ge 7 ]
rm -r mnist-convnet
shipped mnist-convnet --set train.precision=bf16
check "products in bfloat16 are among them" grep -q convolve_bf16 mnist-convnet.c
finish
