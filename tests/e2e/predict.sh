#!/usr/bin/env bash
# lockstep predict: pictures get the answers that eval counts, whatever their format, the batch and the threads; averages
# over networks and places; what cannot be read is named and the rest answered.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5dump
cd "$work"
unpack_golden golden
images=$work/golden/t10k-images-idx3-ubyte
tail -c +9 golden/t10k-labels-idx1-ubyte | od -An -v -tu1 -w1 | tr -d ' ' >labels
count=$(wc -l <labels)

# everything but the names of the files
answers() { jq -c 'del(.file, .index)' "$1"; }
# near FILE FILE: the same probabilities, up to what nine digits round off
near() {
    jq -n -e --slurpfile a "$1" --slurpfile b "$2" '($a | length) == ($b | length) and ($a | length) > 0 and
        all(range($a | length); . as $i | all(range(10); ($a[$i][.] - $b[$i][.]) | fabs < 1e-7))' >/dev/null
}

trained first 1
trained second 1 --set seed=12
first=first/checkpoints/last.h5

# --- all images of the test set: what eval counts, and the run recorded
predicts 0 "an IDX file" $first "$images" --format json
cp stdout all.json
same "an answer an image" "$count" "$(wc -l <all.json)"
same "in order" "$(seq 0 $((count - 1)))" "$(jq .index all.json)"
same "taken as they are" '"none"' "$(jq .preprocess all.json | sort -u)"
jq -c .probabilities all.json >all
h5dump -d /test/probabilities -m %.9g -y -w 1 -o numbers first/history.h5 >/dev/null
tr ',\n' '  ' <numbers | jq -n -c '[inputs] | range(0; length; 10) as $i | .[$i:$i + 10]' >recorded
check "probabilities are those in history.h5" near all recorded
check "the answer is the likeliest class" jq -s 'all(.[]; . as $a | .probability == (.probabilities | max) and
    .probabilities[.class] == .probability and (.top | length) == 3 and .top[0].class == .class and
    ([.top[].probability] == (.probabilities | sort | reverse | .[:3]))) | if . then empty else error("not so") end' all.json
confusion() { # confusion ANSWERS: as eval prints it
    jq .class "$1" | paste labels - | awk '{ n[$1, $2]++ } END {
        for (i = 0; i < 10; i++) { line = i; for (k = 0; k < 10; k++) line = line " " n[i, k] + 0; print line } }'
}
printed() { sed -n '/confusion matrix/,$p' "$1" | tail -n +3 | awk '{ $1 = $1; print }'; }
"$LOCKSTEP" eval $first --data golden >eval.log
same "answers are those that eval counts" "$(printed eval.log)" "$(confusion all.json)"
predicts 0 "a .gz file" $first "$golden/t10k-images-idx3-ubyte.gz" --format json
check "gives the same" cmp <(answers stdout) <(answers all.json)
predicts 0 "a run folder" first "$images" --format json
check "stands for its last checkpoint" cmp stdout all.json
for settings in "--threads 1" "--threads 2 --set eval.batch=7" "--threads 3 --set eval.batch=1"; do
    # shellcheck disable=SC2086 # words
    predicts 0 "$settings" $first "$images" --format json $settings
    check "$settings change nothing" cmp stdout all.json
done

# --- pictures: the same answers, in the order of their names
mkdir pgm
tail -c +17 "$images" | od -An -v -tu1 -w784 | awk '{ name = sprintf("pgm/%04d.pgm", NR - 1)
    print "P2 28 28 255\n" $0 >name; close(name) }'
predicts 0 "PGM" $first pgm/*.pgm --format json
check "PGM files give the same answers" cmp <(answers stdout) <(answers all.json)
same "names are told" "$(printf '%s\n' pgm/*.pgm)" "$(jq -r .file stdout)"
printf '%s\n' pgm/*.pgm >names
predicts 0 "names in a file" $first --files-from names --format json
check "give the same" cmp <(answers stdout) <(answers all.json)
"$LOCKSTEP" predict $first pgm/0000.pgm --files-from - --format json < <(tail -n +2 names | sed '3s/^/\n/') >stdout
check "so do names from standard input, with an empty line" cmp <(answers stdout) <(answers all.json)

magick=$(command -v convert || command -v magick || true)
if [ -n "$magick" ] && "$magick" --version | grep -q ImageMagick; then
    tail -c +17 "$images" >raw
    for format in png:gray/%04d.png png64:rgba16/%04d.png png8:palette/%04d.png ppm:ppm/%04d.ppm; do
        folder=${format#*:} folder=${folder%/*}
        mkdir "$folder"
        "$magick" -size 28x28 -depth 8 gray:raw "$format"
        same "$folder: all are written" "$count" "$(find "$folder" -type f | wc -l)"
        predicts 0 "$folder" $first "$folder"/* --format json
        check "$folder files of ImageMagick's give the same answers" cmp <(answers stdout) <(answers all.json)
    done
    # Drawn elsewhere on white paper, twice as large: what the network sees is nearly the image.
    mkdir paper
    "$magick" -size 28x28 -depth 8 gray:raw -filter box -resize 200% -negate -background white -gravity southeast \
        -extent 91x77 paper/%04d.png
    predicts 0 "paper" $first paper/*.png --format json --show
    same "pictures of other sizes are centred" '"mnist"' "$(jq .preprocess stdout | sort -u)"
    cp stdout paper.json
    predicts 0 "pixels" $first "$images" --format json --show
    same "pixels differ by what brightening to 255 does, in nine of ten images" 1 "$(jq -n --slurpfile a paper.json --slurpfile b stdout \
        '[range($a | length) | select([$a[.].pixels, $b[.].pixels] | transpose | all(.[0] - .[1] | fabs <= 1))] |
        length * 10 >= ($a | length * 9) | if . then 1 else 0 end')"
    same "answers are the same in 49 of 50" 0 "$(jq .class paper.json | paste - <(jq .class all.json) |
        awk '$1 != $2 { n++ } END { print (50 * n > NR) }')"
else
    echo "ImageMagick is not installed: no PNG files of another program's"
fi

# --- output
sevens='data.class_names=[zero, "on,e", "t\"wo", three, four, five, six, seven, eight, neun-ü]'
predicts 0 "names of classes" $first pgm/000[0-4].pgm --set "$sevens" --format json --top 1
same "one class each, by name" "$(head -5 all.json | jq .class)" "$(jq -r '.top | length as $n | .[0] |
    ["zero", "on,e", "t\"wo", "three", "four", "five", "six", "seven", "eight", "neun-ü"] as $all |
    .name as $name | $all | index($name) | tostring + if $n == 1 then "" else " and more" end' stdout)"
predicts 0 "csv" $first pgm/000[0-4].pgm --set "$sevens" --format csv --top 2
same "a heading" file,index,preprocess,class,name,probability,class2,name2,probability2,unsure,confidence "$(head -1 stdout)"
check "quotes where they are needed" grep -q '^pgm/0001.pgm,,none,2,"t""wo",0\.' stdout
check "a comma in a name" grep -q ',1,"on,e",' stdout
same "lines" 6 "$(wc -l <stdout)"
predicts 0 "text" $first pgm/000[0-4].pgm --set "$sevens" --top 256
same "a line an image, names and all classes" 5 "$(grep -cE '^pgm/000[0-4].pgm ( +(zero|on,e|t"wo|three|four|five|six|seven|eight|neun-ü) +[0-9.]+ %){10}(  unsure: low confidence)?$' stdout)"
predicts 0 "--show" $first pgm/0000.pgm --show
same "28 rows of 28 pixels" 28 "$(grep -cE '^  \|[ .+#-]{56}\|$' stdout)"
LC_ALL=C.UTF-8 predicts 0 "--show in UTF-8" $first pgm/0000.pgm --show
check "with blocks" grep -q '████' stdout

# --- several networks
for run in first second; do
    predicts 0 $run $run "$images" --format json
    jq -c .probabilities stdout >$run.p
done
predicts 0 "two networks" first --with second "$images" --format json
cp stdout both.json
jq -n -c --slurpfile a first.p --slurpfile b second.p 'range($a | length) as $i | [range(10) | ($a[$i][.] + $b[$i][.]) / 2]' >mean
check "two networks answer with the mean" near <(jq -c .probabilities both.json) mean
check "which is neither's" eval '! cmp -s first.p second.p'
same "the likeliest of the mean" "$(jq 'index(max)' mean)" "$(jq .class both.json)"
for ranks in 1 3; do
    launch $ranks eval first second --data golden >eval$ranks.log 2>&1
    same "eval of two on $ranks ranks counts the same" "$(confusion both.json)" "$(printed eval$ranks.log)"
done
check "the loss is that of the mean" awk -v said="$(grep -oE 'loss [0-9.]+' eval1.log)" -v wanted="$(paste labels mean |
    tr -d '[]' | tr ',' '\t' | awk '{ sum -= log($($1 + 2)) } END { print sum / NR }')" \
    'BEGIN { sub("loss ", "", said); exit !(said - wanted < 2e-5 && wanted - said < 2e-5) }'
check "eval names both" [ "$(grep -c '^\(first\|second\)/checkpoints/last.h5: network odd' eval1.log)" -eq 2 ]
check "one network is said as before" grep -q '^test: accuracy' eval.log
check "the mean of two" grep -q '^test, mean of 2 networks: accuracy' eval1.log

# --- moved images: the mean over nine pictures moved by hand
mkdir moved
head -c $((16 + 784 * 12)) "$images" | tail -c +17 | od -An -v -tu1 -w784 | awk '{
    for (dy = -1; dy <= 1; dy++) for (dx = -1; dx <= 1; dx++) {
        name = sprintf("moved/%04d-%d%d.pgm", NR - 1, dy + 1, dx + 1); print "P2 28 28 255" >name
        for (y = 0; y < 28; y++) for (x = 0; x < 28; x++) {
            inside = y - dy >= 0 && y - dy < 28 && x - dx >= 0 && x - dx < 28
            print(inside ? $((y - dy) * 28 + x - dx + 1) : 0) >name }
        close(name) } }'
predicts 0 "moved by hand" first moved/* --format json
jq -s -c '[.[].probabilities] | range(0; length; 9) as $i | .[$i:$i + 9] | transpose | map(add / 9)' stdout >nine
predicts 0 "--shifts" first pgm/000[0-9].pgm pgm/001[01].pgm --shifts 1 --format json
check "--shifts 1 is their mean" near nine <(jq -c .probabilities stdout)
predicts 0 "--shifts on all" first --with second "$images" --shifts 2 --format json --threads 2 --set eval.batch=33
launch 2 eval first second --data golden --shifts 2 >moved.log 2>&1
same "eval counts what predict answers" "$(confusion stdout)" "$(printed moved.log)"
check "and says how many" grep -q '^test, mean of 2 networks and 25 shifts: accuracy' moved.log

# --- networks that do not belong together
trained turned 1 --set data.transpose=true --set train.max_steps=2
for command in "eval --data golden" "predict pgm/0000.pgm --with"; do
    status=0
    # shellcheck disable=SC2086 # words
    "$LOCKSTEP" ${command%% *} first ${command#* } turned >stdout 2>stderr </dev/null || status=$?
    same "${command%% *}: other data: status" 1 $status
    check "${command%% *}: other data: both are named" grep -qE 'error: first/.* and turned/.* different data' stderr
done

# --- transposed data: an IDX file is turned as in training, a picture is not
predicts 0 "an IDX file that lies on its side" turned "$images" --format json --show
same "the first image is upright" "$(head -c 800 "$images" | tail -c 784 | od -An -v -tu1 -w784 | awk '{ out = ""
    for (y = 0; y < 28; y++) for (x = 0; x < 28; x++) out = out (out == "" ? "" : ",") $(x * 28 + y + 1); print "[" out "]" }')" \
    "$(head -1 stdout | jq -c .pixels)"

# --- the best checkpoint where the run reports that
trained best 1 --set data.validation=0.2 --set eval.test_weights=best --set train.optimizer.lr=0.1 --set train.epochs=4
predicts 0 "best" best "$images" --format json
cp stdout best.json
predicts 0 "best.h5" best/checkpoints/best.h5 "$images" --format json
check "a run folder stands for its best checkpoint" cmp stdout best.json
predicts 0 "last.h5" best/checkpoints/last.h5 "$images" --format json
check "which is not its last" eval '! cmp -s stdout best.json'

# --- a network for small colour pictures
mkdir -p colours/{green,red}
for i in 1 2 3 4 5; do
    awk -v i=$i 'BEGIN { print "P3 4 3 255"; for (k = 0; k < 12; k++) print 200 + k + i, k, i }' >colours/red/$i.ppm
    awk -v i=$i 'BEGIN { print "P3 4 3 255"; for (k = 0; k < 12; k++) print k, 200 + k + i, i }' >colours/green/$i.ppm
done
"$LOCKSTEP" pack colours colours-packed --channels 3 >/dev/null
cat >colours.yaml <<'YAML'
data: {dir: colours-packed, class_names: [green, red]}
model: [flatten, dense: 2]
train: {epochs: 60, global_batch: 8, chunk: 4, optimizer: {name: adam, lr: 0.05}}
YAML
"$LOCKSTEP" train colours.yaml --out colours-run --progress never >train.log 2>&1 || show train.log
predicts 0 "colours" colours-run colours/red/1.ppm colours/green/3.ppm --format csv --top 1
same "are told apart" "none,1,red none,0,green" "$(tail -n +2 stdout | cut -d , -f 3-5 | xargs)"
printf 'P3 1 2 255\n10 250 20 30 240 40\n' >tall.ppm
predicts 0 "another size" colours-run tall.ppm --format json --show
same "is fitted: black beside it" '["fit","green",[0,0,0,8,250,18,12,250,22,0,0,0]]' \
    "$(jq -c '[.preprocess, .name, .pixels[:12]]' stdout | sed 's/\[0,0,0,[0-9,]*,0,0,0\]/[0,0,0,8,250,18,12,250,22,0,0,0]/')"
same "two columns of it" 2 "$(jq '[.pixels[:12] | range(0; 12; 3) as $i | .[$i:$i + 3] | select(add > 0)] | length' stdout)"
predicts 0 "white behind it" colours-run tall.ppm --format json --show --preprocess none --background 255
same "white beside it" "[255,255,255]" "$(jq -c '.pixels[:3]' stdout)"
predicts 0 "inverted" colours-run colours/red/1.ppm --format json --show --preprocess none --invert
same "inverted values" "[54,255,254]" "$(jq -c '.pixels[:3]' stdout)"
predicts 0 "as the configuration says" colours-run colours/red/1.ppm tall.ppm --format json --show \
    --set 'data.pictures={preprocess: none, invert: true, background: 255}'
same "inverted values again, white beside it" "[54,255,254] [0,0,0]" "$(jq -c '.pixels[:3]' stdout | xargs)"
predicts 0 "the command line" colours-run colours/red/1.ppm --format json --show --preprocess none \
    --set 'data.pictures={preprocess: none, invert: true, background: 255}'
same "comes before the configuration" "none [201,0,1]" "$(jq -r '"\(.preprocess) \(.pixels[:3])"' stdout)"
"$LOCKSTEP" train colours.yaml --set train.max_steps=1 --set data.pictures.preprocess=none --set data.pictures.invert=true \
    --out inverts --progress never >train.log 2>&1 || show train.log
predicts 0 "what a run was trained with" inverts colours/red/1.ppm --format json --show
same "stays with its network" "fit [54,255,254]" "$(jq -r '"\(.preprocess) \(.pixels[:3])"' stdout)"
predicts 0 "an image of a data set" inverts colours-packed/train-images-idx3-ubyte --format json --show
same "was prepared already" "none" "$(jq -r .preprocess stdout | sort -u)"
predicts 2 "centring it" colours-run tall.ppm --preprocess mnist
check "is not possible" grep -q 'error: --preprocess mnist makes images of 28 x 28 x 1, the network of colours-run' stderr
predicts 1 "two sizes" first --with colours-run pgm/0000.pgm
check "both are named" grep -qE 'error: first/.* 10 classes of 28 x 28 x 1 .*colours-run/.* 2 classes of 3 x 4 x 3' stderr

# --- what cannot be read: one line each, the others answered
mkdir bad bad/folder.png
{ printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\x4e\x20\x08\0\0\0\0\xc6\x1b\x19\xe5\0\x06\x1a\x80IDAT' && head -c 400000 /dev/zero; } >bad/huge.png
base64 -d >bad/one.png <<'TEXT'
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==
TEXT
head -c 60 bad/one.png >bad/cut.png
echo "no picture" >bad/text.png
: >bad/empty.png
ln -s nowhere bad/link.png
mkfifo bad/pipe.png
head -c 5000 "$images" >bad/cut-idx
head -c 9000 "$golden/t10k-images-idx3-ubyte.gz" >bad/cut.gz
predicts 1 "bad files" first pgm/0000.pgm bad/{cut,text,empty,huge}.png bad/folder.png pgm/0001.pgm bad/{link,pipe}.png \
    bad/nowhere.png bad/cut-idx bad/cut.gz $first golden/t10k-labels-idx1-ubyte bad/one.png pgm/0002.pgm --format json
same "the good ones are answered in order" "pgm/0000.pgm pgm/0001.pgm bad/one.png pgm/0002.pgm" "$(jq -r .file stdout | xargs)"
check "as they are without" cmp <(grep pgm/ stdout | answers /dev/stdin) <(head -3 all.json | answers /dev/stdin)
same "a line each" 14 "$(wc -l <stderr)"
said() { check "$1: $2" grep -qE "^lockstep: (error|warning): $1: $2" stderr; }
said bad/cut.png truncated
said bad/text.png 'is a text file, not a picture'
said bad/empty.png 'is empty'
said bad/huge.png 'the header says 20000 rows x 20000 columns; at most'
said bad/folder.png 'is a folder; name the files'
said bad/link.png 'no such file'
said bad/pipe.png 'is a device or pipe'
said bad/nowhere.png 'no such file'
said bad/cut-idx truncated
said bad/cut.gz 'truncated|.*cut'
said $first 'is a checkpoint, not a picture'
said golden/t10k-labels-idx1-ubyte 'has 1 dimension'
said bad/one.png 'it is blank'
same "a blank one is marked, and others are not" '[false,false,true,false]' "$(jq -s -c 'map(.unsure | index("blank") != null)' stdout)"
same "with that reason alone" '["blank"]' "$(jq -c 'select(.file == "bad/one.png").unsure' stdout)"
# not with a sanitizer, which reserves terabytes
if { (ulimit -v 1000000 && "$LOCKSTEP" --version); } >/dev/null 2>&1; then
    status=0
    (ulimit -v 1000000 && exec "$LOCKSTEP" predict first bad/huge.png pgm/0000.pgm --threads 1) >stdout 2>stderr || status=$?
    same "a huge picture in little memory: status" 1 $status
    same "and the next is answered" 1 "$(grep -c '^pgm/0000.pgm' stdout)"
fi
status=0
"$LOCKSTEP" predict first pgm/0000.pgm >/dev/full 2>stderr || status=$?
same "a full disk behind stdout" 1 $status

# --- threads share the decoding: answers, warnings and errors come in the order of the names as from one thread
for threads in 1 4; do
    status=0
    "$LOCKSTEP" predict first pgm/00[0-3]*.pgm bad/one.png bad/cut-idx pgm/004*.pgm "$images" bad/one.png bad/nowhere.png \
        pgm/005*.pgm --verbose --threads $threads >"threads.$threads" 2>&1 || status=$?
    same "$threads threads: status" 1 $status
done
check "one thread and four say the same" cmp threads.1 threads.4
same "what is said between the answers" 4 "$(grep -cE '(warning|error): bad/(one|cut-idx|nowhere)' threads.4)"

# --- usage
for arguments in "" first "first pgm/0000.pgm --top 0" "first pgm/0000.pgm --shifts 9" "first pgm/0000.pgm --format xml" \
    "first pgm/0000.pgm --preprocess photo" "first pgm/0000.pgm --invert" "first pgm/0000.pgm --background 3" \
    "first pgm/0000.pgm --show --format csv" "first pgm/0000.pgm --with" "first pgm/0000.pgm --set data.class_names=[a]"; do
    # shellcheck disable=SC2086 # words
    predicts 2 "predict $arguments" $arguments
    same "predict $arguments: one message" 1 "$(grep -c '^lockstep: error: .' stderr)"
    same "predict $arguments: no answer" "" "$(cat stdout)"
done
predicts 1 "a picture for a checkpoint" pgm/0000.pgm pgm/0001.pgm
check "is named" grep -q 'error: pgm/0000.pgm: is a PBM, PGM or PPM picture, not a checkpoint' stderr
predicts 1 "a folder that is no run's" golden pgm/0001.pgm
check "is named too" grep -q 'error: golden: a folder without checkpoints/last.h5' stderr
predicts 1 "no file of names" first --files-from nowhere
check "is told" grep -q 'error: cannot read nowhere' stderr

# --- under a launcher one process answers
"$MPIEXEC" -n 2 "$LOCKSTEP" predict first pgm/0000.pgm >stdout 2>stderr
same "two processes: one answer" 1 "$(grep -c '^pgm/0000.pgm' stdout)"
finish
