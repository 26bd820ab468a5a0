#!/usr/bin/env bash
# The page "From scans to a better network": its commands run as they stand, and the network gets better. What --sort
# does with names, repeats and moved pictures.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
mkdir "$work/home" "$work/bin"
cd "$work/home"
ln -s "$LOCKSTEP" "$work/bin/lockstep"
PATH=$work/bin:$PATH
mkdir -p data scans pieces runs
unpack_golden data/mnist

# --- a network that knows MNIST a little, and slanted scans: dark on white paper, 200 of them
cat >net.yaml <<'YAML'
data: {dir: data/mnist}
model:
  - conv2d: {filters: 8, kernel: 5, stride: 2}
  - relu
  - flatten
  - dense: 10
train: {epochs: 6, global_batch: 32, optimizer: {name: adam, lr: 0.004}}
YAML
lockstep train net.yaml --out runs/mnist-convnet --progress never --set train.epochs=2 >train.log 2>&1 || show train.log
sed -i 's/^  epochs: 2$/  epochs: 100/' runs/mnist-convnet/config.yaml
head -c $((16 + 200 * 784)) data/mnist/t10k-images-idx3-ubyte | tail -c +17 | split -b 784 -d -a 3 - pieces/
head -c 208 data/mnist/t10k-labels-idx1-ubyte | tail -c +9 | od -An -v -tu1 -w1 | tr -d ' ' >labels
paste -d ' ' <(cd pieces && printf '%s\n' *) labels >list
while read -r piece _; do # each row a little further to the right
    od -An -v -tu1 -w28 "pieces/$piece" | awk 'BEGIN { print "P2 44 40 255"; for (k = 0; k < 264; k++) print 255 }
        { for (x = 0; x < 44; x++) { from = x - 18 + int(NR / 2); print(from >= 1 && from <= 28 ? 255 - $from : 255) } }
        END { for (k = 0; k < 264; k++) print 255 }' >"scans/$piece.png" # known by its first bytes
done <list

# correct: what a person does; each picture into the folder of its class
correct() {
    local file name label
    while read -r file; do
        name=$(basename "$file" .png)
        label=$(awk -v p="$name" '$1 == p { print $2 }' list)
        [ "$file" = "sorted/$label/$name.png" ] || { mv "$file" "sorted/$label/"; moved=$((moved + 1)); }
    done < <(find sorted -name '*.png')
}

# --- the commands of the page
# shellcheck disable=SC2317 # by eval
mpirun() { launch "$2" "${@:4}" --progress never --threads 1; }
awk '/^## / { inside = /From scans to a better network/ } inside && /^```/ { block = !block; next } inside && block' \
    "$SOURCE/configs/README.md" >block
same "commands on the page" 7 "$(grep -cE '^(lockstep|mpirun) ' block)"
moved=0 n=0 command=
while IFS= read -r line; do
    case $line in
    '#'*)
        correct
        first=$moved
        continue
        ;;
    *\\)
        command+=${line%\\}
        continue
        ;;
    esac
    command+=$line
    n=$((n + 1))
    status=0
    eval "$command" >"out$n" 2>&1 </dev/null || status=$?
    same "$command" 0 $status
    $ok || show "out$n"
    command=
done <block

accuracy() { sed -n 's/^test: accuracy \([0-9.]*\) %.*/\1/p' "$1"; }
check "the person had something to move: $first" [ "$first" -gt 5 ]
same "every scan lies in one folder, where it was put" 200 "$(find sorted -name '*.png' | wc -l)"
moved=0
correct
same "sorting again leaves what was moved" 0 $moved
check "and says so" grep -q '^sorted: 0 pictures copied, 200 there already' out7
check "on scans held out the network is better: $(accuracy out5) %, then $(accuracy out4) %" \
    awk -v before="$(accuracy out5)" -v after="$(accuracy out4)" 'BEGIN { exit !(after > before) }'
right=$(lockstep predict runs/scans scans/*.png --format csv --top 1 2>/dev/null | tail -n +2 |
    awk -F , 'NR == FNR { label["scans/" $1 ".png"] = $2; next } label[$1] == $5' <(tr ' ' , <list) - | wc -l)
check "of all scans it answers $right of 200 rightly" [ "$right" -ge 190 ]

# --- names: two pictures of one, one without an ending, hidden ones; classes that would lead elsewhere
mkdir -p a b
cp scans/000.png a/x.png
cp scans/001.png b/x.png
cp scans/002.png a/scan
cp scans/003.png a/.hidden.png
lockstep predict runs/scans a/x.png b/x.png a/scan a/.hidden.png --sort odd --unsure-below 0 --quiet \
    --set 'data.class_names=["..", "/etc", "a/b", "unsure", same, same, .x, "7", "8", "9"]' >odd.log 2>&1 || show odd.log
same "folders stay inside" "7 8 9 _.-0 _etc-1 _x-6 a_b-2 same-4 same-5 unsure unsure-3" "$(cd odd && printf '%s\n' * | sort | xargs)"
same "all four are there, none hidden" 4 "$(find odd -type f ! -name '.*' | wc -l)"
check "without an ending it gets one" [ -n "$(find odd -name scan.png)" ]
lockstep predict runs/scans a/x.png --sort twice --quiet >odd.log 2>&1 || show odd.log
where=$(find twice -name x.png)
cp b/x.png "$where"
lockstep predict runs/scans a/x.png --sort twice --quiet >odd.log 2>&1 || show odd.log
check "another picture of that name is not replaced" cmp -s b/x.png "$where"
check "and the second has a name of its own" cmp -s a/x.png "${where%.png}-2.png"
long=$(printf 'ö%.0s' {1..125}).png # 254 bytes: a number more would be too much
cp a/x.png "a/$long"
cp b/x.png "b/$long"
lockstep predict runs/scans "a/$long" "b/$long" --sort long --unsure-below 100 --quiet \
    >odd.log 2>&1 || show odd.log
same "two pictures of the longest name are both there" 2 "$(find long -type f -name 'ö*.png' | wc -l)"
status=0
lockstep predict runs/scans data/mnist/t10k-images-idx3-ubyte --sort nothing >odd.log 2>&1 || status=$?
same "a data set is refused: status" 1 $status
same "in one line" "lockstep: error: data/mnist/t10k-images-idx3-ubyte: is a data set" "$(grep -o '^lockstep: error: [^:]*: is a data set' odd.log)"
same "no temporaries stay" "" "$(find sorted odd twice -name '.tmp*')"
finish
