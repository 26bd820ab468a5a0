#!/usr/bin/env bash
# --dry-run checks what a run would meet, tells its memory and its start, and leaves no trace.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

place=$work/place
mkdir "$place"
# all but the times of folders, in which a file came and went
trace() { (cd "$place" && find . \( -type d -printf '%p %y %i\n' \) -o -printf '%p %y %s %i %T@\n' | sort); }

# dry STATUS RANKS ARGUMENT...: in $place; nothing may change there
dry() {
    local wanted=$1 ranks=$2 before status=0
    shift 2
    before=$(trace)
    (cd "$place" && launch "$ranks" train "$config" --set "data.dir=${data:-$golden}" --threads 1 --dry-run "$@") \
        >"$work/log" 2>&1 </dev/null || status=$?
    same "dry run on $ranks ranks ($*): status" "$wanted" $status
    $ok || show "$work/log"
    same "dry run on $ranks ranks ($*): nothing changed" "$before" "$(trace)"
}
# row WHAT: "least most" of the table of memory
row() { sed -nE "s/^  $1 +([0-9.]+) +([0-9.]+)\$/\\1 \\2/p" "$work/log"; }
near() { awk -v a="$1" -v b="$2" -v most="$3" 'BEGIN { exit !(a - b <= most && b - a <= most) }'; }
says() { check "dry run says: $1" grep -qE -e "$1" "$work/log"; }

# --- memory: 2,500 images of 784 bytes (and 9 of label and sum) over 3 ranks, Adam's two arrays, int64 sums
wide=(--set model.dense1.units=4096 --set train.global_batch=1000 --set train.epochs=1)
dry 0 3 "${wide[@]}"
parameters=$(sed -nE 's/^network .*: ([0-9]+) parameters.*/\1/p' "$work/log")
check "the network is the wide one" [ "$parameters" -gt 190000 ]
mib=$(awk -v n="$parameters" 'BEGIN { print 4 * n / 1048576 }')
read -r least most <<<"$(row weights)"
check "weights: $least..$most MiB are $mib" near "$most" "$mib" 0.01
read -r least most <<<"$(row 'optimizer state')"
check "optimizer state: $most MiB are twice that" near "$most" "$(awk -v m="$mib" 'BEGIN { print 2 * m }')" 0.01
read -r least most <<<"$(row 'message of a step')"
check "message: $most MiB are twice that" near "$most" "$(awk -v m="$mib" 'BEGIN { print 2 * m }')" 0.01
read -r least most <<<"$(row "images and labels")"
check "images: $most MiB" near "$most" "$(awk 'BEGIN { print 784 * (667 + 167) / 1048576 }')" 0.01
check "images: not all ranks hold equally many" near "$least" "$(awk 'BEGIN { print 784 * (666 + 166) / 1048576 }')" 0.01
read -r least most <<<"$(row 'snapshots for checkpoints')"
check "snapshots, of rank 0 alone: $least..$most MiB are six times that" \
    near "$most" "$(awk -v m="$mib" 'BEGIN { print 6 * m }')" 0.01
same "snapshots on other ranks" 0.00 "$least"
check "activations are counted" [ -n "$(row 'activations, gradients, packed weights')" ]
network=$(for what in 'activations, gradients, packed weights' weights 'optimizer state' 'averaged weights' 'message of a step'; do
    row "$what"
done | awk '{ sum += $2 } END { print sum }')
read -r least forecast <<<"$(row 'exchange buffers, in the first epoch')"
trained real 3 --threads 1 "${wide[@]}"
buffers=$(sed -nE 's/^exchange +buffers of at most ([0-9.]+) MiB.*/\1/p' "$work/real.log")
check "exchange buffers: forecast $forecast, really $buffers MiB" near "$forecast" "$buffers" 0.06
told=$(sed -nE 's/^memory .* ([0-9.]+) MiB of network and batch.*/\1/p' "$work/real.log")
check "network and batch: forecast $network, a real run says $told MiB" near "$network" "$told" 0.1
says 'start +at step 0'
says '^folder +takes files; last\.h5 and best\.h5 would be symbolic links$'

# --- an earlier run: where it would go on; also a left-over file stays
trained earlier 2 --threads 1 --set train.max_steps=10
mv "$work/earlier" "$place/earlier"
touch "$place/earlier/checkpoints/.tmp-step-00000011.h5.somewhere-1-1"
dry 0 1 --out earlier
says 'start +from earlier/checkpoints/step-0*10\.h5: step 10 of 76$'
dry 0 3 --out earlier --set train.max_steps=10
says 'step 10 of 10, where nothing is left to train'
dry 0 2 --out earlier --resume never
says 'at step 0; 1 checkpoint of .* would be removed'
dry 0 2 --out other --resume "$place/earlier/checkpoints/last.h5"
says 'start +from .*/last\.h5: step 10 of 76'
dry 0 2 --out other --init-from "$place/earlier/checkpoints/last.h5"
says 'started +from .*/last\.h5: 8 of 8 tensors'

# --- what a run would stumble over
dry 1 2 --out earlier --set seed=12
says 'cannot go on from .*seed|^ *seed'
dry 2 2 --set model.pool1.window=40
says 'lockstep: error: .*pool1'
dry 1 2 --out "$here/odd.yaml/run"
says 'lockstep: error: .*odd\.yaml'
dry 1 2 --init-from "$place/earlier/checkpoints/last.h5" --set model.conv2.filters=10
says 'lockstep: error: .*conv2/weight'
unpack_golden "$work/data"
poke "$work/data/train-labels-idx1-ubyte" -1 012
data=$work/data dry 1 2
says 'lockstep: error: .*label 10'
# --- a configuration of nothing but a model is told its optimizer, once, and that it has few steps
printf 'model: [flatten, {dense: 10}]\n' >"$work/bare.yaml"
"$MPIEXEC" -n 2 "$LOCKSTEP" train "$work/bare.yaml" --set "data.dir=$golden" --out "$work/bare" --dry-run >"$work/bare.log" 2>&1
same "the default optimizer is told, once" 1 "$(grep -cE '^optimizer +sgd with lr 0\.001, the default' "$work/bare.log")"
same "few steps draw a warning" 1 "$(grep -c 'warning: the run has 16 optimizer steps' "$work/bare.log")"
"$LOCKSTEP" train "$work/bare.yaml" --set "data.dir=$golden" --out "$work/bare" --dry-run --set train.epochs=9 \
    --set train.optimizer.lr=0.001 --set train.schedule.warmup_steps=144 >"$work/bare.log" 2>&1
same "an optimizer that is chosen is not" 0 "$(grep -c '^optimizer' "$work/bare.log")"
same "a warm-up as long as the run draws a warning" 1 "$(grep -c 'warning: ' "$work/bare.log")"
check "it names the key" grep -q 'warning: train.schedule.warmup_steps is 144, and the run has 144 steps' "$work/bare.log"
finish
