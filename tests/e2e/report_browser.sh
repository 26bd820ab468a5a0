#!/usr/bin/env bash
# The report in a real browser, Chromium without a window: the page loads in silence and asks no network; what is drawn
# on it, by strokes that retrace test images, is recognised, and as `lockstep predict` recognises the same picture.
# LOCKSTEP_SHOTS=DIR keeps screenshots: light, dark, and of a phone's width.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq node
make_pictures=$4

browser=
for name in chromium chromium-browser google-chrome; do
    browser=${browser:-$(command -v "$name" || true)}
done
[ -n "$browser" ] || skip "chromium is not installed"
# What a build has fetched stays in its folder: the browser's remote control and MNIST.
build=$(dirname "$(dirname "$LOCKSTEP")")
modules=$build/browser
[ -d "$modules/node_modules/playwright-core" ] || need npm
fetch() {
    [ ! -d "$modules/node_modules/playwright-core" ] || return 0
    mkdir -p "$modules"
    # behind a firewall it would wait for long
    if ! timeout 180 npm install --ignore-scripts --no-audit --no-fund --prefix "$modules" playwright-core@1.65.1 >"$work/npm.log" 2>&1; then
        rm -rf "$modules"
        return 1
    fi
}
fetch </dev/null 3>&- & # beside what is fetched and trained below
fetching=$!

# The real test images want a network that was trained on the real ones; without them the golden set has to do.
data=$build/mnist
config=$SOURCE/configs/mnist-convnet.yaml right=48
settings=(--set train.epochs=2)
if ! timeout 180 "$SOURCE/jobs/fetch-data.sh" mnist "$data" >"$work/fetch.log" 2>&1; then
    echo "note: MNIST cannot be had ($(tail -n 1 "$work/fetch.log")); 2,000 images instead, and 43 right answers"
    data=$work/data config=$here/accuracy.yaml right=43 settings=()
    unpack_golden "$data"
fi
trained run 1 "${settings[@]}"
wait $fetching || skip "npm cannot install playwright-core: $(tail -n 1 "$work/npm.log")"
run=$work/run
checkpoint=$run/checkpoints/last.h5
page=$run/report.html
"$LOCKSTEP" report "$run" >"$work/report.log" 2>&1 || show "$work/report.log"

mkdir "$work/pictures"
for kind in exif-jpeg exif-png photo lines; do
    mkdir -p "$work/kinds/$kind"
    "$make_pictures" "$kind" "$work/kinds/$kind" "$data/t10k-images-idx3-ubyte" "$data/t10k-labels-idx1-ubyte" 8
done
[ -z "${LOCKSTEP_SHOTS-}" ] || mkdir -p "$LOCKSTEP_SHOTS"
jq -n --arg modules "$modules" --arg browser "$browser" --arg lockstep "$LOCKSTEP" --arg checkpoint "$checkpoint" \
    --arg page "$page" --arg images "$data/t10k-images-idx3-ubyte" --arg labels "$data/t10k-labels-idx1-ubyte" \
    --arg folder "$work/pictures" --arg kinds "$work/kinds" --arg shots "${LOCKSTEP_SHOTS-}" '$ARGS.named' >"$work/task.json"
status=0
node "$here/report_browser.js" "$work/task.json" >"$work/found.json" 2>"$work/browser.log" || status=$?
same "the browser was there to the end" 0 $status
$ok || {
    show "$work/browser.log"
    finish
}

# found WHAT CONDITION
found() {
    check "$1" jq -e "$2" "$work/found.json" >/dev/null
    $ok || jq -c '[.desktop | .digits, .images, .files, .controls, .errors, .sections], .phone' "$work/found.json"
}
found "no error and no warning on the console" '.desktop.errors == [] and .phone.errors == []'
found "no request but for the page itself" '.desktop.requests == 1 and .phone.requests == 1'
found "every section is there" '.desktop.sections == ["headline", "draw", "curves", "confusion", "classes", "errors",
    "training", "calibration", "filters", "network", "configuration"]'
# Every number that the headline shares with summary.json
jq -n --slurpfile found "$work/found.json" --slurpfile summary "$run/summary.json" \
    '[$found[0].desktop.headline | to_entries[] | select(.key as $key | $summary[0] | has($key))
      | {key, page: (.value | tonumber), summary: $summary[0][.key]}]' >"$work/headline.json"
check "the headline has the numbers of summary.json" jq -e 'length >= 8 and all(.[]; .page == .summary)
    and (map(.key) | contains(["test_accuracy", "test_correct", "test_total", "parameters"]))' "$work/headline.json" >/dev/null
$ok || jq -c . "$work/headline.json"

found "200 test images: the program's probabilities within 1e-4" '.desktop.images | .n == 200 and .worst < 1e-4'
found "50 drawings are answered as predict answers them" '.desktop.digits | .n == 50 and .same == 50 and .worst < 1e-4'
found "at least $right of 50 are recognised" ".desktop.digits.right >= $right"
found "a picture opened or dropped gets predict's answer" \
    '.desktop.files.pictures | length == 6 and all(.[]; .how == .wanted and .distance < 1e-4)'
found "one kind is taken as it is, the others are centred" '[.desktop.files.pictures[].how] | sort == ["mnist", "mnist",
    "mnist", "mnist", "none", "none"]'
found "photos, turned by EXIF or not, get predict's answer" '.desktop.turned | .n == 24 and .same == .n'
found "a photo of 12 million pixels is answered, and the page is alive meanwhile" \
    '.desktop.large | .answer == 1 and .frames >= 5'
found "what is no picture is named, and the last one kept" \
    '.desktop.files | .refused == "letter.png: no picture that this browser can read" and .kept'
found "buttons and keys clear and undo" '.desktop.controls
    | .clear and .disabled and .second and .undo and .key and .escape and .bars == 10'
found "a finger draws a one, and the page stays in its place" '.phone | .drawn == 1 and .stayed'
found "nothing sticks out of a phone" '.phone.width == 390'
finish
