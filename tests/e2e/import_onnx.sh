#!/usr/bin/env bash
# Weights from ONNX models: what was exported comes back, to the bit; other writers' ways to say the same are understood;
# where the graph does more to its weights than a layer does, the file is refused.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import onnx' 2>/dev/null || skip "python3-onnx is not installed"
cd "$work"

# imports STATUS FILE OPTION...
imports() {
    local wanted=$1 status=0
    shift
    "$LOCKSTEP" import "$@" --config "$config" >stdout 2>stderr </dev/null || status=$?
    same "$1: exit status" "$wanted" $status
    $ok || show stderr
}

# --- there and back: every kind of layer, sums and vectors, rounded products
for name in layers vectors finetune; do
    config=$here/$name.yaml
    set=()
    [ $name = finetune ] || set=(--set train.precision=bf16)
    trained $name 1 --threads 2 --set train.max_steps=2 "${set[@]}"
    check "$name: exported" "$LOCKSTEP" export $name --format onnx --quiet
    imports 0 $name.onnx --out $name.h5 "${set[@]}"
    check "$name comes back" "$LOCKSTEP" diff --weights $name $name.h5 >diff.log
done

# --- by other writers
/usr/bin/python3 "$here/import_onnx.py" finetune.onnx "$work" || exit 1
given=(--set "data.dir=$golden" --out out.h5 --force)
for file in renamed lists nodes matmul turned; do
    imports 0 $file.onnx "${given[@]}"
    check "$file: the same weights" "$LOCKSTEP" diff --weights finetune out.h5 >diff.log
    $ok || show diff.log
done

# --- refused, and nothing is written
refused() {
    rm -f out.h5
    imports 1 "$1" "${given[@]}"
    check "$1: says why" grep -qE -- "$2" stderr
    $ok || show stderr
    check "$1: nothing is written" [ ! -e out.h5 ]
}
refused outside.onnx 'are in another file'
refused alpha.onnx 'no plain dense layer'
refused last.onnx 'channels last'
refused prelu.onnx "'parametric', a PRelu, has weights"
refused computed.onnx 'that the graph computes'
refused short.onnx 'is said to have'
refused twice.onnx 'two values of its graph are called'
refused nothing.onnx 'no convolution or dense layer'
for file in cut-*; do refused "$file" "$file"; done
same "nothing is left" "" "$(find . -name '.tmp-*')"
finish
