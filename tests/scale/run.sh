#!/usr/bin/env bash
# What a step takes on many simulated ranks: 16 images a rank and step, the network's time by SimGrid's SMPI.
set -euo pipefail
export LC_ALL=C
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source=$(realpath "$here/../..")

ranks="16 64 256" gbps="10 100" latency=1.5 steps='' build=$source/build/release data='' images=0 doctor=0
export IMAGE_SECONDS=6e-5
usage() {
    cat <<TEXT
Usage: tests/scale/run.sh --data DIR|--images N [OPTION]...     a table of times a step, in ms, for tests/README.md

Trains configs/mnist-convnet.yaml on simulated hosts of one rank each and compares the weights with those of one rank.
  --data DIR          where MNIST is (jobs/fetch-data.sh)
  --images N          so many images that are made up in place of MNIST, and a whole epoch of them
  --ranks "N ..."     numbers of ranks (default: $ranks); 1024 take a quarter of an hour and 8 GiB
  --gbps "G ..."      speed of the network (default: $gbps)
  --latency US        between two hosts (default: $latency)
  --steps N           of a run (default: 24, with --images an epoch)
  --image-seconds S   that an image's forward and backward take (default: $IMAGE_SECONDS); 0: what they take here
  --build DIR         with bin/lockstep and bin/lockstep_simulated.so (default: build/release)
  --doctor N          beside each step what doctor forecasts from N ranks, and the ratio. Then steps are those of a second
                      epoch, as forecasts are: in the first one images are waited for, and packing of sums is tried
  --network-only      everything but these takes no time: what the network alone makes of a step
TEXT
}
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --network-only) SMPI="${SMPI-} --cfg=smpi/simulate-computation:no" && shift && continue ;;
    esac
    [ $# -ge 2 ] || { usage >&2 && exit 2; }
    case $1 in
    --data) data=$(realpath "$2") ;;
    --images) images=$2 ;;
    --ranks) ranks=$2 ;;
    --gbps) gbps=$2 ;;
    --latency) latency=$2 ;;
    --steps) steps=$2 ;;
    --doctor) doctor=$2 ;;
    --image-seconds) IMAGE_SECONDS=$2 ;;
    --build) build=$(realpath "$2") ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift 2
done
[ -n "$data" ] || [ "$images" -gt 0 ] || { usage >&2 && exit 2; }
[ "$IMAGE_SECONDS" != 0 ] || unset IMAGE_SECONDS
export SMPI=${SMPI-} SIMULATED=$build/bin/lockstep_simulated.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "$images" -gt 0 ]; then
    data=$work/images
    mkdir "$data"
    "$build/bin/make_images" "$data" "$images"
fi

steps_of() { # steps_of RANKS
    local all=$(((images + 16 * $1 - 1) / (16 * $1))) # of the images that are made up
    if [ -n "$steps" ]; then
        echo $((doctor > 0 && images > 0 && steps > all ? all : steps)) # with --doctor those of an epoch
    else
        echo $((images > 0 ? all : 24))
    fi
}

setting() { # setting RANKS: with --doctor an epoch has as many steps as otherwise the run
    local limit=$((16 * $1 * $(steps_of "$1")))
    echo "$source/configs/mnist-convnet.yaml" --threads 1 --set "data.dir=$data" --set data.validation=0 \
        --set data.test_images= --set data.test_labels=
    [ "$doctor" -eq 0 ] || echo --set "data.limit=$((images > 0 && limit > images ? images : limit))"
}
# As many as the steps need: the images of another one would be brought, and nobody would train on them. With --doctor two
# are trained, and those of a third are on their way in the second, as in a long run.
epochs_of() { # epochs_of RANKS
    local set=$((images > 0 ? images : 60000))
    echo $((doctor > 0 ? 3 : ($(steps_of "$1") * 16 * $1 + set - 1) / set))
}

arguments() { # arguments RANKS OUT
    echo train "$(setting "$1")" --quiet --out "$work/$2" --set "train.global_batch=$((16 * $1))" \
        --set "train.epochs=$(epochs_of "$1")" \
        --set "train.max_steps=$(($(steps_of "$1") * (doctor > 0 ? 2 : 1)))"
}
phases_of() { # phases_of RUN
    if [ "$doctor" -eq 0 ]; then
        jq .phases "$work/$1/summary.json"
    else
        jq -s 'map(select(.type == "epoch"))[1].phases' "$work/$1/metrics.jsonl"
    fi
}
# forecast_for RANKS GBPS: milliseconds of a step with 16 images a rank. SMPI adds a line of its own for each rank.
forecast_for() {
    # shellcheck disable=SC2046 # words
    "$here/simulate.sh" "$doctor" "$2" "$latency" doctor $(setting "$1") --set "train.global_batch=$((16 * doctor))" \
        --out "$work/none" --format json 2>"$work/log" >"$work/doctor" || true
    head -n 1 "$work/doctor" | jq ".weak[] | select(.ranks == $1) | .step_ms"
}

printf '%6s %6s %9s %9s %9s %14s %9s %9s %9s %9s%s  %s\n' ranks Gb/s compute exchange wait communication update loader \
    step efficiency "$([ "$doctor" -eq 0 ] || echo '  forecast  ratio')" weights
for g in $gbps; do
    first=
    for n in $ranks; do
        # shellcheck disable=SC2046 # words
        [ -e "$work/one-$n" ] || "$build/bin/lockstep" $(arguments "$n" "one-$n") >"$work/log" || { cat "$work/log" && exit 1; }
        # shellcheck disable=SC2046
        "$here/simulate.sh" "$n" "$g" "$latency" $(arguments "$n" "run") >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
        digest() { jq -r .weights_sha256 "$work/$1/summary.json"; }
        same=differ
        [ "$(digest "one-$n")" != "$(digest run)" ] || same="of one rank"
        times=$(phases_of run | jq -r --argjson n "$(steps_of "$n")" '[.compute, .exchange, .wait, .communication, .update, .batch, .other] |
            map(1000 * .avg / $n) | "\(.[0]) \(.[1]) \(.[2]) \(.[3]) \(.[4]) \(100 * (.[1] + .[5]) / add) \(add)"')
        step=${times##* }
        first=${first:-$step}
        # shellcheck disable=SC2086
        printf '%6d %6s %9.3f %9.3f %9.3f %14.3f %9.3f %7.2f %% %9.3f' "$n" "$g" $times
        awk "BEGIN { printf \" %7.1f %%\", 100 * $first / $step }"
        [ "$doctor" -eq 0 ] || awk -v f="$(forecast_for "$n" "$g")" "BEGIN { printf \"  %8.3f %6.3f\", f, f / $step }"
        echo "  $same"
        rm -rf "$work/run"
    done
done
