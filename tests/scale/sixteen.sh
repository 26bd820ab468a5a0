#!/usr/bin/env bash
# Sixteen simulated ranks, each on a host of its own, compute the bits of one: images from rank to rank, sums as they are
# and packed, batchnorm's sums, more ranks than chunks; and a run that they begin is ended by one, and the other way round.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/../e2e/lib.sh"
need jq smpirun
export SIMULATED=$4
plain=$(mktemp -u "${TMPDIR:-/tmp}/lockstep-XXXXXX") # smpirun cuts arguments at spaces
ln -s "$work" "$plain"
trap 'rm -rf "$plain" "$work"' EXIT
simulated() { # simulated RUN ARGUMENT...: of "$config"
    timeout 240 "$SOURCE/tests/scale/simulate.sh" 16 100 1.5 train "$config" --threads 1 --quiet --out "$plain/$1" \
        --set "data.dir=$golden" "${@:2}" >"$work/$1.log" 2>&1 || show "$work/$1.log" >&2
}
compare() { # compare WHAT ARGUMENT...
    trained one 1 --threads 2 "${@:2}"
    simulated many "${@:2}"
    same "$1" "$(result one)" "$(result many)"
    rm -rf "$work"/{one,many}
}

config=$here/untuned.yaml
compare "everything at once" --set train.max_steps=9
config=$SOURCE/configs/mnist-convnet.yaml
mnist=(--set train.global_batch=250 --set train.max_steps=12 --set data.test_images= --set data.test_labels=)
compare "sums as they are, and packed" "${mnist[@]}"

simulated both "${mnist[@]}" --set train.max_steps=5
trained both 1 --threads 1 "${mnist[@]}" --set train.max_steps=9
simulated both "${mnist[@]}"
trained one 1 --threads 1 "${mnist[@]}"
same "begun by sixteen, gone on by one, ended by sixteen" "$(result one)" "$(result both)"
finish
