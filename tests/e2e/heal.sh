#!/usr/bin/env bash
# A run folder that a death, a damaged file or a poor file system left in another state than the undisturbed run's: the next
# start mends it, and readers take what is whole and say so. Its fourth argument is the library that makes calls fail:
# tests/faults/shim.c.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
library=$4
need jq
[ -e "$library" ] || skip "nothing is preloaded under sanitizers"
export LOCKSTEP_BACKGROUND=off # calls come in one order

# The rate is so large that the network becomes worse: at the end the best checkpoint is not the newest one, and two others
# are kept.
cat >"$work/run.yaml" <<'YAML'
seed: 2
model: [{conv2d: {filters: 2, kernel: 5, stride: 3}}, relu, flatten, {dense: 10}]
data: {validation: 0.2}
train: {epochs: 4, global_batch: 256, optimizer: {name: adam, lr: 0.3}}
checkpoint: {every_steps: 3, keep: 2}
metrics: {every_steps: 1}
YAML
config=$work/run.yaml
fault() { # fault VARIABLE=VALUE... -- RUN ARGUMENT...: trains with a fault; how it ends is in $status
    local variables=()
    while [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    status=0
    (
        export LD_PRELOAD=$library FAULT_UNDER=$work "${variables[@]}"
        train "$2" 1 --threads 1 "${@:3}"
    ) 2>/dev/null || status=$?
}
# what of a run folder must not depend on what befell it
state() {
    (cd "$work/$1" && find . -mindepth 1 -path ./lives -prune -o -printf '%p %l\n' | sort)
    jq -c '[.weights_sha256, .state_sha256, .test_step, .test_loss]' "$work/$1/summary.json"
    jq -c 'del(.check, .images_per_second, .seconds, .comm_seconds, .energy_joules, .phases)' "$work/$1/metrics.jsonl"
}
link() { readlink "$work/$1/checkpoints/$2.h5"; }
weights() { "$LOCKSTEP" info "$1" | awk '$1 == "weights" { print $2 }'; }

trained whole 1 --threads 1
wanted=$(state whole)
whole=$work/whole/checkpoints
same "kept are last, the one before, and the best" 3 "$(find "$whole" -name 'step-*' | wc -l)"
last=$(link whole last) best=$(link whole best)
check "the best checkpoint ($best) is not the newest ($last)" [ "$best" != "$last" ]

# --- deaths: exactly before or after a call of rank 0
dies() { # dies WHAT CALLS PATH AT DEED [ARGUMENT...]: then the same command, until it ends
    fault "FAULT_CALLS=$2" "FAULT_PATH=$3" "FAULT_AT=$4" "FAULT_DO=$5" -- died "${@:6}"
    same "$1: dies" 137 $status
    trained died 1 --threads 1
    same "$1: mended" "$wanted" "$(state died)"
    $ok || diff <(echo "$wanted") <(state died) | head -n 5
}
rename=('rename' "*/checkpoints/$last")
dies "before the last checkpoint's rename" "${rename[@]}" 1 kill
rm -r "$work/died"
dies "after it, before its link" "${rename[@]}" 1 kill-after
for at in 1 2; do # what is there already, and nothing is left to train
    rm "$work/died/checkpoints/last.h5"
    [ $at = 1 ] || ln -s "step-00000001.h5" "$work/died/checkpoints/last.h5"
    rm "$work/died/checkpoints/best.h5"
    cp "$work/died/checkpoints/$best" "$work/died/checkpoints/step-00000002.h5" # surplus
    : >"$work/died/checkpoints/.tmp-1-step-00000099.h5.host-1-1"
    trained died 1 --threads 1
    same "nothing left to train, links gone or astray ($at)" "$wanted" "$(state died)"
done
rm -r "$work/died"
dies "after the first links to a best checkpoint" rename '*/checkpoints/best.h5' 1 kill-after
rm -r "$work/died"
dies "between the links to last and best" rename '*/checkpoints/best.h5' 2 kill
rm -r "$work/died"
dies "while pruning" rename '*/step-*.h5' 8 kill # a removal moves the file away first
for file in history.h5 summary.json report.html; do
    rm -r "$work/died"
    dies "before $file" rename "*/died/$file" 1 kill
done
dies "while starting over" unlink,rename '*/died/*' 4 kill --resume never

# --- a file system without symbolic links, and without any
for links in symlink symlink,link; do
    fault "FAULT_CALLS=$links" FAULT_AT=1 FAULT_FOR=0 FAULT_DO=EPERM -- poor
    same "no $links: ends with" 0 $status
    check "no $links: last.h5 is a file" [ -f "$work/poor/checkpoints/last.h5" ] && [ ! -h "$work/poor/checkpoints/last.h5" ]
    same "no $links: the same result" "$(result whole)" "$(result poor)"
    for name in last best; do
        check "no $links: $name.h5 is the right one" cmp -s "$work/poor/checkpoints/$name.h5" "$work/poor/checkpoints/$(link whole $name)"
    done
    same "no $links: kept are as many" 3 "$(find "$work/poor/checkpoints" -name 'step-*' | wc -l)"
    fault "FAULT_CALLS=$links" FAULT_AT=1 FAULT_FOR=0 FAULT_DO=EPERM -- poor --dry-run
    check "no $links: a dry run says so" grep -qE '^folder .*(other names|copies)' "$work/poor.log"
    "$LOCKSTEP" eval "$work/poor" --data "$golden" >"$work/eval" 2>&1 || show "$work/eval"
    same "no $links: nothing to remark" 0 "$(grep -c warning "$work/eval" || true)"
    rm -r "$work/poor"
done
fault FAULT_CALLS=rename FAULT_PATH='*/.tmp-*' FAULT_AT=1 FAULT_FOR=0 FAULT_DO=EIO -- nowhere --dry-run
same "a dry run finds that nothing can be renamed" 1 $status

# --- files beside the checkpoints that cannot be written: warned of, made up for
fault FAULT_CALLS=write FAULT_PATH='*/beside/metrics.jsonl' FAULT_AT=3 FAULT_FOR=4 FAULT_DO=ENOSPC -- beside
same "metrics.jsonl: ends with" 0 $status
same "metrics.jsonl: one warning" 1 "$(grep -c 'warning: .*metrics.jsonl' "$work/beside.log" || true)"
same "metrics.jsonl: complete" "$wanted" "$(state beside)"
rm -r "$work/beside"
fault FAULT_CALLS=rename,symlink,link FAULT_PATH='*/checkpoints/*best.h5*' FAULT_AT=1 FAULT_FOR=0 FAULT_DO=EIO -- beside
same "links: ends with" 0 $status
check "links: warned of" grep -q 'warning: .*best.h5.*is saved' "$work/beside.log"
check "links: the best checkpoint is there" [ -e "$work/beside/checkpoints/$best" ]
trained beside 1 --threads 1
same "links: mended" "$wanted" "$(state beside)"
fault FAULT_CALLS=rename FAULT_PATH='*/beside/history.h5' FAULT_AT=1 FAULT_DO=EDQUOT -- beside
same "history.h5: ends with" 0 $status
check "history.h5: warned of" grep -q 'warning: .*history.h5.*the same command tries again' "$work/beside.log"
check "history.h5: an earlier one does not stay" [ ! -e "$work/beside/history.h5" ]
rm "$work/beside/summary.json"
fault FAULT_CALLS=rename FAULT_PATH='*/beside/summary.json' FAULT_AT=1 FAULT_DO=ENOSPC -- beside
same "summary.json: ends with" 1 $status
same "summary.json: one error" 1 "$(grep -c 'lockstep: error: .*summary.json' "$work/beside.log" || true)"
check "summary.json: the rest is there" [ -e "$work/beside/history.h5" ] && [ -e "$work/beside/report.html" ]
trained beside 1 --threads 1
same "all is made up for" "$wanted" "$(state beside)"

# --- readers: what is damaged is passed over, and both files are named
cp -r "$work/whole" "$work/flipped"
poke "$work/flipped/checkpoints/$last" 3000 252 125
newest=$(find "$work/flipped/checkpoints" -name 'step-*' ! -name "$last" | sort | tail -n 1)
for command in eval report info diff; do
    more=()
    [ $command != eval ] || more=(--data "$golden")
    [ $command != diff ] || more=("$newest")
    "$LOCKSTEP" $command "$work/flipped" "${more[@]}" >"$work/out" 2>"$work/err" </dev/null || true
    check "$command: names both" grep -qE "warning: .*$last is damaged.*$(basename "$newest").* is taken instead" "$work/err"
    $ok || show "$work/err"
done
status=0
train tuned 1 --threads 1 --init-from "$work/flipped" || status=$?
same "a training does not start from another checkpoint than was asked for" 1 $status
check "and says which it could" grep -qE "error: .*$last is damaged.*is taken instead if you name" "$work/tuned.log"
check "the page says so" grep -q "Not all of the run folder is as it was written: .*$last is damaged" "$work/flipped/report.html"
status=0
"$LOCKSTEP" eval "$work/flipped/checkpoints/last.h5" --data "$golden" >"$work/out" 2>&1 || status=$?
same "eval of a damaged file is an error" 1 $status
rm "$work/flipped/summary.json"
trained flipped 1 --threads 1
same "what was damaged is made again" "$(result whole)" "$(result flipped)"
printf '2' | dd of="$work/flipped/checkpoints/$last" bs=1 seek=28 conv=notrunc status=none
trained flipped 1 --threads 1
check "an unknown format is passed over" grep -qE "warning: passing over .*$last has checkpoint format 2" "$work/flipped.log"
same "and made again" "$(weights "$whole/$last")" "$(weights "$work/flipped/checkpoints/$last")"

# --- a folder that was copied without its links
cp -rL "$work/whole" "$work/copy"
rm "$work/copy/checkpoints/$best" # best.h5 has its bytes
"$LOCKSTEP" eval "$work/copy" --data "$golden" >"$work/out" 2>&1
trained copy 1 --threads 1
same "copies: nothing to remark" 0 "$(cat "$work/out" "$work/copy.log" | grep -c 'warning: .*h5' || true)"
same "copies: the same result" "$(result whole)" "$(result copy)"

# --- seals: a flip in a text reaches no page in silence
sealed=$work/sealed
cp -r "$work/whole" "$sealed"
same "summary.json can be checked by hand" "$(key sealed sha256)" "$(head -n -2 "$sealed/summary.json" | sha256sum | cut -d ' ' -f 1)"
same "config.yaml, too" "$(sed -n 's/^# sha256: //p' "$sealed/config.yaml")" \
    "$(head -n -1 "$sealed/config.yaml" | sha256sum | cut -d ' ' -f 1)"
sed -i 's/"test_correct": ./"test_correct": 9/' "$sealed/summary.json"
sed -i 's/^seed: 2/seed: 3/' "$sealed/config.yaml"
sed -i '0,/"train_loss":./s//"train_loss":9/' "$sealed/metrics.jsonl"
"$LOCKSTEP" info "$sealed" >"$work/out" 2>"$work/err"
for file in summary.json config.yaml; do
    check "info names $file" grep -q "$file was changed since it was written" "$work/err"
done
check "info names metrics.jsonl" grep -q 'metrics.jsonl: 1 damaged line passed over' "$work/err"
check "the checkpoint's configuration is shown" grep -q 'seed 2$' "$work/out"
check "no figure of the summary" eval '! grep -q "^test " "$work/out"'
"$LOCKSTEP" report "$sealed" >"$work/out" 2>&1
check "the page says so" grep -q 'Not all of .*summary.json was changed.*config.yaml was changed' "$sealed/report.html"
"$LOCKSTEP" train --refit "$sealed" --dry-run >"$work/out" 2>&1 || true
check "a refit refuses it" grep -q 'error: .*config.yaml was changed' "$work/out"
"$LOCKSTEP" train "$sealed/config.yaml" --set "data.dir=$golden" --out "$work/named" --dry-run >"$work/out" 2>&1
check "who names it is told" grep -q 'warning: .*sealed/config.yaml was changed since a run wrote it' "$work/out"
trained sealed 1 --threads 1
same "the next start writes them anew" "$wanted" "$(state sealed)"

# --- the best checkpoint is gone for good
rm "$work/sealed/checkpoints/$best"
trained sealed 1 --threads 1
check "said" grep -q "warning: the best checkpoint so far, of step .*is not in" "$work/sealed.log"
check "no link to nowhere stays" [ ! -h "$work/sealed/checkpoints/best.h5" ]
mkdir -p "$work/copied/checkpoints"
cp -L "$whole/last.h5" "$work/copied/checkpoints"
status=0
train copied 1 --threads 1 || status=$?
same "a last.h5 alone is not started over" 2 $status
finish
