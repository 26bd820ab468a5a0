#!/usr/bin/env bash
# The shipped configurations: the list has them all, with the parameters that were published; each can be printed, comes
# out as it stands in configs/, and trains.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
cd "$work" # no folder of configurations here

"$LOCKSTEP" configs --format json >list.json || true
"$LOCKSTEP" configs >list || true
for file in "$SOURCE"/configs/*.yaml; do
    name=$(basename "$file" .yaml)
    same "$name is in the list once" 1 "$(jq "map(select(.name == \"$name\")) | length" list.json)"
    check "$name is described" jq -e ".[] | select(.name == \"$name\") | .what | length > 10" list.json >/dev/null
    check "$name is in the table" grep -qE "^$name +[0-9]+  [^ ]" list
    "$LOCKSTEP" configs "$name" >printed.yaml || true
    check "$name is printed as it is" cmp printed.yaml "$file"
done
same "the table fits into 80 columns" "" "$(awk 'length > 80' list)"
same "nothing else is in the list" "$(find "$SOURCE/configs" -name '*.yaml' | wc -l)" "$(jq length list.json)"

# Figures of the sources that the files name; An et al. 2020 count no running moments.
parameters() { # parameters NAME COUNT
    same "parameters of $1" "$2" "$(jq ".[] | select(.name == \"$1\") | .parameters" list.json)"
}
parameters mnist-convnet 34826
parameters pytorch-example 1199882
parameters train-mnist-fast 215194
parameters lenet5 61706
parameters m3 1124180
parameters m5 1128180
parameters m7 2291972
# 3 * 3 * 48 + 48, 3 * 3 * 48 * 96 + 96, 6 * 6 * 96 * 256 + 256, 256 * 10 + 10
parameters fashion-mnist $((480 + 41568 + 884992 + 2570))
check "resnet-small is small" jq -e '.[] | select(.name == "resnet-small") | .parameters < 200000' list.json >/dev/null
same "the published accuracy comes from the file" "99.05 %" \
    "$(jq -r '.[] | select(.name == "lenet5") | .published' list.json | cut -c 1-7)"
same "no figure is made up" null "$(jq '.[] | select(.name == "smoke") | .published' list.json)"

status=0
"$LOCKSTEP" configs resnet-smal >out 2>err || status=$?
same "an unknown name: status" 2 $status
check "an unknown name: the nearest" grep -q "did you mean 'resnet-small'" err
same "an unknown name: nothing on stdout" "" "$(cat out)"

# Networks are built and make a step, with a small batch and without the evaluation at the end. e2e/recipes and e2e/bf16
# train the others; m5 and m7 have m3's layers.
for name in $(jq -r '.[].name' list.json); do
    "$LOCKSTEP" configs "$name" >one.yaml
    if grep -q '^# measured: ' one.yaml || [[ $name == m[57] ]]; then continue; fi
    config=one.yaml
    trained "$name" 1 --threads 2 --set data.validation=0 --set 'data.test_images=""' --set 'data.test_labels=""' \
        --set train.global_batch=16 --set eval.batch=16 --set train.max_steps=1
    same "$name: parameters of the network built" "$(jq ".[] | select(.name == \"$name\") | .parameters" list.json)" \
        "$(key "$name" parameters)"
done
finish
