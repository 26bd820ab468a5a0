#!/usr/bin/env bash
# --format json and csv of info, eval, diff and configs: what other programs read is what is in the files, to the last
# bit, and what people read.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
python=/usr/bin/python3
command -v $python >/dev/null || skip "$python is not installed"
cd "$work"
names='[zero,"one, two","say \"three\"",three,four,five,six,seven,eight,nine]'
trained run 2 --threads 1 --set data.validation=0.2 --set train.epochs=2 --set metrics.every_steps=7 --set "data.class_names=$names"
trained other 1 --set data.validation=0.2 --set train.epochs=1

# rows STATUS WHAT ARGUMENT...: the program's output, in $work/stdout; JSON and CSV have to be what they are called
rows() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$LOCKSTEP" "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show stderr
    [ "$wanted" != 2 ] || return 0
    case " $* " in
    *" --format json "*) check "$what: one JSON text" $python -c 'import json, sys
no_twice = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else sys.exit("a member twice")
no = lambda name: sys.exit(name + " is no JSON")
json.load(open("stdout"), object_pairs_hook=no_twice, parse_constant=no)' ;;
    *" --format csv "*) check "$what: a table" $python -c 'import csv, sys
table = list(csv.reader(open("stdout", newline=""), strict=True))
sys.exit(len(table) < 2 or len(set(map(len, table))) > 1 or len(set(table[0])) < len(table[0]))' ;;
    esac
    $ok || show stdout
}
# fields COLUMN...: of the CSV in stdout, a line a row
fields() {
    $python -c 'import csv, sys
for row in csv.DictReader(open("stdout", newline="")):
    print("\t".join(row[name] for name in sys.argv[1:]))' "$@"
}

# --- a run: the numbers of metrics.jsonl and of history.h5
columns=(epoch step lr train_loss train_accuracy validation_loss validation_accuracy images_per_second seconds comm_seconds)
query=$(printf '.%s,' "${columns[@]}")
rows 0 "epochs as CSV" info run --format csv
same "epochs are those of metrics.jsonl" "$(jq -r "select(.type == \"epoch\") | [${query%,}] | @tsv" run/metrics.jsonl)" "$(fields "${columns[@]}")"
same "phases, too" "$(jq -r 'select(.type == "epoch").phases.compute.avg' run/metrics.jsonl)" "$(fields phase_compute | xargs -n 1 printf '%.9f\n' | sed 's/0*$//')"
same "what is not known is empty" "" "$(fields test_loss | tr -d '\n')"
rows 0 "steps as CSV" info run --steps --format csv
same "steps" "$(jq -r 'select(.type == "step") | [.step, .epoch, .loss, .accuracy, .lr, .gradient_norm, .norms["conv1/weight"][]] | @tsv' run/metrics.jsonl)" \
    "$(fields step epoch loss accuracy lr gradient_norm 'gradient_norm conv1/weight' 'weight_norm conv1/weight')"
rows 0 "a run as JSON" info run --format json
for key in test_accuracy test_correct test_loss train_seconds parameters; do
    same "JSON: $key" "$(key run $key)" "$(jq .$key stdout)"
done
same "JSON: the seed" 11 "$(jq .seed stdout)"
same "JSON: the newest checkpoint" "$(key run state_sha256)" "$(jq -r .newest.state_sha256 stdout)"
same "JSON: epochs" "$(jq -c "select(.type == \"epoch\") | [${query%,}]" run/metrics.jsonl)" "$(jq -c ".epochs[] | [${query%,}]" stdout)"
same "JSON: phases" "$(jq -s '[.[] | select(.type == "epoch").phases.total.avg] | add * 1e6 | round' run/metrics.jsonl)" "$(jq '.phases.total.avg * 1e6 | round' stdout)"
same "JSON: checkpoints" "$(find run/checkpoints -type f -name 'step-*' -printf '%f %s\n' | sort)" "$(jq -r '.checkpoints[] | "\(.file) \(.bytes)"' stdout)"
same "JSON: no steps unless wanted" null "$(jq .steps stdout)"
rows 0 "steps as JSON" info run --steps --format json
same "JSON: steps" "$(jq -c 'select(.type == "step") | [.step, .loss]' run/metrics.jsonl)" "$(jq -c '.steps[] | [.step, .loss]' stdout)"
if $python -c 'import h5py' 2>/dev/null; then
    check "steps are those of history.h5, to the bit" $python -c 'import h5py, json
steps = json.load(open("stdout"))["steps"]
h = h5py.File("run/history.h5")
for name in ("step", "loss", "accuracy", "lr", "gradient_norm"):
    assert [s[name] for s in steps] == h["steps/" + name][:].tolist(), name'
fi
cp -r run young
rm young/summary.json young/history.h5
rows 0 "a run at work" info young --format json
same "it has not ended" "[false,null,2]" "$(jq -c '[.ended, .status, (.epochs | length)]' stdout)"
mkdir empty
cp run/config.yaml empty
rows 0 "a run without figures" info empty --format json
same "no epochs, no checkpoints" "[[],[]]" "$(jq -c '[.epochs, .checkpoints]' stdout)"
"$LOCKSTEP" info empty --format csv >stdout
same "columns without rows" 1 "$(wc -l <stdout)"
printf '{"status": "do\x1bne",\n  "test_loss": 1e999\n' >young/summary.json # somebody's
rows 0 "a damaged summary" info young --format json

# --- a configuration, a checkpoint, data sets
text() { "$LOCKSTEP" info "$@" 2>/dev/null; }
rows 0 "layers" info "$config" --set "data.dir=$golden" --format csv
same "layers are those of the table" "$(text "$config" --set "data.dir=$golden" | awk '/^ +[0-9]+  [a-z]/ { print $1, $2, $3 }')" \
    "$(fields number layer name | tr '\t' ' ')"
rows 0 "a configuration as JSON" info "$config" --set "data.dir=$golden" --format json
same "its parameters are the layers'" "$(key run parameters)" "$(jq '[.layers[].parameters] | add' stdout)"
same "and its own" "$(key run parameters)" "$(jq .parameters stdout)"
rows 0 "tensors" info run/checkpoints/last.h5 --format csv
same "tensors" "$(text run/checkpoints/last.h5 | sed -n 's,^  /model/\([^ ]*\) *\(.*\)$,\1\t\2,p')" "$(fields tensor shape)"
rows 0 "a checkpoint as JSON" info run/checkpoints/last.h5 --format json
same "class names" "$(jq -c .class_names stdout)" '["zero","one, two","say \"three\"","three","four","five","six","seven","eight","nine"]'
rows 0 "classes" info "$golden" --format csv
same "all images" 2500 "$(fields images | awk '{ n += $1 } END { print n }')"
rows 0 "a data set as JSON" info "$golden" --format json
same "its parts" "2000 500" "$(jq -r '[.parts[].images] | @tsv' stdout | tr '\t' ' ')"
rows 0 "labels alone" info "$golden/t10k-labels-idx1-ubyte.gz" --format json
same "labels" "500 500" "$(jq -r '"\(.labels) \([.classes[].labels] | add)"' stdout)"
rows 0 "a run's data" info run --data --format csv
same "names of classes" 'one, two' "$(fields class name | sed -n 's/^1\t//p' | sort -u)"

# --- eval
rows 0 "an evaluation as JSON" eval run --threads 1 --format json
same "its figures are the run's" "$(jq -c '[.test_correct, .test_loss, .test_accuracy_low, .test_top3, .test_macro_f1]' run/summary.json)" \
    "$(jq -c '[.correct, .loss, .accuracy_low, .top3, .macro_f1]' stdout)"
same "answers add up" "[500,$(key run test_correct)]" \
    "$(jq -c '[([.classes[].images] | add), ([.classes[] | .["answered_\(.class)"]] | add)]' stdout)"
rows 0 "classes of an evaluation" eval run --threads 1 --format csv
same "names come through" 'say "three"' "$(fields class name | sed -n 's/^2\t//p')"
rows 0 "the worst as CSV" eval run --threads 1 --worst 5 --format csv
same "they are those of the text" "$("$LOCKSTEP" eval run --threads 1 --worst 5 | awk 'on && NF >= 5 { print $1, $2, $3 } / image +label/ { on = 1 }')" \
    "$(fields image label answer | tr '\t' ' ')"
cp stdout one
"$MPIEXEC" -n 3 "$LOCKSTEP" eval run --threads 1 --worst 5 --format csv >stdout 2>stderr </dev/null || true
check "three ranks print the same" cmp -s one stdout

# --- diff
rows 0 "a checkpoint and itself" diff run run --format json
same "identical" "[true,null,0]" "$(jq -c '[.identical, .first, ([.tensors[].differing] | add)]' stdout)"
rows 1 "two runs" diff run other --format json
"$LOCKSTEP" diff run other >text || true
same "the first difference" "$(sed -nE 's/^first difference: ([^[]*)(.*): .* against .*, ([0-9]+) ulp/\1 \2 \3/p' text)" \
    "$(jq -r '"\(.first.tensor) \(.first.index) \(.first.ulp)"' stdout)"
same "fields" "$(sed -nE 's/^((cursor|best|temperature|provenance|data)[a-z_\/]*): .*/\1/p' text | sort)" "$(jq -r '.fields[].field' stdout | sort)"
rows 1 "tensors that differ" diff run other --format csv
same "how many values" "$(sed -nE 's/^([^ ]+) +([0-9]+) of [0-9]+ differ, at most ([0-9]+) ulp.*/\1 \2 \3/p' text)" \
    "$(fields tensor differing most_ulp | tr '\t' ' ')"
trained wide 1 --set train.max_steps=1 --set model.dense1.units=7
rows 1 "other networks" diff run wide --format json
same "what is another" '{"tensor":"dense1/weight","a":"[36][19]","b":"[36][7]"}' "$(jq -c '.layout[0]' stdout)"
check "and one error" grep -q 'different networks' stderr

# --- configs, and what is refused
rows 0 "configs" configs --format csv
same "all of them" "$("$LOCKSTEP" configs --format json | jq length)" "$(fields name | wc -l)"
for wrong in "info run --format yaml" "info run --steps" "info $here/odd.yaml --resolved --format json" "eval run --format table" \
    "configs smoke --format json" "info run/checkpoints/last.h5 --format csv --set seed=3" "info $here/odd.yaml --steps --format csv" "diff run run --format"; do
    # shellcheck disable=SC2086 # words
    rows 2 "$wrong" $wrong
    same "$wrong: no output" "" "$(cat stdout)"
done
finish
