#!/usr/bin/env bash
# Folders whose names are something else in YAML or for a shell are found, beside the folder that a parser would make of
# them; and the commands that the program prints name them rightly. 500 test images are in gold, 300 in the odd ones.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

unpack_golden "$work/gold"
mkdir "$work/odd"
for part in images:784:16:idx3 labels:1:8:idx1; do
    IFS=: read -r what bytes header kind <<<"$part"
    cp "$work/gold/train-$what-$kind-ubyte" "$work/odd/"
    head -c $((header + 300 * bytes)) "$work/gold/t10k-$what-$kind-ubyte" >"$work/odd/t10k-$what-$kind-ubyte"
    poke "$work/odd/t10k-$what-$kind-ubyte" 4 000 000 001 054
done
trained "it's #1" 1 --threads 1 --set "data.dir=$work/gold" --set data.validation=0.2 --set train.epochs=1
run="$work/it's #1"
cd "$work"

# evaluates NAME ARGUMENT...: all 300 images of the odd folder, which is called NAME now
evaluates() {
    local name=$1 status=0
    shift
    mv -- odd "$name"
    "$LOCKSTEP" eval "$run" "$@" >log 2>&1 || status=$?
    mv -- "$name" odd
    same "eval $*: status" 0 $status
    check "eval $*: the 300 images of that folder" grep -q ' of 300' log
    $ok || show log
}
for name in 'gold #2' '[gold]' null 'a: b' "'x" '"x"' '~' '{gold: 1}' '*gold' 'gold, gold' ' gold' '-gold' 'gold\n'; do
    evaluates "$name" --data "$name"
done
evaluates 'gold #2' --set 'data.dir=gold #2'
evaluates "it's" --set "data.dir='it''s'" # a quote in front is one of YAML
status=0
"$LOCKSTEP" eval "$run" --data $'a\nb' >log 2>&1 || status=$?
same "a name that no configuration can hold" "2 1" "$status $(grep -c 'error: --data: .*line breaks' log)"

# --- report and bench
mv gold 'gold #2'
"$LOCKSTEP" report "$run" --data 'gold #2' >log 2>&1
check "the report has the test images" eval '! grep -q "cannot be shown" "$run/report.html"'
"$LOCKSTEP" bench "$config" --data 'gold #2' --threads 1 --steps 1 --rounds 1 --format json >log 2>&1
same "bench" "$(key "it's #1" data_digest)" "$(jq -r .data_digest log)"

# --- a command to copy: a refit, whose settings pass through no parser either
command=$(grep -oE 'lockstep train --refit .*' "$work/it's #1.log")
lockstep() { "$LOCKSTEP" "$@" --set 'data.dir=gold #2' --threads 1 --progress never; }
status=0
eval "$command" >log 2>&1 </dev/null || status=$?
same "the printed command refits" "0 2000" "$status $(key "it's #1-refit" samples_seen)"
$ok || show log
finish
