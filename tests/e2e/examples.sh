#!/usr/bin/env bash
# Every command among the man pages' examples runs, in a folder as its reader would have it.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not installed"
pages=$SOURCE/src/cli/man

# --- what the examples speak of
mkdir "$work/home" "$work/bin"
cd "$work/home"
ln -s "$LOCKSTEP" "$work/bin/lockstep"
PATH=$work/bin:$PATH
mkdir data
ln -s "$golden" data/mnist
sed 's|dir: .*|dir: data/mnist|; s|epochs: 2|epochs: 4|' "$config" | tee net.yaml >new.yaml
export pages MPIEXEC
printf '%s\n' conv1=features.0 conv2=features.3 dense1=classifier.1 dense2=classifier.3 >names.map
less() { cat; }
mpirun() { command "$MPIEXEC" "$@"; }
export -f less mpirun
settings=(--progress never --threads 1)
for run in a old; do
    lockstep train net.yaml --out runs/$run "${settings[@]}" --set seed=${#run} --set train.epochs=1 >log 2>&1 || show log
done
cp -r runs/a runs/b
cp -r runs/a runs/again
cp -r runs/old runs/mnist-convnet
cp net.yaml mnist-convnet.yaml
lockstep export runs/a --format safetensors --out theirs.safetensors >log 2>&1 || show log
lockstep export runs/a --format keras_weights --out model.weights.h5 >log 2>&1 || show log
/usr/bin/python3 -c 'import json, struct, numpy
raw = open("theirs.safetensors", "rb").read()
start = 8 + struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8:start])
names = dict(line.split("=") for line in open("names.map").read().split())
numpy.savez("net.npz", **{names[key.split(".")[0]] + "." + key.split(".")[1]:
    numpy.frombuffer(raw, "<f4", offset=start)[t["data_offsets"][0] // 4:t["data_offsets"][1] // 4].reshape(t["shape"])
    for key, t in header.items() if key != "__metadata__"})' >log 2>&1 || show log
lockstep bundle runs/mnist-convnet "$work/mnist-convnet.tar" >log 2>&1 || show log
lockstep train net.yaml --out runs/split "${settings[@]}" --set data.validation=0.2 --set train.epochs=2 >log 2>&1 || show log
for class in 0 1 2; do
    mkdir -p digits/$class
    for i in 1 2 3 4 5; do # light paper, a stroke
        awk -v c=$class -v i=$i 'BEGIN { print "P2 30 30 255"
            for (y = 0; y < 30; y++) for (x = 0; x < 30; x++) print(y > 4 && y < 26 && x > 9 && x < 12 + c + i ? 0 : 255) }' \
            >digits/$class/$i.png # a picture is known by its first bytes, not by its name
    done
done
cp digits/1/3.png photo.png
cp photo.png photo.jpg
cp photo.png form.jpg

# examples PAGE: a line for each command: what is indented by a tab, and what goes on after "++"
examples() {
    sed -n '/^# \(DESCRIPTION\|EXAMPLE\)/,/^# \(OPTIONS\|ENV\|FILES\)/p' "$1" |
        awk 'sub(/^\t/, "") || goes_on { goes_on = sub(/[+][+]$/, ""); gsub(/\\/, ""); print }' |
        grep -E '(^|[|] |^mpirun -n [0-9]+ )lockstep '
}

count=0
for page in "$pages"/*.scd; do
    name=$(basename "$page" .scd)
    cp -r . "$work/$name"
    [ "$name" = lockstep-bundle ] || cp "$work/mnist-convnet.tar" "$work/$name"
    while IFS= read -r line; do
        status=0
        (cd "$work/$name" && bash -c "$line") >"$work/out" 2>&1 </dev/null || status=$?
        count=$((count + 1))
        same "$name: $line" 0 $status
        $ok || show "$work/out"
    done < <(examples "$page")
    rm -rf "${work:?}/$name"
done
check "there are examples: $count" [ "$count" -ge 25 ]

# --- the configuration of lockstep-config(5), with every value of it taken
awk '/^```/ { inside = !inside; next } inside' "$pages/lockstep-config.5.scd" >page.yaml
check "the configuration of lockstep-config(5)" lockstep info page.yaml --set data.dir=data/mnist >/dev/null
finish
