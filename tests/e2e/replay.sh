#!/usr/bin/env bash
# An honest run is verified on other ranks, threads and instruction sets, whole and in parts, also one that was stopped,
# fine-tuned or made with other keys; what was changed without care is named before anything is computed. What a forger
# would change is in tests/faults/scenarios/forgeries.sh.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# replays STATUS RUN RANKS WORDS ARGUMENT...: it ends so, and says so
replays() {
    local wanted=$1 run=$2 ranks=$3 words=$4 status=0
    shift 4
    launch "$ranks" replay "$work/$run" "$@" >"$work/replay.log" 2>&1 </dev/null || status=$?
    same "replay of $run on $ranks ranks ($*): exit status" "$wanted" $status
    check "replay of $run on $ranks ranks ($*) says '$words'" grep -qF -- "$words" "$work/replay.log"
    $ok || show "$work/replay.log"
}

all="steps 1 to 76 of 76 (100.0 % of the run), 2 epoch records and 3 checkpoints on the way, test results and summary"
trained run 2 --threads 1 --set checkpoint.every_steps=50
find "$work/run" -type f -exec sha256sum {} + | sort >"$work/before"
replays 0 run 1 "verified:  $all" --threads 2
replays 0 run 3 "verified:  $all" --threads 1 --set train.exchange=host
for isa in $(isas | grep -v amx); do
    LOCKSTEP_ISA=$isa replays 0 run 1 "on 1 rank x 1 thread, $isa" --threads 1 --epoch 2
    check "an epoch from the checkpoint before" grep -q "verified:  steps 39 to 76 of 76 (50.0 %" "$work/replay.log"
done
replays 0 run 1 "verified:  steps 39 to 45 of 76 (9.2 % of the run)" --steps 42..45
replays 0 run 1 "verified:  2 windows drawn by seed 5, 20 steps of 76 (26.3 % of the run)" --audit 2 --window 10 --seed 5
replays 0 run 1 "there are 3 places to begin at" --audit 9 --window 3
check "nothing was written" diff "$work/before" <(find "$work/run" -type f -exec sha256sum {} + | sort)
replays 2 run 1 "has 76 steps" --steps 70..80
replays 2 run 1 "has 76 steps" --epoch 3
replays 2 run 1 "--seed is of an --audit" --seed 5

# --- runs that came about in other ways
train stopped 1 --set train.max_steps=20
trained stopped 2 --threads 1 --set data.validation=0
replays 0 stopped 1 "verified:  steps 1 to 76 of 76 (100.0 % of the run), 2 epoch records and 3 checkpoints"
replays 2 run 1 "did not start from weights of another one" --init-from "$work/stopped"
trained tuned 1 --init-from "$work/run" --set train.epochs=1 --set train.ema.decay=0.9
replays 0 tuned 2 "verified:  steps 1 to 38 of 38" --threads 1
mv "$work/run" "$work/elsewhere"
replays 2 tuned 1 "give it with --init-from"
replays 0 tuned 1 "verified:  steps 1 to 38 of 38" --init-from "$work/elsewhere"
replays 1 tuned 1 "--init-from names others" --init-from "$work/stopped/checkpoints/step-00000020.h5"
trained plateau 2 --threads 1 --set data.validation=0.2 --set train.schedule.name=plateau --set train.early_stop.patience=1 \
    --set train.epochs=4 --set eval.test_weights=best --set checkpoint.keep=1
replays 0 plateau 1 "and summary; on 1 rank"
train short 1 --set train.max_steps=45 --set checkpoint.every_epochs=0
replays 0 short 2 "verified:  steps 1 to 45 of 45" --threads 1

# --- what was changed without care
cp -r "$work/elsewhere" "$work/edited"
sed -i '3s/"accuracy":0.[0-9]*/"accuracy":0.99/' "$work/edited/metrics.jsonl"
replays 1 edited 1 "metrics.jsonl: line 3 is not that of history.h5"
cp "$work/elsewhere/metrics.jsonl" "$work/edited/"
sed -i 's/"test_correct": [0-9]*/"test_correct": 500/' "$work/edited/summary.json"
replays 1 edited 1 "summary.json was changed"
cp "$work/elsewhere/summary.json" "$work/edited/"
cp "$work/tuned/history.h5" "$work/edited/"
replays 1 edited 1 "the chain's first link is not of this configuration"
rm "$work/edited/history.h5" # which ends no run where it cannot be written: the newest checkpoint has the chain
replays 0 edited 1 "verified:  $all"
cp "$work/elsewhere/history.h5" "$work/edited/"
poke "$work/edited/checkpoints/step-00000050.h5" 5000 101
replays 1 edited 1 "step-00000050.h5 is damaged"
cp "$work/elsewhere/checkpoints/step-00000050.h5" "$work/edited/checkpoints/"
sed -i '/^# sha256: /d; s/epochs: 2/epochs: 5/' "$work/edited/config.yaml"
replays 1 edited 1 "training goes on to step 190"
mkdir "$work/data"
cp "$golden"/*.gz "$work/data"
gzip -dc "$golden/train-images-idx3-ubyte.gz" >"$work/data/train-images-idx3-ubyte"
rm "$work/data/train-images-idx3-ubyte.gz"
poke "$work/data/train-images-idx3-ubyte" 5000 377
replays 1 elsewhere 1 "--data-dir DIR says where others are" --data-dir "$work/data"
finish
