#!/usr/bin/env bash
# Every shell script passes shellcheck and is executable. Usage: shell.sh SOURCE_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"

mapfile -t scripts < <(project_files | { xargs -d '\n' grep -lE -m 1 '^#!.*\b(ba)?sh$' || true; })
for script in "${scripts[@]}"; do
    [ -x "$script" ] || echo "$script:1: chmod +x"
done | report "a script that is not executable"
command -v shellcheck >/dev/null || [ "$findings" -gt 0 ] || skip "shellcheck is not installed"
# Left out: quoted text meant for another shell (SC2016), functions called through a variable (SC2317).
# Scripts are read side by side: each with what it sources, which is most of the time.
{ printf '%s\0' "${scripts[@]}" | xargs -0 -n 4 -P "$(nproc)" \
    shellcheck --exclude=SC2016,SC2317 --external-sources --format=gcc || true; } | sort -u | report "shellcheck"
finish
