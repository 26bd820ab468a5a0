#!/usr/bin/env bash
# Which tensor of a file becomes which: names go before order, numbers count as numbers, what the user says of a tensor
# before what he says of its layer. What is a guess is warned of; what contradicts a name is refused.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
cd "$work"
/usr/bin/python3 "$here/import_order.py" "$work" || exit 1

# network NAME LAYER...: ten classes are asked for by no layer, so any widths do
network() {
    local name=$1
    shift
    printf 'name: %s\ndata: {dir: nowhere, normalize: none}\ntrain: {epochs: 1, global_batch: 4}\nmodel:\n  - flatten\n' \
        "$name" >"$name.yaml"
    printf '  - %s\n' "$@" >>"$name.yaml"
}
dense=() matrices=()
for ((i = 1; i <= 12; i++)); do
    dense+=('dense: 4')
    matrices+=('dense: {units: 4, bias: false}')
done
network twelve "${dense[@]}"
network matrices "${matrices[@]}"
network three "${dense[@]:0:3}"
network three-matrices "${matrices[@]:0:3}"

# imports STATUS FILE NETWORK OPTION...: output in stdout and stderr
imports() {
    local wanted=$1 file=$2 status=0
    "$LOCKSTEP" import "$file" --config "$3.yaml" --image 2x2x1 --out out.h5 --force "${@:4}" >stdout 2>stderr \
        </dev/null || status=$?
    same "$file ${*:4}: exit status" "$wanted" $status
    $ok || show stderr
}
# from PATTERN: which tensors the weights are from, in the network's order
from() { same "$1: places" "$2" "$(sed -n 's|.*/weight  *from \([^,]*\),.*|\1|p' stdout | tr '\n' ' ')"; }
silent() { same "$1: no warning" "" "$(cat stderr)"; }
warns() { # warns WHAT PATTERN
    check "$1: a warning" grep -qE "warning: .*$2.*--map" stderr
    $ok || show stderr
}
refused() { # refused FILE NETWORK PATTERN OPTION...
    rm -f out.h5
    imports 1 "$1" "$2" "${@:4}"
    check "$1: says why" grep -qE -e "$3" stderr
    $ok || show stderr
    check "$1: nothing is written" [ ! -e out.h5 ]
}

# --- names before order
imports 0 some.safetensors three
from some 'dense1.weight fc.weight dense3.weight '
warns some "dense2/weight from 'fc.weight' and dense3/weight from 'dense3.weight'"
imports 0 some.safetensors three --map dense2=fc
from "some, said" 'dense1.weight fc.weight dense3.weight '
silent "some, said"
refused from0.safetensors three 'against the numbers in the names: say with --map'
imports 0 from0.safetensors three --map dense1=dense0 --map dense2=dense1 --map dense3=dense2
from "from 0, said" 'dense0.weight dense1.weight dense2.weight '
if [ -e residual.onnx ]; then
    cat >residual.yaml <<'END'
name: residual
data: {dir: nowhere, normalize: none}
model:
  - conv2d: {filters: 2, kernel: 1, bias: false, name: c0}
  - batchnorm: {name: b0}
  - relu: {name: r0}
  - conv2d: {filters: 2, kernel: 1, bias: false, name: c1}
  - batchnorm: {name: b1}
  - relu: {name: r1}
  - conv2d: {filters: 2, kernel: 1, bias: false, name: cs, input: r0}
  - batchnorm: {name: bs}
  - add: r1
  - global_avgpool
  - dense: 10
train: {epochs: 1, global_batch: 16}
END
    imports 0 residual.onnx residual
    from residual 'c0.weight /b0/BatchNormalization.weight c1.weight /b1/BatchNormalization.weight short.0.weight /short.0/BatchNormalization.weight fc.weight '
    warns residual "'short.0.weight'"
fi

# --- numbers in names: two types, each sorted by name; arrays without words
count() { printf "$1%d$2 " {0..11}; }
for file in halves mixed; do
    imports 0 $file.safetensors twelve
    from $file "$(count body. .weight)"
    silent $file
done
for word in arr_ W; do
    for order in sorted plain; do
        imports 0 $word$order.npz matrices
        from $word$order "$(count $word '')"
        silent $word$order
    done
done

# --- an order that is a guess
imports 0 words.safetensors three --quiet
warns words "dense1/weight from 'base.weight' and dense2/weight from 'mid.weight'"
imports 0 words.safetensors three --map dense1=top --map dense2=mid --map dense3=base
from "words, said" 'top.weight mid.weight base.weight '
silent "words, said"
imports 0 words.npz three-matrices
warns "words without parts" "dense1/weight from 'base' and dense2/weight from 'mid'"
imports 0 backwards.safetensors three
warns backwards "dense1/weight from 'fc.3.weight' and dense2/weight from 'fc.2.weight'"
imports 0 forwards.safetensors three
from forwards 'in.weight fc.weight fc_1.weight '
silent forwards

# --- what the user says of a tensor and of its layer, in either order; nothing is left out
imports 0 ours.safetensors three --map dense1/weight=dense1.weight --map dense1=dense1
from "said twice" 'dense1.weight dense2.weight dense3.weight '
refused spare.safetensors three "'dense1.weight' in spare.safetensors, 4 x 4, has no place" \
    --map dense1=dense1 --map dense1/weight=alt.weight
refused spare.safetensors three "'dense1.weight' in spare.safetensors, 4 x 4, has no place" \
    --map dense1/weight=alt.weight --map dense1=dense1
refused ours.safetensors three 'of another layer: say with --map' --map dense1=dense2

# --- there, but of another type
refused whole.safetensors three "dense2/weight: 'dense2.weight' in whole.safetensors holds values of a type"
finish
