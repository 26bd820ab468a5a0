#!/usr/bin/env bash
# Weights of other programs: what was exported comes back, to the bit, and answers as before; files as PyTorch and NumPy
# write them find their places; what is damaged, made to do harm, or of another network is refused, and nothing is left.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
images=$golden/t10k-images-idx3-ubyte.gz
cd "$work"

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
exports() { "$LOCKSTEP" export "$1" --format "$2" --quiet --force "${@:3}"; }

# --- there and back, from one format to the other: averages, batchnorm, groups, sums; with --full every shipped network
names=(mnist-tiny resnet-small)
[ -z "$full" ] || mapfile -t names < <(cd "$SOURCE/configs" && printf '%s\n' *.yaml | sed 's/\.yaml$//')
for name in "${names[@]}"; do
    config=$SOURCE/configs/$name.yaml
    trained "$name" 1 --threads 2 --set data.validation=0 --set 'data.test_images=""' --set 'data.test_labels=""' \
        --set train.global_batch=16 --set eval.batch=16 --set train.max_steps=2
    exports "$name" safetensors
    imports 0 "$name from safetensors" "$name.safetensors" --config "$config" --out "$name-1.h5"
    exports "$name-1.h5" npz --out "$name.npz"
    imports 0 "$name from npz" "$name.npz" --config "$config" --out "$name-2.h5"
    check "$name comes back" alike "$name" "$name-2.h5"
    $ok || show diff.log
done
# weights CHECKPOINT: the digest of its model
weights() { "$LOCKSTEP" info "$1" | awk '$1 == "weights" { print $2; exit }'; }
check "averaged weights are what was compared" [ "$(weights mnist-tiny-2.h5)" != "$(key mnist-tiny weights_sha256)" ]
check "their digest is told" grep -q "$(weights mnist-tiny-2.h5)" <<<"$("$LOCKSTEP" diff --weights mnist-tiny mnist-tiny-2.h5)"

# --- a run folder: each command that takes a network takes it
config=$here/finetune.yaml
trained base 1 --threads 2
exports base safetensors
exports base npz
imports 0 "into a run folder" base.safetensors --config "$config" --out theirs
check "what became what is told" grep -qE 'conv2/weight +from conv2.weight, 8 x 6 x 3 x 3' <(cat stdout stderr)
check "the same weights" alike base theirs
check "it is told of as imported" grep -qE '^status +imported, not trained here' <("$LOCKSTEP" info theirs)
check "so does its page" grep -q 'were imported from <code>base.safetensors' <("$LOCKSTEP" report theirs --out -)
check "what becomes of pixels is told" grep -qE '^pixels +scaled to 0..1, as base.safetensors has it$' stdout
check "where it is the same, no warning" [ ! -s stderr ]
imports 0 "pixels otherwise" base.safetensors --config "$config" --out otherwise.h5 --set data.normalize=computed
check "the file's are kept" grep -q 'data.normalize of .* is otherwise.*: .*those of base.safetensors are kept' stderr
same "they are" "$("$LOCKSTEP" info theirs | grep ^pixels)" "$("$LOCKSTEP" info otherwise.h5 | grep ^pixels)"
"$LOCKSTEP" train "$config" --init-from theirs --set "data.dir=$golden" --out others --threads 1 --progress never --set data.normalize=computed >out 2>&1 || true
check "training with others is warned of" grep -qE 'learnt from pixels scaled to 0..1, here they are scaled to 0..1, less 0\.[0-9]+, divided by 0\.[0-9]+ \(data.normalize' out
"$LOCKSTEP" predict base "$images" --format json >base.json 2>/dev/null
"$LOCKSTEP" predict theirs "$images" --format json >theirs.json 2>/dev/null
same "the same probabilities" "$(jq -c .probabilities base.json | sha256sum)" "$(jq -c .probabilities theirs.json | sha256sum)"
same "the same accuracy" "$("$LOCKSTEP" eval base --data "$golden" | grep '^test')" "$("$LOCKSTEP" eval theirs --data "$golden" | grep '^test')"
check "report" "$LOCKSTEP" report theirs --quiet
check "info tells where it comes from" grep -q 'started from   base.safetensors (safetensors)' <<<"$("$LOCKSTEP" info theirs)"
trained tuned 1 --threads 2 --init-from "$work/theirs" --set train.max_steps=3
trained tuned0 1 --threads 2 --init-from "$work/base" --set train.max_steps=3
same "a run that starts from it is one that starts from the other" "$(key tuned0 weights_sha256)" "$(key tuned weights_sha256)"
status=0
train theirs 1 --threads 2 || status=$?
same "it cannot be gone on with: status" 1 $status
check "it cannot be gone on with: says how to start" grep -q -- '--init-from begins a new run' theirs.log
"$LOCKSTEP" export base --format npz --quiet --out named.npz --set 'data.class_names=[o, i, z, e, h, s, b, l, B, g]'
imports 0 "names of classes" named.npz --config "$config" --out named.h5
same "they come along" '"z"' "$("$LOCKSTEP" predict named.h5 "$images" --format json 2>/dev/null | jq -s -c '[.[] | select(.class == 2)][0].name')"
sed 's/- relu/- tanh/' "$config" >tanh.yaml
imports 0 "another function" base.npz --config tanh.yaml --out tanh.h5
check "layers that differ are warned of" grep -q 'layer 3 differs: base.npz has ."kind":"relu".* tanh.yaml has ."kind":"tanh"' stderr

# --- as other programs write them
/usr/bin/python3 "$here/import_foreign.py" base.npz "$work"
of_data=(--config "$config" --set "data.dir=$golden")
for file in torch.safetensors sorted.safetensors plain.npz packed.npz columns.npz big.npz double.npz; do
    imports 0 "$file" $file "${of_data[@]}" --out out.h5 --force
    check "$file: the same weights" alike base out.h5
done
imports 0 "PyTorch's layout in npz" torch.npz "${of_data[@]}" --layout pytorch --out out.h5 --force
check "PyTorch's layout in npz: the same weights" alike base out.h5
printf '# ours=theirs\n\nconv1=net.0\nbn1=net.1\nconv2=net.4\ndense1/weight=net.10.weight\r\ndense1/bias=net.10.bias\n' >names
imports 0 "a file of names" sorted.safetensors "${of_data[@]}" --map names --out out.h5 --force
check "a file of names: the same weights" alike base out.h5
# data CHECKPOINT: what it says of the data
data() { "$LOCKSTEP" info "$1" | grep '^data '; }
same "the data are those that were read" "$(data base/checkpoints/last.h5)" "$(data out.h5)"
imports 0 "halves" half.safetensors "${of_data[@]}" --out half.h5
status=0
"$LOCKSTEP" diff --weights base half.h5 >diff.log || status=$?
same "halves are other weights" 1 $status
check "the first that differs is told" grep -q 'first difference: conv1/weight' diff.log

# --- without the data
given=(--set data.normalize=given --set data.mean=0.1307 --set data.std=0.3081)
refused 1 "no data" 'ROWSxCOLUMNSxCHANNELS' plain.npz --config "$config" --set data.dir=nowhere --out none.h5
refused 2 "means of unknown images" 'data.normalize: computed needs the training images' plain.npz --config "$config" \
    --set data.normalize=computed --image 28x28x1 --out none.h5
several=(--set data.normalize=given --set 'data.mean=[0.1,0.2,0.3]')
refused 2 "means of three channels for one" 'data.mean has 3 and data.std has 1 values; the images have 1 channels' \
    plain.npz --config "$config" --image 28x28x1 "${several[@]}" --set data.std=0.5 --out none.h5
refused 2 "means of three channels for four" 'data.mean has 3 and data.std has 1 values; the images have 4 channels' \
    plain.npz --config "$config" --image 28x28x4 "${several[@]}" --set data.std=0.5 --out none.h5
imports 0 "the size of an image" plain.npz --config "$config" --set data.dir=nowhere --image 28x28x1 "${given[@]}" --out blind.h5
check "the size of an image: predict" "$LOCKSTEP" predict blind.h5 "$images" --quiet >/dev/null 2>&1
refused 1 "another size" 'dense1/weight is .* here' plain.npz --config "$config" --image 32x28x1 "${given[@]}" --out none.h5

# --- what is no such network
cant() { refused 1 "$1" "$2" "$3" "${of_data[@]}" --out none.h5 "${@:4}"; }
cant "another shape" "conv2/weight is 3 x 3 x 6 x 8 here, 'conv2/weight' in wrong.npz is 3 x 3 x 6 x 7" wrong.npz
cant "a layer too few" 'dense1/weight is missing' few.npz
cant "a layer too many" "'dense2/weight' in many.npz, 3 x 3, has no place" many.npz
cant "the other layout" 'conv1/weight is .* would fit' torch.npz
cant "NaN" "value 3 of 'conv2/bias' is nan" nan.npz
cant "infinity" "value 3 of 'conv2/bias' is inf" infinite.npz
cant "a negative variance" "value 2 of 'bn1/running_var' is -1" variance.npz
cant "a float64 that is no float32" 'no float32 is equal to' inexact.npz
cant "objects" 'objects of Python' objects.npz
cant "a file of torch.save()" 'safetensors.torch.save_file' pickle.pt
check "nothing in it is run" [ ! -e harm ]
cant "one name twice" "'conv1/weight.npy' is in it twice" twice.npz
cant "no arrays" 'has no array|as a zip archive' empty.npz
cant "a header of 2^62 bytes" 'of no kind that is known here, not weights .*or a damaged one|a header of' huge-header.safetensors
cant "text" "is a configuration, not weights that can be imported" "$config"
cant "a checkpoint" "is a checkpoint of Lockstep's, not weights .*: eval, predict and train take it as it is" base/checkpoints/last.h5
cant "no file" 'missing.npz' missing.npz
for file in cut-*; do
    case $file in
    cut-[038]-torch.* | cut-[03]-packed.*) why='is (empty|a file of no kind that is known here), not weights that can be imported' ;;
    cut-*-packed.*) why='as a zip archive: ' ;;
    cut-100-torch.*) why='a header of [0-9]+ bytes in a file of 100;' ;;
    *) why="'net\.[^']*' is said to lie from byte [0-9]+ to [0-9]+, " ;;
    esac
    cant "$file" "$why" "$file"
done
cant "zeros that swell" 'conv1/weight is .* is 64 x 1024 x 1024' bomb.npz
same "nothing is left of what failed" "" "$(find . -name 'none.h5*' -o -name '.tmp-*')"

# --- usage; nothing is replaced unasked
refused 2 "no configuration" '--config CONFIG is missing' base.npz --out none.h5
refused 2 "a configuration that is not there" 'lockstep configs smoke > smoke.yaml' base.npz --config smoke --out none.h5
refused 2 "a name of another kind of file" 'no .npz file; .lockstep export' base.npz --config "$config" --out none.npz
refused 2 "no place" '--out is missing' base.npz --config "$config"
refused 2 "no file named" 'a file is missing' --config "$config" --out none.h5
refused 2 "a size that is none" '--image 28x28: rows, columns and channels' base.npz --config "$config" --out none.h5 --image 28x28
refused 2 "a run folder that is there" 'is a run folder already' base.npz --config "$config" --out base
refused 2 "a checkpoint that is there" 'out.h5: is there already' base.npz --config "$config" --out out.h5
refused 2 "a layer that is not there" "no layer 'conv9'" base.npz --config "$config" --out none.h5 --map conv9=conv1
refused 2 "no map" 'OURS=THEIRS is wanted' base.npz --config "$config" --out none.h5 --map =x
refused 1 "no file of names" 'nothing.txt' base.npz --config "$config" --out none.h5 --map nothing.txt
mkdir -p full
chmod 500 full
if [ "$(id -u)" -ne 0 ]; then
    refused 1 "a folder that cannot be written" 'full' base.npz --config "$config" --out full/run
fi
same "nothing is left" "" "$(find . -name none.h5 -o -name '.tmp-*' -o -path './full/*')"
finish
