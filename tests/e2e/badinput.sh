#!/usr/bin/env bash
# Bad input ends in time on all ranks, with exit status 2 (usage, configuration) or 1, one message and no partial file.
# In time: within 10 seconds; LOCKSTEP_TEST_SECONDS says otherwise for slow builds.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

images=train-images-idx3-ubyte
labels=train-labels-idx1-ubyte

# partial DIR: files that a failed run must not leave
partial() {
    find "$1" \( -name '.tmp-*' -o -name '*.tmp' -o -name '*.h5' -o -name summary.json \) 2>/dev/null
}

# ends STATUS WHAT COMMAND...: on two ranks, in time, with one message; out is the run folder it may have made
ends() {
    local wanted=$1 what=$2 status=0
    shift 2
    timeout -k 2 "${LOCKSTEP_TEST_SECONDS:-10}" "$@" >"$work/log" 2>&1 </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show "$work/log"
    same "$what: one message" 1 "$(grep -c 'lockstep: error: .' "$work/log" || true)"
    $ok || show "$work/log"
    same "$what: no partial file" "" "$(partial "$work/out")"
    rm -rf "$work/out"
}
two=("$MPIEXEC" -n 2 "$LOCKSTEP")

# --- command line and configuration: 2
config_ends() { # config_ends WHAT ARGUMENT...: odd.yaml with arguments
    local what=$1
    shift
    ends 2 "$what" "${two[@]}" train "$config" --set "data.dir=$golden" --out "$work/out" "$@"
}
text_ends() { # text_ends WHAT TEXT: a configuration of its own, named with line and column
    printf '%b' "$2" >"$work/bad.yaml"
    ends 2 "$1" "${two[@]}" train "$work/bad.yaml" --set "data.dir=$golden" --out "$work/out"
    check "$1: the message has file:line:column" grep -qE 'bad\.yaml:[0-9]+:[0-9]+' "$work/log"
    $ok || show "$work/log"
}
ends 2 "unknown option" "${two[@]}" train "$config" --no-such-option
ends 2 "unknown command" "${two[@]}" trian "$config"
ends 2 "no configuration" "${two[@]}" train
ends 2 "missing configuration file" "${two[@]}" train "$work/nowhere.yaml" --out "$work/out"
ends 2 "a folder as configuration" "${two[@]}" train "$work" --out "$work/out"
config_ends "malformed --set" --set seed
config_ends "unknown key in --set" --set train.optimizer.learning=1
config_ends "zero batch" --set train.global_batch=0
config_ends "NaN learning rate" --set train.optimizer.lr=nan
config_ends "infinite learning rate" --set train.optimizer.lr=inf
config_ends "trailing letters in a number" --set train.optimizer.lr=0.01abc
config_ends "a chunk of 5" --set train.chunk=5

good=$(cat "$config")
text_ends "unknown key" "${good/optimizer/optimiser}"
check "unknown key: the nearest is named" grep -q optimizer "$work/log"
text_ends "duplicate key" "$good\nseed: 3\n"
text_ends "NaN in the file" "${good/lr: 0.002/lr: .nan}"
text_ends "wrong type" "${good/epochs: 2/epochs: many}"
text_ends "broken YAML" "${good/kernel: 5, padding: 2\}/kernel: [5, padding: 2}"
text_ends "a tab for indentation" "seed: 1\ndata:\n\tdir: x\n"
text_ends "no layers" "seed: 1\nmodel: []\n"
text_ends "unknown layer" "${good/- flatten/- flaten}"
printf '%s\n' "${good/maxpool: 3/maxpool: 9}" >"$work/bad.yaml"
ends 2 "window larger than its input" "${two[@]}" train "$work/bad.yaml" --set "data.dir=$golden" --out "$work/out"
check "window larger than its input: the layer is named" grep -q pool2 "$work/log"
$ok || show "$work/log"
head -c 5000 /dev/urandom >"$work/bad.yaml"
ends 2 "random bytes as configuration" "${two[@]}" train "$work/bad.yaml" --out "$work/out"
: >"$work/bad.yaml"
ends 2 "empty configuration" "${two[@]}" train "$work/bad.yaml" --out "$work/out"

# --- data: 1. Damage is done at the end of a file where it can be, so that rank 1 finds it, not rank 0.
data_ends() { # data_ends WHAT FILE COMMAND...: a fresh copy, damaged by the command
    local what=$1 file=$2
    shift 2
    rm -rf "$work/data"
    unpack_golden "$work/data"
    "$@"
    ends 1 "$what" "${two[@]}" train "$config" --set "data.dir=$work/data" --out "$work/out"
    check "$what: the file is named" grep -q "$file" "$work/log"
    $ok || show "$work/log"
}
at_images=$work/data/$images
at_labels=$work/data/$labels
data_ends "truncated images" $images truncate -s -1000 "$at_images"
data_ends "truncated labels" $labels truncate -s -1 "$at_labels"
data_ends "half a header" $images truncate -s 7 "$at_images"
data_ends "empty file" $labels truncate -s 0 "$at_labels"
data_ends "wrong magic" $images poke "$at_images" 2 015
data_ends "floats where bytes belong" $images poke "$at_images" 2 015 003
data_ends "label 10 of 10 classes" $labels poke "$at_labels" -1 012
data_ends "more images in the header than in the file" $images poke "$at_images" 4 377 377 377 377
data_ends "absurd rows and columns" $images poke "$at_images" 8 377 377 377 377 377 377 377 377
data_ends "no rows" $images poke "$at_images" 8 000 000 000 000
data_ends "count mismatch" $labels poke "$at_labels" 6 007 317
data_ends "missing file" $images rm "$at_images"
data_ends "missing test labels" t10k-labels rm "$work/data/t10k-labels-idx1-ubyte"
data_ends "a folder where a file belongs" $images bash -c 'rm "$1" && mkdir "$1"' - "$at_images"
shorten_gz() {
    rm "$at_images"
    head -c 100000 "$golden/$images.gz" >"$at_images.gz"
}
data_ends "truncated .gz" $images shorten_gz
garble_gz() {
    rm "$at_images"
    cp "$golden/$images.gz" "$at_images.gz"
    poke "$at_images.gz" 100000 001 002 003 004
}
data_ends "garbled .gz" $images garble_gz

ends 1 "missing folder" "${two[@]}" train "$config" --set "data.dir=$work/nowhere" --out "$work/out"
ends 1 "a file as data folder" "${two[@]}" train "$config" --set "data.dir=$config" --out "$work/out"
if [ "$(id -u)" -ne 0 ]; then # nothing is unreadable to root
    mkdir -m 000 "$work/closed"
    ends 1 "unreadable folder" "${two[@]}" train "$config" --set "data.dir=$work/closed" --out "$work/out"
fi
ends 1 "a run folder below a file" "${two[@]}" train "$config" --set "data.dir=$golden" --out "$config/out"

# --- checkpoints: 1
trained good 1 --threads 1 --set train.max_steps=3
checkpoint=$work/good/checkpoints/last.h5
size=$(stat -L -c %s "$checkpoint")
other=("${two[@]}" train "$config" --set "data.dir=$golden" --out "$work/out")
ends 1 "checkpoint of another network" "${other[@]}" --resume "$checkpoint" --set model.dense1.units=20
for part in 0 40 50 99; do
    head -c $((size * part / 100)) "$checkpoint" >"$work/cut.h5"
    ends 1 "checkpoint cut at $part %" "${two[@]}" eval "$work/cut.h5" --data "$golden"
done
ends 1 "cut checkpoint given to --resume" "${other[@]}" --resume "$work/cut.h5"
for part in 20 50 80; do
    cat "$checkpoint" >"$work/flipped.h5"
    offset=$((size * part / 100))
    byte=$(od -An -tu1 -j $offset -N 1 "$work/flipped.h5")
    poke "$work/flipped.h5" $offset "$(printf '%03o' $((byte ^ 16)))"
    ends 1 "checkpoint with a bit flipped at $part %" "${two[@]}" eval "$work/flipped.h5" --data "$golden"
done
ends 1 "something else as checkpoint" "${two[@]}" eval "$golden/$images.gz" --data "$golden"
ends 1 "missing checkpoint" "${two[@]}" eval "$work/nowhere.h5" --data "$golden"

# --- full disk: 1. A file system of its own where that may be mounted, else a limit on the size of files.
wide=(--set model.dense1.units=4096 --set train.max_steps=2 --threads 1 --set "data.dir=$golden")
full_disk() { # full_disk FOLDER LIST COMMAND...: inside a mount name space, lists what is left on the full disk
    mkdir -p "$1" && mount -t tmpfs -o size=600k tmpfs "$1" || exit 99
    local folder=$1 list=$2 status=0
    shift 2
    "$@" || status=$?
    partial "$folder" >"$list"
    exit "$status"
}
limited() { # SIGXFSZ ignored, so that writing fails the way it does on a full disk
    trap "" XFSZ
    ulimit -f 600
    exec "$@"
}
export -f full_disk limited partial
if unshare -m mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    ends 1 "full disk" unshare -m bash -c 'full_disk "$@"' - "$work/disk" "$work/left" \
        "${two[@]}" train "$config" "${wide[@]}" --out "$work/disk/out"
    same "full disk: no partial file" "" "$(cat "$work/left")"
else
    ends 1 "file size limit" bash -c 'limited "$@"' - "${two[@]}" train "$config" "${wide[@]}" --out "$work/out"
fi
finish
