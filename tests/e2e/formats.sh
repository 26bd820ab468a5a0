#!/usr/bin/env bash
# Files that people bring in place of others: each is told for what it is, with the command that helps; photos are packed
# and answered.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
cd "$work"
unpack_golden golden

# refused STATUS WHAT PATTERN COMMAND...: one line on stderr that says so
refused() {
    local wanted=$1 what=$2 pattern=$3 status=0
    shift 3
    "$LOCKSTEP" "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    same "$what: one line" 1 "$(wc -l <stderr)"
    check "$what: says $pattern" grep -qF -- "$pattern" stderr
    $ok || show stderr
}

# --- what is no picture, data set, checkpoint or configuration
mkdir "my files"
printf '\0\0\0\x18ftypheic\0\0\0\0mif1heic' >"my files/IMG_1.jpg" # named so by what sent it
printf 'II*\0\x08\0\0\0\0\0\0\0\0\0' >scan.tif
printf '%%PDF-1.7\n' >form.pdf
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n' >pointer.png
printf '<!DOCTYPE html>\n<title>404</title>\n' >page.gz
printf 'label,1x1,1x2\n5,0,0\n0,1,1\n' >mnist_test.csv
printf '\x93NUMPY\1\0v\0{}' >images.npy
printf 'm\0o\0d\0e\0l\0' | sed '1s/^/\xff\xfe/' >utf16.yaml
trained first 1 --set train.max_steps=2
net=first/checkpoints/last.h5
refused 1 "a HEIC picture" "lockstep: error: my files/IMG_1.jpg: is a HEIC picture, not a picture that can be read \
(PNG, JPEG, PGM, PPM or PBM): \`heif-convert 'my files/IMG_1.jpg' 'my files/IMG_1.png'\`" predict $net "my files/IMG_1.jpg"
refused 1 "a TIFF picture" "\`convert scan.tif'[0]' scan.png\` (package imagemagick) makes one of it" predict $net scan.tif
refused 1 "a PDF document" "\`pdftoppm -r 150 -png form.pdf form\`" predict $net form.pdf
refused 1 "a pointer" "\`git lfs pull\` (package git-lfs) fetches the file itself" predict $net pointer.png
refused 1 "a table as pictures" "is a table of values as text (CSV), not a picture" predict $net mnist_test.csv
refused 1 "a picture as checkpoint" "pictures come after the checkpoint" predict scan.tif $net
refused 1 "a table described" "mnist_test.csv: is a table of values as text (CSV), not a configuration, a checkpoint, a run \
folder or a data set: write its values there as unsigned bytes" info mnist_test.csv
cp $net renamed
"$LOCKSTEP" info renamed >stdout 2>stderr || true
check "a checkpoint by another name is described" grep -q '^checkpoint     step 2,' stdout
refused 2 "UTF-16 as configuration" "\`iconv -f UTF-16 -t UTF-8 utf16.yaml > utf16-utf8.txt\` makes UTF-8 of it" train utf16.yaml
refused 2 "a document as configuration" "form.pdf: is a PDF document, not a configuration" train form.pdf

# as_images WHAT PATTERN FILE: FILE in the place of the training images
as_images() {
    rm -rf odd
    cp -r golden odd
    cp "$3" odd/train-images-idx3-ubyte
    refused 1 "$1 as images" "odd/train-images-idx3-ubyte: $2" train "$config" --set data.dir=odd --out odd/run
}
gzip -c golden/train-images-idx3-ubyte | gzip -c >twice.gz
as_images "gzip in gzip" "is, unpacked, gzip data, not an IDX file of unsigned bytes: \`gunzip " twice.gz
as_images "a page" "is an HTML page, not an IDX file of unsigned bytes, plain or .gz, or an HDF5 file: fetch the file itself" \
    page.gz
as_images "an array" "is a NumPy array (.npy), not an IDX file" images.npy
as_images "a picture" "is a TIFF picture, not an IDX file of unsigned bytes, plain or .gz, or an HDF5 file: \`lockstep pack\` makes a data set of pictures" scan.tif
cp images.npy odd/images.h5
refused 1 "an array as HDF5" "images.h5: is a NumPy array (.npy), not" train "$config" --set data.dir=odd \
    --set data.train_images=images.h5 --set 'data.train_labels=""' --set data.test_images=images.h5 \
    --set 'data.test_labels=""' --out odd/run

# --- photos in class folders
mkdir -p photos/{a,b}
cp "my files/IMG_1.jpg" photos/a/IMG_1.HEIC
magick=$(command -v convert || command -v magick || true)
if [ -n "$magick" ] && "$magick" --version | grep -q ImageMagick; then
    head -c $((16 + 10 * 784)) golden/t10k-images-idx3-ubyte | tail -c +17 >raw
    "$magick" -size 28x28 -depth 8 gray:raw -quality 100 photos/a/%d.JPG
    "$magick" -size 28x28 -depth 8 gray:raw -interlace JPEG -colorspace CMYK -quality 100 photos/b/%d.jpeg
    "$LOCKSTEP" pack photos packed --test 0 --channels 1 >stdout 2>stderr || true
    check "what is left out is told" grep -q "left out: .heic files (1, the first is photos/a/IMG_1.HEIC); only PNG, JPEG, .*; \
the first is a HEIC picture: \`heif-convert photos/a/IMG_1.HEIC photos/a/IMG_1.png\`" stderr
    same "all photos are packed" "$((16 + 20 * 784))" "$(wc -c <packed/train-images-idx3-ubyte)"
    # at this quality each value is that of the image, or next to it
    same "they are the images" 0 "$(cmp -l <(cat raw raw) <(tail -c +17 packed/train-images-idx3-ubyte) |
        awk 'function v(o, i, n) { for (i = 1; i <= length(o); i++) n = 8 * n + substr(o, i, 1); return n }
             { d = v($2) - v($3); if (d * d > 9) far++ } END { print far + 0 }')"
    "$LOCKSTEP" predict $net photos/a/0.JPG photos/b/0.jpeg --format json >stdout 2>stderr || true
    same "they are answered" "photos/a/0.JPG photos/b/0.jpeg" "$(jq -r .file stdout | xargs)"
else
    echo "ImageMagick is not installed: no photos"
fi
finish
