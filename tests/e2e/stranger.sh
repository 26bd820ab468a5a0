#!/usr/bin/env bash
# A checkpoint of somebody else's may hold any texts. No terminal obeys them, no JSON and no page breaks on them.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

trained own 1 --threads 1 --set train.max_steps=3 --set metrics.every_steps=1
theirs=$work/theirs.h5
check "the file is made" "$(dirname "$LOCKSTEP")/stranger" texts "$work/own/checkpoints/last.h5" "$theirs"

# clean FILE WHAT: nothing in it that a terminal obeys; C1 controls are two bytes in UTF-8
clean() {
    same "$2: no control characters" 0 "$(LC_ALL=C grep -cP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1" || true)"
    check "$2: UTF-8" iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}
says() { # says FILE PATTERN
    check "$(basename "$1") says: $2" grep -qE -e "$2" "$1"
    $ok || show "$1"
}

"$LOCKSTEP" info "$theirs" >"$work/info" 2>&1 || true
clean "$work/info" info
says "$work/info" '^written +\?\]0;pwned\?\?\[31m\?\?",' # visible, on its own line
same "info: its texts bring no lines" "$("$LOCKSTEP" info "$work/own/checkpoints/last.h5" | wc -l)" \
    "$(($(wc -l <"$work/info") - 1))" # started from
"$LOCKSTEP" diff "$work/own/checkpoints/last.h5" "$theirs" >"$work/diff" 2>&1 || true
clean "$work/diff" diff
says "$work/diff" '^provenance/hosts: .* against \?\]0;pwned'
says "$work/diff" '^identical: '

# --- a run that goes on from it
trained on 1 --threads 1 --set train.max_steps=5 --set metrics.every_steps=1 --resume "$theirs"
clean "$work/on.log" train
for file in summary.json metrics.jsonl; do
    check "$file is JSON" jq -e . "$work/on/$file" >/dev/null
    clean "$work/on/$file" $file
done
same "nothing was injected" 'null' "$(key on pwned)"
check "the source is told as it is" jq -e '.init_from.path | startswith("\u001b]0;pwned\u0007")' "$work/on/summary.json" >/dev/null
"$LOCKSTEP" info "$work/on" >"$work/info-run" 2>&1 || true
clean "$work/info-run" "info of the run"
mkdir -p "$work/folder/checkpoints"
cp "$theirs" "$work/folder/checkpoints/last.h5"
"$LOCKSTEP" report "$work/folder" >"$work/report.log" 2>&1 || show "$work/report.log"
for run in on folder; do
    page=$work/$run/report.html
    clean "$page" "report of $run"
    same "report of $run: no markup but the page's own" 0 "$(grep -c '"1[^<]*<script>' "$page" || true)"
    says "$page" '&lt;script&gt;'
done

# --- messages: a file that is refused under such a name
: >"$work/$(printf 'x\033[31m\tname').h5"
status=0
"$LOCKSTEP" info "$work/$(printf 'x\033[31m\tname').h5" >"$work/refused" 2>&1 || status=$?
same "an empty file is refused" 1 $status
clean "$work/refused" "the error"
finish
