#!/usr/bin/env bash
# An installation that was moved: what the program's messages name is there, and the scripts find the program.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

build=$(dirname "$(dirname "$LOCKSTEP")")
prefix="$work/moved here"
cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" 2>&1 || show "$work/install.log"
mv "$work/prefix" "$prefix"
shared=$prefix/share/lockstep
mkdir "$work/elsewhere"
cd "$work/elsewhere"

# told PROGRAM: the command that its message about missing data names, without the data set
told() { { "$1" train "$config" --set data.dir=nowhere --quiet 2>&1 || true; } | sed -n 's/.*with `\(.*\) mnist nowhere`.*/\1/p'; }
same "an installed program names the installed script" "'$shared/jobs/fetch-data.sh'" "$(told "$prefix/bin/lockstep")"
check "it is there" [ -x "$shared/jobs/fetch-data.sh" ]
same "a program in its build folder that of the source" "$SOURCE/jobs/fetch-data.sh" "$(told "$LOCKSTEP" | tr -d "'")"
cp "$LOCKSTEP" lonely
same "one that is alone names no folder" jobs/fetch-data.sh "$(told ./lonely)"
cd "$prefix"
same "below the present folder it is named from there" share/lockstep/jobs/fetch-data.sh "$(told bin/lockstep)"
cd "$work/elsewhere"
dd if=/dev/zero of=train-images-idx3-ubyte bs=3 count=1 status=none # a file that is damaged
"$prefix/bin/lockstep" train "$config" --set data.dir=. --quiet >out 2>&1 || true
check "a damaged file's message, too" grep -qF "fetch it again ($shared/jobs/fetch-data.sh)" out
$ok || show out

# --- what is installed
check "configurations" diff <("$prefix/bin/lockstep" configs smoke) "$shared/configs/smoke.yaml"
for file in README.md CHANGELOG.md LICENSE {configs,jobs,jobs/packaging,include/lockstep,src/{export,import,report,tensorboard}}/README.md \
    tests/consumer/network.cpp jobs/local.sh jobs/train.sbatch jobs/tables/figures.sh jobs/hostfile.example; do
    check "$file" [ -e "$shared/$file" ]
done
links_lead "$shared"
check "a link to what only the source has is its text, with the place" grep -qF 'What the tables are (`src/io/history.h` in the source);' "$shared/jobs/README.md"
# text PAGE: without links
text() { sed -E ':all; N; $!b all; s/\[([^]]+)\]\([^)]*\)/\1/g; s/ \(`[^`]*` in the source\)//g' "$1"; }
for page in {configs,jobs,src,include/lockstep}/README.md; do
    check "$page has the words of the source's" cmp <(text "$SOURCE/$page") <(text "$shared/$page")
done
check "nothing that wants the source" eval '! ls "$shared"/jobs/quickstart.sh "$shared"/jobs/install-deps.sh >out 2>&1'
check "completion" [ -e "$prefix/share/bash-completion/completions/lockstep" ]
[ ! -e "$build/man/lockstep.1" ] || check "man pages" [ -e "$prefix/share/man/man1/lockstep.1" ]

# --- the scripts, with no program on PATH but the launcher
same "a script calls itself as it was called" "Usage: $shared/jobs/local.sh [-n RANKS" "$(bash "$shared/jobs/local.sh" --help | sed -n '1s/ |.*//p')"
status=0
PATH=$(dirname "$MPIEXEC"):$PATH bash "$shared/jobs/lab.sh" --steps 1 "$shared/configs/smoke.yaml" 2 >out 2>&1 </dev/null || status=$?
same "the lab has no images here, and names the command that fetches them" "1 1" "$status $(grep -cF "'$shared/jobs/fetch-data.sh' mnist data/mnist" out)"
status=0
PATH=$(dirname "$MPIEXEC"):$PATH bash "$shared/jobs/local.sh" -n 2 "$config" --set "data.dir=$golden" --set train.max_steps=2 --out run \
    --progress never >out 2>&1 </dev/null || status=$?
same "local.sh trains" 0 $status
$ok || show out
same "with the installed program" "$("$prefix/bin/lockstep" --version | head -n 1 | sed 's/.*(\(.*\)).*/\1/')" \
    "$(sed -n 's/^ *"revision": "\(.*\)",/\1/p' run/summary.json)"
finish
