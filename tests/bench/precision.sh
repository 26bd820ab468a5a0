#!/usr/bin/env bash
# Accuracy in bfloat16 against float32, by paired seeds: the same seed gives both the same initial weights, order of
# images and dropout. A run that is done is not trained again, so the command may be stopped and given again.
set -euo pipefail
export LC_ALL=C
usage() {
    cat <<'TEXT'
Usage: tests/bench/precision.sh [--seeds N] [--at-once N] [--data DIR] [--out DIR] [NETWORK]...

Trains each NETWORK of configs/ (default: mnist-convnet train-mnist-fast resnet-small) with seeds 1 to N (10) in float32
and in bfloat16, with build/release/bin/lockstep, and compares them by jobs/seeds.sh: test accuracy and seconds of training.
  --at-once N  runs at the same time, each with the cores divided by N (default: one a core)
  --data DIR   MNIST's files (default: data/mnist)
  --out DIR    the runs (default: build/release/precision)
TEXT
}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seeds=10 at_once=$(nproc) data=data/mnist out=build/release/precision networks=()
lockstep=${LOCKSTEP:-build/release/bin/lockstep}
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --seeds | --at-once | --data | --out)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        key=${1#--}
        printf -v "${key/-/_}" %s "$2"
        shift
        ;;
    -*) usage >&2 && exit 2 ;;
    *) networks+=("$1") ;;
    esac
    shift
done
[ ${#networks[@]} -gt 0 ] || networks=(mnist-convnet train-mnist-fast resnet-small)
[ -x "$lockstep" ] || { echo "precision: error: build $lockstep first" >&2 && exit 1; }
PATH=$(cd "$(dirname "$lockstep")" && pwd):$PATH # where jobs/seeds.sh looks first

# train NETWORK PRECISION FIRST: as many seeds from there on as run at once
train() {
    local number=$((seeds - $3 + 1 < at_once ? seeds - $3 + 1 : at_once))
    jobs/seeds.sh --out "$out/$1.$2" --first "$3" --at-once "$at_once" "configs/$1.yaml" "$number" --set "data.dir=$data" \
        --set "train.precision=$2" --quiet >/dev/null
}

for network in "${networks[@]}"; do
    for ((seed = 1; seed <= seeds; seed += at_once)); do # in turn: what else the machine does hits both
        train "$network" float32 "$seed"
        train "$network" bf16 "$seed"
    done
    echo "$network"
    jobs/seeds.sh --compare "$out/$network.float32" "$out/$network.bf16"
done
