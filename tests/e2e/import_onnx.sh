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

same "no warnings" 0 "$(grep -c warning stderr || true)"
imports 0 defaults.onnx "${given[@]}"
same "the same in other words: no warnings" 0 "$(grep -c warning stderr || true)"

# --- a matrix that fits both ways: the same as NumPy's
first=$config
sed 's/^  - dense: 10/&\n  - dense: 10/' "$config" >square.yaml
config=square.yaml
for file in square-01 square-10 square; do
    imports 0 $file.onnx --set "data.dir=$golden" --out $file.h5
    "$LOCKSTEP" export $file.h5 --format npz --quiet
done
# [in][out] here, [out][in] behind a Transpose of what counts from 0 to 99 row by row
check "turned as its perm says" /usr/bin/python3 -c '
import numpy as np
square = np.arange(100, dtype=np.float32).reshape(10, 10)
for file, wanted in ("square-01", square.T), ("square-10", square), ("square", square):
    assert (np.load(file + ".npz")["dense2/weight"] == wanted).all(), file'
config=$first

# --- what the graph says and the configuration does not
imports 0 otherwise.onnx "${given[@]}"
warned() { check "$1: a warning" grep -qF -- "$2" stderr; }
warned strides "the layer of 'conv1.weight' has strides of 1 x 2, conv1 here 2 x 2"
warned epsilon "the layer of 'bn1.weight' has an epsilon of 0.001, bn1 here 1e-05"
warned padding "the layer of 'conv2.weight' has padding (top, left, bottom, right) of 1, 1, 1, 1, conv2 here 0, 0, 0, 0"
same "one for each" 3 "$(grep -c warning stderr)"
$ok || show stderr

# --- refused, and nothing is written
refused() {
    rm -f out.h5
    imports 1 "$1" "${given[@]}"
    check "$1: says why" grep -qE -- "$2" stderr
    $ok || show stderr
    check "$1: nothing is written" [ ! -e out.h5 ]
}
refused dilated.onnx "is dilated"
refused first.onnx "'enlarge', a ConvTranspose, has weights"
refused square-other.onnx "'last', a Gemm, reads weights that the graph computes"
refused folded.onnx 'bn1/weight is missing: .* no further batch normalisation; was it folded .*TrainingMode.PRESERVE'
refused mirrored.onnx 'channels last, or otherwise'
refused outside.onnx 'are in another file'
refused alpha.onnx 'no plain dense layer'
refused last.onnx 'channels last'
refused prelu.onnx "'parametric', a PRelu, has weights"
refused whole.onnx 'that the graph computes'
refused computed.onnx 'that the graph computes'
refused short.onnx 'is said to have'
refused twice.onnx 'two values of its graph are called'
refused nothing.onnx 'no convolution or dense layer'
for file in cut-*; do refused "$file" 'looks like ONNX, and cannot be read as that|of no format'; done
same "nothing is left" "" "$(find . -name '.tmp-*')"
finish
