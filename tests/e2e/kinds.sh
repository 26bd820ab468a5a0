#!/usr/bin/env bash
# Digits on pictures as people make them: of each kind nearly as many answers are right as of the same digits' plain
# images. tests/pictures/run.sh is the long form.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
make_pictures=$4 width=1 run=$work/net
lockstep=$LOCKSTEP images=$work/data/t10k-images-idx3-ubyte labels=$work/data/t10k-labels-idx1-ubyte
# shellcheck source=tests/pictures/lib.sh
source "$SOURCE/tests/pictures/lib.sh"
need jq node convert
unpack_golden "$work/data"
config=$here/accuracy.yaml
trained net 1 --set train.epochs=8 --set train.schedule.name=cosine

count=100
right() { made "$1" $count && answered "$@" && counts "$1" | cut -d ' ' -f 2; }
plain=$(right plain --show)
same "plain images reach the network byte for byte" "$count of $count" "$(cmp_plain $count)"
check "the network knows its digits" [ "$plain" -ge 90 ]
cp "$work/plain/found" "$work/plain.json"

# Of 100 digits one right answer more or less is chance; five fewer than of the plain images are not: what prepares
# pictures has lost strokes, paper or place of that kind.
for kind in $("$make_pictures" --list | awk 'NR > 1 { print $1 }'); do
    got=$(right "$kind")
    check "$kind: $got of $count are right, of the plain images $plain" [ "$got" -ge $((plain - 5)) ]
done

# --- several digits: the page finds the program's, box by box and byte by byte
"$LOCKSTEP" report "$work/net" --out "$work/page.html" >"$work/report.log" 2>&1 || show "$work/report.log"
mkdir "$work/lines"
"$make_pictures" lines "$work/lines" "$images" "$labels" 16 1 decoded
"$LOCKSTEP" predict "$work/net" "$work"/lines/*.png --segment --show --format json >"$work/lines/found" 2>"$work/lines/log"
node "$here/panel_node.js" segments "$work/page.html" "$work/lines/found" >"$work/segments.json" || true
check "16 lines of digits: the page finds what predict --segment finds" \
    jq -e '.n == 16 and .digits >= 50 and .wrong == [] and .worst < 1e-4' "$work/segments.json" >/dev/null
$ok || show "$work/segments.json"

# --- a form from the hand, twice as far askew, with the table around it: every field, and nothing beside them
made form 1
width=2
photographed
answered form --segment --show
same "a photo of a form: five lines of eight digits" "8 8 8 8 8" \
    "$(jq -s -r 'group_by(.line) | map(length | tostring) | join(" ")' "$work/form/found")"
convert "$work/form/00000.jpg" "$work/form/00000.png"
"$LOCKSTEP" predict "$work/net" "$work/form/00000.png" --segment --show --format json >"$work/form/found" 2>"$work/form/log"
node "$here/panel_node.js" segments "$work/page.html" "$work/form/found" >"$work/segments.json" || true
check "and by the page" jq -e '.digits == 40 and .wrong == [] and .worst < 1e-4' "$work/segments.json" >/dev/null
$ok || show "$work/segments.json"
finish
