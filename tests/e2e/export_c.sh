#!/usr/bin/env bash
# Networks as programs in C give Lockstep's logits and probabilities to the bit: every kind of layer, float32 and bfloat16,
# with compilers that may fuse and such that may not, on x86-64, and under emulation on AArch64 and 32-bit Arm.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/programs.sh
source "$(dirname "$0")/programs.sh"
need jq
cd "$work"

# every_way FILE.c: what may differ between compilers and processors
every_way() {
    compare "$1" 100 "" gcc -O2
    compare "$1" 100 "" gcc -O3 "${fma[@]}" -ffp-contract=fast
    compare "$1" 5 "" gcc -O0 "${sanitized[@]}"
    on_arm "$1" 5
    [[ $1 != tiled* ]] || return 0
    compare "$1" 20 "" clang -O2 "${fma[@]}" -ffp-contract=fast
    on_aarch64 "$1" 10
}

for name in layers tiled; do
    config=$here/$name.yaml
    for precision in float32 bf16; do
        trained $name-$precision 1 --threads 1 --set train.precision=$precision --set train.max_steps=8
        exported $name-$precision
        case $name-$precision in
        tiled-bf16) compare tiled-bf16.c $images "" gcc -O2 ;;
        layers-bf16) compare layers-bf16.c $images "" gcc -O2 "${fma[@]}" -ffp-contract=fast ;;
        *) every_way $name-$precision.c ;;
        esac
    done
done
# --- sums in bfloat16 that no later layer rounds again: the blocks of a window's rows, of a dense layer between whose
# pixels there are gaps, and a window that is one block
models=(rows "[conv2d: {filters: 20, kernel: 3, stride: 3}, tanh, conv2d: {filters: 10, kernel: 9}]"
    gaps "[conv2d: {filters: 20, kernel: 3, stride: 3}, tanh, flatten, dense: 10]"
    single "[avgpool: {window: 5, stride: 5}, conv2d: {filters: 10, kernel: 5}]")
for ((i = 0; i < ${#models[@]}; i += 2)); do
    config=$work/${models[i]}.yaml
    printf 'data: {classes: 10, normalize: computed}\nmodel: %s\n' "${models[i + 1]}" >"$config"
    trained "${models[i]}" 1 --threads 1 --set train.precision=bf16 --set train.max_steps=3
    exported "${models[i]}"
    compare "${models[i]}.c" $images "" gcc -O2
done

# --- names: of a file and of classes, which could end a string or a comment; a layer's cannot be one of the arithmetic's
config=$here/odd.yaml
classes=('th"ree' '??/' 'a\b' '*/ /*' 'אü' '%s' '6' '7' '8' '9')
trained odd 1 --threads 1 --set train.max_steps=8 --set "data.class_names=[$(printf "'%s', " "${classes[@]}")]"
exported odd "odd one-2.c"
compare "odd one-2.c" 100 "" gcc -O2
check "the names are ASCII in a file" [ "$(LC_ALL=C grep -c '[^ -~]' odd\ one-2.c)" -eq 0 ]
suffixes='(bias|centre|layer|multipliers|out|padding|pixels|room|scale|shift|shifts|table|tables|weights)'
same "no function or type is called as a layer's constant" "" "$(grep -hoE "\w+_$suffixes\b" "$SOURCE"/src/export/c/text/*.c99 || true)"

for name in a-b a_b; do "$LOCKSTEP" export odd --out $name.c --quiet; done
check "names that differ in punctuation alone: the same functions" cmp a-b.h a_b.h

# --- colours, more columns than rows; bfloat16 packs three channels
noise=0 # a part of a compressed file
for name in red blue; do
    mkdir -p colours/$name
    for i in 1 2 3 4 5 6 7 8 9; do
        { printf 'P6 11 8 255\n' && dd if="$golden/train-images-idx3-ubyte.gz" bs=264 skip=$((++noise)) count=1 status=none; } \
            >colours/$name/$i.ppm
    done
done
check "colours packed" "$LOCKSTEP" pack colours packed --channels 3 --test 0.5 --quiet
config=$here/colour.yaml
for precision in float32 bf16; do
    data=$work/packed trained colour-$precision 1 --threads 1 --set train.max_steps=3 --set train.precision=$precision
    images=4 data=packed exported colour-$precision
    images=4 compare colour-$precision.c 4 "" gcc -O2
done

# --- a file tests itself, and its arithmetic
check "the test compiles" gcc "${strict[@]}" -O2 -DTILED_FLOAT32_TEST tiled-float32.c -o program
same "it passes" "tiled_float32: 8 images, all bits are as they should be" "$(./program)"
sed '/ logits_weights = {{/{n;s/0x3/0x4/}' tiled-float32.c >damaged.c
cp tiled-float32.h damaged.h
check "a damaged file is another" [ "$(cmp tiled-float32.c damaged.c | wc -l)" -eq 1 ]
check "the damaged one compiles" gcc -std=c99 -O2 -DTILED_FLOAT32_TEST damaged.c -o program
check "it fails" [ "$(./program >damaged.log || echo $?)" = 1 ]
check "and tells what differs" grep -qE '^image [0-7], class [0-9]: logit 0x[0-9a-f]{8} instead of 0x[0-9a-f]{8}$' damaged.log
check "the emulation compiles" gcc -O2 '-DSOURCE="tiled-float32.c"' -I. "$here/export_c_fused.c" -o program -lm
same "it is exact" "1000000 sums, 0 differ" "$(./program)"
check "no compiler may be fast" grep -q 'compile this file without -ffast-math' \
    <(gcc -O2 -ffast-math -c tiled-float32.c -o program.o 2>&1)

# --- nothing of the file but its functions is seen from outside
gcc -O2 -fno-pie -c layers-float32.c -o program.o
same "names" "layers_float32_classes layers_float32_logits layers_float32_predict layers_float32_probabilities" \
    "$(nm --defined-only -g program.o | awk '{ print $3 }' | xargs)"
same "what it calls" "" "$(nm -u program.o | awk '{ print $2 }' | grep -vE '^(mem(cpy|set)|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)$' || true)"
same "nothing that can be written to" "" "$(nm program.o | awk '$2 ~ /^[bBdDcC]$/' || true)"

# --- what others do: networks side by side, in a program in C++; the page's program
cat >two.cc <<'CPP'
#include <cstdio>
#include "layers-float32.h"
#include "odd one-2.h"
int main() {
    static unsigned char image[LAYERS_FLOAT32_ROWS * LAYERS_FLOAT32_COLUMNS];
    static float scratch[LAYERS_FLOAT32_SCRATCH + ODD_ONE_2_SCRATCH];
    for (const char *name : odd_one_2_classes)
        std::printf("%s\n", name);
    return layers_float32_predict(image, scratch) < 0 || odd_one_2_predict(image, scratch) < 0;
}
CPP
if there g++; then
    gcc -O2 -c "odd one-2.c" -o odd.o
    gcc -O2 -c layers-float32.c -o program.o
    check "a program in C++ has two networks" g++ -std=c++11 -Wall -Wextra -pedantic -Werror two.cc program.o odd.o -o program
    same "names of classes" "$(printf '%s\n' "${classes[@]}")" "$(./program)"
    check "the file itself says that it is C" grep -qE "^layers-float32.c:[0-9]+:[0-9]+: error: #error .compile this file as C" \
        <(g++ -c layers-float32.c -o program.o 2>&1)
fi
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$SOURCE/src/export/README.md" >page.c
"$LOCKSTEP" export layers-float32 --format c --out mnist-convnet.c --quiet
check "the page's program compiles" gcc "${strict[@]}" -O2 -I. page.c mnist-convnet.c -o program
same "it says what predict says" "$("$LOCKSTEP" predict layers-float32 "$golden/t10k-images-idx3-ubyte.gz" --format json 2>/dev/null | jq -r .name)" \
    "$(gzip -dc "$golden/t10k-images-idx3-ubyte.gz" | tail -c +17 | ./program)"

# --- names that cannot be
status=0
"$LOCKSTEP" export odd --format c --out 'a"b.c' 2>stderr || status=$?
same "a name that no #include can have" "2 1" "$status $(grep -c 'cannot include a file of that name' stderr)"
status=0
"$LOCKSTEP" export odd --format c --out string.c 2>stderr || status=$?
same "that of a header which the file includes" "2 1" "$status $(grep -c 'string.h is a header of every C compiler' stderr)"
finish
