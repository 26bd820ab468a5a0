#!/usr/bin/env bash
# metrics.tensorboard: the events are those of the run, read by their published formats; each step is there once, however
# the run came to its end; nothing of the run changes.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
python=/usr/bin/python3
command -v $python >/dev/null || skip "$python is not installed"
usual=(--threads 1 --set data.validation=0.2 --set train.epochs=3 --set checkpoint.keep=0 --set metrics.every_steps=1)
shown=("${usual[@]}" --set metrics.tensorboard=true)

# events RUN: an event a line, without times, sorted; the file has to be whole, and alone
events() {
    local files
    mapfile -t files < <(find "$work/$1/tensorboard" -name '*tfevents*' | sort)
    same "$1: one file of events" 1 ${#files[@]}
    check "$1: the file can be read" $python "$here/tfevents.py" "${files[0]-none}" >"$work/$1.events" 2>"$work/$1.broken"
    $ok || show "$work/$1.broken"
}
# values RUN: what must be the same of the same run: all but the clock's figures
values() { jq -c 'with_entries(select(.key | test("^speed/") | not))' "$work/$1.events" | sort; }

# agree WHAT A B: both are the same lines; else the first that are not are shown, cut
agree() {
    check "$1" [ "$2" = "$3" ]
    $ok || diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | head -n 4 | cut -c 1-200
}

trained plain 1 "${usual[@]}"
trained one 1 "${shown[@]}"
same "no bit moves" "$(result plain)" "$(result one)"
check "without the key there is no folder" [ ! -e "$work/plain/tensorboard" ]
events one
same "it begins with its version" '"brain.Event:2"' "$(jq -c .version "$work/one.events" | head -n 1)"
same "and a session at step 0" '{"step":0,"session":1}' "$(jq -c . "$work/one.events" | sed -n 2p)"

# --- scalars: metrics.jsonl's figures as float32
figures() { # figures TYPE PREFIX TAG=KEY...: from metrics.jsonl, as the events have them
    local type=$1
    shift
    $python -c '
import json, struct, sys
f32 = lambda x: struct.unpack("f", struct.pack("f", x))[0]
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r["type"] == sys.argv[2]:
        told = {"step": r["step"]}
        for pair in sys.argv[3:]:
            tag, key = pair.split("=")
            if r.get(key) is not None:
                told[tag] = f32(r[key])
        print(json.dumps(told))' "$work/one/metrics.jsonl" "$type" "$@" | jq -c .
}
step=(train/loss=loss train/accuracy=accuracy train/learning_rate=lr train/gradient_norm=gradient_norm
    train/gradient_variance=gradient_variance train/gradient_square=gradient_square)
epoch=(epoch/train_loss=train_loss epoch/train_accuracy=train_accuracy epoch/validation_loss=validation_loss
    epoch/validation_accuracy=validation_accuracy epoch/learning_rate=lr epoch/noise_scale=noise_scale
    speed/images_per_second=images_per_second speed/seconds=seconds speed/comm_seconds=comm_seconds)
agree "steps" "$(figures step "${step[@]}")" "$(jq -c 'select(has("train/loss"))' "$work/one.events")"
agree "epochs" "$(figures epoch "${epoch[@]}")" \
    "$(jq -c 'select(has("epoch/train_loss")) | del(.["epoch/energy_joules"])' "$work/one.events")"
same "the result" "$(figures test result/test_loss=test_loss result/test_accuracy=test_accuracy)" \
    "$(jq -c 'select(has("result/test_loss")) | {step, "result/test_loss": .["result/test_loss"],
        "result/test_accuracy": .["result/test_accuracy"]}' "$work/one.events")"
same "there are 93 steps" 93 "$(jq -c 'select(has("train/loss"))' "$work/one.events" | wc -l)"

# --- histograms, against the norms of the last step of each epoch, which has both
same "a gradient's squares are its norm's" "" "$($python -c '
import json, sys
norms = {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r["type"] == "step":
        norms[r["step"]] = r["norms"]
n = 0
for line in open(sys.argv[2]):
    e = json.loads(line)
    for tag, h in e.items():
        group, _, name = tag.partition("/")
        if group not in ("weights", "gradients"):
            continue
        n += 1
        norm = h["squares"] ** 0.5
        if group == "gradients":
            wanted = norms[e["step"]][name][0]
            if abs(norm - wanted) > 1e-6 * wanted:
                print(e["step"], tag, norm, wanted)
        if sum(h["counts"]) != h["num"] or h["edges"][-1] != h["max"] or min(h["counts"]) < 0 or \
                sorted(h["edges"]) != h["edges"] or h["edges"][0] < h["min"]:
            print(e["step"], tag, "is no histogram")
print("" if n == 48 else f"{n} histograms")' "$work/one/metrics.jsonl" "$work/one.events")"
# of a checkpoint: the same tensor, read by HDF5's own tool
if command -v h5dump >/dev/null; then
    h5dump -d /model/conv2/weight -y -w 1 "$work/one/checkpoints/step-00000062.h5" | sed -n 's/^ *\(-\{0,1\}[0-9][0-9.e+-]*\),\{0,1\}$/\1/p' >"$work/weights"
    same "weights are those of the checkpoint" "$(wc -l <"$work/weights") $(sort -g "$work/weights" | sed -n '1p;$p' | xargs printf '%.4f %.4f')" \
        "$(jq -r 'select(.step == 62 and has("weights/conv2/weight"))["weights/conv2/weight"] | [.num, .min, .max] | @tsv' "$work/one.events" |
            xargs printf '%d %.4f %.4f')"
fi

# --- pictures, and what runs are compared by
same "pictures" '31 epoch/confusion
62 epoch/confusion
93 epoch/confusion
93 result/confusion
93 result/wrong' "$(jq -r 'to_entries[] as $e | select($e.value | type == "object" and has("crc")) | "\(.step) \($e.key)"' "$work/one.events" | sort)"
same "settings" '[11,true,0.002,3,"exact",8]' "$(jq -c 'select(has("_hparams_/session_start_info"))["_hparams_/session_start_info"].hparams |
    [.seed, has("augment.rotate"), .["train.optimizer.lr"], .["train.epochs"], .["train.reduce"], .["train.chunk"]]' "$work/one.events")"
same "no setting that decides nothing" "" "$(jq -r 'select(has("_hparams_/session_start_info"))["_hparams_/session_start_info"].hparams | keys[]' \
    "$work/one.events" | grep -E '^(name|threads|data\.dir|metrics|checkpoint|model)' || true)"
same "it has ended" 1 "$(jq -c 'select(has("_hparams_/session_end_info"))["_hparams_/session_end_info"].status' "$work/one.events")"

# --- by other readers: protoc knows each field, and ImageMagick the pictures
mkdir "$work/parts"
$python "$here/tfevents.py" "$(find "$work/one/tensorboard" -type f)" "$work/parts" >/dev/null
if command -v protoc >/dev/null; then
    check "protoc decodes it" protoc --decode=tensorboard.Events --proto_path="$here" tensorboard.proto \
        <"$work/parts/all.pb" >"$work/decoded" 2>"$work/broken"
    $ok || show "$work/broken"
    same "protoc has a name for each field" "" "$(grep -E '^ *[0-9]+(:| \{)' "$work/decoded" | sort | uniq -c || true)"
    same "protoc: as many events" "$(wc -l <"$work/one.events")" "$(grep -c '^event {' "$work/decoded")"
    same "protoc: tags" "$(jq -r 'del(.step, .version, .session) | keys[]' "$work/one.events" | sort | uniq -c)" \
        "$(sed -n 's/^ *tag: "\(.*\)"$/\1/p' "$work/decoded" | sort | uniq -c)"
    same "protoc: settings, and the end" '"hparams" "hparams" "lockstep" START STATUS_SUCCESS' \
        "$(sed -nE 's/^ *(writer|plugin_name|status): //p' "$work/decoded" | sort | xargs -d '\n')"
fi
if command -v convert >/dev/null; then
    # The cell of a class's right answers is as bright as the root of their share. Cells of 44 pixels stand 45 apart, from
    # the 22nd on.
    same "a picture shows the confusion matrix" \
        "$("$LOCKSTEP" eval "$work/one" --threads 1 --format json | jq -r '.classes[] | 40 + 160 * (.["answered_\(.class)"] / .images | sqrt) | round' | xargs)" \
        "$(for k in {0..9}; do convert "$work/parts/93-result-confusion.png" -depth 8 -crop "1x1+$((23 + 45 * k))+$((23 + 45 * k))" +repage rgb:- |
            od -An -tu1 | awk '{ print $2 }'; done | xargs)"
    same "a picture of wrong answers can be read" "$(jq -r 'select(has("result/wrong"))["result/wrong"] | "\(.width)x\(.height)"' "$work/one.events")" \
        "$(convert "$work/parts/93-result-wrong.png" -format '%wx%h' info:)"
fi

# --- ranks, and each way of their sums: histograms are of all of the gradient, pictures the same
# tallies RUN: what is exact: counts, edges, pictures
tallies() { values "$1" | jq -c 'walk(if type == "object" then del(.sum, .squares) else . end)'; }
trained three 3 "${shown[@]}"
events three
agree "three ranks" "$(tallies one)" "$(tallies three)"
for way in host scatter; do
    trained $way 3 "${shown[@]}" --set train.exchange=$way
    same "$way: no bit moves" "$(result plain)" "$(result $way)"
    events $way
    agree "$way" "$(tallies one)" "$(tallies $way)"
done
trained floats 2 "${shown[@]}" --set train.reduce=fp32 --set train.exchange=scatter --set train.epochs=1
events floats
same "float sums have histograms, too" 8 "$(jq -c 'select(keys | any(startswith("gradients/")))' "$work/floats.events" | wc -l)"

# --- a run that died behind a checkpoint, with events of later steps; then one whose file is damaged
died() { # died RUN CHECKPOINTS: `one` as it was when so many checkpoints were there, but with all of its events
    cp -a "$work/one" "$work/$1"
    rm -f "$work/$1/summary.json" "$work/$1/checkpoints/"{last,best}.h5
    find "$work/$1/checkpoints" -name 'step-*' | sort | tail -n +$(($2 + 1)) | xargs -d '\n' rm -f
}
died again 1
trained again 2 "${shown[@]}"
same "it went on" "$(result plain)" "$(result again)"
check "from step 31" grep -q 'step 31 of 93' "$work/again.log"
events again
agree "each step once" "$(tallies one)" "$(tallies again)"
trained again 1 "${shown[@]}"
events again
agree "an end that comes again is told once" "$(tallies one)" "$(tallies again)"
died hurt 2
file=$(find "$work/hurt/tensorboard" -type f)
poke "$file" $(($(stat -c %s "$file") / 3)) 125 252 125
trained hurt 1 "${shown[@]}"
events hurt
agree "scalars behind the damage are made anew" "$(values one | jq -c 'select(has("train/loss") or has("epoch/train_loss"))')" \
    "$(values hurt | jq -c 'select(has("train/loss") or has("epoch/train_loss"))')"
same "and no event is there twice" "" "$(values hurt | uniq -d)"

# --- started without, gone on with; started over without
died late 1
rm -r "$work/late/tensorboard"
trained late 1 "${shown[@]}"
events late
agree "curves begin with the run" "$(values one | jq -c 'select(has("train/loss"))')" "$(values late | jq -c 'select(has("train/loss"))')"
trained late 1 "${usual[@]}" --resume never --set train.max_steps=2
same "another run's events are gone" "" "$(find "$work/late/tensorboard" -type f)"

# --- a folder that cannot be had ends no run
mkdir -p "$work/barred"
touch "$work/barred/tensorboard"
trained barred 1 "${shown[@]}"
same "a file in the way: no bit moves" "$(result plain)" "$(result barred)"
same "one warning" 1 "$(grep -c 'warning: .*barred/tensorboard.*the run goes on' "$work/barred.log")"
finish
