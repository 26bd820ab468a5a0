#!/usr/bin/env bash
# What a training step moves between a core's own caches and what it shares with others: that is what many cores wait
# for, and what a large batch may add to. Counted, not timed: cachegrind imitates the caches.
set -euo pipefail
export LC_ALL=C LOCKSTEP_ISA=avx2 # the widest that valgrind knows
usage() {
    cat <<'TEXT'
Usage: tests/bench/traffic.sh [--cache MIB] [--program FILE] [NETWORK]...

Prints KB an image that each NETWORK of configs/ (default: mnist-convnet) reads and writes past a second-level cache of
MIB (2), trained by one thread with AVX2 on 1,024 images of tests/golden with global batches of 128 and 1,024: lines of 64
bytes that miss, in the third and fourth epoch. Minutes for each; needs valgrind.
  --program FILE  another program than build/release/bin/lockstep: an older one, say
TEXT
}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cache=2 lockstep=build/release/bin/lockstep networks=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --cache | --program)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        if [ "$1" = --cache ]; then cache=$2; else lockstep=$2; fi
        shift
        ;;
    -*) usage >&2 && exit 2 ;;
    *) networks+=("$1") ;;
    esac
    shift
done
[ ${#networks[@]} -gt 0 ] || networks=(mnist-convnet)
command -v valgrind >/dev/null || { echo "traffic: error: valgrind is not installed" >&2 && exit 1; }
[ -x "$lockstep" ] || { echo "traffic: error: build $lockstep first" >&2 && exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
images=1024

# misses NETWORK BATCH EPOCHS: of the whole run, "READ WRITTEN". MPI starts processes, which report, too: those of the
# program are the most.
misses() {
    valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null --D1=49152,12,64 \
        "--LL=$((cache << 20)),16,64" "$lockstep" train "configs/$1.yaml" --quiet --progress never --threads 1 \
        --set data.dir=tests/golden --set data.limit=$images --set 'data.test_images=""' --set 'data.test_labels=""' \
        --set data.validation=0 --set "train.global_batch=$2" --set "train.epochs=$3" \
        --set checkpoint.every_epochs=0 --out "$work/$1.$2.$3" >"$work/log" 2>&1 ||
        { tail -n 5 "$work/log" >&2 && return 1; }
    awk '/LLd misses/ { gsub(/[(,]/, ""); if ($4 > most) { most = $4; read = $5; written = $8 } }
        END { print read, written }' "$work/log"
}

printf '%-18s %6s %9s %9s %9s\n' network batch read written 'KB an image'
for network in "${networks[@]}"; do
    for batch in 128 1024; do
        two=$(misses "$network" $batch 2)
        four=$(misses "$network" $batch 4)
        echo "$network $batch $two $four" | awk -v images=$((2 * images)) '
            { read = ($5 - $3) * 64 / images / 1000; written = ($6 - $4) * 64 / images / 1000 }
            { printf "%-18s %6d %9.1f %9.1f %9.1f\n", $1, $2, read, written, read + written }'
    done
done
