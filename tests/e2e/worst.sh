#!/usr/bin/env bash
# lockstep eval --on, --worst and --sheet, and the report's training images: labels that were made wrong on purpose are
# found, by their number in the file, whoever holds the images.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

wrong='654 814 1322' # clear ones: 7, 2, 7
labels=train-labels-idx1-ubyte
label() { od -An -tu1 -j $((8 + $2)) -N 1 "$1/$labels" | tr -d ' '; } # label FOLDER IMAGE
unpack_golden "$work/clean"
cp -r "$work/clean" "$work/set"
for image in $wrong; do
    poke "$work/set/$labels" $((8 + image)) "$(printf %03o $((($(label "$work/clean" "$image") + 3) % 10)))"
done
data=$work/set
trained run 2 --threads 1 --set train.epochs=8

# evaluates STATUS ARGUMENT...: output in $work/out and $work/err
evaluates() {
    local wanted=$1 status=0
    shift
    launch "${ranks:-1}" eval "$@" --threads 1 >"$work/out" 2>"$work/err" </dev/null || status=$?
    same "eval $*: status" "$wanted" $status
    $ok || show "$work/err"
}
# listed: the list alone: image, label, answer, p(label), loss
listed() { awk 'listed && NF >= 5; /^ +image +label +answer/ { listed = 1 }' "$work/out"; }

evaluates 0 "$work/run" --on train --worst 3 --sheet "$work/sheet1.png"
same "the wrong labels are the worst" "$wrong" "$(listed | awk '{ print $1 }' | sort -n | xargs)"
check "it says how many there are, and where" grep -qF "the 3 of 2000 training images with the highest loss, by their number in $work/set/train-images" "$work/out"
while read -r image given answer _ loss; do
    same "image $image: its label" "$(label "$work/set" "$image")" "$given"
    same "image $image: the answer is the right one" "$(label "$work/clean" "$image")" "$answer"
    check "image $image: its loss" awk -v l="$loss" 'BEGIN { exit !(l > 2.3) }'
done < <(listed)
same "the accuracy is that of the training images" 2000 "$(sed -nE 's/^training: accuracy .* of ([0-9]+);.*/\1/p' "$work/out")"
same "the highest loss comes first" "$(listed)" "$(listed | sort -k 5,5nr -s)"
# 3 cells of 84 pixels with 8 beside, two lines of numbers below
size() { od -An -tx1 -j 16 -N 8 "$1" | tr -d ' \n'; }
same "columns and rows of the sheet" "$(printf %08x%08x $((8 + 3 * 92)) $((8 + 84 + 24 + 8)))" "$(size "$work/sheet1.png")"
cp "$work/out" "$work/one"
for ranks in 2 3; do
    evaluates 0 "$work/run" --on train --worst 3 --sheet "$work/sheet$ranks.png"
    check "$ranks ranks print the same" cmp -s <(grep -v ^sheet "$work/one") <(grep -v ^sheet "$work/out")
    check "$ranks ranks draw the same" cmp -s "$work/sheet1.png" "$work/sheet$ranks.png"
done
unset ranks

# --- labels from 1 on, taken off again: the same training, the same numbers
mkdir "$work/moved"
cp "$work/set/"*images* "$work/moved/"
for file in "$work/set/"*labels*; do
    {
        head -c 8 "$file"
        tail -c +9 "$file" | LC_ALL=C tr '\000-\011' '\001-\012'
    } >"$work/moved/$(basename "$file")"
done
data=$work/moved trained moved 1 --set train.epochs=8 --set data.label_offset=1
same "the same weights" "$(key run weights_sha256)" "$(key moved weights_sha256)"
evaluates 0 "$work/moved" --on train --worst 3
same "the same list" "$(grep -A 9 ' image ' "$work/one" | grep -v ^sheet)" "$(grep -A 9 ' image ' "$work/out")"

# --- some images of the file, of which some are held out: the numbers stay those of the file
trained part 1 --set data.limit=600 --set data.validation=0.25 --set train.epochs=1
for on in train validation; do
    evaluates 0 "$work/part" --on $on
    n=$(sed -nE 's/^(training|validation): accuracy .* of ([0-9]+);.*/\2/p' "$work/out")
    evaluates 0 "$work/part" --on $on --worst "$n"
    listed >"$work/$on"
    same "$on: all are listed" "$n" "$(wc -l <"$work/$on")"
    while read -r image given _; do
        [ "$given" = "$(label "$work/set" "$image")" ] || echo "$image"
    done <"$work/$on" >"$work/misplaced"
    same "$on: labels are those of the file" "" "$(cat "$work/misplaced")"
done
check "a quarter is held out" [ "$n" -gt 140 ]
check "and no more" [ "$n" -lt 160 ]
same "no image is in both" 600 "$(cat "$work/train" "$work/validation" | awk '{ print $1 }' | sort -u | wc -l)"
same "validation: as training said" "$(key part validation_accuracy)" \
    "$(sed -nE 's/^validation: accuracy .* \(([0-9]+) of ([0-9]+);.*/\1 \2/p' "$work/out" | awk '{ printf "%.17g", $1 / $2 }')"

# --- the test set, and several networks: their probabilities are averaged
trained other 1 --set train.epochs=8 --set seed=12
for run in run other; do
    evaluates 0 "$work/$run" --worst 500
    listed | sort -n >"$work/of_$run"
done
evaluates 0 "$work/run" "$work/other" --worst 500
listed | sort -n >"$work/of_both"
same "losses of the mean" "" "$(paste "$work/of_run" "$work/of_other" "$work/of_both" |
    awk '{ l = -log((exp(-$5) + exp(-$10)) / 2); if (l - $15 > 2e-4 || $15 - l > 2e-4) print $1, l, $15 }')"
check "the title says so" grep -q 'test images with the highest loss' "$work/out"

# --- what cannot be done is one clear error, and writes nothing
refused() { # refused STATUS PATTERN ARGUMENT...
    local wanted=$1 pattern=$2
    shift 2
    evaluates "$wanted" "$@"
    check "eval $*: says $pattern" grep -qE -e "$pattern" "$work/err"
    $ok || show "$work/err"
    same "eval $*: one error" 1 "$(grep -c '^lockstep: error: ' "$work/err")"
    same "eval $*: no result" 0 "$(grep -c accuracy "$work/out")"
    check "eval $*: no sheet" [ ! -e "$work/none.png" ]
}
refused 2 '--worst 0' "$work/run" --worst 0
refused 2 '--worst -1' "$work/run" --worst -1
refused 2 '--worst 501: there are 500 test images' "$work/run" --worst 501 --sheet "$work/none.png"
refused 2 '--worst 2001: there are 2000 training images' "$work/run" --on train --worst 2001
refused 2 '--on nothing: not one of test, train, validation' "$work/run" --on nothing
refused 2 'no images were held out of its training' "$work/run" --on validation
refused 2 'give that, too' "$work/run" --sheet "$work/none.png"
refused 2 'at most 1000' "$work/run" --on train --worst 1001 --sheet "$work/none.png"
refused 2 'png' "$work/run" --worst 3 --sheet "$work/none.jpg"
refused 1 'no-such-folder' "$work/run" --worst 3 --sheet "$work/no-such-folder/none.png"
refused 2 'two sets' "$work/run" --on train --pictures "$work"
refused 2 'number in a file' "$work/run" --worst 3 --pictures "$work"
refused 2 'cannot be set' "$work/part" --on validation --set seed=5
refused 2 'cannot be set' "$work/part" --on validation --set 'data={validation: 0.5}'
refused 1 'are not what .*run.* was trained on' "$work/run" --on train --data "$work/clean"
mkdir "$work/tests"
cp "$work/set/"t10k* "$work/tests/"
refused 1 'tests' "$work/run" --on train --data "$work/tests"
trained split 1 --set data.limit=600 --set data.validation=0.25 --set train.epochs=1 --set seed=12
refused 1 'different parts' "$work/part" "$work/split" --on validation
evaluates 0 "$work/part" "$work/split"

# --- the report
page=$work/page.html
report() { "$LOCKSTEP" report "$@" --out "$page" >"$work/out" 2>"$work/err" || show "$work/err"; }
shown() { grep -oE 'alt="Training image [0-9]+' "$page" | awk '{ print $NF }'; }
report "$work/run"
check "without being asked no training image is looked at" grep -q 'They were not looked for.*--train-errors' "$page"
same "and none is shown" "" "$(shown)"
report "$work/run" --train-errors
same "the report shows 40" 40 "$(shown | wc -l)"
evaluates 0 "$work/run" --on train --worst 40
same "those of eval, in their order" "$(listed | awk '{ print $1 }')" "$(shown)"
same "and tells the wrong answers" "$(sed -nE 's/^training: accuracy .* \(([0-9]+) of ([0-9]+);.*/\1 \2/p' "$work/out" | awk '{ print $2 - $1 }')" \
    "$(sed -nE 's/^<p>([0-9,]+) of 2,000 training images are answered.*/\1/p' "$page")"
report "$work/part" --train-errors
same "with images held out, too" "$(head -n 40 "$work/train" | awk '{ print $1 }')" "$(shown)"
report "$work/run" --train-errors --data "$work/clean"
check "other labels: the page says so" grep -q 'The training images cannot be judged: .*are not what the run was trained on' "$page"
check "and so does a warning" grep -q 'warning: .*cannot be judged' "$work/err"
report "$work/run" --train-errors --data "$work/tests"
check "no training images: the page says so" grep -q 'The training images cannot be judged: .*tests' "$page"
finish
