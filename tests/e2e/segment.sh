#!/usr/bin/env bash
# lockstep predict --segment: digits of lines are found, in reading order, each with its box, and lines with their number.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
cd "$work"
unpack_golden golden
images=$work/golden/t10k-images-idx3-ubyte
config=$here/../../configs/mnist-convnet.yaml
trained first 1 --set train.epochs=8 --set train.global_batch=32 --set eval.every_epochs=8

# segments STATUS WHAT ARGUMENT...: output in stdout and stderr
segments() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$LOCKSTEP" predict first --segment "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show stderr
}
# sheet COLUMNS ROWS IMAGE...: images as they are, side by side, in rows, on a white PGM; the numbers of those in `wanted`
sheet() {
    local columns=$1 rows=$2
    shift 2
    for i in "$@"; do
        od -An -v -tu1 -w28 -j $((16 + 784 * i)) -N 784 "$images"
    done | awk -v columns="$columns" -v rows="$rows" '{ for (x = 1; x <= 28; x++) v[int((NR - 1) / 28), (NR - 1) % 28, x] = $x }
        END { print "P2", 32 * columns, 40 * rows, 255
            for (y = 0; y < 40 * rows; y++) for (x = 0; x < 32 * columns; x++)
                print 255 - v[int(y / 40) * columns + int(x / 32), y % 40 - 6, x % 32 - 1] + 0 }'
}
# Of each class an image that the network is sure and right about
mapfile -t right < <("$LOCKSTEP" predict first "$images" --format json --top 1 |
    jq -r '[.index, .class, .probability] | @tsv' |
    paste - <(tail -c +9 golden/t10k-labels-idx1-ubyte | od -An -v -tu1 -w1 | tr -d ' ') |
    awk '$2 == $4 && $3 > 0.99 && !seen[$2]++ { print $2, $1 }' | sort -n | cut -d ' ' -f 2)
same "the network knows all classes" 10 ${#right[@]}
sheet 5 2 "${right[@]}" >sheet.pgm

segments 0 "a sheet" sheet.pgm --format json
same "digits in reading order" "0123456789" "$(jq -j .class stdout)"
same "each with line and place" "1.1 1.2 1.3 1.4 1.5 2.1 2.2 2.3 2.4 2.5" \
    "$(jq -j 'if .line + .place > 2 then " " else "" end + "\(.line).\(.place)"' stdout)"
same "and the line's number" "01234 56789" "$(jq -r 'select(.place == 1).number' stdout | paste -sd ' ')"
check "a box is where the digit was put, and as large" jq -s 'all(.[]; (.place - 1) * 32 + 1 <= .box.column and
    .box.column + .box.columns <= .place * 32 and (.line - 1) * 40 + 6 <= .box.row and
    .box.row + .box.rows <= .line * 40 and ([.box.rows, .box.columns] | max) >= 19 and
    ([.box.rows, .box.columns] | max) <= 22) | if . then empty else error("not so") end' stdout
check "certainty is a probability" jq -s 'all(.[]; .certainty > 0.5 and .certainty <= 1.0001) | if . then empty else error("not so") end' stdout
cp stdout sheet.json
for settings in "--threads 1" "--threads 3 --set eval.batch=7"; do
    # shellcheck disable=SC2086 # words
    segments 0 "$settings" sheet.pgm --format json $settings
    check "$settings change nothing" cmp stdout sheet.json
done

segments 0 "text" sheet.pgm --top 1 --show --show-to found.png
same "a line a digit" 10 "$(grep -c '^sheet.pgm  line [12], digit [1-5]  [0-9] .* at row [0-9]*, column [0-9]*, [0-9]* x [0-9]*' stdout)"
check "and one a line" grep -qE '^sheet.pgm  line 2: 56789 +[0-9.]+ %' stdout
check "the picture with its boxes" grep -qE '\+0-+\+.*\+4-+\+' stdout
check "a PNG of the same" [ "$(head -c 8 found.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ]
same "as large as the picture" "0000 00a0 0000 0050" "$(head -c 24 found.png | tail -c 8 | od -An -tx1 | awk '{ print $1 $2, $3 $4, $5 $6, $7 $8 }')"
segments 0 "csv" sheet.pgm --top 1 --format csv
same "columns at the end" line,place,number,row,column,rows,columns,certainty "$(head -1 stdout | cut -d , -f 9-)"
same "as in JSON" "$(jq -r '[.line, .place, .number, .box.row, .box.column, .box.rows, .box.columns] | join(",")' sheet.json)" \
    "$(tail -n +2 stdout | cut -d , -f 9-15)"
same "certainty, too" "$(sed 's/.*"certainty":\([^,}]*\).*/\1/' sheet.json)" "$(tail -n +2 stdout | cut -d , -f 16)"

# One digit over another's end: a line that hangs together is still two digits.
sheet 2 1 "${right[4]}" "${right[7]}" | awk 'NR == 1 { $2 -= 8; print; next }
    { x = (NR - 2) % 64; y = int((NR - 2) / 64); x -= x < 32 ? 0 : 8; if (!((y, x) in v) || $1 < v[y, x]) v[y, x] = $1 }
    END { for (y = 0; y < 40; y++) for (x = 0; x < 56; x++) print v[y, x] }' >near.pgm
segments 0 "digits side by side without a gap" near.pgm --format json
same "are two" 47 "$(jq -r 'select(.place == 1).number' stdout)"

# --- what is no picture of digits
{ echo "P2 200 100 255"; awk 'BEGIN { for (i = 0; i < 20000; i++) print 255 }'; } >white.pgm
segments 0 "white paper" white.pgm
same "no answer" "" "$(cat stdout)"
check "and a warning" grep -q 'white.pgm: no digits are found' stderr
segments 3 "white paper, --fail-unsure" white.pgm --fail-unsure
awk 'BEGIN { srand(1); print "P2 700 700 255"; for (i = 0; i < 490000; i++) print rand() < 0.2 ? 0 : 255 }' >dust.pgm
status=0
"$LOCKSTEP" predict first --segment dust.pgm sheet.pgm >stdout 2>stderr || status=$?
check "a hundred thousand specks end" [ $status -le 1 ]
same "and the next picture is answered" 10 "$(grep -c '^sheet.pgm *line [12], digit' stdout)"
segments 1 "an IDX file" "$images"
check "is refused" grep -q "has images of one digit each: --segment is for pictures of several" stderr

# --- a network of other images gets the boxes as they are
segments 0 "--preprocess none" sheet.pgm --format json --preprocess none --invert
same "fits the boxes" '"fit"' "$(jq .preprocess stdout | sort -u)"

# --- sorted: each digit as the network saw it
segments 0 "--sort" sheet.pgm --format json --sort sorted
same "as many pictures as digits" "$(wc -l <stdout)" "$(find sorted -name 'sheet-*.png' | wc -l)"
"$LOCKSTEP" predict first "$(find sorted -name 'sheet-1-1.png')" --show --format json >again 2>/dev/null
same "an image that is prepared already" "$(head -n 1 stdout | jq -c .probabilities)" "$(jq -c .probabilities again)"

# --- usage
cp sheet.pgm photo.png
ln -s photo.png link.png
for arguments in "sheet.pgm --show-to" "sheet.pgm sheet.pgm --segment --show-to a.png" "sheet.pgm --show-to a.png" \
    "sheet.pgm --segment --show-to sheet.pgm" "photo.png --segment --show-to ./photo.png" "photo.png --segment --show-to link.png"; do
    # shellcheck disable=SC2086 # words
    status=0 && "$LOCKSTEP" predict first $arguments >stdout 2>stderr || status=$?
    same "predict $arguments: status" 2 $status
done
check "the pictures are as they were" cmp photo.png sheet.pgm
segments 1 "--show-to a folder that is not there" sheet.pgm --show-to nowhere/a.png
check "is told" grep -q 'error: .*nowhere' stderr
finish
