#!/usr/bin/env bash
# Everything that is measured of Lockstep's speed, by one command. Figures that are compared are taken in turn; absolute
# ones hold for this machine at this moment, which is why the peak stands beside them.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: tests/bench/run.sh [--peers] [--quick] [--data DIR] [PART]...

Installs what is missing, builds build/release and measures, on all cores of this machine:
  kernels   each layer shape, direction by direction and for every instruction set: GFLOP/s and share of the FMA peak;
            the same of products in bfloat16, with the share of the peak of the unit that multiplies
  steps     whole training steps of the shipped networks: images/s, needed and dense-equivalent GFLOP/s, share of the
            peak measured beside them, exact against fp32 sums, time per phase
  scaling   ranks x threads, with a fixed global batch (strong) and with one that grows with the cores (weak)
  disturbed the same threads while another process keeps one core half busy, and without it
  inference an image's evaluation beside its share of a training step, for each network; predict of 10,000 PNGs beside
            libpng alone (needs the data)
  check     images_per_second of a run's summary against a stopwatch (needs the data)
Without PART: all of them.
  --peers     also PyTorch on the same networks, in turn with Lockstep (installs Debian's python3-torch); or PART peers.
              Both in float32 and in bfloat16
  --quick     fewer and shorter rounds
  --data DIR  MNIST's files (default: data/mnist); without them images are made up
Every result is also a JSON object, one a line, in build/release/bench.jsonl.
TEXT
}

die() {
    echo "bench: error: $*" >&2
    exit 1
}

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=data/mnist peers=no quick=no parts=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --peers) peers=yes ;;
    --quick) quick=yes ;;
    --data)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        data=$2
        [ -d "$data" ] || die "--data $data: no such folder"
        shift
        ;;
    kernels | steps | scaling | disturbed | inference | check) parts+=("$1") ;;
    peers) parts+=(peers) peers=yes ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
if [ ${#parts[@]} -eq 0 ]; then
    parts=(kernels steps scaling disturbed inference check)
    [ $peers = no ] || parts+=(peers)
fi

build=build/release
lockstep=$build/bin/lockstep
results=$build/bench.jsonl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cores=$(nproc)
rounds=10 repeats=5
if [ $quick = yes ]; then rounds=3 repeats=3; fi

prepare() {
    local more=()
    [ $peers = no ] || more=(--peers)
    jobs/install-deps.sh --tests "${more[@]}"
    if ! cmake --preset release -DLOCKSTEP_TESTS=ON >"$work/log" 2>&1 ||
        ! cmake --build --preset release --parallel "$cores" --target lockstep bench_kernels bench_products bench_pngs >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        die "the build failed"
    fi
    : >"$results"
}

has_data() { [ -e "$data/train-images-idx3-ubyte" ] || [ -e "$data/train-images-idx3-ubyte.gz" ]; }

describe_machine() {
    local kind="made up: none in $data"
    ! has_data || kind="those in $data"
    local amx="without AMX"
    ! grep -qw amx_bf16 /proc/cpuinfo || amx="with AMX"
    echo "machine   $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1), $amx, $cores cores, load average $(cut -d ' ' -f 1-3 /proc/loadavg)"
    echo "system    $(uname -sr), $(cc --version | head -n 1), $(mpirun --version 2>&1 | head -n 1)"
    echo "images    $kind"
    echo "date      $(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

# aligns columns between tabs
align() {
    awk -F '\t' '{ rows[NR] = $0; for (i = 1; i <= NF; i++) if (length($i) > width[i]) width[i] = length($i) }
        END { for (r = 1; r <= NR; r++) { n = split(rows[r], cells, FS); line = ""
            for (i = 1; i <= n; i++) line = line sprintf(i == 1 ? "%-*s" : "  %*s", width[i], cells[i])
            print line } }'
}

title() { printf '\n=== %s\n' "$1"; }

# on RANKS COMMAND...: one rank runs without a launcher. Ranks are not bound: their threads find free cores.
on() {
    local ranks=$1
    shift
    if [ "$ranks" -eq 1 ]; then
        "$@"
    else
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe --bind-to none -n "$ranks" "$@"
    fi
}

# network NAME: sets $config and $settings for one of the networks below
networks=(mnist-convnet train-mnist-fast pytorch-example pytorch-example-128 m3 resnet-small)
network() {
    config=configs/${1%-128}.yaml settings=()
    [ "$1" = "${1%-128}" ] || settings=(--set train.global_batch=128)
}

# measure RANKS THREADS ARGUMENT...: one JSON object
measure() {
    local ranks=$1 threads=$2
    shift 2
    if ! on "$ranks" "$lockstep" bench "$config" "${settings[@]}" --set "data.dir=$data" --threads "$threads" \
        --format json "$@" >"$work/result" 2>"$work/warnings"; then
        cat "$work/warnings" >&2
        die "lockstep bench $config failed"
    fi
    tee -a "$results" <"$work/result"
}

# speed FILE: adds one figure, a line
speed() { jq '.exact.images_per_second // .images_per_second' >>"$work/$1"; }
median() { sort -n "$1" | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }

# --- the parts --------------------------------------------------------------------------------------------------------

part_kernels() {
    title "kernels, one thread"
    "$build/bin/bench_kernels"
    "$build/bin/bench_products"
}

part_steps() {
    local name precision files=()
    title "training steps, 1 rank x $cores threads; exact and fp32 sums in turn, medians of $rounds rounds; peak: of the unit"
    for name in "${networks[@]}"; do
        network "$name"
        for precision in float32 bf16; do
            measure 1 "$cores" --rounds "$rounds" --set "train.precision=$precision" >"$work/$name.$precision.json"
            files+=("$work/$name.$precision.json")
        done
    done
    jq -nr '["network", "batch", "precision", "unit", "sums", "images/s", "best", "ms/step", "GFLOP/s", "dense", "peak", "share", "dense", "bytes"],
        (inputs | . as $b | ("exact", "fp32") as $mode | .[$mode] | [$b.name, $b.global_batch,
            $b.precision, $b.products, $mode, (.images_per_second, .images_per_second_best | round), (.step_ms * 100 | round / 100),
            (.gflops, .gflops_dense, .gflops_peak | round),
            ((.share, .share_dense) * 100 | "\(round) %"), .message_bytes]) | @tsv' "${files[@]}" |
        align
    title "exact : fp32, images/s, by round"
    jq -r '[.name, "\(.global_batch), \(.precision)", (.exact_to_fp32, .exact_to_fp32_least, .exact_to_fp32_most | . * 1000 | round / 1000)]
        | "\(.[0]) (\(.[1]))\t\(.[2])\t\(.[3])..\(.[4])"' "${files[@]}" | align
    title "time per phase, exact, mean over the ranks; memory per rank"
    jq -nr '["network", "batch", "precision", "exchange", "batch", "compute", "communication", "wait", "update", "other", "MiB"],
        (inputs | [.name, .global_batch, .precision, (.exact.phases | .total.avg as $all | (.exchange, .batch, .compute, .communication,
            .wait, .update, .other) | .avg / $all * 1000 | "\(round / 10) %"), (.peak_rss_mib.max | round)]) | @tsv' \
        "${files[@]}" | align
}

# row WHAT RANKS THREADS BATCH: a line of a table; images/s of one core are kept in $base
row() {
    local what=$1 ranks=$2 threads=$3 batch=$4
    settings=(--set "train.global_batch=$batch")
    measure "$ranks" "$threads" --rounds "$rounds" >"$work/one.json"
    : "${base:=$(jq .exact.images_per_second "$work/one.json")}"
    jq -r --arg what "$what" --argjson base "$base" '(.world_size * .threads_per_rank) as $cores |
        (.exact.images_per_second / $base) as $times | [$what, "\(.world_size) x \(.threads_per_rank)", .global_batch,
        (.exact.images_per_second | round), ($times * 100 | round / 100), "\($times / $cores * 100 | round) %",
        (.exact.gflops_peak | round), "\(.exact.share * 100 | round) %",
        (.exact.phases | "\((.communication.avg + .wait.avg) / .total.avg * 1000 | round / 10) %"),
        (.exact_to_fp32 * 1000 | round / 1000)] | @tsv' "$work/one.json"
}

scaling_rows() {
    local n step
    base=
    row "one core" 1 1 128
    for ((n = 2; n <= cores; n = n < cores && 2 * n > cores ? cores : 2 * n)); do
        row "strong, ranks" "$n" 1 128
        row "strong, threads" 1 "$n" 128
        row "weak, ranks" "$n" 1 $((128 * n))
        row "weak, threads" 1 "$n" $((128 * n))
    done
    for ((step = 2; step < cores; step++)); do
        if [ $((cores % step)) -eq 0 ]; then row "strong, both" $((cores / step)) "$step" 128; fi
    done
}

part_scaling() {
    local name
    for name in mnist-convnet train-mnist-fast; do
        network "$name"
        title "ranks x threads, $name, medians of $rounds rounds"
        {
            printf 'what\tranks x threads\tbatch\timages/s\ttimes\tefficiency\tpeak\tshare\tallreduce\texact:fp32\n'
            scaling_rows
        } | align
    done
}

# wall EPOCHS: seconds of a whole run on the stopwatch
wall() {
    local started
    started=$(date +%s.%N)
    "$lockstep" train configs/mnist-convnet.yaml --set "data.dir=$data" --set "train.epochs=$1" \
        --set eval.every_epochs=1000 --threads "$cores" --resume never --out "$work/run" --quiet --progress never
    awk -v a="$started" -v b="$(date +%s.%N)" 'BEGIN { print b - a }'
}

# Spins for 5 ms, rests for 5 ms, again and again. Waiting for a pipe that nobody writes to starts no process.
half_busy() {
    local pipe=$work/pipe end
    mkfifo "$pipe"
    exec 9<>"$pipe"
    while :; do
        end=$((${EPOCHREALTIME/./} + 5000))
        while [ "${EPOCHREALTIME/./}" -lt $end ]; do :; done
        read -rt 0.005 -u 9 || true
    done
}
export -f half_busy

# under BURNER ARGUMENT...: images/s with threads on all cores, the last one half busy where BURNER is yes
under() {
    local burner=$1 pid=
    shift
    if [ "$burner" = yes ]; then
        rm -f "$work/pipe"
        work=$work taskset -c $((cores - 1)) bash -c half_busy &
        pid=$!
    fi
    measure 1 "$cores" --rounds 3 "$@" | jq .exact.images_per_second
    [ -z "$pid" ] || { kill "$pid" && wait "$pid" 2>/dev/null; } || true
}

part_disturbed() {
    local name precision i
    title "one of $cores cores half busy by another process, 1 rank x $cores threads, batch 1,024, in turn, medians of $repeats"
    for name in mnist-convnet pytorch-example; do
        network "$name"
        for precision in float32 bf16; do
            rm -f "$work"/speed.*
            for ((i = 0; i < repeats; i++)); do
                under no --set train.global_batch=1024 --set "train.precision=$precision" >>"$work/speed.alone"
                under yes --set train.global_batch=1024 --set "train.precision=$precision" >>"$work/speed.disturbed"
            done
            awk -v name="$name" -v precision="$precision" -v alone="$(median "$work/speed.alone")" \
                -v disturbed="$(median "$work/speed.disturbed")" 'BEGIN {
                    printf "%s\t%s\t%d\t%d\t%.0f %%\n", name, precision, alone, disturbed, 100 * disturbed / alone }'
        done
    done | { printf 'network\tprecision\talone\tdisturbed\tof it\n' && cat; } | align
}

# trained PRECISION THREADS STEPS: a short run of $config, evaluated once at its end. The summary goes to $work/summary
trained() {
    rm -rf "$work/run"
    "$lockstep" train "$config" --set "data.dir=$data" --set "train.precision=$1" --set train.global_batch=128 \
        --set "train.max_steps=$3" --set eval.every_epochs=1000000 --set checkpoint.every_epochs=0 --set data.validation=0 \
        --threads "$2" --resume never --out "$work/run" --quiet --progress never >"$work/log" 2>&1 ||
        { cat "$work/log" >&2 && die "lockstep train $config failed"; }
    cp "$work/run/summary.json" "$work/summary"
}

# Least time of each: others on the machine only ever make it more.
evaluation_rows() {
    local name precision threads steps i
    for name in mnist-convnet train-mnist-fast pytorch-example m3 resnet-small; do
        network "$name"
        steps=100
        [ "$name" != m3 ] || steps=10
        for precision in float32 bf16; do
            for ((threads = 1; threads <= cores; threads += cores > 1 ? cores - 1 : 1)); do
                rm -f "$work"/cost.*
                for ((i = 0; i < repeats; i++)); do
                    trained $precision "$threads" $steps
                    jq -r '.phases | (.compute.avg + .update.avg + .batch.avg) * 1e6' "$work/summary" >"$work/one"
                    awk -v n="$(jq .samples_seen "$work/summary")" '{ print $1 / n }' "$work/one" >>"$work/cost.train"
                    jq -r '.phases.evaluate.avg * 1e6 / .test_total' "$work/summary" >>"$work/cost.eval"
                done
                awk -v name="$name" -v precision=$precision -v threads="$threads" -v train="$(sort -n "$work/cost.train" | head -n 1)" \
                    -v eval="$(sort -n "$work/cost.eval" | head -n 1)" 'BEGIN {
                        printf "%s\t%s\t%d\t%.1f\t%.1f\t%.2f\n", name, precision, threads, train, eval, eval / train }'
            done
        done
    done
}

# seconds COMMAND...: on the stopwatch, the least of some
seconds() {
    local i started
    for ((i = 0; i < repeats; i++)); do
        started=$EPOCHREALTIME
        "$@" >/dev/null 2>"$work/log" || { cat "$work/log" >&2 && die "$1 failed"; }
        awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
    done | sort -n | head -n 1
}

part_inference() {
    local threads one all i
    title "an image's evaluation beside training, microseconds of wall time, the least of $repeats"
    if ! has_data; then
        echo "left out: no MNIST in $data (jobs/fetch-data.sh mnist $data)"
        return
    fi
    { printf 'network\tprecision\tthreads\ttraining\tevaluation\tof it\n' && evaluation_rows; } | align
    title "predict of 10,000 PNGs of 28 x 28 by mnist-convnet, seconds, the least of $repeats"
    network mnist-convnet
    trained float32 "$cores" 20
    "$build/bin/bench_pngs" write "$data" "$work/png"
    find "$work/png" -name '*.png' | sort >"$work/names"
    head -n 2 "$work/names" >"$work/two"
    for ((threads = 1; threads <= cores; threads += cores > 1 ? cores - 1 : 1)); do
        one=$(seconds "$lockstep" predict "$work/run" --files-from "$work/two" --threads "$threads" --top 1 --format csv)
        all=$(seconds "$lockstep" predict "$work/run" --files-from "$work/names" --threads "$threads" --top 1 --format csv)
        echo "$threads threads: $all, of these $one before the first picture"
    done
    echo "decoding alone, one thread: $(for ((i = 0; i < repeats; i++)); do
        "$build/bin/bench_pngs" decode "$work"/png/*.png
    done | sort -n | head -n 1)"
}

part_check() {
    local one three
    title "images_per_second against a stopwatch, mnist-convnet"
    if ! has_data; then
        echo "left out: no MNIST in $data (jobs/fetch-data.sh mnist $data)"
        return
    fi
    one=$(wall 1)
    three=$(wall 3)
    jq -r --argjson one "$one" --argjson three "$three" '(.samples_seen * 2 / 3 / ($three - $one)) as $outside |
        "3 epochs take \($three) s, 1 epoch \($one) s: \($outside | round) images/s from outside\n" +
        "summary.json says \(.images_per_second | round): \($outside / .images_per_second * 1000 | round / 1000) of it\n" +
        "(from outside the check of replicas counts, too, and one run was not the other)"' "$work/run/summary.json"
}

# torch RANKS THREADS NETWORK BATCH STEPS PRECISION: one JSON object
torch() {
    local ranks=$1 threads=$2 name=$3 batch=$4 steps=$5 precision=$6 rank pids=() pid port=$((20000 + RANDOM % 20000)) more=()
    ! has_data || more=(--data "$data")
    [ "$precision" = float32 ] || more+=(--bf16)
    for ((rank = 0; rank < ranks; rank++)); do
        RANK=$rank WORLD_SIZE=$ranks MASTER_ADDR=127.0.0.1 MASTER_PORT=$port OMP_NUM_THREADS=$threads \
            /usr/bin/python3 tests/bench/torch_peer.py "$name" --batch "$batch" --threads "$threads" --steps "$steps" \
            --rounds 3 "${more[@]}" >"$work/torch.$rank" 2>"$work/torch.$rank.log" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || {
            kill "${pids[@]}" 2>/dev/null || true # the others would wait for it
            cat "$work"/torch.*.log >&2
            die "PyTorch on $name failed"
        }
    done
    tee -a "$results" <"$work/torch.0"
}

# compare NETWORK BATCH STEPS: a line of the table. STEPS are those of a round of PyTorch.
compare() {
    local name=$1 batch=$2 steps=$3 i precision who how figures=()
    rm -f "$work"/speed.*
    config=configs/$name.yaml
    # PyTorch's side has Adam for all
    settings=(--set "train.global_batch=$batch" --set train.optimizer.name=adam --set train.optimizer.lr=0.001)
    for ((i = 0; i < repeats; i++)); do
        for precision in float32 bf16; do
            measure 1 "$cores" --rounds 3 --set "train.precision=$precision" | speed "speed.ours.threads.$precision"
            torch 1 "$cores" "$name" "$batch" "$steps" $precision | speed "speed.theirs.threads.$precision"
            if [ "$cores" -eq 1 ] || [ $((batch % cores)) -ne 0 ]; then continue; fi
            measure "$cores" 1 --rounds 3 --set "train.precision=$precision" | speed "speed.ours.ranks.$precision"
            torch "$cores" 1 "$name" "$batch" "$steps" $precision | speed "speed.theirs.ranks.$precision"
        done
    done
    for who in ours theirs; do
        for precision in float32 bf16; do
            for how in threads ranks; do
                i=$work/speed.$who.$how.$precision
                if [ -e "$i" ]; then figures+=("$(median "$i")"); else figures+=(0); fi
            done
        done
    done
    printf '%s\n' "${figures[@]}" | awk -v name="$name" -v batch="$batch" '
        { line = line sprintf("\t%.0f", $1); side = NR > 4; if ($1 > best[side]) best[side] = $1 }
        END { printf "%s\t%d%s\t%.2f\n", name, batch, line, best[0] / best[1] }'
}

part_peers() {
    local who precision
    title "images/s beside PyTorch $(/usr/bin/python3 -c 'import torch; print(torch.__version__)'), in turn, medians of $repeats; ranks x threads; ratio: the best of each side"
    {
        printf 'network\tbatch'
        for who in '' 'torch '; do
            for precision in '' 'bf16 '; do
                printf "\t%s%s1 x $cores\t%s%s$cores x 1" "$who" "$precision" "$who" "$precision"
            done
        done
        printf '\tratio\n'
        compare mnist-convnet 128 30
        compare train-mnist-fast 128 30
        compare pytorch-example 64 20
        compare pytorch-example 128 10
        compare m3 128 2
        compare resnet-small 128 10
    } | align
}

prepare
describe_machine
for part in "${parts[@]}"; do
    "part_$part"
done
