#!/usr/bin/env bash
# Public headers: each compiles alone, in C11 and C++17; what they declare is what the library exports, and nothing else.
# Usage: exports.sh SOURCE_DIR LIBRARY...; a shared object, an archive.
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"
shift

command -v g++ >/dev/null || skip "g++ is not installed"
alone() { # COMPILER FLAG...
    local header
    for header in include/lockstep/*.h; do
        { echo '#include <stddef.h>' && echo "#include \"${header#include/}\"" && echo 'typedef int not_empty;'; } |
            "$@" -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only - 2>&1 | sed "s|^|$header: |"
    done
}
alone gcc -std=c11 -xc | report "headers that do not compile alone in C11"
alone g++ -std=c++17 -xc++ | report "headers that do not compile alone in C++17"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for header in include/lockstep/*.h; do echo "#include \"${header#include/}\""; done >"$scratch/all.h"
gcc -std=c11 -Iinclude -fsyntax-only -aux-info "$scratch/prototypes" -xc "$scratch/all.h"
{
    sed -nE 's@^/\* include/lockstep/.*\b(lks_[a-z0-9_]+) \(.*@\1@p' "$scratch/prototypes"
    sed -nE 's/^extern const .*[ *](lks_[a-z0-9_]+)(\[\])?;.*/\1/p' include/lockstep/*.h
} | sort -u >"$scratch/declared"
[ -s "$scratch/declared" ] || echo "no declaration found" | report "the compiler's list of prototypes"

for library; do
    case $library in
    *.so*) nm -D --defined-only "$library" ;;
    *) nm -g --defined-only "$library" ;;
    esac | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/exported"
    comm -23 "$scratch/declared" "$scratch/exported" | report "declared in include/lockstep, not exported by $(basename "$library")"
    comm -13 "$scratch/declared" "$scratch/exported" | report "exported by $(basename "$library"), declared in no public header"
done
finish
