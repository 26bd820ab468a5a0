#!/usr/bin/env bash
# Networks for Keras, and weights of Keras, without Keras: NumPy computes from config.json and the weights what Keras
# would; what was exported comes back to the bit; files as Keras 3, Keras 2 and h5py write them find their places; what
# is damaged, made to do harm, or of another network is refused, and nothing is left. Usage: keras.sh ... ANSWERS
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
answers=$4
need jq
/usr/bin/python3 -c 'import numpy, h5py' 2>/dev/null || skip "python3-numpy or python3-h5py is not installed"
export PYTHONDONTWRITEBYTECODE=1
cd "$work"

exports() { "$LOCKSTEP" export "$1" --format "$2" --quiet "${@:3}"; }
# imports STATUS WHAT ARGUMENT...: output in stdout and stderr
imports() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$LOCKSTEP" import "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show stderr
}
refused() { # refused STATUS WHAT PATTERN ARGUMENT...
    local pattern=$3
    imports "$1" "$2" "${@:4}"
    same "$2: one message" 1 "$(grep -c 'lockstep: error: .' stderr || true)"
    check "$2: says why" grep -qE -e "$pattern" stderr
    $ok || show stderr
}
# alike A B: the weights that evaluations use are the same
# shellcheck disable=SC2317 # called by check
alike() { "$LOCKSTEP" diff --weights "$1" "$2" >diff.log 2>&1; }
# computes WHAT NAME [CONFIG.json]: NAME.keras and NAME.weights.h5 give what the network of run NAME gives
computes() {
    "$answers" "${run:-$2}" "$images" t10k-images-idx3-ubyte 100 >answers.bin
    check "$1" /usr/bin/python3 "$here/keras_numpy.py" "$2.keras" "$2.weights.h5" answers.bin "${@:3}"
}
images=$work/images
unpack_golden "$images"

# --- NumPy computes the same: every kind of layer, odd sizes, what is difficult; there and back
for name in layers odd keras; do
    config=$here/$name.yaml
    kept=()
    [ $name != layers ] || kept=(--set model.avgpool2.padding=same)
    trained $name 1 --threads 2 --set train.max_steps=20 "${kept[@]}"
    exports $name keras
    exports $name keras_weights
    computes "$name: NumPy computes what the network does" $name
    for file in $name.keras $name.weights.h5; do
        imports 0 "$file comes back" "$file" --config "$config" "${kept[@]}" --out back.h5 --force
        check "$file comes back the same" alike $name back.h5
        $ok || show diff.log
    done
done
for format in keras keras_weights; do
    TZ=Asia/Tokyo exports odd/checkpoints/last.h5 $format --out again.$format
done
check "the same bytes" cmp odd.keras again.keras
check "the same weights' bytes" cmp odd.weights.h5 again.keras_weights

# --- the configuration, value by value, as Keras has it
config=$here/finetune.yaml
trained finetune 1 --threads 2 --set train.max_steps=5 --set data.normalize=given --set data.mean=0.5 --set data.std=0.5
exports finetune keras
exports finetune keras_weights
computes "finetune: config.json is Keras's" finetune "$here/keras_config.json"
exports finetune keras --input uint8 --out bytes.keras
/usr/bin/python3 -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("config.json"))' \
    bytes.keras >bytes.json
same "bytes: the input, what reads it, and what that computes" '["uint8","uint8","float32"]' "$(jq -c '.config.layers |
    [.[0].config, .[1].inbound_nodes[0].args[0].config, .[1].config] | map(.dtype)' bytes.json)"
run=finetune
for option in --softmax --normalized-input; do
    exports finetune keras $option --force
    computes "finetune $option" finetune
done
run=

# --- Keras does not round products to bfloat16: that is told, and the weights are those of training
config=$here/odd.yaml
trained rounded 1 --threads 2 --set train.max_steps=5 --set train.precision=bf16
for file in rounded.keras rounded.weights.h5; do
    "$LOCKSTEP" export rounded --out $file --quiet 2>stderr
    same "$file: one warning" "1 1" "$(wc -l <stderr) $(grep -c 'lockstep: warning: the run multiplied in bfloat16' stderr)"
    imports 0 "$file comes back" $file --config "$config" --set train.precision=bf16 --out back.h5 --force
    check "$file: weights are not rounded" alike rounded back.h5
done
exports odd keras --force 2>stderr
same "no warning in float32" "" "$(cat stderr)"

# --- what Keras has no equal of
config=$here/layers.yaml
trained unequal 1 --threads 2 --set train.max_steps=1
cant_export() { # cant_export WHAT PATTERN RUN
    local status=0
    exports "$3" keras --out none.keras 2>stderr || status=$?
    same "$1: exit status" 2 $status
    check "$1: says why" grep -qE "$2" stderr
    $ok || show stderr
    check "$1: nothing is left" [ ! -e none.keras ]
}
cant_export "padding of averages" "layer avgpool2 cannot be a layer of Keras: .* or 'count_padding: true'" unequal
config=$here/keras.yaml
trained below0 1 --threads 2 --set train.max_steps=1 --set model.pool1.input=conv1
cant_export "padding of maxima" "layer pool1 cannot be a layer of Keras: .* 'padding: same', or with relu before" below0

# --- files of Keras
config=$here/finetune.yaml
trained base 1 --threads 2
exports base npz
mkdir theirs
/usr/bin/python3 "$here/keras_foreign.py" base.npz theirs
of_data=(--config "$config" --set "data.dir=$golden")
for file in plain.weights.h5 unnamed.weights.h5 packed.weights.h5 nested.weights.h5 tf213.weights.h5 big.weights.h5 \
    double.weights.h5 keras2.h5 model2.h5 unlisted2.h5 pixels2.h5 attributes.weights.h5 unknown.weights.h5 plain.keras \
    packed.keras; do
    imports 0 $file theirs/$file "${of_data[@]}" --out out.h5 --force
    check "$file: the same weights" alike base out.h5
    $ok || show diff.log
    case $file in
    pixels2.h5) check "$file: a warning" grep -q "its layer 'normalization' normalizes images" stderr ;;
    unknown.*) check "$file: a warning" grep -q "no name tells what '/conv_a/vars/0' is of" stderr ;;
    *) same "$file: no warning" 0 "$(grep -c 'warning' stderr || true)" ;;
    esac
done
imports 0 "what config.json says" theirs/otherwise.keras "${of_data[@]}" --out out.h5 --force
check "strides that differ are warned of" grep -qF "'conv2d_9/kernel' has strides of 1 x 2, conv1 here 2 x 2" stderr
check "an epsilon, too" grep -qF "'batch_normalization_4/gamma' has an epsilon of 0.001, bn1 here 1e-05" stderr
same "one for each" 2 "$(grep -c warning stderr)"
imports 0 "padding" theirs/padded.keras "${of_data[@]}" --out out.h5 --force
check "padding that differs is warned of" grep -qF \
    "'conv2d_9/kernel' has padding (top, left, bottom, right) of 1, 1, 2, 2, conv1 here 0, 0, 0, 0" stderr
imports 0 "no config.json" theirs/not_json.keras "${of_data[@]}" --out out.h5 --force
check "what cannot be read is told" grep -q 'its config.json cannot be read' stderr
imports 0 "no layers in config.json" theirs/packed.keras "${of_data[@]}" --out out.h5 --force
check "what became what is told" grep -qE 'conv2/weight +from conv2d_10/kernel, 3 x 3 x 6 x 8' <(cat stdout stderr)
imports 0 "names" theirs/plain.weights.h5 "${of_data[@]}" --out out.h5 --force --map conv1=conv2d_9 \
    --map dense1/weight=dense_3/kernel --map dense1/bias=dense_3/bias
check "names: the same weights" alike base out.h5
imports 0 "bfloat16" theirs/bf16.weights.h5 "${of_data[@]}" --out bf16.h5
imports 0 "bfloat16 as float32" theirs/rounded.weights.h5 "${of_data[@]}" --out rounded.h5
check "bfloat16 is read exactly" alike rounded.h5 bf16.h5
imports 0 "float16" theirs/half.weights.h5 "${of_data[@]}" --out half.h5

# --- what is no such network, or does harm
cant() { refused 1 "$1" "$2" "theirs/$3" "${of_data[@]}" --out none.h5; }
cant "a link into another file" 'a link leads elsewhere' external_link.weights.h5
cant "a link to another place" 'a link leads elsewhere' soft_link.weights.h5
cant "values in another file" 'vars/1: its values lie in other files' external_storage.weights.h5
cant "values of several files" 'vars/1: its values lie in other files' virtual.weights.h5
cant "no values" 'vars/1: was created, but never written' never_written.weights.h5
cant "64 TiB in a few bytes" 'is 65536 x 65536 x 64 x 64' swollen.weights.h5
cant "a group in itself" 'groups too deep' circle.weights.h5
cant "a deep group" 'groups too deep' deep.weights.h5
cant "a filter of others" 'vars/1: is packed by another filter' other_filter.weights.h5
cant "another shape" "conv2/weight is 3 x 3 x 6 x 8 here, 'conv2d_10/kernel' in .* x 6 x 7$" wrong_shape.weights.h5
cant "NaN" "value 3 of 'conv2d_10/bias' is nan" not_a_number.weights.h5
cant "a layer too few" 'dense1/weight is missing' without_layer.weights.h5
cant "a layer too many" "'dense_1/kernel' in .*, 3 x 3, has no place" another_layer.weights.h5
cant "a layer of another kind" "'/layers/lstm/lstm_cell/vars/0' and its like, 3 in all" recurrent.weights.h5
for file in theirs/is-*; do
    cant "${file#theirs/is-}" 'and its like, [12] in all, are the variables of no layer that Lockstep has' "${file#theirs/}"
done
cant "whole numbers" 'the variables of no layer that Lockstep has' whole_numbers.weights.h5
cant "no weights" 'has no weights as Keras writes them' nothing.weights.h5
cant "zeros that swell" "'model.weights.h5' in it says to have" bomb.keras
cant "a dilated layer" "its layer 'conv2d_9' is dilated" is_dilated.keras
cant "no JSON" 'is no JSON' torn.keras
for file in theirs/cut-*; do
    why='is damaged or incomplete: /: .+'
    [ "${file%.keras}" = "$file" ] || why='as a zip archive: .+'
    cant "${file#theirs/}" "$why" "${file#theirs/}"
done
same "nothing is left of what failed" "" "$(find . -name 'none.h5*' -o -name '.tmp-*')"
finish
