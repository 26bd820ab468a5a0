#!/usr/bin/env bash
# report.html: what `train` writes at its end, `lockstep report` with one run and with several, and with pieces missing.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq perl

page=$work/page.html
report() { # report STATUS ARGUMENT...: output in $work/out and $work/err
    local wanted=$1 status=0
    shift
    "$LOCKSTEP" report "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    same "report $*: status" "$wanted" $status
    $ok || show "$work/err"
}
says() { check "the page says: $1" grep -qE -e "$1" "$page"; }
silent() { check "the page does not say: $1" not grep -qE -e "$1" "$page"; }
not() { ! "$@"; }

# Every element that is opened is closed, in order; ids are there once. Scripts and styles are not looked into.
balanced() {
    perl -0777 -ne '
        s{<!--.*?-->}{}gs; s{(<(script|style)\b[^>]*>).*?(</\2>)}{$1$3}gs;
        my %void = map { $_ => 1 } qw(meta img br input hr link);
        my (@open, %ids);
        while (m{<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:"[^"]*"|[^">])*)>}g) {
            my ($end, $name, $rest) = ($1, lc $2, $3);
            if ($end) {
                my $last = pop @open // "nothing";
                $last eq $name or die "</$name> closes $last\n";
            } elsif (!$void{$name} && $rest !~ m{/$}) {
                push @open, $name;
            }
            die "id $1 twice\n" if $rest =~ m{(?:^|\s)id="([^"]*)"} && $ids{$1}++;
        }
        die "open: @open\n" if @open;
        die "a bare <\n" if s{<(?:/?[a-zA-Z!](?:"[^"]*"|[^">])*)>}{}gr =~ /</;
        die "a bare &\n" if /&(?!(?:amp|lt|gt|quot|#[0-9]+);)/;' "$1"
}

# whole WHAT: $page is well-formed, small, complete, and loads nothing
whole() {
    local id
    check "$1: well-formed" balanced "$page"
    check "$1: below 2 MiB" [ "$(stat -c %s "$page")" -lt $((2 << 20)) ]
    for id in headline draw curves confusion classes errors training calibration filters network configuration; do
        check "$1: section $id" grep -q "<section id=\"$id\"" "$page"
    done
    same "$1: addresses" "" "$(grep -oE 'https?://[^" ]*' "$page" | grep -vxF 'http://www.w3.org/2000/svg' || true)"
    same "$1: sources" "" "$(grep -oE '\b(src|href|action|data)="[^"]{0,30}' "$page" | grep -vE '="(data:image/png;base64,|#)' || true)"
    same "$1: style sheets" "" "$(grep -oE '@import|url\(|<(link|iframe|object|embed)\b' "$page" || true)"
    check "$1: the browser is told to load nothing" grep -q "Content-Security-Policy.*default-src 'none'" "$page"
    check "$1: no number is missing" not grep -qiE '[>" ,:]-?(nan|inf)\b' "$page"
}

# --- at the end of a run
trained run 2 --threads 1 --set data.validation=0.2 --set train.epochs=3
page=$work/run/report.html
whole "run"
number() { grep -oE "data-key=\"$1\" value=\"[^\"]*\"" "$page" | sed 's/.*value="//; s/"$//'; }
for key in test_accuracy test_accuracy_low test_accuracy_high test_correct test_total test_validation_accuracy parameters epochs \
    images_per_second train_seconds world_size threads_per_rank sent_bytes_per_step; do
    same "the page's $key" "$(key run $key)" "$(number $key)"
done
cp -r "$work/run" "$work/watched" # a machine may not tell its energy
jq '.energy_joules = 4321.5 | del(.sha256)' "$work/run/summary.json" >"$work/watched/summary.json"
"$LOCKSTEP" report "$work/watched" >"$work/log" 2>&1 || show "$work/log"
check "energy, and an epoch's" grep -q 'value="4321.5".*joules in the processors, 1,440 an epoch' <(tr -d '\n' <"$work/watched/report.html")
check "the page's digest" grep -q "<code>$(key run weights_sha256)</code>" "$page"
errors=$(($(key run test_total) - $(key run test_correct)))
says "<b>$errors</b> errors"
says "$errors of $(key run test_total) test images are classified wrongly"
same "images of mistakes" $((errors < 60 ? errors : 60)) "$(grep -c 'alt="Test image [0-9]*, a .* taken for ' "$page")"
sum() { sed 's/.*>//' | awk '{ n += $1 } END { print n }'; }
# the matrix: its hits are the right answers, its rows add up
matrix=$(grep -oE '<td class="(zero|hit|error)"[^>]*>[0-9]+' "$page")
same "cells of the matrix" 100 "$(wc -l <<<"$matrix")"
same "hits" "$(key run test_correct)" "$(grep 'class="hit"' <<<"$matrix" | sum)"
same "all cells" "$(key run test_total)" "$(sum <<<"$matrix")"
recall=$(key run test_macro_recall)
check "mean recall" grep -qF "<td>$(printf %.4f "$recall")</td>" "$page"
says 'data-name="validation"'
says 'Expected calibration error <b>[0-9.]+'
if [ "$(key run temperature)" = null ]; then
    says 'No images were held out of training to calibrate it by'
else
    says "At temperature $(printf %.4f "$(key run temperature)"), fitted to $(key run temperature_images) images"
    says '<title>Reliability, calibrated</title>'
fi
for stage in pool1 conv1/weight; do says "<code>$stage</code>"; done
same "values stand beside all points" "" "$(perl -ne 'while (/data-values="([^"]*)" points="([^"]*)"/g) {
    my ($v, $p) = (scalar(split " ", $1), scalar(split " ", $2)); print "$v $p\n" if $v != $p }' "$page")"

# --- by hand: the same page, and where it is asked for
cp "$page" "$work/first.html"
report 0 "$work/run"
same "what is said" "report $work/run/report.html" "$(cat "$work/out")"
check "the page train wrote, again" cmp -s "$page" "$work/first.html"
report 0 "$work/run/" --out "$work/else where.html"
check "--out" [ -s "$work/else where.html" ]

# --- two runs: curves overlaid, and compared
trained other 1 --set train.epochs=2 --set seed=12
page=$work/page.html
report 0 "$work/run" "$work/other" --out "$page"
whole "two runs"
says '<section id="compare"'
says 'data-name="run: validation"'
says 'data-name="other: test"'
pair=$(grep '<th scope="row">run – other</th>' "$page" | sed 's/<[^>]*value="\([^"]*\)"[^>]*>/ \1 /; s/<[^>]*>/ /g; s/run – other//; s/ to / /g')
read -r difference _ _ both first second neither p _ <<<"$pair"
same "images of the pair" 500 $((both + first + second + neither))
same "right in the first" "$(key run test_correct)" $((both + first))
same "right in the second" "$(key other test_correct)" $((both + second))
same "difference in points" "$(awk -v d=$((first - second)) 'BEGIN { printf "%+.2f", d / 5 }')" "$difference"
# mistakes that they share
says "<p>$neither test images are wrong in more than one of 2 runs\\."
same "both wrong, in the table" "$neither" "$(sed -nE 's,^<tr><th scope="row">2 of 2 runs</th><td>([0-9]+)</td></tr>$,\1,p' "$page")"
same "one wrong, in the table" $((first + second)) "$(sed -nE 's,^<tr><th scope="row">1 of 2 runs</th><td>([0-9]+)</td></tr>$,\1,p' "$page")"
same "images of shared mistakes" $((neither < 60 ? neither : 60)) "$(grep -c 'wrong in 2 of 2, ' "$page")"
silent 'raters contest' # a part of MNIST's test images is another set
# how they were computed, and what differs between the configurations
says '<td>2 × 1</td><td class="text">[^<]*\*2</td>'
says '<tr><th scope="row"><code>train.epochs</code></th><td class="text">3</td><td class="text">2</td></tr>'
says '<tr><th scope="row"><code>seed</code></th><td class="text">11</td><td class="text">12</td></tr>'
same "only keys that differ" 3 "$(grep -c '<tr><th scope="row"><code>[a-z_.]*</code></th>' "$page")"
# McNemar's exact p once more: terms of the binomial one by one
same "McNemar's p" ok "$(awk -v b="$first" -v c="$second" -v p="$p" 'BEGIN {
    n = b + c; k = b < c ? b : c; t = 1; for (i = 1; i <= n; i++) t /= 2
    for (i = 0; i <= k; i++) { s += t; t *= (n - i) / (i + 1) }
    s = 2 * s < 1 ? 2 * s : 1; print (s - p <= 1e-9 && p - s <= 1e-9 ? "ok" : s " is not " p) }')"
# the same configuration from other weights is another training
trained tuned 1 --set train.epochs=3 --init-from "$work/run"
report 0 "$work/run" "$work/tuned" --out "$page"
says '<code>--init-from</code></th><td class="text">fresh weights</td><td class="text">[^<]*run/checkpoints/[a-z]*.h5</td></tr>'
silent 'Nothing: all keys are equal'
cp -r "$work/run" "$work/run copy"
mkdir "$work/deep"
cp -r "$work/run" "$work/deep/run"
report 0 "$work/run" "$work/deep/run" --out "$page"
says 'deep/run' # equal names are told apart
says '<td class="text">the same weights, bit for bit</td>' # nothing is left to chance
says '<br>as .*run</td>'
says '<p>Nothing: all keys are equal.</p>'
silent 'no difference shown|they differ|<data value="1">'
says "<p>All 2 runs get the same $errors test images wrong, and no others\\."
# The weights decide, not the answers: other weights that answer alike are not called the same.
cp -r "$work/run" "$work/twin"
jq 'del(.sha256) | .weights_sha256 |= "0" + .[1:] | .test_weights_sha256 |= "0" + .[1:]' "$work/run/summary.json" >"$work/twin/summary.json"
report 0 "$work/run" "$work/twin" --out "$page"
says 'other weights, the same answers'
silent 'bit for bit</td>'

# --- what is missing is said in its place
report 0 "$work/run copy" --data "$work/nowhere" --out "$page"
whole "no data"
says 'The test images cannot be shown: .*nowhere'
says 'There is no test image to show it with'
rm "$work/run copy/checkpoints/"*.h5
report 0 "$work/run copy" --out "$page"
whole "no checkpoint"
says 'The weights cannot be shown: .*last.h5'
same "its accuracy" "$(key run test_accuracy)" "$(number test_accuracy)"
cp -r "$work/run" "$work/stopped"
rm "$work/stopped/summary.json" "$work/stopped/history.h5" "$work/stopped/report.html"
report 0 "$work/stopped" "$work/run" --out "$page"
whole "a run that has not ended"
says 'This run has not ended'
says 'data-name="stopped: training"'
says 'No two of these runs were scored on the same test set'
says 'No other run was scored on the same test set as the first'
cp -r "$work/run" "$work/changed"
sed -i -e 's/filters: [0-9]*/filters: 64/' -e '/^# sha256: /d' "$work/changed/config.yaml"
report 0 "$work/changed" --out "$page"
whole "config.yaml was changed"
says 'The weights cannot be shown: config.yaml is not of the checkpoint: .*'
says 'There is no network to try: config.yaml is not of the checkpoint'
trained untested 1 --set train.epochs=1 --set 'data.test_images=""' --set 'data.test_labels=""' --set metrics.every_steps=0
page=$work/untested/report.html
whole "no test set"
says 'This run had no test set'
silent 'data-key="test_accuracy"'
trained short 1 --set train.max_steps=2 --set metrics.every_steps=1
page=$work/short/report.html
whole "no epoch is complete"
says 'data-label="step"'

# --- in what the training loss differs from the others is said where it does
page=$work/run/report.html
says '<p>Mean cross-entropy. Training has dropout; validation and test have none.</p>'
trained smooth 1 --set train.epochs=1 --set train.label_smoothing=0.1 --set train.class_weighting=balanced --set train.ema.decay=0.9
page=$work/smooth/report.html
says 'has dropout, label smoothing and class weights; validation and test have none of them. Validation and test take the averaged'
# nothing was held out: the temperature of predict and the board, ln(1 + 10 * 0.9 / 0.1) / 10
says 'At temperature 0\.4511, which is expected after a label smoothing of 0\.1, the expected calibration error'
says '<title>Reliability, as expected</title>'
says 'No images were held out of training to calibrate it by'

# --- networks and data of other kinds
printf 'model: [flatten, {dense: 10}]\n' >"$work/linear.yaml"
config=$work/linear.yaml trained linear 1 --set train.epochs=1 \
    --set 'data.class_names=["<b>0</b>", "1&", three, "\"3\"", d, e, f, g, h, i]'
page=$work/linear/report.html
whole "a linear network"
says '<p>Mean cross-entropy.</p>'
says '10 filters of 28 × 28'
says 'it has no convolutions'
says '&lt;b&gt;0&lt;/b&gt;'
for class in 0 1; do
    mkdir -p "$work/coloured/$class"
    for i in 1 2 3 4 5 6 7 8 9 10; do
        awk -v c=$class -v i=$i 'BEGIN { print "P3 9 8 255"; for (p = 0; p < 216; p++) print (p * (i + 3) * 7 + c * 90 * (p % 3)) % 256 }' \
            >"$work/coloured/$class/$i.ppm"
    done
done
"$LOCKSTEP" pack "$work/coloured" "$work/colours" --channels 3 >"$work/pack.log" 2>&1 || show "$work/pack.log"
printf 'model: [{conv2d: {filters: 5, kernel: 3, bias: false}}, batchnorm, relu, global_avgpool, {dense: 2}]\n' >"$work/colour.yaml"
data=$work/colours config=$work/colour.yaml trained colour 1 --set train.epochs=2 --set train.global_batch=8
page=$work/colour/report.html
whole "colours"
says '5 filters of 3 × 3, in colour'
says 'After <code>relu1</code>: 6 × 7 × 5'
"$LOCKSTEP" pack "$work/coloured" "$work/large" --channels 3 --size 66 >"$work/pack.log" 2>&1 || show "$work/pack.log"
printf 'model: [flatten, {dense: 2}]\n' >"$work/large.yaml"
data=$work/large config=$work/large.yaml trained large 1 --set train.epochs=1 --set train.global_batch=8
page=$work/large/report.html
whole "colours, large"
says '2 filters of 66 × 66; their first input channel. Orange weights are above 0'

# --- a comparison leaves the first run its own page
cp -r "$work/run" "$work/mine"
before=$(sha256sum "$work/mine/report.html")
report 0 "$work/mine" "$work/run"
check "it has a file of its own" [ -s "$work/mine/comparison.html" ]
same "the run's page stays" "$before" "$(sha256sum "$work/mine/report.html")"

# --- what cannot be done is one clear error, and writes nothing
page=$work/none.html
refused() { # refused STATUS PATTERN ARGUMENT...
    local wanted=$1 pattern=$2
    shift 2
    report "$wanted" "$@"
    check "report ${*: -1}: says $pattern" grep -qE -e "$pattern" "$work/err"
    same "report ${*: -1}: one error" 1 "$(grep -c '^lockstep: error: ' "$work/err")"
    check "report ${*: -1}: no page" [ ! -e "$page" ]
}
refused 2 'a run folder is missing'
refused 1 'there is no such run folder' --out "$page" "$work/absent"
refused 2 'is no run folder' --out "$page" "$work/colours"
refused 2 'is a file' --out "$page" "$work/run/history.h5"
refused 1 'no-such-folder' --out "$work/no-such-folder/page.html" "$work/run"
mkfifo "$work/pipe"
report 1 --out "$work/pipe" "$work/run"
check "a pipe is not replaced" [ -p "$work/pipe" ]
check "and named" grep -q 'pipe: it is no regular file' "$work/err"
cp -r "$work/run" "$work/damaged"
poke "$work/damaged/history.h5" -2000 125 252
poke "$work/damaged/history.h5" 3000 125 252
for damage in bits cut; do
    [ $damage = bits ] || truncate -s 1000 "$work/damaged/history.h5"
    report 0 --out "$page" "$work/damaged"
    whole "history.h5: $damage"
    says 'Not all of the run folder is as it was written: .*damaged/history.h5 is damaged'
    says 'The answers to the test images, in history.h5, cannot be used'
    says 'data-name="training, mean of the epoch"' # from metrics.jsonl
    same "history.h5: $damage: the accuracy" "$(key run test_accuracy)" "$(number test_accuracy)"
    check "history.h5: $damage: a warning" grep -q 'warning: .*damaged/history.h5 is damaged' "$work/err"
done

# --- a page that cannot be written does not fail the run
mkdir -p "$work/blocked/report.html/x"
trained blocked 1 --set train.epochs=1
check "it is warned of" grep -q "warning: no report was written.*blocked" "$work/blocked.log"
finish
