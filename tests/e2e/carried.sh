#!/usr/bin/env bash
# How pictures became images travels with the network: from pack to training, the checkpoint, predict, eval and the page.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq node
cd "$work"
unpack_golden golden

# --- pictures as a scanner gives them: dark on white, 40 x 28, each class in a folder; pack shrinks them
mkdir -p scans/{0..9} pieces
printf -v all '\\%03o' {0..255}
printf -v reversed '\\%03o' {255..0}
white=$(head -c 168 /dev/zero | tr '\0' '\377')
head -c $((16 + 120 * 784)) golden/t10k-images-idx3-ubyte | tail -c +17 | tr "$all" "$reversed" |
    split -b 784 -d -a 3 - pieces/
head -c 128 golden/t10k-labels-idx1-ubyte | tail -c +9 | od -An -v -tu1 -w1 | tr -d ' ' >labels
paste -d ' ' <(cd pieces && printf '%s\n' *) labels >list
while read -r piece label; do
    { printf 'P5\n28 40\n255\n' && echo -n "$white" && cat "pieces/$piece" && echo -n "$white"; } >"scans/$label/$piece.pgm"
done <list
cat >base.yaml <<'YAML'
data: {dir: golden, normalize: computed}
model:
  - conv2d: {filters: 8, kernel: 5, stride: 2}
  - relu
  - flatten
  - dense: 10
train: {epochs: 3, optimizer: {name: adam, lr: 0.005}}
YAML
train() { # train NAME RANKS ARGUMENT...
    local name=$1 ranks=$2
    shift 2
    launch "$ranks" train base.yaml --out "$name" --progress never "$@" >"$name.log" 2>&1 || show "$name.log"
}
answers() { # answers RUN PICTURE...: of how many the folder's name is the answer
    "$LOCKSTEP" predict "$@" --format csv --top 1 2>predict.log | tail -n +2 |
        awk -F , '{ split($1, part, "/"); right += part[2] == $5 } END { print right + 0, "of", NR }'
}

train base 1
check "pack" "$LOCKSTEP" pack scans packed --size 28 --invert --test 0 >pack.log
same "says how the pictures were made" "images: {rows: 28, columns: 28, channels: 1} data: pictures: preprocess: none invert: true background: 255" \
    "$(grep -v '^#' packed/pictures.yaml | xargs)"
check "and prints commands without these options" eval '! grep -qE "invert|preprocess|class_names" pack.log'
none=(--set data.dir=packed --set 'data.test_images=""' --set 'data.test_labels=""')
train tuned 2 "${none[@]}" --init-from base --set train.epochs=60 --set train.global_batch=16
same "the run keeps it" "preprocess: none invert: true background: 255" \
    "$(sed -n '/^  pictures:/,/^init/p' tuned/config.yaml | grep -E 'preprocess|invert|background' | xargs)"
same "every packed picture is answered rightly, without an option" "120 of 120" "$(answers tuned scans/*/*.pgm)"
same "an image of the data set is taken as it is" "120 none" \
    "$("$LOCKSTEP" predict tuned packed/train-images-idx3-ubyte --format json | jq -r .preprocess | sort | uniq -c | xargs)"

# --- the report's page does the same
"$LOCKSTEP" report tuned --out tuned.html >report.log 2>&1 || show report.log
"$LOCKSTEP" predict tuned scans/*/*.pgm --show --format json >predicted
node "$here/panel_node.js" pictures "$SOURCE/src/page/assets" tuned.html predicted >page.json || true
same "the page sees the same pixels, and answers the same" true \
    "$(jq '.n == 120 and .wrong == [] and .worst < 1e-4 and .ways == {"fit": 120}' page.json)"
$ok || show page.json
finish
