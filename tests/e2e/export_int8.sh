#!/usr/bin/env bash
# Networks as programs in C in whole numbers give the same on all processors and with all compilers, and nearly what the
# floats give; a file tells how nearly.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/programs.sh
source "$(dirname "$0")/programs.sh"
cd "$work"

# The last layer is a dense one, a mean, a sum.
printf 'data: {classes: 10, normalize: computed}\nmodel: [%s, %s, add: a]\n' 'conv2d: {filters: 10, kernel: 28, name: a}' \
    'conv2d: {filters: 10, kernel: 28, input: input}' >sum.yaml
for config in "$here/layers.yaml" "$here/tiled.yaml" sum.yaml; do
    name=$(basename "$config" .yaml)
    trained "$name" 1 --threads 1 --set train.max_steps=12
    "$LOCKSTEP" export "$name" --format c --int8 --out int8.c --force >int8.log 2>&1 || show int8.log
    "$answers" "$name" "$golden" t10k-images-idx3-ubyte 500 >images
    head -c $(($(stat -c %s images) / 25)) images >few
    same=
    for compiler in "gcc -O2" "gcc -O1 ${sanitized[*]}" "clang -O3" \
        "arm-linux-gnueabihf-gcc -static -O2"; do
        runner=
        if [[ $compiler == arm* ]]; then runner=qemu-arm; fi
        # shellcheck disable=SC2086 # a runner may be none
        there "${compiler%% *}" $runner || continue
        # shellcheck disable=SC2086 # a command and its options
        check "$name: compiles with $compiler" $compiler "${strict[@]}" '-DHEADER="int8.h"' '-DNET(x)=int8##x' \
            '-DSIZE(x)=INT8##x' -I. int8.c "$here/export_c_int8.c" -o program
        said=$($runner ./program <few)
        same "$name, $compiler: the same" "${same:=$said}" "$said"
        if [ "$compiler" = "gcc -O2" ]; then read -r all alike apart _ <<<"$(./program <images)"; fi
    done
    check "$name: answers are the floats' ($alike of $all)" [ $((alike * 100)) -ge $((all * 88)) ]
    check "$name: logits are near ($apart)" [ "$apart" -le 80 ]
    percent=$(awk -v a="$alike" -v n="$all" 'BEGIN { printf "%.2f", 100 * a / n }')
    check "$name: it says so" grep -q "of 500 test images .* $percent % get the same answer" int8.log
    check "$name: in the file, too" grep -q "$percent %" <(head -n 9 int8.c | tr -d '\n')
    check "$name: the floats' accuracy is that of eval" grep -q "^test: accuracy $(sed -n 's/.* by floats \([0-9.]* %\);.*/\1/p' int8.log) " \
        <("$LOCKSTEP" eval "$name" 2>/dev/null)
    check "$name: its test compiles" gcc "${strict[@]}" -DINT8_TEST int8.c -o program
    same "$name: it passes" "int8: 8 images, all logits are as they should be" "$(./program)"
done
same "no floating point is left" "" "$(gcc -O0 -S int8.c -o - | grep -E 'xmm|%st' || true)"

# --- without images
status=0
"$LOCKSTEP" export sum --format c --int8 --out none.c --set data.dir=nowhere 2>stderr || status=$?
same "images are missing" "1 1" "$status $(grep -c -- '--int8 chooses scales by training images: nowhere' stderr)"
mkdir swapped # the right size, and other images
for file in images-idx3 labels-idx1; do
    ln -s "$golden/t10k-$file-ubyte.gz" "swapped/train-$file-ubyte.gz"
    ln -s "$golden/t10k-$file-ubyte.gz" "swapped/t10k-$file-ubyte.gz"
done
status=0
"$LOCKSTEP" export sum --format c --int8 --out none.c --set data.dir=swapped 2>stderr || status=$?
same "other images than it was trained on" "1 1" "$status $(grep -c 'images: swapped/.* are not what sum/.* was trained on (digests' stderr)"
same "nothing is written" "" "$(ls none.* 2>/dev/null)"
mkdir other
"$LOCKSTEP" export sum --format c --int8 --out other/int8.c --set 'data.test_images=""' --set 'data.test_labels=""' >other.log 2>&1
check "without a test set it is rounded" grep -q 'scales by the first 1000 training images; there is no test set' other.log
check "to the same" cmp <(sed -n '/^ \*   config: /,$p' int8.c) <(sed -n '/^ \*   config: /,$p' other/int8.c)
finish
