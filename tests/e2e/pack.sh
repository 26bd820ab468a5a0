#!/usr/bin/env bash
# Folders of pictures become data sets: the bytes, the commands that pack prints, and what it refuses.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$work"

files=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
unpack_golden "$work/golden"

# write_pictures SET DIR COUNT [reversed]: the first images of t10k or train as DIR/LABEL/NUMBER.pgm
write_pictures() {
    local set=$1 dir=$2 order=()
    [ "${4-}" != reversed ] || order=(-r)
    rm -rf pieces
    mkdir -p pieces "$dir"/{0..9}
    head -c $((16 + $3 * 784)) "golden/$set-images-idx3-ubyte" | tail -c +17 >pixels
    split -b 784 -d -a 4 pixels pieces/
    head -c $((8 + $3)) "golden/$set-labels-idx1-ubyte" | tail -c +9 | od -An -v -tu1 -w1 |
        awk '{ printf "%04d %d\n", NR - 1, $1 }' >labels
    od -An -v -tu1 -w784 pixels | paste -d ' ' labels - | sort "${order[@]}" | awk -v dir="$dir" '{
        name = dir "/" $2 "/" $1 ".pgm"
        $1 = $2 = ""
        print "P2 28 28 255\n" $0 >name
        close(name) }'
}

# packs STATUS WHAT ARGUMENT...: output in $work/stdout and $work/stderr
packs() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$LOCKSTEP" pack "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show stderr
}

# --- the same bytes as MNIST's, class by class
write_pictures t10k digits 500
packs 0 "all for training" digits all --test 0
"$LOCKSTEP" info all >info.log 2>&1 || true
check "info describes it" grep -qx 'all: no test set' info.log
check "info counts its labels" grep -q '^all/train-labels-idx1-ubyte: 500 labels' info.log
same "no test set is written" "pictures.yaml ${files[0]} ${files[0]}.digest ${files[1]}" "$(cd all && echo *)"
{
    head -c 16 "golden/${files[2]}"
    for digit in {0..9}; do
        awk -v d="$digit" '$2 == d { print "pieces/" $1 }' labels | xargs -d '\n' cat
    done
} >wanted
check "the images are MNIST's bytes" cmp wanted "all/${files[0]}"
{
    head -c 8 "golden/${files[3]}"
    sort -k 2,2n -s labels | awk '{ printf "%c", $2 + 1 }' | tr '\001-\012' '\000-\011'
} >wanted
check "the labels are MNIST's bytes" cmp wanted "all/${files[1]}"

packs 0 "a part held out" digits first
write_pictures t10k copy 500 reversed
packs 0 "a copy made in another order" ./copy/ second
for file in "${files[@]}"; do
    check "$file is the same from a copy" cmp "first/$file" "second/$file"
done
packs 0 "another seed" digits third --seed 2
check "the seed decides who tests" eval '! cmp -s "first/${files[2]}" "third/${files[2]}"'
same "a fifth of each class tests, rounded" "8 13 11 9 11 10 9 10 8 11 100" \
    "$(awk '$1 ~ /^[0-9]+$/ || $1 == "total" { print $3 }' stdout | xargs)"

# --- two sets
mkdir both
write_pictures t10k both/test 500
write_pictures train both/train 600
packs 0 "train and test" both both-packed
packs 0 "train alone" both/train train-packed --test 0
check "train is packed as it would be alone" cmp "both-packed/${files[0]}" "train-packed/${files[0]}"
check "test is packed as it would be alone" cmp "both-packed/${files[2]}" "all/${files[0]}"
check "so are its labels" cmp "both-packed/${files[3]}" "all/${files[1]}"
packs 2 "train and test, and a share" both nothing --test 0.1
mkdir both/test/eleven
cp digits/1/*.pgm both/test/eleven
packs 1 "a class in test alone" both nothing
check "it is named" grep -q 'error: both/test/eleven: train has no folder of this class' stderr

# --- the printed commands, as they stand: three classes with odd names, in a folder with one
mkdir words
cp -r digits/1 "words/it's one"
cp -r digits/2 'words/"zwei", ü'
cp -r digits/3 words/3
printf 'P2 2 4 9\n# a bar\n9 9 9 9 9 9 9 9\n' >"words/3/bar.pgm"
base64 -d >words/3/palette.png <<'TEXT'
iVBORw0KGgoAAAANSUhEUgAAAAQAAAAEAgMAAAGjmEZ7AAAADFBMVEUAAABaWlq0tLT///9nZKXhAAAAAXRSTlMAQObYZgAAABRJ
REFUCJljYGBoYFBgKADCJwxPAA9+A0lM+/SRAAAAAElFTkSuQmCC
TEXT
echo >words/3/notes.txt
packs 0 "odd names" words "my words" --size 28
check "other files are told" grep -q 'warning: left out: .txt files (1, the first is words/3/notes.txt)' stderr
commands=$(sed -n '/^To train/,/^$/p' stdout | sed '1d;/^$/d')
question=$(sed -n '/^To ask/,$p' stdout | tail -n +2)
same "three commands" 3 "$(wc -l <<<"$commands")"
lockstep() { "$LOCKSTEP" "$@"; }
mpirun() { # mpirun -n 2 lockstep train ...: only a few steps
    launch "$2" "${@:4}" --progress never --set train.max_steps=8
}
status=0
eval "set -e; $commands" >commands.log 2>&1 </dev/null || status=$?
same "the commands run" 0 $status
$ok || show commands.log
status=0
eval "${question/photo.png/words/3/bar.pgm}" >answer.log 2>&1 || status=$?
check "and predict's runs" [ $status -eq 0 ]
check "on a picture" grep -q '^words/3/bar.pgm  ' answer.log
check "eval names the classes" grep -qE '^ +0 "zwei", ü ' commands.log
check "in bytes' order" grep -qE "^ +2 it's one " commands.log

# --- pictures that the shipped network cannot take
mkdir -p tiny/{a,b}
for class in a b; do
    for i in 1 2 3 4 5; do printf 'P2 4 4 9\n9 9 9 9 9 9 9 9 0 0 0 0 1 1 1 1\n' >tiny/$class/$i.pgm; done
done
packs 0 "tiny pictures" tiny tiny-packed
check "no command that would fail is printed" eval '! grep -q "lockstep train" stdout'
check "but why" grep -q 'mnist-convnet cannot take them: .*kernel' stdout
packs 0 "quietly" tiny tiny-packed --force --quiet
same "--quiet says nothing" "" "$(cat stdout)"

# --- killed at any moment: all files or none, and no temporaries. How far it comes is the machine's affair.
check_whole() { # check_whole WHAT
    same "$1: no temporaries" "" "$(find killed -name '.tmp-*' 2>/dev/null)"
    check "$1: all files or none" grep -qxE '0|7' <<<"$(find killed -type f 2>/dev/null | wc -l)"
}
signal=INT
for delay in 0.005 0.01 0.015 0.02 0.025 0.03 0.035 0.04 0.05 0.06; do
    rm -rf killed
    # bash lets its background processes ignore SIGINT
    env --default-signal=INT "$LOCKSTEP" pack digits killed >/dev/null 2>&1 &
    sleep $delay
    kill -s $signal $! 2>/dev/null || true
    wait $! || true
    check_whole "SIG$signal after $delay s"
    if [ $signal = INT ]; then signal=TERM; else signal=INT; fi
done

# --- dark on light
packs 0 "inverted" digits inverted --test 0 --invert
check "inverted bytes are 255 minus the others" cmp \
    <(head -c 8016 "inverted/${files[0]}" | tail -c +17 | od -An -v -tu1 -w1 | awk '{ print 255 - $1 }') \
    <(head -c 8016 "all/${files[0]}" | tail -c +17 | od -An -v -tu1 -w1 | awk '{ print $1 + 0 }')

beside() { # beside WANTED ARGUMENT...: the byte left of a picture that is narrower than its image
    local wanted=$1
    shift
    packs 0 "wide, $*" digits wide --test 0 --size 28x40 --force "$@"
    same "beside a picture, $*" "$wanted" "$(od -An -tu1 -j 16 -N 1 "wide/${files[0]}" | tr -d ' ')"
}
beside 0
beside 0 --invert
beside 7 --background 7
beside 248 --invert --background 7

# --- refused, with nothing written
refused() { # refused STATUS WHAT PATTERN ARGUMENT...
    local wanted=$1 what=$2 pattern=$3
    shift 3
    packs "$wanted" "$what" "$@"
    same "$what: one message" 1 "$(grep -c 'lockstep: error: .' stderr || true)"
    check "$what: says $pattern" grep -qE -e "$pattern" stderr
    same "$what: nothing on stdout" "" "$(cat stdout)"
    check "$what: nothing is written" [ ! -e nothing ]
}
before=$(sha256sum first/*)
refused 2 "a data set that is there" 'first/pictures.yaml: is there already; --force' digits first
refused 1 "a bad set over one that is there" 'nowhere: cannot be listed' nowhere first --force
same "it stays as it was" "$before" "$(sha256sum first/*)"
status=0
(ulimit -f 100 && exec "$LOCKSTEP" pack digits first --force) >stdout 2>stderr || status=$?
same "files that grow too large: status" 1 $status
check "files that grow too large: the cause" grep -q 'error: cannot write first/train-images.*ulimit -f' stderr
same "all stays as it was" "$before" "$(sha256sum first/*)"
same "no temporaries stay" "" "$(find first -name '.*' -type f)"
packs 0 "--force" digits first --force --test 0
same "no old test set stays" "pictures.yaml ${files[0]} ${files[0]}.digest ${files[1]}" "$(cd first && echo *)"
refused 2 "one folder" 'two folders are needed' digits
refused 2 "three folders" 'too many' digits nothing more
refused 2 "a file as OUT" 'labels: is no folder' digits labels
for option in --size=0 --size=28x --size=x28 --size=28x28x1 --size=70000 --channels=2 --background=256 \
    --background=-1 --test=1 --test=-0.1 --test=nan --test=0x1p-2 --seed=one; do
    refused 2 "$option" "error: ${option%%=*}" digits nothing "$option"
done
refused 2 "a share of no picture" 'holds out none; give a larger --test' digits nothing --test 0.0001
printf 'P3 1 1 255 9 9 8' >digits/4/colour.ppm
refused 2 "one coloured picture" 'digits/4/colour.ppm has colours; give --channels 1' digits nothing --size 28
packs 0 "--channels 3" digits colour --size 28 --channels 3
"$LOCKSTEP" info colour >described
check "three channels" grep -q 'images of 28 x 28 x 3' described
"$LOCKSTEP" info --digest colour >described
same "its digests are those of what training reads" 2 "$(grep -c 'images of 28 x 28 x 3, digest .*, was there' described)"
refused 2 "one of another size" 'digits/0/[0-9]*.pgm is 28 x 28 .*digits/4/colour.ppm is 1 x 1; give --size' \
    digits nothing --channels 1
rm digits/4/colour.ppm
cp pieces/0000 digits/7/bad.pgm
refused 1 "no picture" 'digits/7/bad.pgm: is .*, not a picture that can be read' digits nothing
printf 'P5 28 28 255\n1234' >digits/7/bad.pgm
refused 1 "a truncated picture" 'digits/7/bad.pgm: truncated.*; --skip-bad leaves such pictures out' digits nothing
ln -s nowhere digits/8/link.png
refused 1 "the first of two bad ones" 'digits/7/bad.pgm: truncated' digits nothing
packs 0 "--skip-bad" digits skipped --test 0 --skip-bad
same "a warning each and a count" 3 "$(grep -c 'lockstep: warning: .*left out' stderr)"
check "the rest is packed" cmp "skipped/${files[0]}" "all/${files[0]}"
rm digits/9/*
printf 'P5' >digits/9/bad.pgm
refused 1 "a class of bad pictures" 'no picture of class 9 could be read' digits nothing --skip-bad

# --- under a launcher one process does it
status=0
"$MPIEXEC" -n 2 "$LOCKSTEP" pack both/train launched --test 0 >stdout 2>stderr || status=$?
same "two processes: status" 0 $status
same "two processes: one report" 1 "$(grep -c '^total' stdout)"
check "two processes: the same bytes" cmp "launched/${files[0]}" "train-packed/${files[0]}"
finish
