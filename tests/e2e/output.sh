#!/usr/bin/env bash
# What is printed arrives, or the command ends with 1 and one message: on a full device, and where standard output is
# closed. A reader who goes away ends it, too, and needs no message. Training leaves files, so it only warns, once.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
[ -w /dev/full ] || skip "no /dev/full here"

trained run 1 --set train.max_steps=2
trained other 1 --set train.max_steps=3
cd "$work"
mkdir -p pictures/{a,b}
for i in 1 2 3 4 5; do
    printf 'P2 2 1 255\n%d 9\n' $i >pictures/a/$i.pgm
    printf 'P2 2 1 255\n9 %d\n' $i >pictures/b/$i.pgm
done

# loses ARGUMENT...: a command that prints; train's folder and pack's are of the first to come
loses() {
    local status=0
    "$LOCKSTEP" "$@" >/dev/full 2>err </dev/null || status=$?
    same "lockstep $* on a full device: status" 1 $status
    same "lockstep $* on a full device: the message" \
        "lockstep: error: cannot write to standard output: No space left on device" "$(grep -v warning: err)"
    rm -rf fresh
    status=0
    "$LOCKSTEP" "$@" >&- 2>err </dev/null || status=$?
    same "lockstep $* without standard output: status" 1 $status
    same "lockstep $* without standard output: the message" "lockstep: error: cannot write to standard output: it is closed" \
        "$(grep -v warning: err)"
}
loses --help
loses --version
loses --complete ""
loses --complete train --
loses help
loses help config
loses help train
loses help --options
loses help --options train
loses help --options config
loses train --help
loses configs
loses configs --format json
loses configs smoke
loses info "$config" --set "data.dir=$golden"
loses info run
loses info run --follow
loses info run --format json --steps
loses info run --format csv
loses info run/checkpoints/last.h5
loses info "$golden"
loses info "$golden/train-labels-idx1-ubyte.gz"
loses diff run run
loses diff run run --format csv
loses eval run --data "$golden"
loses eval run --data "$golden" --format json
loses predict run "$golden/t10k-images-idx3-ubyte.gz"
loses predict run pictures/a/1.pgm --format json --preprocess none
loses report run
loses report run --out -
loses pack pictures fresh
loses bench "$config" --data "$golden" --rounds 1 --steps 1
loses bench "$config" --data "$golden" --rounds 1 --steps 1 --format json
loses train "$config" --set "data.dir=$golden" --out fresh --dry-run

# --- what does not print needs nobody to read
for arguments in "train '$config' --set 'data.dir=$golden' --out fresh --set train.max_steps=2 --progress never --quiet" \
    "report run --quiet"; do
    rm -rf fresh
    status=0
    eval "'$LOCKSTEP' $arguments" >/dev/full 2>err || status=$?
    same "$arguments: status" 0 $status
    same "$arguments: no message" "" "$(cat err)"
done
same "a page comes out" "<!doctype html>" "$("$LOCKSTEP" report run --out - | head -c 15 | tr '[:upper:]' '[:lower:]')"
# --- a file that is opened while standard output is closed does not get what is printed
"$LOCKSTEP" train "$config" --set "data.dir=$golden" --out fresh --resume never --set train.max_steps=2 --trace trace.json \
    >&- 2>/dev/null </dev/null || true
same "the run is the one with an output" "$(result run)" "$(result fresh)"
check "the trace is whole" jq -e '.traceEvents | length > 1' trace.json >/dev/null
# --- a reader who goes away
status=0
{ "$LOCKSTEP" help config 2>err || echo $? >status; } | true
check "help without a reader does not end well" [ "$(cat status)" -ne 0 ]
same "and says nothing" "" "$(cat err)"
# does_without REASON: training just now, whose status is in the file status
does_without() {
    same "training, $1: status" 0 "$(cat status)"
    same "training, $1: one warning" \
        "lockstep: warning: cannot write to standard output: $1; the run does without, its results are in files" "$(cat err)"
    same "training, $1: its result" "$(result run)" "$(result fresh)"
    rm -rf fresh
}
fresh=(train "$config" --set "data.dir=$golden" --out fresh --set train.max_steps=2 --progress lines)
rm -rf fresh
{ "$LOCKSTEP" "${fresh[@]}" 2>err; echo $? >status; } | true
does_without "Broken pipe"
{ "$LOCKSTEP" "${fresh[@]}" 2>err; echo $? >status; } >/dev/full
does_without "No space left on device"
{ "$LOCKSTEP" "${fresh[@]}" 2>err; echo $? >status; } >&-
does_without "it is closed"
{ "$LOCKSTEP" "${fresh[@]}" 2>&1; echo $? >status; } | true
same "training, nobody reads errors either" "0 $(result run)" "$(cat status) $(result fresh)"
finish
