#!/usr/bin/env bash
# Files stay short, finished and without leftovers. Usage: files.sh SOURCE_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"

longest=700
fullest=15
mapfile -t texts < <(project_files | { xargs -d '\n' grep -lI '' || true; })
# Numbers that a program wrote (tests/golden/) are as many as they are.
wc -l "${texts[@]}" | awk -v most=$longest '$2 !~ /^(total|tests\/golden\/.*\.txt)$/ && $1 > most { print $2 ":" $1 ": the last line" }' |
    report "longer than $longest lines; split by subject"
# The letters in brackets keep this file from finding itself.
{ grep -HnE '\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b' "${texts[@]}" || true; } | report "unfinished work"
{ grep -HnE '^(<<<<<<<|>>>>>>>|\|\|\|\|\|\|\|) ' "${texts[@]}" || true; } | report "a merge left half done"
{ grep -Hn '[[:space:]]$' "${texts[@]}" || true; } | report "white space at the end of a line"
{ project_files | grep -E '\.(orig|rej|bak|old|swp|o|a|so)$|~$' || true; } | sed 's/$/: delete it/' |
    report "left-over files"
{ find . -mindepth 1 -maxdepth 1 -type d \( -name scripts -o -name tools -o -name third_party -o -name old \) || true; } |
    sed 's/$/: give its files a place/' | report "folders that have no place here"
# A layer is a file, and there are as many as there are.
{ find src -name '*.c' | sed 's,/[^/]*$,,' | sort | uniq -c |
    awk -v most=$fullest '$1 > most && $2 != "src/nn/layers" { print $2 ":" $1 ": sources" }'; } |
    report "folders with more than $fullest sources; give what belongs together a folder of its own"
finish
