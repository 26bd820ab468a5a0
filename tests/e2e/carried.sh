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
node "$here/panel_node.js" pictures tuned.html predicted >page.json || true
same "the page sees the same pixels, and answers the same" true \
    "$(jq '.n == 120 and .wrong == [] and .worst < 1e-4 and .ways == {"fit": 120}' page.json)"
$ok || show page.json

# --- pictures are evaluated by the names of their classes, by all ranks
figures() { grep -E '^(test|pictures) ' "$1" | sed 's/^[a-z]* *//'; }
launch 3 eval tuned --pictures scans >pictures.log 2>&1 || show pictures.log
check "pictures: all right" grep -q '100.00 %' pictures.log
same "pictures: nothing to warn of" 0 "$(grep -c 'are unlike' pictures.log)"
launch 3 eval tuned --pictures scans --set data.pictures.invert=false >dark.log 2>&1 || show dark.log
check "dark and light exchanged: told" grep -q 'warning: 120 of 120 images are unlike those that the network was trained on' dark.log
"$LOCKSTEP" eval tuned --set data.test_images=train-images-idx3-ubyte --set data.test_labels=train-labels-idx1-ubyte \
    >images.log 2>&1 || show images.log
same "the figures of the packed images" "$(figures images.log)" "$(figures pictures.log)"
mkdir -p some/7 some/unsure
cp scans/7/*.pgm some/7
cp scans/3/*.pgm some/unsure
"$LOCKSTEP" eval tuned --pictures some >some.log 2>&1 || show some.log
check "classes may be missing" grep -q " of $(find some/7 -type f | wc -l)" some.log
check "what is unsure is left out" grep -q 'left out: folders of what predict --sort was unsure of (1,' some.log
mkdir some/seven
status=0
"$LOCKSTEP" eval tuned --pictures some >some.log 2>&1 || status=$?
same "a folder that is no class: status" 1 $status
check "it is named" grep -q 'error: some/seven: the network has no class of that name; its 10 classes are 0 to 9' some.log

# --- as MNIST's images are made: said, or as the network wants it
check "pack --preprocess mnist" "$LOCKSTEP" pack scans centred --preprocess mnist --test 0 >pack.log
same "says so" "images: {rows: 28, columns: 28, channels: 1} data: pictures: preprocess: mnist" \
    "$(grep -v '^#' centred/pictures.yaml | xargs)"
"$LOCKSTEP" predict base scans/*/*.pgm --show --format json | jq -c .pixels[] >wanted
check "the images are what predict sees" cmp wanted <(tail -c +17 centred/train-images-idx3-ubyte | od -An -v -tu1 -w1 | tr -d ' ')
rm -rf some/seven some/unsure
cp -r scans/3 some
check "pack --like" "$LOCKSTEP" pack some alike --like base --test 0 >pack.log 2>&1
same "keeps the network's classes" "images: {rows: 28, columns: 28, channels: 1} data: classes: 10 pictures: preprocess: mnist" \
    "$(grep -v '^#' alike/pictures.yaml | xargs)"
same "and their numbers" "3 7" "$(tail -c +9 alike/train-labels-idx1-ubyte | od -An -v -tu1 -w1 | sort -nu | xargs)"
check "pack --like a network of packed pictures" "$LOCKSTEP" pack scans again --like tuned --test 0 >pack.log
for file in packed/*; do
    check "$file comes out again" cmp "$file" "again/${file#*/}"
done
for refused in "--like base --size 28" "--like base --preprocess mnist" "--preprocess mnist --invert"; do
    status=0
    # shellcheck disable=SC2086 # words
    "$LOCKSTEP" pack scans nothing $refused >/dev/null 2>&1 || status=$?
    same "$refused: status" 2 $status
done

# --- what stands beside the images, and what does not go with it
train said 1 "${none[@]}" --set train.max_steps=1 --set data.pictures.preprocess=mnist
check "the configuration comes first, and it is said" grep -q \
    'warning: packed/pictures.yaml: data.pictures is another one in the configuration' said.log
check "and kept" grep -q 'preprocess: mnist' said/config.yaml
refuses() { # refuses STATUS WHAT WANTED ARGUMENT...
    local wanted=$1 what=$2 message=$3 status=0
    shift 3
    "$LOCKSTEP" "$@" >refused.log 2>&1 || status=$?
    same "$what: status" "$wanted" $status
    check "$what: said" grep -q "$message" refused.log
    $ok || show refused.log
}
cp -r packed other
sed -i 's/rows: 28/rows: 20/' other/pictures.yaml
refuses 1 "a note of other images" 'other/pictures.yaml is of images of 20 x 28 x 1 .*other/train-images-idx3-ubyte has 28 x 28 x 1' \
    info base.yaml --set data.dir=other
echo 'seed: 3' >>other/pictures.yaml
refuses 2 "a note with other keys" "other/pictures.yaml:[0-9]*:1: unknown key 'seed'" \
    train base.yaml --set data.dir=other --dry-run
rm other/pictures.yaml
mkfifo other/pictures.yaml
refuses 1 "a note that is a pipe" 'other/pictures.yaml' info base.yaml --set data.dir=other
mkdir -p names/{cat,dog}
cp scans/1/*.pgm names/cat
cp scans/2/*.pgm names/dog
"$LOCKSTEP" pack names named --size 28 --invert >/dev/null
"$LOCKSTEP" train base.yaml --set data.dir=named --set model.dense1.units=2 --set train.max_steps=1 --out pets \
    --progress never >pets.log 2>&1 || show pets.log
same "names come from it" "class_names: [cat, dog]" "$(grep -h class_names pets/config.yaml | xargs)"
mv names/cat names/emu && mv names/dog names/cat
"$LOCKSTEP" pack names renamed --size 28 --invert >/dev/null
"$LOCKSTEP" train base.yaml --set data.dir=renamed --set model.dense1.units=2 --set train.max_steps=1 --out zoo \
    --init-from pets --progress never >zoo.log 2>&1 || show zoo.log
check "weights of a network with other classes: said" grep -q "init-from pets.*: its class 1 is 'dog', that of the data 'emu'" zoo.log
refuses 1 "another set whose classes have other names" "class 1 is 'dog' to the network, but 'emu' in" eval pets --data renamed
finish
