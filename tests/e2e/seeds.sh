#!/usr/bin/env bash
# jobs/seeds.sh: statistics with figures from books, runs that are done, stopped, of another kind; all networks together.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq setsid
PATH=$(dirname "$LOCKSTEP"):$PATH

# seeds STATUS WHAT ARGUMENT...: output in $work/out and $work/err
seeds() {
    local status=0
    bash "$SOURCE/jobs/seeds.sh" "${@:3}" >"$work/out" 2>"$work/err" </dev/null || status=$?
    same "$2: exit status" "$1" $status
    $ok || show "$work/err"
}
row() { sed -n "s/^$1  *//p" "$work/out" | tr -s ' '; } # row LABEL: of the table, with single spaces
said() { grep -qF -- "$1" "$work/err"; }

# --- statistics: summaries that are made up
# made FOLDER SEED TEST VALIDATION SECONDS [KEY VALUE]: in JSON; what else is in a summary, unless the last ones say otherwise
made() {
    local run=$1/seed-$2 text
    mkdir -p "$run"
    printf 'name: made\nseed: %s\n' "$2" >"$run/config.yaml"
    text=$(jq -n --argjson seed "$2" --argjson test "$3" --argjson validation "$4" --argjson seconds "$5" --arg key "${6-revision}" \
        --argjson value "${7-\"r1\"}" '{status: "done", test_accuracy: $test, test_total: 1000,
        test_validation_accuracy: $validation, train_seconds: $seconds, weights_sha256: "0123456789abcdef01", seed: $seed,
        world_size: 1, threads_per_rank: 2, version: "0.1.0", revision: "r1", numerics: 2, data_digest: "d",
        precision: "float32", init_from: null, resumed_from: null} + {($key): $value}')
    text=$(sed '$d' <<<"$text"),
    { echo "$text" && printf '  "sha256": "%s"\n}\n' "$(sha256sum <<<"$text" | cut -c 1-64)"; } >"$run/summary.json"
}

# Student's own: hours of sleep that two drugs added, ten people (Biometrika 6, 1908), here 50 + hours as per cent. Means
# 0.75 and 2.33, deviations 1.789010 and 2.002249; of the pairs mean 1.58, t 4.0621, p 0.002833, 0.7001 to 2.4599.
drug_1=(0.7 -1.6 -0.2 -1.2 -0.1 3.4 3.7 0.8 0.0 2.0)
drug_2=(1.9 0.8 1.1 0.1 -0.1 4.4 5.5 1.6 4.6 3.4)
share() { awk "BEGIN { print (50 + $1) / 100 }"; }
for i in {0..9}; do
    made "$work/A" $((i + 1)) "$(share "${drug_1[i]}")" null "1$i"
    made "$work/B" $((i + 1)) "$(share "${drug_2[i]}")" null 7
done
seeds 0 "a table of ten" --table "$work/A"
same "mean, and no column of validation" "50.750 14.500" "$(row mean)"
same "standard deviation" "1.789 3.028" "$(row 'standard deviation')"
same "standard error" "0.566 0.957" "$(row 'standard error')"
same "least" "48.400 10.000" "$(row least)"
same "most" "53.700 19.000" "$(row most)"
same "a run" "52.000 19.000 1 x 2 0123456789abcdef" "$(row 10)"
same "seeds in the order of their numbers" "$(echo {1..10})" "$(awk '/ 1 x 2 / { print $1 }' "$work/out" | tr '\n' ' ' | sed 's/ $//')"
check "a row in Markdown" grep -qxF \
    '| made | 10 | 50.750 ± 1.789 (0.566; 48.400 to 53.700) | 14 | `0123456789abcdef` |' "$work/out"
$ok || show "$work/out"
made "$work/A" 11 0.9 null 1
made "$work/B" 12 0.1 null 1
seeds 0 "unequal seeds" --compare "$work/A" "$work/B"
same "Student's example" "10 50.750 +- 1.789 52.330 +- 2.002 +1.580 +0.700 to +2.460 0.0028" "$(row 'test %')"
check "seed 11 is left out, and named" grep -q '^only in A, left out: seeds 11$' "$work/out"
check "seed 12, too" grep -q '^only in B, left out: seeds 12$' "$work/out"
# Two pairs, B - A 1 and 2: the mean 1.5 has error 0.5, t is 3, p = 1 - 2 atan(3) / pi; t(0.975; 1) = 12.706. Three, 1 to 3:
# error 1 / sqrt(3), p = 1 - sqrt(12 / 14); t(0.975; 2) = 4.303.
for seed in 1 2 3; do
    made "$work/C" $seed null 0.9 1
    made "$work/D" $seed null 0.9$seed 1
done
seeds 0 "three pairs" --compare "$work/C" "$work/D"
same "with an even number of freedoms" "3 90.000 +- 0.000 92.000 +- 1.000 +2.000 -0.484 to +4.484 0.0742" "$(row 'validation %')"
same "seconds that do not differ" "3 1.000 +- 0.000 1.000 +- 0.000 +0.000 +0.000 to +0.000 1.0000" "$(row seconds)"
rm -r "$work/C/seed-3"
seeds 0 "two pairs" --compare "$work/D" "$work/C"
same "the other way round" "2 91.500 +- 0.707 90.000 +- 0.000 -1.500 -7.853 to +4.853 0.2048" "$(row 'validation %')"
rm -r "$work/C/seed-2"
seeds 1 "one pair" --compare "$work/C" "$work/D"
check "it is said" said 'wants two seeds that both have; they share 1'
seeds 1 "no run" --compare "$work/C" "$work/nowhere"
check "that is said" said "no run has ended in $work/nowhere"

# --- runs that do not belong together, or are not what they seem
made "$work/E" 1 0.6 null 7
made "$work/E" 2 0.7 null 8
made "$work/E" 12 0.5 null 1 resumed_from '"x.h5"'
seeds 0 "a run that was stopped" --table "$work/E"
same "has no seconds" "50.000 - 1 x 2 0123456789abcdef" "$(row 12)"
same "and the mean has those of the others" "60.000 7.500" "$(row mean)"
check "that is told" grep -q 'not known of 1 of 3 runs' "$work/out"
for other in 'numerics 3' 'data_digest "e"' 'test_total 999' 'precision "bf16"' 'init_from {"path":"x"}' 'revision "r2"'; do
    made "$work/E" 12 0.5 null 1 "${other% *}" "${other#* }"
    seeds 2 "another ${other% *}" --table "$work/E"
    check "it is named" said "do not belong together: some have ${other% *} "
done
check "and how to take it" said '(--any-revision takes both)'
seeds 0 "another revision is taken" --any-revision --table "$work/E"
made "$work/E" 12 0.5 null 1
sed -i 's/"test_accuracy": 0.5/"test_accuracy": 0.9/' "$work/E/seed-12/summary.json"
seeds 1 "a summary that was changed" --table "$work/E"
check "it is said" said 'seed-12/summary.json is damaged or was changed'
made "$work/E" 12 0.5 null 1 seed 13
seeds 1 "another seed than its folder's" --table "$work/E"

# --- real runs: two of three seeds at once, then the third
few=(--set "data.dir=$golden" --set train.max_steps=20 --set data.validation=0.2)
small=$SOURCE/configs/smoke.yaml
seeds 0 "two seeds at once" --out "$work/runs" --first 2 "$small" 2 --at-once 2 "${few[@]}"
cp "$work/runs/seed-2/summary.json" "$work/before"
seeds 0 "three seeds" --out "$work/runs" "$small" 3 "${few[@]}" --ensemble --eval-shifts 1
check "what is done is left alone" cmp -s "$work/before" "$work/runs/seed-2/summary.json"
check "and not trained" [ "$(grep -c 'training, output' "$work/out")" = 1 ]
config=$small
for seed in 1 3; do
    trained "alone-$seed" 1 "${few[@]}" --set seed=$seed
    same "seed $seed: the bits of a run by hand" "$(result "alone-$seed")" "$(result "runs/seed-$seed")"
done
same "info --resolved is what a run keeps" "$(sed '$d' "$work/runs/seed-1/config.yaml")" \
    "$("$LOCKSTEP" info "$small" --resolved "${few[@]}" --set seed=1)"
# accuracy ARGUMENT...: of `lockstep eval`, as the table has it
accuracy() { "$LOCKSTEP" eval "$@" | sed -n 's/^[tv].*: accuracy.* (\([0-9]*\) of \([0-9]*\);.*/\1 \2/p' | awk '{ printf "%.3f", 100 * $1 / $2 }'; }
same "figures of a run" "$(jq -r '[.test_validation_accuracy, .test_accuracy] | map(. * 100000 | round) | @tsv' "$work/runs/seed-3/summary.json")" \
    "$(row 3 | awk '{ printf "%.0f\t%.0f", 1000 * $1, 1000 * $2 }')"
same "test images that were shifted" "$(accuracy "$work/runs/seed-3" --shifts 1)" "$(row 3 | cut -d ' ' -f 3)"
same "all networks together" "$(accuracy "$work"/runs/seed-{1,2,3} --shifts 1)" "$(row ensemble | cut -d ' ' -f 1)"
check "which are three" grep -q '^ensemble .* 3 networks together on test images, mean of 9 looks at each$' "$work/out"
check "the row has that" grep -qE "^\| smoke \| 3 \|.*\| $(row ensemble | cut -d ' ' -f 1) \| \`$(key runs/seed-1 weights_sha256 | cut -c 1-16)\` \|$" "$work/out"
$ok || show "$work/out"
seeds 0 "without the shifts" --table "$work/runs" --ensemble
same "together" "$(accuracy "$work"/runs/seed-{1,2,3})" "$(row ensemble | cut -d ' ' -f 1)"
rm "$work/runs/seed-3/summary.json"
seeds 0 "a summary that is missing" --out "$work/runs" "$small" 3 "${few[@]}"
same "is made anew" "$(result alone-3)" "$(result runs/seed-3)"
same "and the other ones are as they were" "$(result alone-1)" "$(result runs/seed-1)"

# --- what does not fit the folder is refused before anything is trained
find "$work/runs" -type f -exec sha256sum {} + | sort >"$work/before"
seeds 2 "another configuration" --out "$work/runs" "$small" 4 "${few[@]}" --set train.optimizer.lr=0.02
check "the difference is shown" said '>     lr: 0.02'
check "and what to do" said 'Choose another folder with --out'
seeds 2 "more steps" --out "$work/runs" "$small" 4 "${few[@]}" --set=train.max_steps=21
seeds 2 "without the test set" --no-test --out "$work/runs" "$small" 4 "${few[@]}"
check "that is a difference" said '>   test_images: ""'
check "nothing has changed there" cmp -s "$work/before" <(find "$work/runs" -type f -exec sha256sum {} + | sort)
sed -i 's/"revision": "[^"]*"/"revision": "older"/' "$work"/runs/seed-*/summary.json
for seed in 1 2 3; do
    file=$work/runs/seed-$seed/summary.json
    sed -i "s/\"sha256\": \"[^\"]*\"/\"sha256\": \"$(head -n -2 "$file" | sha256sum | cut -c 1-64)\"/" "$file"
done
seeds 2 "another revision of the program" --out "$work/runs" "$small" 4 "${few[@]}"
check "both are named" said "(version, numerics, revision: $("$LOCKSTEP" --version | sed -n '1s/lockstep \([^ ]*\) .*/\1/p') $(key runs/seed-1 numerics) older) than"
seeds 0 "it is taken" --any-revision --out "$work/runs" "$small" 4 "${few[@]}"
same "with the new one" 4 "$(sed -n 's/^| smoke | \([0-9]*\) .*/\1/p' "$work/out")"

# --- the test set is left out where choices are made
seeds 0 "no test" --no-test --out "$work/chosen" "$small" 2 "${few[@]}"
same "nobody has seen it" "null 0 null 0" "$(jq -r '.test_accuracy, .test_total' "$work"/chosen/seed-*/summary.json | tr '\n' ' ' | sed 's/ $//')"
check "nor has the table" [ "$(grep -ci test "$work/out")" = 0 ]
$ok || show "$work/out"
same "validation comes first" "validation % seconds ranks x threads weights_sha256" "$(row seed)"
seeds 0 "shifts, too, can be chosen" --no-test --table "$work/chosen" --eval-shifts 1
same "by validation" "$(accuracy "$work/chosen/seed-2" --on validation --shifts 1)" "$(row 2 | cut -d ' ' -f 2)"
seeds 2 "all together on images that some of them were trained on" --no-test --table "$work/chosen" --ensemble
seeds 2 "nothing to choose by" --no-test --out "$work/unchosen" "$small" 2 --set "data.dir=$golden"
check "it is said" said 'add --set data.validation=0.1'
check "before there is a folder" [ ! -e "$work/unchosen" ]
seeds 2 "all together on a test set that they do not have" --table "$work/chosen" --ensemble

# --- stopped in the middle
long=("${few[@]}" --set train.max_steps=0 --set train.epochs=100 --set eval.every_epochs=100 --set checkpoint.every_steps=100
    --set checkpoint.every_epochs=0 --set metrics.every_steps=0)
bash "$SOURCE/jobs/seeds.sh" --out "$work/stopped" "$small" 2 "${long[@]}" >"$work/out" 2>&1 </dev/null &
for _ in $(seq 600); do
    [ ! -e "$work/stopped/seed-1/checkpoints/last.h5" ] || break
    sleep 0.05
done
kill -TERM $!
status=0
wait $! || status=$?
same "TERM saves and stops" 75 $status
check "the first seed is not done" [ ! -e "$work/stopped/seed-1/summary.json" ]
check "the second one has not begun" [ ! -e "$work/stopped/seed-2" ]
$ok || show "$work/out"
seeds 0 "the same command goes on" --out "$work/stopped" "$small" 2 "${long[@]}"
trained undisturbed 1 "${long[@]}" --set checkpoint.every_steps=0 --set seed=1
same "with the bits of an undisturbed run" "$(result undisturbed)" "$(result stopped/seed-1)"
same "its seconds are not known" - "$(row 1 | cut -d ' ' -f 3)"

# --- a run that fails, and wrong usage
seeds 1 "no data" --out "$work/failed" "$small" 2 --set data.dir=/nowhere
check "the reason is told" said '/nowhere'
check "the second seed does not begin" [ ! -e "$work/failed/seed-2.log" ]
seeds 2 "no configuration"
seeds 2 "no number" "$small"
seeds 2 "no seeds" "$small" 0
seeds 2 "a seed of one's own" --out "$work/own" "$small" 2 --set seed=7
seeds 2 "a dry run" "$small" 2 --dry-run
seeds 2 "shifts without a number" "$small" 2 --eval-shifts x
seeds 2 "a folder and a configuration" --table "$work/runs" "$small" 2
seeds 2 "one folder to compare" --compare "$work/runs"
same "info --resolved of what is no configuration" 2 "$("$LOCKSTEP" info --resolved "$work/runs" >/dev/null 2>&1 || echo $?)"
seeds 0 "help" --help
check "help goes to stdout" [ -s "$work/out" ]

# --- Slurm: the seeds that are missing, as an array
mkdir "$work/fakes"
cat >"$work/fakes/sbatch" <<'TEXT'
#!/usr/bin/env bash
echo "$LOCKSTEP_OUT|$LOCKSTEP_SEEDS|${LOCKSTEP_CONFIG##*/}|$*"
TEXT
chmod +x "$work/fakes/sbatch"
PATH=$work/fakes:$PATH
seeds 0 "an array" --slurm --at-once 4 --any-revision --out "$work/runs" "$small" 6 "${few[@]}"
same "of what is missing" "$work/runs|5 6|smoke.yaml|--array=0-1%4 $SOURCE/jobs/sweep.sbatch ${few[*]}" "$(grep '|' "$work/out")"
seeds 0 "an array by a script of one's own" --slurm=my.sbatch --out "$work/new" "$small" 2
same "all of it" "$work/new|1 2|smoke.yaml|--array=0-1 my.sbatch" "$(grep '|' "$work/out" | sed 's/ *$//')"
seeds 2 "together before they are done" --slurm --ensemble "$small" 2
finish
