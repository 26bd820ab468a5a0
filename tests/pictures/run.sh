#!/usr/bin/env bash
# Pictures of digits as people make them, answered by a trained network: one table.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<TEXT
Usage: tests/pictures/run.sh --data DIR [--run RUN] [--part train|test] [--count N] [--width 1|2] [--kinds 'KIND...']
           [--build DIR] [--keep DIR]

Makes pictures of each kind from MNIST's digits, has \`lockstep predict\` answer them, and prints how many are right, and
how many of the wrong and of the right ones are marked unsure. All follows from the digits and the options.
  --data DIR     MNIST's four IDX files, not compressed
  --run RUN      a trained run folder or checkpoint; else configs/mnist-convnet.yaml is trained first
  --part PART    digits to make pictures from: test, or train, on which everything is tuned (test)
  --count N      pictures of each kind (500); ten times as many plain ones, a form for each 50
  --width W      2: what a kind is about goes twice as far, beyond what it was tuned for (1)
  --kinds 'K..'  these only; also lines and form (all)
  --build DIR    where the program was built, with tests (build/release)
  --keep DIR     keeps pictures and answers there
Kinds:
TEXT
    "$make_pictures" --list 2>/dev/null | sed 's/^/  /' || echo "  (build the tests to see them)"
    printf '  %-12s %s\n' lines '1 to 8 digits, one neighbour in ten touches' form 'photos of a filled form of 40 digits'
}

part=test count=500 width=1 only='' run='' data='' build=$here/../../build/release work=''
make_pictures=$build/bin/make_pictures
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --part | --count | --width | --kinds | --run | --data | --build | --keep)
        [ $# -ge 2 ] || { usage >&2 && exit 2; }
        case $1 in
        --part) part=$2 ;;
        --count) count=$2 ;;
        --width) width=$2 ;;
        --kinds) only=$2 ;;
        --run) run=$2 ;;
        --data) data=$2 ;;
        --build) build=$2 ;;
        --keep) work=$2 ;;
        esac
        shift 2
        ;;
    *) usage >&2 && exit 2 ;;
    esac
done
lockstep=$build/bin/lockstep make_pictures=$build/bin/make_pictures
case $part in
train) images=$data/train-images-idx3-ubyte labels=$data/train-labels-idx1-ubyte ;;
test) images=$data/t10k-images-idx3-ubyte labels=$data/t10k-labels-idx1-ubyte ;;
*) usage >&2 && exit 2 ;;
esac
[[ $count =~ ^[1-9][0-9]*$ && $width =~ ^[12]$ ]] || { usage >&2 && exit 2; }
for file in "$images" "$labels" "$lockstep" "$make_pictures"; do
    [ -e "$file" ] || { echo "run.sh: error: $file is missing (see --help)" >&2 && exit 2; }
done
for tool in jq convert; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed" && exit 77; }
done
if [ -n "$work" ]; then
    mkdir -p "$work"
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-pictures-XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
# shellcheck source=tests/pictures/lib.sh
source "$here/lib.sh"
if [ -z "$run" ]; then
    run=$work/run
    "$lockstep" train "$here/../../configs/mnist-convnet.yaml" --set data.dir="$data" --out "$run" >"$work/train.log" 2>&1 ||
        { tail "$work/train.log" >&2 && exit 1; }
fi

n=$(digits_in "$labels")
heading
for kind in ${only:-$("$make_pictures" --list | awk '{ print $1 }') lines form}; do
    case $kind in
    plain)
        many=$((10 * count > n ? n : 10 * count))
        made plain $many && answered plain --show && judged plain
        unchanged=$(cmp_plain $many)
        ;;
    form) made form $(((count + 49) / 50)) && photographed && answered form --segment ;;
    lines) made lines "$count" && answered lines --segment ;;
    *) made "$kind" "$count" && answered "$kind" && judged "$kind" ;;
    esac
done
echo
if [ -n "${unchanged-}" ]; then echo "plain images that reach the network byte for byte: $unchanged"; fi
for kind in lines form; do
    if [ -e "$work/$kind/found" ]; then whole $kind; fi
done
