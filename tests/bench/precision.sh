#!/usr/bin/env bash
# Accuracy in bfloat16 against float32, by paired seeds: the same seed gives both the same initial weights, order of
# images and dropout. A run that is done is not trained again, so the command may be stopped and given again.
set -euo pipefail
export LC_ALL=C
usage() {
    cat <<'TEXT'
Usage: tests/bench/precision.sh [--seeds N] [--at-once N] [--data DIR] [--out DIR] [NETWORK]...

Trains each NETWORK of configs/ (default: mnist-convnet train-mnist-fast resnet-small) with seeds 1 to N (10) in float32
and in bfloat16, with build/release/bin/lockstep, and prints the test accuracy of the last epoch: mean and standard
deviation of each, mean difference with its 95 % interval (Student's t over the pairs), and the seconds of training.
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
threads=$(($(nproc) / at_once))
[ $threads -ge 1 ] || threads=1

# train NETWORK PRECISION SEED
train() {
    local run=$out/$1.$2.$3
    [ ! -s "$run/summary.json" ] || return 0
    "$lockstep" train "configs/$1.yaml" --set "data.dir=$data" --set "train.precision=$2" --set "seed=$3" \
        --threads $threads --out "$run" --resume auto --quiet --progress never >"$run.log" 2>&1 ||
        { cat "$run.log" >&2 && return 1; }
}

mkdir -p "$out"
for network in "${networks[@]}"; do
    for ((seed = 1; seed <= seeds; seed++)); do
        for precision in float32 bf16; do
            while [ "$(jobs -rp | wc -l)" -ge "$at_once" ]; do wait -n; done
            train "$network" "$precision" "$seed" &
        done
    done
done
while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n; done

printf '%-18s %5s  %-17s %-17s %-26s %s\n' network seeds float32 bf16 'bf16 - float32, points' 'seconds of training'
for network in "${networks[@]}"; do
    for ((seed = 1; seed <= seeds; seed++)); do
        jq -rs '[.[] | .test_accuracy * 100, .train_seconds] | @tsv' \
            "$out/$network.float32.$seed/summary.json" "$out/$network.bf16.$seed/summary.json"
    done | awk -v name="$network" '
        # 97.5 % points of Student'"'"'s t with 1 to 30 degrees of freedom (NIST, e-Handbook of Statistical Methods, 1.3.6.7.2)
        BEGIN { split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131 2.120 " \
                "2.110 2.101 2.093 2.086 2.080 2.074 2.069 2.064 2.060 2.056 2.052 2.048 2.045 2.042", t, " ") }
        { d = $3 - $1; a += $1; aa += $1 * $1; b += $3; bb += $3 * $3; s += d; ss += d * d; fs += $2; bs += $4 }
        function sd(sum, squares) { v = (squares - sum * sum / NR) / (NR - 1); return sqrt(v > 0 ? v : 0) }
        END {
            if (NR < 2) { print name ": one pair has no interval"; exit }
            half = (NR <= 31 ? t[NR - 1] : 1.96) * sd(s, ss) / sqrt(NR)
            printf "%-18s %5d  %.3f +- %.3f   %.3f +- %.3f   %+.3f (%+.3f to %+.3f)   %.2f, %.2f\n", name, NR,
                a / NR, sd(a, aa), b / NR, sd(b, bb), s / NR, s / NR - half, s / NR + half, fs / NR, bs / NR
        }'
done
