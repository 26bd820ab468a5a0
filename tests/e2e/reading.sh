#!/usr/bin/env bash
# Programs that read a run, as include/lockstep/README.md shows them: Python, and R where it is installed.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
python=/usr/bin/python3
cd "$work"
mkdir bin runs
ln -s "$LOCKSTEP" bin/lockstep
export PATH=$work/bin:$PATH
trained runs/a 1 --set data.validation=0.2 --set train.epochs=2 --set metrics.every_steps=2
trained runs/b 1 --set train.epochs=2

# parts LANGUAGE: the page's parts in it go to LANGUAGE-1, LANGUAGE-2, ...
parts() {
    awk -v language="$1" '$0 == "```" { on = 0 } on { print > (language "-" n) } $0 == "```" language { on = 1; n++ }' \
        "$SOURCE/include/lockstep/README.md"
}
# runs PROGRAM FILE: the output in $said
runs() {
    local status=0
    said=$("$1" "$2" 2>err) || status=$?
    same "$2 runs" 0 $status
    $ok || show err
}
last() { jq -r "select(.type == \"$1\") | $2" runs/a/metrics.jsonl | tail -n 1; }
near() { awk -v a="$2" -v b="$3" 'BEGIN { d = a - b; exit !(a != "" && d * d <= 1e-12 * b * b) }' || echo "$1: $2, $3"; }

parts python
same "one part in Python" "python-1" "$(echo python-*)"
if $python -c 'import pandas' 2>/dev/null; then
    runs $python python-1
    check "pandas: epochs" grep -qE "^1 +2 +$(last epoch .train_loss | cut -c 1-6)" <<<"$said"
    same "pandas: the last five steps" "" "$(near loss "$(head -n 1 <<<"$said")" \
        "$(jq -r 'select(.type == "step").loss' runs/a/metrics.jsonl | tail -n 5 | awk '{ sum += $1 } END { printf "%.9g", sum / NR }')")"
else
    echo "pandas is not installed"
fi
if command -v Rscript >/dev/null; then
    parts r
    runs Rscript r-1
    check "R: the best epoch" grep -qE "^[0-9]+ +[0-9]+ +[0-9]+ +$(last epoch .lr)" <<<"$said"
    sed 's,runs/a,runs/b,' r-1 >r-2
    runs Rscript r-2
    check "R: the best epoch of a run without a split" grep -qE "^[0-9]+ +[0-9]+ +[0-9]+ +$(last epoch .lr)" <<<"$said"
else
    echo "R is not installed"
fi
finish
