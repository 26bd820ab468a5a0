#!/usr/bin/env bash
# The network in the report's page, run by node without a browser: it computes what the program computes, for every kind
# of layer; large networks are rounded, and larger ones left out.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5dump node
make_pictures=$4

unpack_golden "$work/data"

# page RUN: writes the run's page
page() {
    "$LOCKSTEP" report "$work/$1" --out "$work/$1.html" >"$work/$1.err" 2>&1 || show "$work/$1.err"
}

# compare RUN [IMAGES]: the page's probabilities of the test images with those that the run left behind
compare() {
    h5dump -d /test/probabilities -b LE -o "$work/probabilities" "$work/$1/history.h5" >/dev/null
    node "$here/panel_node.js" probabilities "$work/$1.html" "${2:-$work/data/t10k-images-idx3-ubyte}" \
        "$work/probabilities" >"$work/$1.json" || true
}
found() { jq -e "$2" "$work/$1.json" >/dev/null; }

# --- every kind of layer
config=$here/layers.yaml
trained layers 2 --threads 1
for kind in conv2d maxpool avgpool global_avgpool dense batchnorm add concat relu leaky_relu tanh sigmoid gelu silu dropout flatten; do
    check "the network has $kind" grep -qE "^  - $kind\b" "$config"
done
same "no other kind exists" 16 "$("$LOCKSTEP" help config | sed -n '/^Each entry of/,$p' | grep -cE '^  [a-z0-9_]+: ')"
page layers
compare layers
check "probabilities are the program's within 1e-4" found layers '.n == 500 and .worst < 1e-4 and .changed == 0'
$ok || show "$work/layers.json"
check "the comparison says something: several classes are answered" found layers '.answers >= 5'
check "names of classes come through" found layers \
    '.classes == ["zero", "one", "<two>", "th\"ree", "\\four", "fi&ve", "</script>", "sieben", "acht", "neun"]'

# --- in bfloat16 the page computes what the program does, to the last bit: a difference in one operand of a product
# would show. History has probabilities as float32, hence 2^-24.
trained rounded 1 --threads 2 --set train.precision=bf16 --set train.epochs=1
page rounded
compare rounded
check "bf16: the program's probabilities, as near as float32 is" found rounded '.n == 500 and .worst < 6e-8 and .answers >= 5'
$ok || show "$work/rounded.json"

# --- pictures of other sizes and in colour are prepared as `lockstep predict` prepares them
prepared() { # prepared RUN PICTURE...
    local run=$1
    shift
    "$LOCKSTEP" predict "$work/$run/checkpoints/last.h5" "$@" --show --format json >"$work/predicted" 2>"$work/predict.log" ||
        show "$work/predict.log"
    node "$here/panel_node.js" pictures "$work/$run.html" "$work/predicted" >"$work/$run.json" || true
}
mkdir "$work/pictures"
node "$here/panel_node.js" make "$work/pictures" >/dev/null
prepared layers "$work"/pictures/*
check "28 pictures become the same pixels, and get the same answers" found layers \
    '.n == 28 and .wrong == [] and .worst < 1e-4 and .ways == {"mnist": 26, "none": 2}'
$ok || show "$work/layers.json"

# Pictures as people make them, decoded: both get the same pixels.
mkdir "$work/kinds"
for kind in $("$make_pictures" --list | awk '{ print $1 }') lines; do
    mkdir "$work/kinds/$kind"
    "$make_pictures" "$kind" "$work/kinds/$kind" "$work/data/t10k-images-idx3-ubyte" "$work/data/t10k-labels-idx1-ubyte" 4 1 decoded
done
mkdir "$work/kinds/deep" # shadows that take most of the light
"$make_pictures" shadow "$work/kinds/deep" "$work/data/t10k-images-idx3-ubyte" "$work/data/t10k-labels-idx1-ubyte" 24 2 decoded
prepared layers "$work"/kinds/*/*.png
check "pictures of 28 kinds become the same pixels" found layers '.n == 136 and .wrong == [] and .worst < 1e-4'
$ok || show "$work/layers.json"

node "$here/panel_node.js" classes "$work/classes" >/dev/null
check "coloured pictures are packed" "$LOCKSTEP" pack "$work/classes" "$work/coloured" --channels 3 >/dev/null
config=$here/colour.yaml data=$work/coloured
trained colour 1
data=
page colour
compare colour "$work/coloured/t10k-images-idx3-ubyte"
check "a network of three channels: the program's probabilities" found colour \
    '.n == 24 and .worst < 1e-4 and .changed == 0 and .answers == 2'
$ok || show "$work/colour.json"
prepared colour "$work"/pictures/* "$work/classes/red/1.ppm"
check "for it pictures are fitted, colours kept" found colour \
    '.n == 29 and .wrong == [] and .worst < 1e-4 and .ways == {"fit": 28, "none": 1}'
$ok || show "$work/colour.json"

# --- 376,000 weights are rounded, 2 million left out
config=$here/odd.yaml
trained wide 2 --threads 1 --set train.epochs=1 --set model.dense1.units=8000 --set train.max_steps=30
page wide
compare wide
check "it is said" grep -qF 'rounded to 93 levels here' "$work/wide.html"
check "rounding moves probabilities a little" found wide '.worst > 1e-6 and .worst < 0.05 and .changed <= 5'
$ok || show "$work/wide.json"
check "the page stays below 2 MiB" [ "$(stat -c %s "$work/wide.html")" -lt $((2 << 20)) ]
trained huge 2 --threads 1 --set train.max_steps=1 --set model.dense1.units=42000
page huge
check "predict is named instead" grep -qF '<code>lockstep predict</code> answers for it' "$work/huge.html"
check "nothing is embedded" [ "$(grep -c 'id="draw-\(values\|network\)"' "$work/huge.html")" -eq 0 ]
finish
