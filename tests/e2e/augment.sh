#!/usr/bin/env bash
# Augmentation: the same bits on any ranks, threads, instruction sets, ways of exchange and after a stop; presets; what
# can be looked at.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

all=(--set 'augment={rotate: 12, scale: 0.1, shear: 0.1, shift: 2, flip: true, elastic: 1, grid: 0.5, stroke: 0.5,
    contrast: 0.2, brightness: 0.1, noise: 0.05, erase: 0.5, cutout: 6}' --set train.max_steps=45) # over an epoch of 38
trained reference 1 --threads 1 "${all[@]}"
wanted=$(result reference)
echo "reference: $wanted"
trained plain 1 --threads 2 --set train.max_steps=45
check "augmentation changes the weights" [ "$(key reference weights_sha256)" != "$(key plain weights_sha256)" ]
check "it has a phase of its own" jq -e '.phases.augment.min > 0' "$work/reference/summary.json" >/dev/null
check "which is empty without it" jq -e '.phases.augment.max == 0' "$work/plain/summary.json" >/dev/null
check "the report shows what was seen" grep -q '<p class="input seen"><img' "$work/reference/report.html"
check "and says how it was made" grep -q 'rotate 12, scale 0.1, shear 0.1, shift 2, flip true' "$work/reference/report.html"
check "nothing was changed without it" eval '! grep -q "What the network saw" "$work/plain/report.html"'
same "training images alone are changed: an evaluation that knows nothing of it has the same errors" \
    "$(key reference test_correct) of $(key reference test_total)" \
    "$("$LOCKSTEP" eval "$work/reference" --set augment=none | sed -nE 's/^test: accuracy .* \(([0-9]+ of [0-9]+);.*/\1/p')"

# Guards the rules: a change that moves this digest has to raise LKS_NUMERICS.
same "golden digest of numerics 2" ced9e2c1551e89e12e45000239489d0f1a27e80f2acdddc50b37441a8b19e7b3 "$(key reference weights_sha256)"

turn=0
for isa in $(isas); do
    turn=$((turn + 1))
    LOCKSTEP_ISA=$isa trained run $((1 + turn)) --threads $((1 + turn % 2)) "${all[@]}"
    same "$isa, $((1 + turn)) ranks" "$wanted" "$(result run)"
    rm -rf "$work/run"
done
trained run 3 --threads 2 "${all[@]}" --set train.exchange=host
same "one copy a host" "$wanted" "$(result run)"
rm -rf "$work/run"

# A stop within the first epoch, another number of ranks behind it.
trained run 2 --threads 1 "${all[@]}" --set train.max_steps=20
same "stopped in the first epoch" 20 "$(key run steps)"
trained run 3 --threads 1 "${all[@]}"
same "after a stop" "$wanted" "$(result run)"
status=0
train run 1 --threads 1 "${all[@]}" --set augment.rotate=13 --set train.max_steps=60 || status=$?
check "another angle does not go on" [ $status -ne 0 ]
check "and the key is named" grep -q 'augment.rotate: 12 in the checkpoint, 13 now' "$work/run.log"
rm -rf "$work/run"

# Images that an epoch repeats, and bfloat16.
other=("${all[@]}" --set data.balanced=true --set data.limit=900 --set train.precision=bf16)
trained one 1 --threads 1 "${other[@]}"
LOCKSTEP_ISA=portable trained two 2 --threads 2 "${other[@]}"
same "repeated images, bfloat16" "$(result one)" "$(result two)"

# --- presets
resolved() { "$LOCKSTEP" info "$config" --resolved "$@"; }
augment() { resolved "$@" | sed -n '/^augment:/,/^[a-z]/s/^  //p'; } # the section's lines
augment --set augment=digits >"$work/short"
check "digits is a preset" grep -qx 'preset: digits' "$work/short"
check "it has an angle" grep -qxE 'rotate: [1-9][0-9.]*' "$work/short"
augment --set augment.preset=digits >"$work/long"
check "short and long form are one" cmp "$work/short" "$work/long"
augment --set augment=digits --set augment.rotate=3 >"$work/own"
same "a value of one's own comes first" "rotate: 3" "$(grep rotate: "$work/own")"
same "the others are the preset's" "$(grep -v rotate: "$work/short")" "$(grep -v rotate: "$work/own")"
resolved --set augment=digits >"$work/digits.yaml"
config=$work/digits.yaml
same "a run's configuration reads back" "$(cat "$work/digits.yaml")" "$(resolved)"
augment --set augment=none >"$work/none"
same "--set augment=none takes all of it off" "$(config=$here/odd.yaml augment)" "$(cat "$work/none")"
printf 'augment: digits\n' | cat - "$here/odd.yaml" >"$work/file.yaml"
config=$work/file.yaml
check "a file may say it in a word" cmp "$work/short" <(augment)
for bad in augment=digit augment.rotate=-1 augment.scale=0.6 'augment=[1]' augment.cutout=1.5 augment.angle=3; do
    status=0
    resolved --set "$bad" >"$work/out" 2>"$work/err" || status=$?
    same "$bad is refused" 2 $status
    check "$bad is named" grep -q 'augment' "$work/err"
done
config=$here/odd.yaml

# --- what the network sees
see() { "$LOCKSTEP" info "$@" --set "data.dir=$golden" --preview "$work/seen.png" >"$work/out" 2>"$work/err"; }
check "a preview is written" see "$config" "${all[@]}"
size=$(head -c 24 "$work/seen.png" | od -An -tu1 -j16 | awk '{ print $3 * 256 + $4, $7 * 256 + $8 }')
same "20 rows of 13 images, twice as large, and a margin" "790 1162" "$size"
cp "$work/seen.png" "$work/first.png"
check "it says what it is" grep -q 'epochs 1 to 12' "$work/out"
check "a run folder's preview" "$LOCKSTEP" info "$work/reference" --preview "$work/seen.png" >/dev/null
check "is the same picture" cmp "$work/first.png" "$work/seen.png"
check "nothing changes without augmentation" see "$config"
check "and that is said" grep -q 'nothing changes them' "$work/out"
status=0
"$LOCKSTEP" info "$golden" --preview "$work/no.png" >/dev/null 2>"$work/err" || status=$?
same "a data folder has no preview" 2 $status
check "nothing is written then" [ ! -e "$work/no.png" ]
status=0
"$LOCKSTEP" info "$config" --preview "$work/no.png" --resolved >/dev/null 2>&1 || status=$?
same "one thing at a time" 2 $status
finish
