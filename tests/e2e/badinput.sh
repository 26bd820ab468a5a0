#!/usr/bin/env bash
# Bad input ends in time on all ranks, with exit status 2 (usage, configuration) or 1, one message and no partial file.
# In time: within 10 seconds; LOCKSTEP_TEST_SECONDS says otherwise for slow builds.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

images=train-images-idx3-ubyte
labels=train-labels-idx1-ubyte
two=("$MPIEXEC" -n 2 "$LOCKSTEP")

# Each case has a folder of its own, since four run at a time: mpirun needs a second to end after a failure.
cases=0
folder=
new_case() {
    cases=$((cases + 1))
    folder=$work/$cases
    mkdir "$folder"
}

# partial DIR: files that a failed run must not leave
partial() {
    find "$1" \( -name '.tmp-*' -o -name '*.tmp' -o -name '*.h5' -o -name summary.json \) 2>/dev/null
}

# ends STATUS WHAT PATTERN COMMAND...: in the folder of the newest case; the one message must match the pattern
ends() {
    while [ "$(jobs -rp | wc -l)" -ge 4 ]; do wait -n || true; done
    judge "$@" >"$folder/verdict" 2>&1 &
}
judge() {
    local wanted=$1 what=$2 pattern=$3 log=$folder/log status=0
    shift 3
    checks=0
    failures=0
    timeout -k 2 "${LOCKSTEP_TEST_SECONDS:-10}" "$@" >"$log" 2>&1 </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    same "$what: one message" 1 "$(grep -c 'lockstep: error: .' "$log" || true)"
    check "$what: the message says $pattern" grep -qE -e "$pattern" "$log"
    [ $failures -eq 0 ] || show "$log"
    same "$what: no partial file" "" "$(partial "$folder/out")"
    rm -rf "$folder/out" "$folder/data"
    echo "$checks $failures" >"$folder/counts"
}
collect() {
    local place counts
    wait
    for place in $(seq $cases); do
        cat "$work/$place/verdict"
        counts="1 1" # a case that came to no verdict has failed
        [ ! -e "$work/$place/counts" ] || counts=$(cat "$work/$place/counts")
        checks=$((checks + ${counts% *}))
        failures=$((failures + ${counts#* }))
    done
}

# --- command line and configuration: 2
usage_ends() { # usage_ends WHAT PATTERN ARGUMENT...
    local what=$1 pattern=$2
    shift 2
    new_case
    ends 2 "$what" "$pattern" "${two[@]}" "$@"
}
config_ends() { # config_ends WHAT PATTERN ARGUMENT...: odd.yaml with arguments
    local what=$1 pattern=$2
    shift 2
    new_case
    ends 2 "$what" "$pattern" "${two[@]}" train "$config" --set "data.dir=$golden" --out "$folder/out" "$@"
}
text_ends() { # text_ends WHAT PATTERN TEXT: a configuration of its own
    new_case
    printf '%b' "$3" >"$folder/bad.yaml"
    ends 2 "$1" "$2" "${two[@]}" train "$folder/bad.yaml" --set "data.dir=$golden" --out "$folder/out"
}
usage_ends "unknown option" no-such-option train "$config" --no-such-option
usage_ends "unknown command" trian trian "$config"
usage_ends "no configuration" configuration train
usage_ends "missing configuration file" nowhere.yaml train "$work/nowhere.yaml"
usage_ends "a folder as configuration" e2e train "$here"
new_case
mkdir "$folder/run"
cp "$config" "$folder/run/config.yaml"
ends 2 "a run folder as configuration" 'its config[.]yaml' "${two[@]}" train "$folder/run"
new_case
ends 1 "a folder of something else described" 'neither a run folder nor a data set' "${two[@]}" info "$here"
new_case
ends 2 "--set for a data set described" '--set seed=2: it has no effect on .*golden' "$LOCKSTEP" info "$golden" --set seed=2
config_ends "malformed --set" seed --set seed
config_ends "unknown key in --set" train.optimizer --set train.optimizer.learning=1
config_ends "zero batch" train.global_batch --set train.global_batch=0
config_ends "NaN learning rate" train.optimizer.lr --set train.optimizer.lr=nan
config_ends "infinite learning rate" train.optimizer.lr --set train.optimizer.lr=inf
config_ends "trailing letters in a number" 0.01abc --set train.optimizer.lr=0.01abc
config_ends "a chunk of 5" train.chunk --set train.chunk=5

good=$(cat "$config")
place='bad\.yaml:[0-9]+:[0-9]+: '
text_ends "unknown key, the nearest is named" "$place.*'?optimizer" "${good/optimizer/optimiser}"
text_ends "duplicate key" "$place.*seed" "$good\nseed: 3\n"
text_ends "NaN in the file" "$place.*lr" "${good/lr: 0.002/lr: .nan}"
text_ends "wrong type" "$place.*epochs" "${good/epochs: 2/epochs: many}"
text_ends "broken YAML" "$place" "${good/kernel: 5, padding: 2\}/kernel: [5, padding: 2}"
text_ends "a tab for indentation" "$place" "seed: 1\ndata:\n\tdir: x\n"
text_ends "no layers" "$place.*model" "seed: 1\nmodel: []\n"
text_ends "two mistakes, the second one is told as well" "$place.*'epoks'" "seed: many\ntrain:\n  epoks: 3\n$good"
text_ends "unknown layer" "$place.*flatten" "${good/- flatten/- flaten}"
text_ends "window larger than its input" "pool2.*9x9" "${good/maxpool: 3/maxpool: 9}"
text_ends "nothing" bad.yaml ""
new_case
head -c 5000 /dev/urandom >"$folder/bad.yaml"
ends 2 "random bytes as configuration" bad.yaml "${two[@]}" train "$folder/bad.yaml" --out "$folder/out"

# --- data: 1. Damage is done at the end of a file where it can be, so that rank 1 finds it, not rank 0.
data_ends() { # data_ends WHAT FILE COMMAND...: a copy damaged by the command, which stands in the data folder
    local what=$1 file=$2
    shift 2
    new_case
    unpack_golden "$folder/data"
    (cd "$folder/data" && "$@")
    ends 1 "$what" "$file" "${two[@]}" train "$config" --set "data.dir=$folder/data" --out "$folder/out"
}
replace_by_folder() { rm "$1" && mkdir "$1"; }
cut_gz() { # cut_gz FILE: a truncated .gz in its place
    rm "$1"
    head -c 100000 "$golden/$1.gz" >"$1.gz"
}
garble_gz() {
    rm "$1"
    cp "$golden/$1.gz" .
    poke "$1.gz" 100000 001 002 003 004
}
data_ends "truncated images" $images truncate -s -1000 $images
data_ends "truncated labels" $labels truncate -s -1 $labels
data_ends "half a header" $images truncate -s 7 $images
data_ends "empty file" $labels truncate -s 0 $labels
data_ends "wrong magic" $images poke $images 2 015
data_ends "floats where bytes belong" $images poke $images 2 015 003
data_ends "label 10 of 10 classes" $labels poke $labels -1 012
data_ends "more images in the header than in the file" $images poke $images 4 377 377 377 377
data_ends "absurd rows and columns" $images poke $images 8 377 377 377 377 377 377 377 377
data_ends "no rows" $images poke $images 8 000 000 000 000
data_ends "count mismatch" $labels poke $labels 6 007 317
data_ends "missing file" $images rm $images
data_ends "missing test labels" t10k-labels-idx1-ubyte rm t10k-labels-idx1-ubyte
data_ends "a folder where a file belongs" $images replace_by_folder $images
data_ends "truncated .gz" $images cut_gz $images
data_ends "garbled .gz" $images garble_gz $images

folder_ends() { # folder_ends WHAT DIR OUT
    new_case
    ends 1 "$1" "${2##*/}|${3##*/}" "${two[@]}" train "$config" --set "data.dir=$2" --out "${3:-$folder/out}"
}
folder_ends "missing folder" "$work/nowhere" ""
folder_ends "a file as data folder" "$config" ""
new_case
ends 1 "a file as data folder, in words" 'a file stands where this path has a folder' "$LOCKSTEP" train "$config" \
    --set "data.dir=$config" --out "$folder/out"
usage_ends "a ~ that no shell expanded" 'write --out ~/x' train "$config" --out=~/x
if [ "$(id -u)" -ne 0 ]; then # nothing is unreadable to root
    mkdir -m 000 "$work/closed"
    folder_ends "unreadable folder" "$work/closed" ""
fi
folder_ends "a run folder below a file" "$golden" "$config/out"

# --- checkpoints: 1
trained good 1 --threads 1 --set train.max_steps=3
checkpoint=$work/good/checkpoints/last.h5
size=$(stat -L -c %s "$checkpoint")
checkpoint_ends() { # checkpoint_ends WHAT PATTERN FILE ARGUMENT...: given to --resume
    local what=$1 pattern=$2 file=$3
    shift 3
    new_case
    ends 1 "$what" "$pattern" "${two[@]}" train "$config" --set "data.dir=$golden" --out "$folder/out" --resume "$file" "$@"
}
eval_ends() { # eval_ends WHAT FILE
    ends 1 "$1" "${2##*/}" "${two[@]}" eval "$2" --data "$golden"
}
checkpoint_ends "checkpoint of another network" 'dense1|model' "$checkpoint" --set model.dense1.units=20
for part in 0 40 50 99; do
    new_case
    head -c $((size * part / 100)) "$checkpoint" >"$folder/cut.h5"
    cp "$folder/cut.h5" "$work/cut.h5"
    eval_ends "checkpoint cut at $part %" "$folder/cut.h5"
done
checkpoint_ends "cut checkpoint given to --resume" cut.h5 "$work/cut.h5"
for part in 20 50 80; do
    new_case
    cat "$checkpoint" >"$folder/flipped.h5"
    offset=$((size * part / 100))
    byte=$(od -An -tu1 -j $offset -N 1 "$checkpoint")
    poke "$folder/flipped.h5" $offset "$(printf '%03o' $((byte ^ 16)))"
    eval_ends "checkpoint with a bit flipped at $part %" "$folder/flipped.h5"
done
new_case
eval_ends "something else as checkpoint" "$golden/$images.gz"
new_case
ends 1 "a configuration as checkpoint" "${config##*/}: is a configuration, not a checkpoint of Lockstep" "${two[@]}" eval "$config" --data "$golden"
new_case
eval_ends "missing checkpoint" "$work/nowhere.h5"

# --- full disk: 1. On a file system of its own, mounted where nobody else sees it.
wide=(--set model.dense1.units=4096 --set train.max_steps=2 --threads 1 --set "data.dir=$golden")
full_disk() { # full_disk DISK LIST COMMAND...: in a mount name space; lists what is left on the full disk
    mkdir -p "$1" && mount -t tmpfs -o size=600k tmpfs "$1" || exit 99
    local disk=$1 list=$2 status=0
    shift 2
    "$@" || status=$?
    partial "$disk" >"$list"
    exit "$status"
}
export -f full_disk partial
apart=(unshare --mount)
[ "$(id -u)" -eq 0 ] || apart=(unshare --mount --map-root-user)
new_case
if "${apart[@]}" mount -t tmpfs tmpfs /mnt 2>/dev/null; then
    ends 1 "full disk" 'No space left' "${apart[@]}" bash -c 'full_disk "$@"' - "$folder/disk" "$folder/left" \
        "${two[@]}" train "$config" "${wide[@]}" --out "$folder/disk/out"
    collect
    same "full disk: no partial file" "" "$(cat "$folder/left")"
else
    cases=$((cases - 1))
    echo "the full disk was not tried: no file system may be mounted here"
    collect
fi
finish
