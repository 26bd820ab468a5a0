#!/usr/bin/env bash
# Cuts the small test set out of the full MNIST: the first 2,000 training and the first 500 test samples.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/golden/make-subset.sh DIR [OUT]

DIR holds the four uncompressed MNIST files (jobs/fetch-data.sh mnist DIR); OUT gets the four small
.gz files (default: the folder of this script). The content of each is checked before it appears.
TEXT
}

case ${1-} in
-h | --help) usage && exit 0 ;;
esac
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    usage >&2
    exit 2
fi
from=$1
out=${2-$(dirname -- "$0")}

fail() {
    printf 'make-subset: %s\n' "$1" >&2
    exit 1
}

# A 32-bit big-endian number as bytes.
big_endian_32() {
    # shellcheck disable=SC2059  # the format is the escape sequences
    printf "$(printf '\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
}

work=$(mktemp -d "$out/.subset-XXXXXX") || fail "$out: cannot be written to"
trap 'rm -rf -- "$work"' EXIT

# cut_file NAME HEADER_BYTES ITEM_BYTES COUNT SHA256_OF_CONTENT: magic number, new count, the rest of the
# header (rows and columns), the first COUNT items.
cut_file() {
    local name=$1 header=$2 item=$3 count=$4 digest=$5
    local source=$from/$name
    [ -r "$source" ] || fail "$source: missing or not readable; fetch it with jobs/fetch-data.sh mnist '$from'"
    {
        head -c 4 -- "$source"
        big_endian_32 "$count"
        head -c $((header + count * item)) -- "$source" | tail -c +9
    } >"$work/$name"
    (cd -- "$work" && printf '%s  %s\n' "$digest" "$name" | sha256sum --check --status -) ||
        fail "$source: not the MNIST file that the small set was cut from"
    gzip -9n -- "$work/$name"
    mv -f -- "$work/$name.gz" "$out/$name.gz"
}

cut_file train-images-idx3-ubyte 16 784 2000 729d340c0177402770b27c04f817dfb40ed8844459b35a9f11ae21067b05cf19
cut_file train-labels-idx1-ubyte 8 1 2000 90795ea2219655a7281c0d6756d0ae8a33bebac7ec84bac89bbdcc5e3baa9f8c
cut_file t10k-images-idx3-ubyte 16 784 500 de0a55d8eb2a23fce4f596c5234b08b9c8ee685583a2b0e52f3a78eca48f9d89
cut_file t10k-labels-idx1-ubyte 8 1 500 60e902e82445d902e245e1b039469f36936d63cb28e81527a7bbba247c240af3
