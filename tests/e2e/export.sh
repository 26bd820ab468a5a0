#!/usr/bin/env bash
# Networks for other programs: NumPy, and PyTorch where it is installed, compute from the file alone what `predict` says.
# Files are complete or absent, and the same wherever they are made; what cannot be is refused.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
images=$golden/t10k-images-idx3-ubyte.gz
cd "$work"

# exports STATUS WHAT ARGUMENT...: output in stdout and stderr
exports() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$LOCKSTEP" export "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show stderr
}
refused() { # refused STATUS WHAT PATTERN ARGUMENT...
    local pattern=$3
    exports "$1" "$2" "${@:4}"
    same "$2: one message" 1 "$(grep -c 'lockstep: error: .' stderr || true)"
    check "$2: says why" grep -qE -e "$pattern" stderr
    $ok || show stderr
}

# answers RUN: what Lockstep says, in RUN.json
answers() { "$LOCKSTEP" predict "$1" "$images" --format json >"$1.json" 2>"$1.err" || show "$1.err"; }

# --- NumPy computes the same: every kind of layer with averaged weights, odd sizes, and nothing but dense layers
for name in layers odd dense; do
    config=$here/$name.yaml
    trained $name 1 --threads 2 --set train.max_steps=40
    exports 0 "$name as safetensors" $name --format safetensors
    exports 0 "$name as npz" $name --format npz
    answers $name
    check "$name: NumPy computes what predict says" \
        /usr/bin/python3 "$here/export_numpy.py" $name.safetensors $name.npz "$images" $name.json
done

# --- facts, and whose weights they are
# facts FILE.safetensors: its metadata
facts() { tail -c +9 "$1" | head -c "$(od -An -t u8 -N 8 "$1" | tr -d ' ')" | jq -c .__metadata__; }
fact() { facts "$1" | jq -r ".$2"; }
same "averaged weights are those that were tested" "$(key layers test_weights_sha256)" "$(fact layers.safetensors weights_sha256)"
same "they are called averaged" true "$(fact layers.safetensors averaged)"
same "others are not" false "$(fact odd.safetensors averaged)"
same "names of classes are the configuration's" 'th"ree' "$(fact layers.safetensors classes | jq -r '.[3]')"
same "else numbers" 3 "$(fact odd.safetensors classes | jq -r '.[3]')"
same "names of the command line" drei "$("$LOCKSTEP" export odd --format safetensors --out c.safetensors --quiet \
    --set 'data.class_names=[0, 1, 2, drei, 4, 5, 6, 7, 8, 9]' && fact c.safetensors classes | jq -r '.[3]')"
same "normalisation" "[0.1307] [0.3081]" "$(fact dense.safetensors normalization | jq -r '"\(.mean|tostring) \(.std|tostring)"')"
same "it is the reader's" "normalized pixels" "$(fact dense.safetensors takes)"

# --- the same bytes wherever it is made, from a run, its checkpoint or a folder's other name; no time of day
for format in safetensors npz; do
    TZ=Asia/Tokyo exports 0 "$format again" odd/checkpoints/last.h5 --format $format --out again.$format
    check "$format: the same bytes" cmp odd.$format again.$format
done
(cd odd && exports 0 "a folder called ." . --format npz)
check "it has the folder's name" cmp odd.npz odd/odd.npz
rm odd/odd.npz
exports 0 "a checkpoint's name" odd/checkpoints/last.h5 --format npz
check "without its ending" cmp odd.npz last.npz

# --- the ending tells the format, and is that of no other one; standard output takes one file
for format in safetensors onnx npz keras keras_weights; do
    case $format in keras_weights) ending=weights.h5 ;; *) ending=$format ;; esac
    exports 0 "$format by name" odd --format $format --out named.$ending
    exports 0 "$format by ending" odd --out ended.$ending
    check "$format by ending: the same bytes" cmp named.$ending ended.$ending
    exports 0 "$format to standard output" odd --format $format --out -
    check "$format: nothing but the file" cmp named.$ending stdout
    refused 2 "$format in the name of another" "--format c, or a name that ends in .$ending\$" odd --format $format --out odd.c
done
exports 0 "c by ending" odd --out odd.c
same "each file is named with its size" "$(stat -c '%n: %s bytes' odd.c odd.h)" "$(sed 's/,.*//' stdout)"
refused 2 "another's ending" '.weights.h5 is the ending of format keras_weights, not of keras; ' odd --format keras --out x.weights.h5
refused 2 "two files" 'format c is 2 files, .* --out FILE.c' odd --format c --out -
for name in conv8 conv8.h; do
    refused 2 "c as $name" ': format c is 2 files, .*: --out conv8.c$' odd --format c --out $name
done
status=0
"$LOCKSTEP" export odd --format npz --out - >/dev/full 2>stderr || status=$?
same "a full disk behind standard output" "1 1" "$status $(grep -c 'lockstep: error: ' stderr)"
check "no file is called -" [ ! -e ./- ]

# --- the help says which formats an option belongs to, as its refusal does
"$LOCKSTEP" export --help | tr -s ' \n' ' ' >help
for option in "--input=float|uint8" --normalized-input --softmax --int8; do
    refused 2 "${option%%=*} of others" ' is for --format ' odd --format npz "${option/=*/=uint8}"
    belongs=$(sed 's/.* is for --format \(.*\), not for .*/\1/' stderr | head -1)
    check "$option: help says of which formats it is ($belongs)" grep -qF -e "$option With $belongs: " help
done

# --- nothing is replaced unasked, and nothing stays of what failed
echo mine >mine.npz
refused 2 "a file that is there" 'mine.npz: is there already; --force' odd --format npz --out mine.npz
same "it stays" mine "$(cat mine.npz)"
exports 0 "with --force" odd --format npz --out mine.npz --force
check "it is replaced" cmp odd.npz mine.npz
mkdir folder
refused 2 "a folder" 'folder: is a folder' odd --format npz --out folder --force
refused 1 "no folder" 'nowhere/x.npz' odd --format npz --out nowhere/x.npz
cp odd/checkpoints/last.h5 damaged.h5
poke damaged.h5 -200 377
refused 1 "a damaged checkpoint" 'damaged.h5' damaged.h5 --format npz
refused 1 "no checkpoint" 'none.h5' none.h5 --format npz
refused 2 "no format" '--format is missing: safetensors or .*npz' odd
refused 2 "a name that tells none" '--format is missing, and the name of --out does not tell it: ' odd --out odd.h5
refused 2 "an unknown format" "unknown format 'safetensor'; did you mean 'safetensors'" odd --format safetensor
refused 2 "an option of other formats" '--softmax' odd --format npz --softmax
refused 2 "no use for threads" "unknown option '--threads'" odd --format npz --threads 2
refused 2 "two networks" "'b' is too many" odd b --format npz
refused 2 "no network" 'is missing' --format npz
same "nothing was left" "" "$(find . -name '.tmp-*' -o -name 'damaged.npz' -o -name 'none.npz')"

# --- PyTorch, by the lines that the page shows
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    config=$SOURCE/configs/mnist-convnet.yaml
    trained mnist-convnet 1 --threads 2 --set train.max_steps=15 --set train.global_batch=64
    exports 0 "mnist-convnet" mnist-convnet --format safetensors
    answers mnist-convnet
    awk '/^## / { here = /PyTorch/ } here && /^```python/ { on = 1; next } /^```/ { on = 0 } on' "$SOURCE/src/export/README.md" >with_torch.py
    cat >>with_torch.py <<'PYTHON'
import gzip
pixels = bytearray(gzip.open(__import__("sys").argv[1]).read()[16:])
pixels = torch.frombuffer(pixels, dtype=torch.uint8).reshape(-1, 1, 28, 28).float()
wanted = torch.tensor([json.loads(line)["probabilities"] for line in open("mnist-convnet.json")])
apart = (torch.softmax(logits(pixels), 1) - wanted).abs().max().item()
assert len(wanted) > 100 and wanted.std(0).max() > 0.01 and apart < 2e-5, apart
PYTHON
    check "PyTorch computes what predict says" /usr/bin/python3 with_torch.py "$images"
fi
finish
