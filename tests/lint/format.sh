#!/usr/bin/env bash
# Every C file is as clang-format 14 lays it out with .clang-format. Usage: format.sh SOURCE_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"

# Other versions lay out some constructs differently, so only this one judges.
for tool in clang-format-14 clang-format ''; do
    [ -n "$tool" ] || skip "clang-format 14 is not installed"
    "$tool" --version 2>/dev/null | grep -q 'version 14\.' && break
done
mapfile -t files < <(project_files | grep -E '\.[ch]$')
{ "$tool" --dry-run -Werror "${files[@]}" 2>&1 || true; } | awk -F: '/^[^:]*:[0-9]*:[0-9]*: / && !seen[$1]++ { print $1 ":" $2 ": and what follows" }' |
    report "not formatted; run: $tool -i FILE"
finish
