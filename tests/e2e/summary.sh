#!/usr/bin/env bash
# What a run leaves behind can be read by other tools: jq, h5dump, and lockstep itself.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq h5dump

trained run 2 --threads 1 --set data.validation=0.1 --set checkpoint.every_steps=10
run=$work/run

# --- summary.json
keys=(status test_accuracy test_correct test_total test_loss validation_accuracy epochs steps samples_seen
    weights_sha256 state_sha256 numerics train_seconds images_per_second world_size threads_per_rank isa parameters
    comm_seconds sent_bytes_per_step energy_joules resumed_from phases peak_rss_mib test_weights test_weights_sha256 test_step test_epoch
    test_validation_accuracy test_validation_loss test_contested test_contested_wrong precision products exchange)
for name in "${keys[@]}"; do
    check "summary.json has $name" jq -e "has(\"$name\")" "$run/summary.json" >/dev/null
done
same "of these images no label is known to be contested" "null null" "$(key run test_contested) $(key run test_contested_wrong)"
same "epochs" 2 "$(key run epochs)"
# 10 % of each class, rounded, are 199 images: 1,801 are left
same "steps: 1,801 images in batches of 53, twice" 68 "$(key run steps)"
same "samples seen" 3602 "$(key run samples_seen)"
same "ranks" 2 "$(key run world_size)"
same "threads" 1 "$(key run threads_per_rank)"
# 7 * 25 + 7, 9 * 7 * 9 + 9, 36 * 19 + 19, 19 * 10 + 10
same "parameters" $((182 + 576 + 703 + 200)) "$(key run parameters)"
check "a digest is 64 hexadecimal digits" grep -qxE '[0-9a-f]{64}' <<<"$(key run weights_sha256)"
check "speed is a positive number" jq -e '.images_per_second > 0 and .train_seconds > 0' "$run/summary.json" >/dev/null

same "what was tested are the last weights" "$(jq -c '[.weights_sha256, .steps, .epochs, .validation_accuracy, .validation_loss]' \
    "$run/summary.json")" "$(jq -c '[.test_weights_sha256, .test_step, .test_epoch, .test_validation_accuracy, .test_validation_loss]' \
    "$run/summary.json")"

# --- what train says of its bits: in its first lines which sums it uses, at its end which weights it made
check "exact sums are said to be" grep -qxE 'sums +exact: the same bits on any number of ranks, threads and hosts' "$work/run.log"
check "the digest is the last but one line" grep -qxE "weights +$(key run weights_sha256)" <<<"$(tail -n 2 "$work/run.log")"
same "the last line compares" "lockstep diff '$run' OTHER_RUN" "$(tail -n 1 "$work/run.log" | sed 's/^compare *//')"
check "what was checked is said with how often" grep -q 'replicas equal: checked after 2 epochs$' "$work/run.log"
trained plain 2 --threads 1 --set train.reduce=fp32 --set train.max_steps=3
check "plain sums are said to be" grep -qE '^sums +plain float32: ' "$work/plain.log"
same "precision, and what computed its products" "float32 fma" "$(key run precision) $(key run products)"
check "no promise with plain sums, and no check that was not made" eval '! grep -qE "same bits|replicas equal|checked after" "$work/plain.log"'
promise='(same|[Aa]ny number of ranks)[^<]*(any number of ranks|the same weights)'
check "the report of exact sums promises" grep -qE "$promise" "$run/report.html"
check "that of plain sums does not" eval '! grep -qE "$promise" "$work/plain/report.html"'
check "it says what to repeat them with" grep -q 'mpirun -n 2 lockstep train .* --threads 1 --out again' "$work/plain/report.html"
# 38 steps an epoch, and a norm measured in step 60 only
trained norms 1 --set metrics.every_steps=60 --set train.epochs=3 --progress auto
same "an epoch without a measured gradient tells none" 'epoch 2/3' \
    "$(sed -n 's/^\(epoch\) *\([0-9/]*\) .* gradient .*/\1 \2/p' "$work/norms.log" | paste -sd ' ')"

# Communication and wait are the same on the console, in metrics.jsonl and in the report's table
trained lines 2 --threads 1 --progress lines
same "communication and wait of the epochs' lines" \
    "$(jq -r 'select(.type == "epoch").phases | "\(100 * .communication.avg / .total.avg) \(100 * .wait.avg / .total.avg)"' \
        "$work/lines/metrics.jsonl" | awk '{ printf "%.0f %.0f\n", $1, $2 }')" \
    "$(sed -n 's/^epoch .* communication \([0-9]*\) %  wait \([0-9]*\) %.*/\1 \2/p' "$work/lines.log")"
for phase in communication wait; do
    same "$phase in the report's table" "$(jq -rs "[.[] | select(.type == \"epoch\").phases] | map(.$phase.avg) | add" \
        "$work/lines/metrics.jsonl" | awk '{ printf "%.2f s", $1 }')" \
        "$(grep -o "<th scope=\"row\">$phase</th><td>[0-9.]* s" "$work/lines/report.html" | sed 's/.*<td>//')"
done

# --- memory: a rank with more of it is seen, in MiB
resident() { jq -e ".peak_rss_mib | $1" "$work/$2/summary.json"; }
check "a rank holds more than 4 MiB and less than 1 GiB" resident '4 < .min and .min <= .max and .max < 1024' run >/dev/null
trained large 2 --threads 1 --set model.dense1.units=40000 --set train.max_steps=2
# 1.9 million weights: themselves, two arrays of Adam, and as int64 the message and the sums of the threads
grown=$(awk -v small="$(resident .min run)" -v large="$(resident .min large)" 'BEGIN { print large - small }')
check "1.9 million weights more take $grown MiB more" awk -v grown="$grown" 'BEGIN { exit !(grown > 45 && grown < 400) }'
check "it is printed" grep -qE '^memory +at most [0-9.]+\.\.[0-9.]+ MiB resident per rank$' "$work/run.log"

# --- metrics.jsonl: one object a line
check "metrics.jsonl is JSON" jq -e . "$run/metrics.jsonl" >/dev/null
same "one object a line" "$(wc -l <"$run/metrics.jsonl")" "$(jq -c . "$run/metrics.jsonl" | wc -l)"

# --- phases: they fill the wall time of the ranks, which is all between the epochs' lines
phase_laws='def laws($ranks): (keys_unsorted == ["exchange", "batch", "augment", "compute", "communication", "wait", "update",
        "evaluate", "checkpoint", "verify", "other", "total"])
    and all(.[]; 0 <= .min and .min <= .avg and .avg <= .max and 0 <= .rank and .rank < $ranks)
    and (([del(.total)[].avg] | add) - .total.avg | fabs < 1e-7)
    and all(del(.total)[]; . as $p | $p.max <= $p.avg * $ranks + 1e-7)
    and .communication.min == .communication.max and .compute.min > 0 and .communication.min > 0;'
epochs='[.[] | select(.type == "epoch").phases]'
lines_true() { jq -es "$phase_laws $epochs as \$epochs | $1" "${@:2}" "$run/metrics.jsonl" >/dev/null; }
check "phases of each epoch" lines_true '$epochs | length == 2 and all(.[]; laws(2))'
check "an epoch's wall time holds its training" lines_true \
    'map(select(.type == "epoch")) | all(.[]; .phases.total.max >= .seconds - 1e-7)'
check "phases of the process are those of its epochs, and what comes after" lines_true '$summary[0].phases
    | laws(2) and all(keys[] as $p | .[$p].avg - ([$epochs[][$p].avg] | add); . >= -1e-7)
    and .evaluate.min > ([$epochs[].evaluate.min] | add)' --slurpfile summary "$run/summary.json"
check "a table of them is printed" grep -qE '^  total +[0-9.]+ +[0-9.]+ +[0-9.]+  \([01]\) +100\.0 %$' "$work/run.log"

# --- checkpoints
check "last.h5 is a relative link" grep -qxE 'step-[0-9]{8}\.h5' <<<"$(readlink "$run/checkpoints/last.h5")"
check "best.h5 is a relative link" grep -qxE 'step-[0-9]{8}\.h5' <<<"$(readlink "$run/checkpoints/best.h5")"
same "no temporary files" "" "$(find "$run" -name '.tmp-*' -o -name '*.tmp')"
h5dump -n "$run/checkpoints/last.h5" >"$work/names"
for name in conv1 conv2 dense1 dense2; do
    check "h5dump lists /model/$name" grep -qE "dataset +/model/$name/weight\$" "$work/names"
    check "h5dump lists /model/$name/bias" grep -qE "dataset +/model/$name/bias\$" "$work/names"
done
check "the optimizer's state is there" grep -qE 'dataset +/optimizer/[a-z0-9_]+/conv1/weight' "$work/names"
check "the digest is inside" grep -q "$(key run weights_sha256)" <<<"$(h5dump -a /weights_sha256 "$run/checkpoints/last.h5")"

# --- history.h5
h5dump -n "$run/history.h5" >"$work/names"
for name in steps/loss steps/lr epochs/train_loss epochs/validation_accuracy phases/avg phases/rank test/confusion \
    test/predicted; do
    check "history.h5 has /$name" grep -qE "dataset +/$name\$" "$work/names"
done
confusion=$(h5dump -y -w 400 -d /test/confusion "$run/history.h5" | sed -n '/DATA {/,/}/p' | tr -dc '0-9,\n' | tr ',' '\n' |
    awk 'NF { sum += $1 } END { print sum }')
same "the confusion matrix counts every test image" 500 "$confusion"

# --- the program reads its own files
for ranks in 1 3; do
    launch $ranks eval "$run/checkpoints/last.h5" --data "$golden" >"$work/eval$ranks" 2>&1 || show "$work/eval$ranks"
    check "eval on $ranks ranks finds the same accuracy" \
        grep -qF "$(awk -v a="$(key run test_accuracy)" 'BEGIN { printf "%.2f", 100 * a }')" "$work/eval$ranks"
done
check "info reads the resolved configuration" "$LOCKSTEP" info "$run/config.yaml" >/dev/null
check "info reads a checkpoint" "$LOCKSTEP" info "$run/checkpoints/last.h5" >/dev/null
check "a checkpoint equals itself" "$LOCKSTEP" diff "$run/checkpoints/last.h5" "$run/checkpoints/last.h5" >/dev/null
first=$(find "$run/checkpoints" -name 'step-*.h5' | sort | head -n 1)
"$LOCKSTEP" diff "$first" "$run/checkpoints/last.h5" >"$work/diff" 2>&1 || true
check "diff names the first layer that differs" grep -q 'conv1/weight' "$work/diff"

# --- a run that is stopped in its second epoch keeps what was measured in the first
trained parts 2 --threads 1 --set train.max_steps=50
line=$(jq -c 'select(.type == "epoch")' "$work/parts/metrics.jsonl")
same "one epoch" 1 "$(jq .epoch <<<"$line")"
trained parts 3 --threads 1
same "its line is as it was" "$line" "$(jq -c 'select(.epoch == 1 and .type == "epoch")' "$work/parts/metrics.jsonl")"
run=$work/parts
check "phases on three ranks" lines_true '($epochs[0] | laws(2)) and ($epochs[1] | laws(3))'
check "phases of the second process" lines_true '$summary[0].phases | laws(3)' --slurpfile summary "$run/summary.json"
run=$work/run

# The resolved configuration, defaults included, repeats the run.
config=$run/config.yaml
trained again 1 --threads 1
same "config.yaml repeats the run" "$(result run)" "$(result again)"
# --- what is sent, and what the processors took: of a made-up processor that takes a joule each time it is asked to
check "two ranks send their sums" jq -e ".sent_bytes_per_step > 8 * .parameters and .sent_bytes_per_step < 24 * .parameters" \
    "$run/summary.json" >/dev/null
check "it is printed" grep -qxE 'sent +at most [0-9]+ bytes by a rank in a step, sums and images' "$work/run.log"
same "no processor tells here, or in joules" true "$(jq '.energy_joules == null or .energy_joules > 0' "$run/summary.json")"
package=$work/powercap/intel-rapl:0
mkdir -p "$package"
echo package-0 >"$package/name"
echo 3000000 >"$package/max_energy_range_uj" # it turns over all the time
echo 0 >"$package/energy_uj"
count=0
while sleep 0.01; do
    count=$((count + 1))
    echo $((count % 3 * 1000000)) >"$package/next"
    mv "$package/next" "$package/energy_uj"
done &
processor=$!
LOCKSTEP_POWERCAP=$work/powercap trained joules 2 --threads 1 --progress lines
kill $processor
wait $processor || true
check "energy of the whole and of its epochs" jq -es '(.[0].energy_joules) as $all |
    [.[] | select(.type? == "epoch").energy_joules] | length == 2 and all(.[]; . >= 0) and add <= $all and $all > 0' \
    "$work/joules/summary.json" "$work/joules/metrics.jsonl" >/dev/null
same "in history.h5, too" "$(jq -c 'select(.type == "epoch").energy_joules' "$work/joules/metrics.jsonl")" \
    "$(h5dump -y -w 1 -d /epochs/energy_joules "$work/joules/history.h5" | sed -n 's/^ *\([0-9.]*\),*$/\1/p')"
same "in the epochs' lines" 2 "$(grep -cE '^epoch .* [0-9.]+ J( |$)' "$work/joules.log")"
check "at the end" grep -qxE 'energy +[0-9.]+ J in the processors of 1 of 1 host, all that ran there' "$work/joules.log"
same "and the weights are the same" "$(key run weights_sha256)" "$(key joules weights_sha256)"
rm "$package/energy_uj"
LOCKSTEP_POWERCAP=$work/powercap trained denied 1 --set train.max_steps=3
same "a processor that may not be read" "null 1" \
    "$(key denied energy_joules) $(grep -c '^energy  *not told: this user may not read ' "$work/denied.log")"
finish
