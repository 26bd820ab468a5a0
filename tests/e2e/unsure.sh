#!/usr/bin/env bash
# How sure a network may be: by its validation split, by a second run, or not known; the same on any ranks; and what
# `predict` makes of it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5dump
cd "$work"
unpack_golden golden
images=golden/t10k-images-idx3-ubyte

# groups FILE: what a checkpoint keeps of it, with all digits
groups() {
    h5dump -m %.17g -g /temperature -g /traits -g /centring "$1" | tail -n +2
}
# holds JQ-ARGUMENT...: of the array of all objects
holds() { jq -s -e "$@" >/dev/null; }

# --- a validation split
trained one 1 --set data.validation=0.1
trained two 2 --set data.validation=0.1
check "checkpoints know" grep -q 'ATTRIBUTE "nll_after"' <(groups one/checkpoints/last.h5)
check "of the training images, too" grep -q 'ATTRIBUTE "stroke_high"' <(groups one/checkpoints/last.h5)
same "the same on two ranks" "$(groups one/checkpoints/last.h5)" "$(groups two/checkpoints/last.h5)"
check "it pays" holds '.[0] | .temperature_nll_after < .temperature_nll_before and .temperature_images > 100' one/summary.json
"$LOCKSTEP" info one/checkpoints/last.h5 >told
check "info tells" grep -q "^calibration    temperature $(jq -r '.temperature * 100 | floor / 100' one/summary.json)" told
predicts 0 "calibrated" one $images --format json
check "answers say so" holds 'all(.[]; .calibrated)' stdout
check "with p^(1/T) over the sum of it" holds --argjson t "$(jq .temperature one/summary.json)" 'all(.[]; . as $a |
    ((.probability | log / $t | exp) / ([.probabilities[] | select(. > 0) | log / $t | exp] | add) - $a.confidence | fabs) < 1e-5)' stdout
same "nothing is said on stderr" "" "$(cat stderr)"
check "below 80 % is unsure, above not" holds 'all(.[]; (.confidence < 0.8) == (.unsure | index("low confidence") != null))' stdout
predicts 0 "no threshold" one $images --format json --unsure-below 0
check "leaves other reasons" holds 'all(.[]; .unsure | index("low confidence") | not)' stdout
predicts 3 "unsure where asked" one $images --format csv --unsure-below 100 --fail-unsure
predicts 0 "and not else" one $images --format csv --unsure-below 100

# --- images that are not like the training images
{ printf 'P5 28 28 255\n' && head -c 784 /dev/zero | tr '\0' '\377'; } >white.pgm
predicts 3 "all white" one white.pgm --preprocess none --format json --unsure-below 0 --fail-unsure
for reason in "more ink" larger "thicker strokes"; do
    check "$reason than training images" holds --arg r "$reason than training images" '.[0].unsure | index($r) != null' stdout
done

# --- a digit on a larger picture: 12 black pixels more at the right and below
"$LOCKSTEP" predict one $images --show --format json 2>/dev/null | sed -n 1,200p >plain
jq -r '"P2 40 40 255 " + ([range(40) as $y | range(40) as $x | if $y < 28 and $x < 28 then .pixels[$y * 28 + $x] else 0 end | tostring] |
    join(" "))' plain | awk '{ print >"larger-" NR ".pgm" }'
predicts 0 "larger pictures" one larger-*.pgm --format json
check "are centred" holds 'all(.[]; .preprocess == "mnist")' stdout
check "below 85 % is unsure there, above not" holds 'all(.[]; (.confidence < 0.85) == (.unsure | index("low confidence") != null))' stdout
check "which tells some from a picture as small as the images" holds 'any(.[]; .confidence > 0.8 and .confidence < 0.85)' stdout
predicts 0 "one threshold for all" one larger-*.pgm --format json --unsure-below 70
check "where it is given" holds 'all(.[]; (.confidence < 0.7) == (.unsure | index("low confidence") != null))' stdout

# --- other weights
trained tuned 1 --init-from one
same "fine-tuned ones are not calibrated" null "$(jq .temperature tuned/summary.json)"

# --- without one
trained all 1
predicts 0 "not calibrated" all $images --format json
check "answers say so" holds 'all(.[]; .calibrated == false)' stdout
same "a warning says so, once" 1 "$(grep -c 'not calibrated: .*lockstep calibrate' stderr)"
predicts 0 "means" one --with two $images --format json
check "are not calibrated" grep -q 'means over several' stderr
cp -r all before
"$MPIEXEC" -n 2 "$LOCKSTEP" calibrate all >calibrate.log 2>&1 || show calibrate.log
"$LOCKSTEP" diff before all >diff.log || show diff.log
check "weights and state stay" grep -q '^identical' diff.log
same "as its own validation split would say" "$(h5dump -m %.17g -a /temperature/value one/checkpoints/last.h5 | tail -n +2)" \
    "$(h5dump -m %.17g -a /temperature/value all/checkpoints/last.h5 | tail -n +2)"
"$LOCKSTEP" info all/checkpoints/last.h5 >told
check "info tells of whom" grep -q 'held out of a second run' told
predicts 0 "calibrated now" all $images --format json
check "answers say so then" holds 'all(.[]; .calibrated)' stdout
cp -a all taken
rm -r taken/lives taken/calibration
touch taken/lives # nobody can register a life there
status=0
"$LOCKSTEP" calibrate taken >log 2>&1 || status=$?
same "a folder that cannot be written to: status" 1 $status
check "is told before a second run" [ ! -e taken/calibration ]
status=0
"$LOCKSTEP" calibrate one >log 2>&1 || status=$?
same "who has a validation split is refused" 2 $status
check "and told" grep -q 'is calibrated already, by [0-9]* images of its own validation split' log
for key in model.conv1.filters=4 data.validation=0.5 data.limit=100 seed=2; do
    status=0
    "$LOCKSTEP" calibrate all --set $key >log 2>&1 || status=$?
    same "calibrate --set $key: status" 2 $status
    check "and told" grep -q "error: --set $key: the second run must be trained as the first was" log
done
finish
