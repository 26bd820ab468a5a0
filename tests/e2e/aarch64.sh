#!/usr/bin/env bash
# AArch64 gives x86-64's bits: kernel tests, and a few training steps, under emulation; x86-64's are those of the build's
# own library. Only what needs nothing but a C library is compiled for AArch64, so no packages of it are wanted.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need aarch64-linux-gnu-gcc qemu-aarch64
[ "$(uname -m)" = x86_64 ] || skip "this is no x86-64 machine"
cross=$SOURCE/tests/cross
flags=(-std=gnu11 -O2 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fno-trapping-math -fopenmp
    -I"$SOURCE/include" -I"$SOURCE/src" -I"$SOURCE/tests")
# What is not a kernel is compiled in half the time so.
quick=("${flags[@]/-O2/-O1}")
modules=("$SOURCE"/src/base/{status,log,memory,philox,math,exact,hash,timer,suggest,text,utf8}.c "$SOURCE"/src/base/observe/*.c
    "$SOURCE"/src/config/{options,value,source,print,advice,rate}.c
    "$SOURCE"/src/nn/*.c "$SOURCE"/src/nn/{engine,layers,products,windows}/*.c "$SOURCE"/src/{augment,optim}/*.c)

# kernels COMPILER FOLDER ISA FLAG...: the kernels of one instruction set
kernels() {
    local compiler=$1 folder=$2 isa=$3 source
    shift 3
    for source in "$SOURCE"/src/kernels/*.c "$SOURCE"/src/kernels/bf16/*.c; do
        [ "$(basename "$source")" != dispatch.c ] || continue
        "$compiler" "${flags[@]}" "-DLKS_ISA_${isa^^}" "-DLKS_ISA_NAME=$isa" "$@" \
            -c "$source" -o "$folder/$isa-$(basename "$source" .c).o"
    done
}

# tiles COMPILER FOLDER: the model of AMX's tiles, a unit more for the tests of products
tiles() {
    local source
    for source in "$SOURCE"/src/kernels/bf16/narrow.c "$SOURCE"/src/kernels/amx/*.c; do
        "$1" "${flags[@]}" -DLKS_ISA_PORTABLE -DLKS_ISA_NAME=portable -DLKS_TILES_MODEL \
            -c "$source" -o "$2/tiles-$(basename "$source" .c).o"
    done
}

# core COMPILER FOLDER DEFINE FLAG...: everything, as libcore.a
core() {
    local compiler=$1 folder=$2 define=$3 source
    shift 3
    mkdir -p "$folder"
    for source in "${modules[@]}" "$SOURCE/src/kernels/dispatch.c"; do
        "$compiler" "${quick[@]}" "-D$define" "$@" -c "$source" \
            -o "$folder/$(basename "$(dirname "$source")")-$(basename "$source" .c).o"
    done
    kernels "$compiler" "$folder" portable
}

core aarch64-linux-gnu-gcc "$work/arm" LKS_ARM64
kernels aarch64-linux-gnu-gcc "$work/arm" neon
tiles aarch64-linux-gnu-gcc "$work/arm"
arm=(aarch64-linux-gnu-gcc "${flags[@]}")
export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
"${arm[@]}" "$cross/train_core.c" "$SOURCE/tests/support/layers.c" "$work"/arm/*.o -lm -o "$work/train-arm"

check "x86-64 trains" "$(dirname "$LOCKSTEP")/train_core" portable 1 "$work/x86.weights"
wanted=$(sha256sum <"$work/x86.weights")
echo "weights and optimizer state of x86-64: $wanted"
check "they are no handful of bytes" [ "$(stat -c %s "$work/x86.weights")" -gt 50000 ]
ways=("neon 2" "portable 1")
[ -z "$full" ] || ways+=("neon 1" "portable 2")
for way in "${ways[@]}"; do
    # shellcheck disable=SC2086 # words
    check "AArch64 trains, $way" qemu-aarch64 "$work/train-arm" $way "$work/arm.weights"
    same "AArch64 gives the same bits, $way" "$wanted" "$(sha256sum <"$work/arm.weights")"
done

for source in "$SOURCE"/tests/unit/{conv,products}_case.c "$SOURCE/tests/support/random_data.c" "$cross/suite.c"; do
    aarch64-linux-gnu-gcc "${quick[@]}" -I"$cross" -c "$source" -o "$work/arm/test-$(basename "$source" .c).o"
done
for test in kernels kernels_backward kernels_flat kernels_norm winograd products products_narrow; do
    "${arm[@]}" -I"$cross" "$SOURCE/tests/unit/test_$test.c" "$work"/arm/*.o -lm -o "$work/test-$test"
    check "kernel tests on AArch64: $test" qemu-aarch64 "$work/test-$test"
done
finish
