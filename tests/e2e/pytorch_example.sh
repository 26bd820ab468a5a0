#!/usr/bin/env bash
# PyTorch's MNIST example is trained by PyTorch for one epoch, brought here as safetensors and as npz, says the same of each
# test image, and goes on being trained, alone and on three ranks. DATA=DIR takes all of MNIST in place of the tests' images.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
/usr/bin/python3 -c 'import torch' 2>/dev/null || skip "python3-torch is not installed (jobs/install-deps.sh --peers)"
data=${DATA:-$golden}
config=$SOURCE/configs/pytorch-example.yaml
cd "$work"
/usr/bin/python3 "$here/pytorch_example.py" "$data" "$work" >theirs.log || exit 1
cat theirs.log

# imports FILE RUN ARGUMENT...
imports() {
    check "$1" "$LOCKSTEP" import "$1" --config "$config" --set "data.dir=$data" --out "$2" --quiet "${@:3}"
}
imports theirs.safetensors ours
imports theirs.npz again --layout pytorch
check "both are the same weights" "$LOCKSTEP" diff --weights ours again >diff.log
images=$data/t10k-images-idx3-ubyte
[ -e "$images" ] || images=$images.gz
"$LOCKSTEP" predict ours "$images" --format json >ours.json 2>predict.log || show predict.log
same "the same answer to each image" "$(cut -d , -f 1 theirs.csv | sha256sum)" "$(jq .class ours.json | sha256sum)"
same "the same accuracy" "$(sed -n 's/^correct: \([0-9]*\) of \([0-9]*\)$/\1 of \2/p' theirs.log)" \
    "$("$LOCKSTEP" eval ours --data "$data" 2>/dev/null | sed -n 's/^test: .*(\([0-9]* of [0-9]*\).*/\1/p')"
for ranks in 1 3; do
    trained on$ranks $ranks --threads 1 --init-from "$work/ours" --set train.max_steps=20 --set train.epochs=1
done
same "it goes on, to the same bits" "$(result on1)" "$(result on3)"
before=$("$LOCKSTEP" eval ours --data "$data" 2>/dev/null | sed -n 's/.*loss \([0-9.]*\).*/\1/p' | head -n 1)
check "from where PyTorch had come: loss $before, then $(key on1 test_loss)" \
    awk -v a="$before" -v b="$(key on1 test_loss)" 'BEGIN { exit !(a < 1.5 && b < 1.3 * a) }'
finish
