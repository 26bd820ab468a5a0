#!/usr/bin/env bash
# What fuzzers learnt, after a long search by run.sh, becomes where they begin in a fresh clone: of build/fuzz's corpus
# the fewest inputs that reach each place in the code go into corpora/NAME.tar.gz. Usage: tests/fuzz/keep.sh NAME...
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")"
build=../../build/fuzz
export ASAN_OPTIONS=intercept_tls_get_addr=0 LSAN_OPTIONS="suppressions='$PWD/lsan.supp':print_suppressions=0"
mkdir -p corpora
few=$(mktemp -d)
trap 'rm -rf "$few"' EXIT
for name; do
    case $name in
    png | jpeg | pnm) program=picture ;;
    *) program=$name ;;
    esac
    mkdir "$few/$name"
    from=()
    for folder in "inputs/$name" "$build/tests/fuzz/seeds/$name"; do
        [ ! -d "$folder" ] || from+=("$folder")
    done
    from+=("$build/tests/fuzz/corpus/$name") # there after any search, and begun with what was kept before
    if ! "$build/bin/fuzz_$program" -merge=1 -use_counters=0 "$few/$name" "${from[@]}" >"$few/log" 2>&1; then
        cat "$few/log"
        exit 1
    fi
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$few/$name" -cf - . |
        gzip -9n >"corpora/$name.tar.gz"
done
