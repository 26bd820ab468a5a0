#!/usr/bin/env bash
# The teacher's lab: the tables are of runs that happened, exact sums give one digest and float sums several, and what
# went wrong is told. How fast anything was is not looked at.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
cd "$work"
smoke=$SOURCE/configs/smoke.yaml
fakes=$work/fakes
mkdir "$fakes"
ln -s "$LOCKSTEP" "$fakes/lockstep"

# lab STATUS ARGUMENT...: output in out and err
lab() {
    local wanted=$1 status=0
    shift
    PATH="$fakes:$(dirname "$MPIEXEC"):$PATH" bash "$SOURCE/jobs/lab.sh" "$@" >out 2>err </dev/null || status=$?
    same "lab.sh $*: exit status" "$wanted" $status
    $ok || { show out && show err; }
}
# digests SUMS: of the table, one a line
digests() { awk '/^ *[0-9]/ { print $NF }' "lab/$1.txt"; }

lab 0 --steps 12 --out lab "$smoke" 3
check "it says that the small set stands in" grep -q 'no data .* tests/golden' out
same "a row for 1, 2 and 3 ranks" "1 2 3 1 2 3" "$(awk '/^ *[0-9]/ { print $1 }' out | xargs)"
check "a row" grep -qE '^ +2 +1 +[0-9]+ +[0-9.]+ +[0-9]+ % +[0-9.]+ % +[0-9.]+ %  [0-9a-f]{16}$' out
$ok || show out
check "speed-up and efficiency of one rank" grep -qE '^ +1 +1 +[0-9]+ +1\.00 +100 % +' out
# the same run, started by hand
config=$smoke trained alone 2 --threads 1 --set train.epochs=12 --set train.max_steps=12
same "exact sums: the digest of a run by hand" "$(key alone weights_sha256 | cut -c 1-16)" "$(digests exact | sort -u)"
for ranks in 1 2 3; do
    same "the row of $ranks ranks is of that run" "$(jq -r .weights_sha256 lab/fp32-$ranks/summary.json | cut -c 1-16)" \
        "$(digests fp32 | sed -n ${ranks}p)"
    same "$ranks ranks were $ranks ranks" "$ranks" "$(jq .world_size lab/fp32-$ranks/summary.json)"
done
check "float sums part" [ "$(digests fp32 | sort -u | wc -l)" -gt 1 ]
check "it ends with what one saw" grep -q '^With float sums the weights parted' out
share=$(jq -r '.phases | 100 * .wait.avg / (.total.avg - .evaluate.avg) | round' lab/exact-3/summary.json)
shown=$(awk '$1 == 3 { printf "%.0f", $9 }' lab/exact.txt)
check "wait is its share of the time without evaluation: $share % and $shown %" [ $((share - shown)) -le 1 ]
check "and not less" [ $((shown - share)) -le 1 ]

lab 0 --steps 12 --out 'a lab' "$smoke" 2
check "a command that is shown can be given, blanks or not" grep -qF "lockstep diff 'a lab/fp32-1' 'a lab/fp32-2'" out

# a second call measures anew, in the same folder, with options for the runs
lab 0 --out lab --steps 3 "$smoke" 2 --set seed=5
same "options reach the runs" "5 3" "$(jq -r '"\(.seed) \(.steps)"' lab/exact-2/summary.json)"

# --- what goes wrong
rm "$fakes/lockstep"
cat >"$fakes/lockstep" <<TEXT
#!/bin/sh
case "\$1 \$*" in train*exact-2*) set -- "\$@" --set seed=9 ;; esac
exec "$LOCKSTEP" "\$@"
TEXT
chmod +x "$fakes/lockstep"
lab 1 --out lab --steps 3 "$smoke" 2
check "exact sums that part are a fault, and told" grep -q '^THE WEIGHTS DIFFER' out
lab 2 "$smoke" many
lab 2 --steps 0 "$smoke"
lab 2
lab 2 --frobnicate "$smoke"
lab 2 --out lab "$smoke" 2 --set train.epoch=3
check "a wrong key is named" grep -q "did you mean 'train.epochs'" err
lab 2 --out lab nowhere.yaml
lab 2 "$smoke" 2 --out elsewhere
check "one folder for all runs is refused" grep -q -- '--out DIR before CONFIG' err
lab 1 --out lab --steps 3 "$smoke" 2 --set train.optimizer.lr=1e30 --set train.optimizer.name=sgd
check "a run that fails is named" grep -q 'ended with 1, output in' err
lab 0 --help
finish
