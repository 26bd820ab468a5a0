#!/usr/bin/env bash
# Sets that are not what they seem: each is told in one line, on any number of ranks, and a sound one in none. Sets by
# other names and in other folders. `lockstep info` of all kinds of data.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

train='train-images-idx3-ubyte'
test='t10k-images-idx3-ubyte'
unpack_golden "$work/good"
cd "$work"

# fresh NAME: a copy of the golden set, in which the caller changes something
fresh() {
    rm -rf "$1"
    cp -r good "$1"
}

# pixels FILE FROM TO: the bytes after the header, by tr
pixels() {
    { head -c 16 "$1" && tail -c +17 "$1" | LC_ALL=C tr "$2" "$3"; } >changed
    mv changed "$1"
}
labels() { # labels FILE FROM TO
    { head -c 8 "$1" && tail -c +9 "$1" | tr "$2" "$3"; } >changed
    mv changed "$1"
}

# copy_images FROM I N TO J: N images of one file over those of another
copy_images() {
    dd if="$1" of="$4" bs=16 iseek=$((1 + $2 * 49)) oseek=$((1 + $5 * 49)) count=$(($3 * 49)) conv=notrunc status=none
}

# dry NAME RANKS STATUS ARGUMENT...: how training on set NAME starts
dry() {
    local name=$1 ranks=$2 status=0
    launch "$ranks" train "$config" --dry-run --set "data.dir=$name" --threads 1 "${@:4}" >out 2>all </dev/null || status=$?
    grep -vE 'too few for most networks|share [0-9]+ cores?' all >err || true # of the run, not of the set
    same "$name on $ranks ranks: exit status" "$3" $status
    $ok || show err
}

# warns NAME PATTERN ARGUMENT...: in one line, and nothing else is said
warns() {
    dry "$1" 1 0 "${@:3}"
    same "$1: one warning" 1 "$(grep -c '^lockstep: warning' err)"
    check "$1: it says $2" grep -qE -e "warning: .*$2" err
    $ok || show err
}
fails() { # fails NAME PATTERN ARGUMENT...
    dry "$1" 1 1 "${@:3}"
    same "$1: one message" 1 "$(grep -c '^lockstep: error: .' err)"
    check "$1: it says $2" grep -qE -e "error: .*$2" err
    $ok || show err
}

dry good 3 0
same "a sound set: nothing is said" "" "$(grep -E '^note|^found' out || true)$(cat err)"

# --- pixels
fresh scaled
for file in $train $test; do pixels "scaled/$file" '\001-\377' '\001'; done
warns scaled 'the largest pixel is 1, .* multiply them by 255 .*data.normalize: computed'
dry scaled 1 0 --set data.normalize=computed
same "normalised: no warning" "" "$(cat err)"
check "but a note" grep -q '^note  .*largest pixel is 1' out
fresh black
pixels black/$train '\000-\377' '\000'
fails black 'every pixel of all 2000 training images is 0, .*--background 255'
fresh blank
head -c $((784 * 30)) /dev/zero | dd of=blank/$train bs=16 oseek=$((1 + 49 * 100)) conv=notrunc status=none
warns blank '30 of 2000 training images are of one colour, the first is image 100:'
fresh inverted
backwards=
for ((i = 255; i >= 0; i--)); do backwards+=$(printf '\\%03o' "$i"); done
pixels inverted/$test '\000-\377' "$backwards"
warns inverted 'mean pixel is 33 in the training images, but 224 in the test images.*--invert'

# --- labels
fresh higher
for file in train t10k; do labels higher/$file-labels-idx1-ubyte '\000-\011' '\001-\012'; done
dry higher 1 2 --set data.classes=0
check "labels from 1: the warning comes before the error" grep -q 'warning: training labels are 1 to 10, .*data.label_offset: 1 ' err
dry higher 1 1
check "with 10 classes the error names the key" grep -q 'error: .*label 10 .*no label is 0: data.label_offset: 1 ' err
dry higher 1 0 --set data.label_offset=1
same "with the key nothing is said" "" "$(cat err)"
fresh gap
labels gap/train-labels-idx1-ubyte '\004' '\005'
warns gap 'of 10 classes 1 never occurs in the training images \(4\)'
fresh untested
labels untested/t10k-labels-idx1-ubyte '\000\003' '\001\001'
warns untested 'of 10 classes 2 never occur in the test images \(0, 3\)'

# --- the same image again: the ranks hold different images, and find the same
fresh leaked
copy_images leaked/$train 700 20 leaked/$test 480
for ranks in 1 3; do
    dry leaked $ranks 0
    check "leaked on $ranks ranks" grep -q \
        'warning: 20 of 500 test images are training images too (test image 480 is training image 700)' err
done
fresh repeated
copy_images repeated/$train 0 40 repeated/$train 1900
dd if=repeated/train-labels-idx1-ubyte of=repeated/train-labels-idx1-ubyte bs=1 iseek=8 oseek=1908 count=40 \
    conv=notrunc status=none
for ranks in 1 3; do
    dry repeated $ranks 0
    same "repeated on $ranks ranks: one warning" 1 "$(grep -c 'warning: 40 of 2000 training images repeat earlier ones (image 1900 is image 0)' err)"
    same "and no other" 1 "$(wc -l <err)"
done
labels repeated/train-labels-idx1-ubyte '\003' '\004'
fresh contrary
copy_images contrary/$train 0 1 contrary/$train 1
dry contrary 1 0
same "one repeat under another label is a note" "" "$(cat err)"
check "which names both" grep -q '^note  .*1 training images repeat others under another label (image 1 is image 0)' out

# --- names and folders
mkdir -p torch/MNIST/raw dots emnist two qmnist
cp good/* torch/MNIST/raw
for file in good/*; do
    name=${file#good/}
    cp "$file" "dots/${name/-idx/.idx}"
    gzip -c "$file" >"emnist/emnist-digits-${name/t10k/test}.gz"
    cp "$file" "qmnist/qmnist-${name/t10k/test}"
done
cp emnist/* two
for file in emnist/*; do cp "$file" "two/$(basename "${file/digits/letters}")"; done
finds() { # finds NAME FILE: and the same data
    check "$1: the file is told" grep -q "^found  .*$2" out
    same "$1: the same data" "$(grep ^data good.out)" "$(grep ^data out)"
}
dry good 1 0
cp out good.out
dry torch 2 0
finds torch torch/MNIST/raw/$test
dry dots 1 0
finds dots dots/train-images.idx3-ubyte
warns emnist 'data.transpose: true'
finds emnist emnist/emnist-digits-test-images-idx3-ubyte.gz
dry emnist 1 0 --set data.transpose=true
same "turned: nothing is said" "" "$(cat err)"
fails two 'several other sets: emnist-digits-train-.*, emnist-letters-train-.*data.train_images and data.train_labels'
dry qmnist 1 0
finds qmnist qmnist/qmnist-test-images-idx3-ubyte
mv qmnist/qmnist-train-labels-idx1-ubyte qmnist/qmnist-train-labels-idx2-int
poke qmnist/qmnist-train-labels-idx2-int 2 014 002
fails qmnist 'qmnist-train-labels-idx2-int: is an IDX file of 32-bit integers'
home='~' # for the program to expand
HOME=$work dry "$home/dots" 1 0
finds "$home/dots" "$work/dots/train-images"
fails 'good\sub' 'told apart by /'
mkdir keras
printf 'PK\003\004' >keras/mnist.npz
fails keras 'keras/mnist.npz: is '
mkdir -p pictures/{3,7}
printf 'P2 2 2 255 0 9 9 0\n' >pictures/3/a.pgm
printf 'P2 2 4 255 0 9 9 0 1 2 3 4\n' | tee pictures/7/b.pgm >pictures/7/c.pgm
fails pictures 'folders of pictures: .lockstep pack. makes'

# --- pack looks, too
mkdir -p alpha/{0,1} # black strokes on nothing: by default the ground is black as well
for class in 0 1; do
    for i in 1 2 3 4 5; do
        printf 'P2 3 3 255 0 0 0 0 0 0 0 0 0\n' >alpha/$class/$i.pgm
    done
done
status=0
"$LOCKSTEP" pack alpha packed >out 2>err || status=$?
same "pack of black pictures: exit status" 1 $status
check "it says so" grep -q 'error: every pixel of all 8 training images is 0' err
same "nothing is written" no "$([ -e packed ] && echo yes || echo no)"
for class in 0 1; do
    for i in 1 2 3 4; do
        printf 'P2 3 3 255 0 0 0 0 255 0 0 0 %d%d\n' "$class" $i >alpha/$class/$i.pgm
    done
done
"$LOCKSTEP" pack alpha packed --test 0 >out 2>err
cp alpha/0/1.pgm alpha/1/6.pgm
"$LOCKSTEP" pack alpha twice --test 0 >out 2>&1
check "and a picture in two folders" grep -q 'label (alpha/1/6.pgm is alpha/0/1.pgm): leave out what lies in the wrong folder' out
check "pack names the first picture of one colour" grep -q 'warning: 2 of 10 training images are of one colour, the first is alpha/0/5.pgm' err

# --- names from lists that were made on Windows
train run 1 --set train.max_steps=2 --threads 1
printf '\357\273\277alpha/0/1.pgm\r\n\r\nalpha/1/2.pgm\r\n' >list
"$LOCKSTEP" predict run --files-from list --format csv >out 2>err
same "a list with a mark and carriage returns" "alpha/0/1.pgm alpha/1/2.pgm" "$(tail -n +2 out | cut -d , -f 1 | paste -sd ' ')"
for text in '' '\n\r\n'; do
    # shellcheck disable=SC2059 # a format
    printf "$text" >list
    check "an empty list ends well" "$LOCKSTEP" predict run --files-from list >out 2>err
    same "and is told of" "lockstep: warning: --files-from list: there is no name of an image" "$(cat err)"
done
refuses() { # refuses WHAT PATTERN: the list
    local status=0
    "$LOCKSTEP" predict run --files-from list >out 2>err || status=$?
    same "$1: exit status" 2 $status
    check "$1: it says $2" grep -qE -e "$2" err
}
printf '\377\376a\0.\0' >list
refuses "a list in UTF-16" 'error: list is a text in UTF-16.*iconv'
printf 'alpha/0/1.pgm\0alpha/0/2.pgm\0' >list
refuses "a list of find -print0" 'error: list has a byte 0 after 13 bytes'

# --- a run folder that was copied without what its links lead to
mkdir -p copied/checkpoints
ln -s step-00000002.h5 copied/checkpoints/last.h5
for command in predict eval; do
    status=0
    "$LOCKSTEP" $command copied alpha/0/1.pgm >out 2>err || status=$?
    same "$command of a dangling link: exit status" 1 $status
    check "$command names the link" grep -q 'error: copied/checkpoints/last.h5 ' err
done

# --- info
png_side() { od -An -tu1 -j "$1" -N 4 sheet.png | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'; }
describes() { # describes WHAT PATTERN ARGUMENT...
    local status=0
    "$LOCKSTEP" info "${@:3}" >out 2>err </dev/null || status=$?
    same "info $1: exit status" 0 $status
    check "info $1: it says $2" grep -qE -e "$2" out
    $ok || show out
}
describes good '^  pixels     0 to 255, mean 33.2: light on dark' good
check "classes" grep -q '^  classes    10: 0: 191, 1: 220, ' out
check "no repeats" grep -q '^repeats      none' out
same "images as text: two rows of three" 24 "$(grep -cE '^( [|].{24}[|]){3}$' out)"
describes leaked '^repeats      0 training images equal earlier ones, 20 test images equal training images' leaked
check "and what train says" grep -q '^warning      20 of 500 test images' out
describes emnist '^warning .*data.transpose' emnist
describes "a configuration's data" '^10 classes|mean 33.2' "$config" --data --set data.dir=good --sheet sheet.png
same "the sheet is a PNG of 10 rows" "PNG 640 x 302" "$(tail -c +2 sheet.png | head -c 3) $(png_side 16) x $(png_side 20)"
cp sheet.png first.png
describes "the same" 'mean 33.2' good --sheet sheet.png
check "the sheet is the same" cmp -s first.png sheet.png
status=0
"$LOCKSTEP" info good --sheet good/$test >out 2>err || status=$?
same "a sheet in the place of a set: exit status" 2 $status
check "is told" grep -q 'the name must end in .png' err
describes pictures '3 pictures from 2 x 2 to 4 x 2 pixels' pictures --sheet sheet.png
check "class folders" grep -q '^  classes    2: 0 3: 1, 1 7: 2$' out
check "repeats among pictures" grep -q '^repeats      1 training' out
check "which are named" grep -q '^warning .*(pictures/7/c.pgm is pictures/7/b.pgm)' out
describes "one file" '500 images of 28 x 28 x 1' good/$test --sheet sheet.png
describes labels ' 0: 191 ' good/train-labels-idx1-ubyte
finish
