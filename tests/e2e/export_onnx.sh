#!/usr/bin/env bash
# Networks as ONNX: ONNX's own checker accepts each shipped network and each kind of layer, and ONNX Runtime computes from
# the file alone what Lockstep computes: in float32 and bfloat16, from floats, bytes and normalised floats.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
answers=$4
need jq
cd "$work"

checker=yes runtime=yes
/usr/bin/python3 -c 'import onnx' 2>/dev/null || checker=
# What a build has fetched stays in its folder; it comes while networks are made that are only exported.
build=$(dirname "$(dirname "$LOCKSTEP")")
modules=$build/onnxruntime
fetch() {
    [ ! -d "$modules/node_modules/onnxruntime-node" ] || return 0
    mkdir -p "$modules"
    # behind a firewall it would wait for long; what its script would fetch is for graphics cards
    if ! timeout 180 npm install --ignore-scripts --no-audit --no-fund --prefix "$modules" onnxruntime-node@1.20.1 >npm.log 2>&1; then
        rm -rf "$modules"
        return 1
    fi
    rm -rf "$modules"/node_modules/onnxruntime-node/bin/napi-v3/{darwin,win32}
}
fetch </dev/null 3>&- &
fetching=$!

# exported RUN FILE OPTION...
exported() {
    check "$1 as $2" "$LOCKSTEP" export "$1" --format onnx --out "$2" --quiet "${@:3}"
}
# asked RUN DIR COUNT: what Lockstep says, in RUN.answers
asked() {
    check "$1 answers" "$answers" "$1/checkpoints/last.h5" "$2" t10k-images-idx3-ubyte "$3" >"$1.answers"
}
# computed RUN SHAPE CLASSES { MODEL TAKES GIVES MOST }...
computed() {
    local status=0
    [ -n "$runtime" ] || return 0
    node "$here/export_onnx.js" "$modules/node_modules/onnxruntime-node" "$1.answers" "${@:2}" >stdout 2>stderr || status=$?
    same "$1: ONNX Runtime computes the same" 0 $status
    $ok || show stdout
    $ok || show stderr
}

# --- the shipped networks, untrained
mkdir shipped
for file in "$SOURCE"/configs/*.yaml; do
    name=$(basename "$file" .yaml)
    config=$file
    trained "$name" 1 --threads 2 --set data.validation=0 --set 'data.test_images=""' --set 'data.test_labels=""' \
        --set train.global_batch=16 --set eval.batch=16 --set train.max_steps=1
    exported "$name" "shipped/$name.onnx"
done

wait $fetching || runtime=
{ [ -n "$runtime" ] && command -v node >/dev/null; } || runtime=
[ -n "$checker$runtime" ] || skip "neither python3-onnx nor npm's onnxruntime-node can be had"
[ -n "$checker" ] || echo "note: without python3-onnx, which checks files"
[ -n "$runtime" ] || echo "note: without npm's onnxruntime-node, which computes networks"

# --- every kind of layer; vectors and images; averaged weights
for name in layers odd vectors; do
    config=$here/$name.yaml
    trained $name 1 --threads 2 --set train.max_steps=40
    exported $name $name.onnx
    exported $name $name-bytes.onnx --input uint8 --softmax
    asked $name "$golden" 300
    computed $name 1x28x28 10 $name.onnx float logits 1e-4 $name-bytes.onnx uint8 probabilities 1e-5
done

# --- normalised by the caller
exported vectors vectors-normalized.onnx --normalized-input
computed vectors 1x28x28 10 vectors-normalized.onnx 0.1307,0.3081 logits 1e-4

# --- products in bfloat16: rounded in the file's graph, too, so that sums alone are in another order
config=$here/layers.yaml
trained bf16 1 --threads 2 --set train.max_steps=40 --set train.precision=bf16
exported bf16 bf16.onnx
asked bf16 "$golden" 300
computed bf16 1x28x28 10 bf16.onnx float logits 1e-3

# --- three channels, each with its mean
mkdir colour
/usr/bin/python3 - colour <<'PYTHON'
import random, struct, sys
random.seed(1)
for part, n in ("train", 200), ("t10k", 60):
    labels = bytes(random.randrange(3) for _ in range(n))
    pixels = bytes(random.randrange(250 - 80 * c) // (1 + (c == label)) for label in labels for c in range(3) for _ in range(108))
    with open(f"{sys.argv[1]}/{part}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">5I", 0x804, n, 3, 9, 12) + pixels)
    with open(f"{sys.argv[1]}/{part}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">2I", 0x801, n) + labels)
PYTHON
config=$here/colour.yaml data=$work/colour
trained rgb 1 --set data.classes=3 --set model.dense1.units=3 --set train.epochs=1
data=
exported rgb rgb.onnx
exported rgb rgb-bytes.onnx --input uint8
asked rgb "$work/colour" 60
computed rgb 3x9x12 3 rgb.onnx float logits 1e-4 rgb-bytes.onnx uint8 logits 1e-4

# --- the files themselves
if [ -n "$checker" ]; then
    cat >check.py <<'PYTHON'
import onnx, sys
for name in sys.argv[1:]:
    model = onnx.load(name)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    names = [value for node in model.graph.node for value in node.output]
    assert len(set(names)) == len(names), name
    assert len({node.name for node in model.graph.node}) == len(names), f"{name}: operations of one name"
    shape = lambda value: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
    assert shape(model.graph.output[0])[0] == shape(model.graph.input[0])[0] == "batch", name
PYTHON
    check "ONNX's checker accepts all" /usr/bin/python3 check.py ./*.onnx shipped/*.onnx
    # the same facts as in other formats
    "$LOCKSTEP" export layers --format safetensors --quiet
    cat >facts.py <<'PYTHON'
import json, struct
import onnx
from onnx import numpy_helper
model = onnx.load("layers-bytes.onnx")
facts = {p.key: p.value for p in model.metadata_props}
with open("layers.safetensors", "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]
wanted = {key: value for key, value in header.items() if key != "format"}
assert facts.pop("takes") == "pixels from 0 to 255" and facts.pop("gives") == "probabilities"
del wanted["takes"], wanted["gives"]
assert facts == wanted
assert model.producer_name == "lockstep" and model.producer_version == facts["lockstep"]
assert json.dumps(json.loads(facts["classes"])) in model.doc_string and facts["weights_sha256"] in model.doc_string
weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
assert weights["conv2.weight"].shape == (6, 2, 3, 3) and weights["conv2.weight"].std() > 0
PYTHON
    check "facts" /usr/bin/python3 facts.py
fi

# --- the same bytes wherever it is made; options
exported odd/checkpoints/last.h5 again.onnx
check "the same bytes" cmp odd.onnx again.onnx
status=0
"$LOCKSTEP" export odd --format onnx --out both.onnx --input uint8 --normalized-input >stdout 2>stderr || status=$?
same "bytes are not normalised: status" 2 $status
check "no file" [ ! -e both.onnx ]
finish
