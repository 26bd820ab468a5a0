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
# sure_at T: of the answers in stdout, p^(1/T) over the sum of it; T is a number or a term of jq
sure_at() {
    holds "($1) as \$t"' | all(.[]; . as $a | ((.probability | log / $t | exp) /
        ([.probabilities[] | select(. > 0) | log / $t | exp] | add) - $a.confidence | fabs) < 1e-5)' stdout
}

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
check "with p^(1/T) over the sum of it" sure_at "$(jq .temperature one/summary.json)"
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
predicts 0 "larger pictures" one larger-*.pgm --show --format json
check "are centred" holds 'all(.[]; .preprocess == "mnist")' stdout
check "low confidence is the same there" holds 'all(.[]; (.confidence < 0.8) == (.unsure | index("low confidence") != null))' stdout
# What the network says of each image and of the four a pixel aside, all taken as they are
mv stdout seen
jq -r '. as $a | [[0, 0], [-1, 0], [0, -1], [0, 1], [1, 0]] | to_entries[] | .key as $k | .value as [$down, $right] |
    "\($a.file | ltrimstr("larger-")) \($k) P2 28 28 255 " + ([range(28) as $y | range(28) as $x | ($y - $down) as $v | ($x - $right) as $u |
    if $u >= 0 and $u < 28 and $v >= 0 and $v < 28 then $a.pixels[$v * 28 + $u] else 0 end | tostring] | join(" "))' seen |
    while read -r name k picture; do echo "$picture" >"look-$k-$name"; done
predicts 0 "the looks" one look-*.pgm --preprocess none --format json
jq -s -e --slurpfile seen seen --argjson t "$(jq '3 * .temperature' one/summary.json)" '
    group_by(.file | sub("look-[0-9]-"; "")) | map({key: (.[0].file | sub("look-[0-9]-"; "larger-")), value: map(.probabilities)}) | from_entries as $looks |
    [$seen[] | . as $a | (.probabilities | index(max)) as $c | {confidence, unsteady: (.unsure | index("unsteady") != null),
        mean: ([$looks[.file][] | [.[] | if . > 0 then log / $t | exp else 0 end] | .[$c] / add] | add / length)}]' stdout >steady
check "five looks at each" jq -e 'length == 200' steady
check "surer than 99 %, or steady in the mean of five looks" jq -e 'all(.[]; (.mean - 0.48 | fabs) < 1e-4 or
    .unsteady == (.confidence < 0.99 and .mean < 0.48))' steady
check "which tells some that are sure enough" jq -e 'any(.[]; .confidence > 0.8 and .unsteady)' steady
predicts 0 "images as small as the network's" one $images --format json
check "are looked at once" holds 'all(.[]; .unsure | index("unsteady") | not)' stdout

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

# --- without one, but trained with smoothed labels: at the temperature that such networks get
trained smoothed 1 --set train.label_smoothing=0.1
predicts 0 "smoothed labels" smoothed $images --format json
check "are not calibrated either" holds 'all(.[]; .calibrated == false)' stdout
check "but allowed for" sure_at '91 | log / 10'
predicts 0 "of several the mean smoothing" smoothed --with all $images --format json
check "is allowed for" sure_at '191 | log / 10'

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
