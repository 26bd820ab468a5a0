#!/usr/bin/env bash
# Makes what a phone makes of a drawn form. Usage: photograph.sh FORM.png PHOTO.jpg SEED WIDTH
# WIDTH 1: perspective, a shadow with an edge, light that falls off, noise, JPEG. 2: all of it twice as far, and the
# table is seen around the paper. Of one seed the photo is always the same: one thread draws the noise.
set -euo pipefail
form=$1 photo=$2 seed=$3 width=$4
export MAGICK_THREAD_LIMIT=1
RANDOM=$seed # not in $( ): a subshell begins anew, at any number
by=()
for _ in {1..8}; do by+=($((RANDOM % 24 * width))); done

read -r w h < <(identify -format '%w %h\n' "$form")
around=edge
if [ "$width" -gt 1 ]; then around=background; fi
corners="0,0 ${by[0]},${by[1]} $w,0 $((w - by[2])),${by[3]}"
corners+=" $w,$h $((w - by[4])),$((h - by[5])) 0,$h ${by[6]},$((h - by[7]))"
x=$((w / 4 + RANDOM % (w / 2))) lean=$((RANDOM % 300 - 150)) dark=$((75 - 15 * (width - 1)))
convert "$form" -background '#5a4a3c' -virtual-pixel $around -distort Perspective "$corners" \
    \( -size "${w}x$h" gradient:white-"gray$dark" \) -compose Multiply -composite \
    \( -size "${w}x$h" xc:white -fill "gray$dark" -draw "polygon $x,0 $w,0 $w,$h $((x + lean)),$h" -blur 0x2 \) \
    -compose Multiply -composite -blur 0x0.6 -seed "$seed" -attenuate "0.$((width * 2))" +noise Gaussian -quality 75 "$photo"
