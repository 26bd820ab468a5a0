#!/usr/bin/env bash
# Data options and data formats: the same bits on any number of ranks, over stops, and from IDX and HDF5.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5import

limit=(--set train.max_steps=45)
unpack_golden "$work/data"
data=$work/data

# to_hdf5 NAME IMAGES LABELS N: IDX files of 28 x 28 pixels as one HDF5 file
to_hdf5() {
    local part rank sizes
    tail -c +17 "$data/$2" >"$work/images.bin"
    tail -c +9 "$data/$3" >"$work/labels.bin"
    for part in images labels; do
        rank=3 sizes="$4 28 28"
        [ $part = images ] || rank=1 sizes=$4
        printf '%s\n' "PATH $part" "INPUT-CLASS UIN" "INPUT-SIZE 8" "RANK $rank" "DIMENSION-SIZES $sizes" \
            "OUTPUT-CLASS UIN" "OUTPUT-SIZE 8" >"$work/$part.import"
    done
    (cd "$work" && h5import images.bin -c images.import labels.bin -c labels.import -o "data/$1") >/dev/null
}
to_hdf5 train.h5 train-images-idx3-ubyte train-labels-idx1-ubyte 2000
to_hdf5 test.hdf5 t10k-images-idx3-ubyte t10k-labels-idx1-ubyte 500
hdf5=(--set data.train_images=train.h5 --set data.test_images=test.hdf5)

# every RUN ARGUMENT...: equal on 1 and 3 ranks, and after a stop in the middle of an epoch with 2 ranks from there on
every() {
    local name=$1
    shift
    trained "$name" 1 --threads 1 "${limit[@]}" "$@"
    trained "${name}3" 3 --threads 1 "${limit[@]}" "$@"
    same "$name on 3 ranks" "$(result "$name")" "$(result "${name}3")"
    trained "$name-parts" 3 --threads 1 "$@" --set train.max_steps=17
    trained "$name-parts" 2 --threads 1 "$@" "${limit[@]}"
    same "$name, stopped and resumed" "$(result "$name")" "$(result "$name-parts")"
}

every plain
every hdf5 "${hdf5[@]}"
same "IDX and HDF5 give the same weights" "$(result plain)" "$(result hdf5)"
same "IDX and HDF5 are the same data" "$(key plain data_digest)" "$(key hdf5 data_digest)"

every limited --set data.limit=1201 --set data.validation=0.25
check "the limit is told" grep -q '1201 of the 2000 images' "$work/limited.log"
every balanced --set data.balanced=true --set data.limit=700 --set data.normalize=computed
every turned --set data.transpose=true "${hdf5[@]}"
check "a transposed set is another one" [ "$(key turned data_digest)" != "$(key plain data_digest)" ]

# --- balanced: classes of 380, 20 and 1,600 images
head -c 8 "$data/train-labels-idx1-ubyte" >"$data/skewed"
for ((i = 0; i < 2000; i++)); do
    if [ $((i % 5)) -ne 0 ]; then printf '\002'; elif [ $((i % 100)) -eq 0 ]; then printf '\001'; else printf '\000'; fi
done >>"$data/skewed"
trained skewed 2 --threads 1 --set data.train_labels=skewed --set data.classes=10 --set train.epochs=1 \
    --set data.balanced=true
same "three classes, 1,600 times each" 4800 "$(key skewed samples_seen)"
check "the repeats are told" grep -q '4800 images an epoch, 2800 of them repeats' "$work/skewed.log"
check "every sample is checked" grep -q 'every sample seen once an epoch' "$work/skewed.log"

# --- label_offset: labels one higher, taken back, are the same data
head -c 8 "$data/train-labels-idx1-ubyte" >"$data/higher"
tail -c +9 "$data/train-labels-idx1-ubyte" | tr '\000-\011' '\001-\012' >>"$data/higher"
cp "$data/t10k-labels-idx1-ubyte" "$data/higher-test"
tail -c +9 "$data/t10k-labels-idx1-ubyte" | tr '\000-\011' '\001-\012' |
    dd of="$data/higher-test" bs=8 seek=1 conv=notrunc status=none
shifted=(--set data.train_labels=higher --set data.test_labels=higher-test --set data.label_offset=1)
trained shifted 2 --threads 1 "${limit[@]}" "${shifted[@]}"
same "labels with an offset" "$(result plain)" "$(result shifted)"
status=0
train below 2 --threads 1 "${shifted[@]}" --set data.label_offset=2 || status=$?
same "a label below the offset" 1 $status
check "file and index are named" grep -qE 'error: .*higher: label 1 of image [0-9]+ is below' "$work/below.log"

# --- a damaged HDF5 file, and a limit beyond the data: one message, on all ranks
truncate -s -1000 "$data/train.h5"
status=0
train cut 2 --threads 1 "${hdf5[@]}" || status=$?
same "a truncated HDF5 file" 1 $status
same "one message" 1 "$(grep -c 'lockstep: error: .*train.h5.*truncated' "$work/cut.log")"
status=0
train beyond 2 --threads 1 --set data.limit=2001 || status=$?
same "a limit beyond the data" 2 $status
check "the limit is named" grep -q 'error: data.limit = 2001, but there are 2000' "$work/beyond.log"

# --- class names
names='[zero, one, two, three, four, "fünf", six, seven, eight, nine]'
trained named 2 --threads 1 --set train.max_steps=2 --set "data.class_names=$names"
check "names in the tables" [ "$(grep -cE '^ +5 fünf  ' "$work/named.log")" -eq 2 ]
launch 2 eval "$work/named/checkpoints/last.h5" --data "$data" >"$work/eval.log" 2>&1
check "names in eval" [ "$(grep -cE '^ +5 fünf  ' "$work/eval.log")" -eq 2 ]
"$LOCKSTEP" info "$config" --set "data.dir=$data" --set "data.class_names=$names" >"$work/info.log"
check "names in info" grep -qF '5 fünf' "$work/info.log"
"$LOCKSTEP" info "$data/test.hdf5" >"$work/info.log"
check "info describes an HDF5 data set" grep -q '500 images of 28 x 28 x 1' "$work/info.log"
few='data.class_names=[a, b]'
for command in train info eval; do
    what=$config status=0
    [ $command != eval ] || what=$work/named/checkpoints/last.h5
    out=()
    [ $command != train ] || out=(--out "$work/wrong")
    "$LOCKSTEP" $command "$what" --set "data.dir=$data" --set "$few" --set data.classes=0 "${out[@]}" \
        >"$work/wrong.log" 2>&1 || status=$?
    same "$command with two names for ten classes" 2 $status
    check "$command says so" grep -q 'error: data.class_names has 2 names, the data have 10 classes' "$work/wrong.log"
done
finish
