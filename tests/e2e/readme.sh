#!/usr/bin/env bash
# README and the pages beside it say what there is: their commands run, their tables of commands, keys, defaults, exit
# statuses and files are those of the program, their links lead somewhere, and they stay short.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
mapfile -t pages < <(cd "$SOURCE" && find . \( -path ./build -o -path ./runs -o -path ./data -o -name .git \) -prune -o \
    -name README.md -print | sed 's,^\./,,' | sort)
# of WHAT PAGE...: what pages.awk finds
of() {
    local what=$1 page
    shift
    for page; do awk -v what="$what" -f "$here/pages.awk" "$SOURCE/$page"; done
}
# rows HEAD [PAGE...]: the rows of all tables whose first column is headed so, without back quotes
rows() {
    local head=$1
    shift
    of rows "${@:-${pages[@]}}" | tr -d '`' | awk -F '\t' -v head="$head" '$1 == head' | cut -f 2-
}

# --- length
check "README.md has at most 170 lines" [ "$(wc -l <"$SOURCE/README.md")" -le 170 ]
same "no line is longer than 120 characters" "" \
    "$(cd "$SOURCE" && LC_ALL=C.UTF-8 grep -nE '^.{121,}' "${pages[@]}" | cut -c 1-100)"

# --- links: files beside the page, and headings in them
links_lead "$SOURCE" "${pages[@]}"
for target in configs/README.md jobs/README.md src/README.md tests/README.md include/lockstep/README.md src/report/README.md \
    configs/README.md#layers jobs/README.md#stopping-and-going-on jobs/README.md#slurm; do
    check "README.md leads to $target" grep -q "^$target" <(of targets README.md)
done

# --- commands and exit statuses
# among WHAT PROGRAM PAGE: lines of the page are lines of the program's. The page need not have all, so that something
# new in the program is no work on a page; what is missing there is told.
among() {
    LC_ALL=C sort "$2" >"$work/wanted"
    LC_ALL=C sort "$3" >"$work/found"
    check "there are $1" [ -s "$work/found" ]
    same "$1: the page says what the program says" "" "$(comm -13 "$work/wanted" "$work/found")"
    comm -23 "$work/wanted" "$work/found" | sed "s/^/not on the page, $1: /"
}
among commands <("$LOCKSTEP" help --options | awk -F '\t' '$1 == "command" { print "lockstep " $2 "\t" $3 }' | tr -d '`') \
    <(rows command README.md)
same "exit statuses" "$("$LOCKSTEP" --help | tr -s ' \n' ' ' | sed 's/.*Exit status: //' | grep -oE '(^|, )[0-9]+ ' | tr -dc '0-9\n')" \
    "$(rows "exit status" README.md | cut -f 1)"

# --- keys and their defaults
"$LOCKSTEP" help --options config >"$work/config"
# keys: KEY <tab> DEFAULT of what is no layer's; "-" where there is none
awk -F '\t' '$1 == "key" && $2 == "-" { print $3 "\t" $6 }' "$work/config" >"$work/keys"
default_of() { awk -F '\t' -v key="$1" '$1 == key { print $2; found = 1 } END { if (!found) print "no such key" }' "$work/keys"; }
while IFS=$'\t' read -r name default _; do
    same "the table's default of $name" "$(default_of "$name")" "$default"
done < <(rows key configs/README.md)
check "there are keys" [ "$(rows key configs/README.md | wc -l)" -gt 20 ]

# options NAME...: "NAME option default, ..." of a table as lines NAME.OPTION <tab> DEFAULT ("-" for none)
options() {
    while IFS=$'\t' read -r name options _; do
        tr ',' '\n' <<<"$options" | awk -v name="$name" 'NF && $1 != "-" { print name "." $1 "\t" ($2 == "" ? "-" : $2) }'
    done | sort
}
# "..., as NAME": it has NAME's options, too
as_others() {
    awk -F '\t' '{ name[NR] = $1; text[$1] = $2 } END {
        for (i = 1; i <= NR; i++) {
            own = text[name[i]]
            if (match(own, /as [a-z]+ *$/)) {
                other = substr(own, RSTART + 3); sub(/ *$/, "", other); own = substr(own, 1, RSTART - 1) text[other]
            }
            print name[i] "\t" own
        }
    }'
}
among layers <(awk -F '\t' '$1 == "layer" { print $2 }' "$work/config") <(rows layer configs/README.md | cut -f 1)
among "options of layers" <(awk -F '\t' '$1 == "key" && $2 != "-" && $3 !~ /^(name|input|trainable)$/ {
    print $2 "." $3 "\t" ($6 == "required" ? "-" : $6) }' "$work/config") <(rows layer configs/README.md | options)
# own optimizer|schedule: options that only some of them take; a default may be "1e-8; 1e-6 with adadelta"
own() {
    awk -F '\t' -v kind="train.$1" '
        $3 == kind ".name" { n = split($5, words, " ") }
        $1 == "key" && index($3, kind ".") == 1 && index($7, kind ".name: ") == 1 {
            with = " " substr($7, length(kind) + 8) " "
            for (i = 1; i <= n; i++) {
                value = $6
                if (match($6, "[^ ;]+ with ([a-z]+ or )*" words[i] "( |;|$)")) value = substr($6, RSTART)
                sub(/[; ].*/, "", value)
                if (index(with, " " words[i] " ")) print words[i] "." substr($3, length(kind) + 2) "\t" value
            }
        }' "$work/config" | sort
}
words_of() { awk -F '\t' -v key="train.$1.name" '$3 == key { print $5 }' "$work/config" | tr ' ' '\n' | sort; }
for kind in optimizer schedule; do
    among ${kind}s <(words_of $kind) <(rows $kind configs/README.md | cut -f 1)
    among "options of ${kind}s" <(own $kind | grep -v '\.warmup_steps\|\.warmup_samples\|\.warmup_factor') \
        <(rows $kind configs/README.md | as_others | options)
done

# --- README's configuration: each value is the default, or its comment says what the default is
of yaml README.md >"$work/example.yaml"
awk '
    { comment = match($0, /#.*/) ? substr($0, RSTART + 1) : ""; sub(/[ ]*#.*/, "") }
    /^[a-z]/ { parent = "" }
    /^model:/ || /^  - / || !NF { next }
    {
        key = $1; sub(/:$/, "", key)
        value = $0; sub(/^ *[a-z_]+: */, "", value)
        if (value == "") { parent = key "."; next }
        claimed = ""
        if (sub(/^ *default/, "", comment)) { sub(/[;(].*/, "", comment); claimed = comment == "" ? value : comment }
        n = split(value, parts, /[{},] */); m = split(claimed, claims, /[{},] */)
        if (value !~ /^{/) { gsub(/ /, "", claimed); print parent key "\t" (claimed ? claimed : "none") ; next }
        offset = claimed ~ /^{/ ? 0 : 1
        for (i = 2; i <= n; i++) if (split(parts[i], pair, /: */) == 2) {
            claim = claims[i - offset]; sub(/^.*: */, "", claim); gsub(/ /, "", claim)
            print parent key "." pair[1] "\t" (claim ? claim : "none")
        }
    }' "$work/example.yaml" >"$work/claims"
while IFS=$'\t' read -r name claim; do
    same "README's configuration: the default of $name" "$(default_of "$name")" "$claim"
done <"$work/claims"
check "README's configuration has keys" [ "$(wc -l <"$work/claims")" -ge 12 ]
check "README's configuration is one" "$LOCKSTEP" train "$work/example.yaml" --quiet --dry-run --set "data.dir=$golden"

of yaml configs/README.md >"$work/block.yaml"
check "the configuration of configs/README.md is one" "$LOCKSTEP" train "$work/block.yaml" --quiet --dry-run --set "data.dir=$golden"

# --- scripts, configurations, and options of commands, wherever a page has them in code
while read -r file; do
    check "$file is there" [ -e "$SOURCE/$file" ]
done < <(of code "${pages[@]}" | grep -oE '\b(jobs|configs|tests)/[A-Za-z0-9_/.-]+\.(sh|sbatch|yaml|c|txt|example)\b' | grep -v NAME | sort -u)
of code "${pages[@]}" | awk '{
    while (match($0, /lockstep [a-z]+( [^|;`]*)?/)) {
        n = split(substr($0, RSTART, RLENGTH), word, " ")
        for (i = 3; i <= n; i++) if (word[i] ~ /^#/) break; else if (word[i] ~ /^--[a-z]/) {
            sub(/=.*/, "", word[i]); print word[2] "\t" word[i] }
        $0 = substr($0, RSTART + RLENGTH) } }' | sort -u >"$work/used"
check "there are options" [ "$(wc -l <"$work/used")" -gt 10 ]
while IFS=$'\t' read -r command option; do
    [ -e "$work/options-$command" ] || "$LOCKSTEP" help --options "$command" >"$work/options-$command" || true
    check "lockstep $command has $option" grep -qxF -- "$option" <(cut -f 3 "$work/options-$command")
done <"$work/used"
while read -r name; do
    check "function $name is there" grep -rqwF --include="*.[ch]" -- "${name%()}" "$SOURCE/src" "$SOURCE/include" "$SOURCE/tests/support"
done < <(of code src/README.md | grep -xE '[a-z_0-9]+\(\)' | sort -u)
for script in "$SOURCE"/jobs/*; do
    name=$(basename "$script")
    [ -f "$script" ] || continue # what scripts share
    case $name in
    README.md) continue ;;
    launch.sh | slurm.sh) continue ;; # for the others
    *.sh | *.sbatch) check "$name --help" eval '[ -n "$(bash "$script" --help)" ]' ;;
    esac
    check "jobs/README.md names $name" grep -qx "$name" <(of targets jobs/README.md)
done

# --- the commands themselves, in a project folder of their own, in which MNIST is the small set
project=$work/project
mkdir -p "$project/build/release/bin" "$project/data"
for name in configs jobs tests src include CMakePresets.json; do ln -s "$SOURCE/$name" "$project/$name"; done
ln -s "$LOCKSTEP" "$project/build/release/bin/lockstep"
ln -s "$golden" "$project/data/mnist"
cd "$project"
PATH=$project/build/release/bin:$(dirname "$MPIEXEC"):$PATH

# stands_for COMMAND: checks what cannot run here, for want of root, network, Slurm or time; false for all others
stands_for() {
    local words
    read -ra words <<<"$1"
    case $1 in
    ./jobs/quickstart.sh | ./tests/run.sh | jobs/install-deps.sh | "jobs/fetch-data.sh mnist data/mnist")
        check "$1: a script with help" eval '[ -n "$(bash "${words[0]}" --help)" ]'
        ;;
    "cmake --preset "*)
        check "$1: a preset" jq -e --arg name "${words[2]}" '.configurePresets | any(.name == $name)' CMakePresets.json >/dev/null
        ;;
    "sbatch "*) check "$1: a script" bash -n "${words[1]}" ;;
    *) return 1 ;;
    esac
}
for page in README.md configs/README.md jobs/README.md; do
    rm -rf runs
    while read -r command; do
        # shellcheck disable=SC2310
        ! stands_for "$command" || continue
        check "$page: $command" bash -c "$command" >"$work/output" 2>&1 </dev/null
        cat "$work/output" >>"$work/$(dirname "$page" | tr / -).log"
        $ok || { echo "FAILED: $page: $command" && show "$work/output"; }
    done < <(of sh "$page")
done
same "the digests that README promises" "$(grep weights_sha256 "$SOURCE/README.md" | tail -n 2)" \
    "$(grep -h '^  "weights_sha256"' "$work/..log" | head -n 2)"
check "a stopped run and one at once" grep -q '^identical: ' "$work/jobs.log"

# --- the tour of the source
same "folders of the source" "$(cd src && find . -mindepth 1 -maxdepth 1 -type d | sed 's,^\./,,' | sort)" \
    "$(rows folder src/README.md | sed -E 's/^\[([^]]*)\].*/\1/' | sort)"

# --- what a run leaves
summary=runs/at-once/summary.json
same "the keys of summary.json" "$(jq -r 'keys[]' $summary | sort)" \
    "$(rows 'key of summary.json' | cut -f 1 | tr -d ' ' | tr ',' '\n' | sort)"
same "the phases" "$(jq -r '.phases | keys[]' $summary | sort)" \
    "$(rows phase | cut -f 1 | tr -d ' ' | tr ',' '\n' | sort)"
among networks <(lockstep configs --format json | jq -r '.[] | "\(.name)\t\(.parameters)"') \
    <(rows configuration | sed -E 's/^\[([^]]*)\]\([^)]*\)/\1/' | cut -f 1,3 | tr -d ',')

# --- a run in other tools: what they print is what summary.json, metrics.jsonl and the network say
wanted=$(jq -r '"\(.weights_sha256) \(.test_total - .test_correct)"' $summary)
loss=$(jq -r 'select(.type == "step").loss' runs/at-once/metrics.jsonl | tail -n 1)
# read_by NAME SHAPE COMMAND...: the block of that name, given to the command; numbers have as many digits as its tool shows
read_by() {
    of "$1" jobs/README.md >"$work/block"
    check "$1: read" "${@:3}" "$work/block" >"$work/output" 2>&1
    $ok || show "$work/output"
    same "$1: digest, wrong answers, shape" "$wanted $2" "$(awk 'NR == 1 { printf "%s %s ", $1, $2 } NR == 2 { print }' "$work/output" | tr -d '(,)' | sed 's/ *$//')"
    check "$1: the last step's loss" awk -v loss="$loss" 'NR == 1 { exit !($3 - loss < 1e-5 && loss - $3 < 1e-5) }' "$work/output"
}
python=/usr/bin/python3 # which Debian's packages are for
if $python -c 'import h5py, pandas' 2>/dev/null; then
    read_by python "5 5 1 8" $python
else
    echo "no Python with h5py and pandas: its lines are not run"
fi
if Rscript -e 'library(hdf5r); library(jsonlite)' >/dev/null 2>&1; then
    read_by r "8 1 5 5" Rscript
else
    echo "no R with hdf5r and jsonlite: its lines are not run"
fi

same "the headers of the library's page" "$(cd include/lockstep && printf '%s\n' *.h | sort)" \
    "$(rows 'you want to' include/lockstep/README.md | cut -f 2 | grep -oE '[a-z_]+\.h\]' | tr -d ']' | sort -u)"

# --- the library's example: built against an installation, it answers as the program does
build=$(dirname "$(dirname "$LOCKSTEP")")
if [ ! -e "$build/liblockstep.so" ]; then
    echo "the library's example is not built: the library is instrumented"
else
    cmake --install "$build" --prefix "$work/installed" >"$work/install.log" 2>&1 || true
    of c include/lockstep/README.md >"$work/example.c"
    export PKG_CONFIG_PATH=$work/installed/lib/pkgconfig
    # a folder with spaces in its name is more than pkg-config's answer survives unquoted
    check "the library's example is built" eval \
        'eval "mpicc \"$work/example.c\" $(pkg-config --cflags --libs lockstep) -o \"$work/example\"" >"$work/install.log" 2>&1'
    $ok || show "$work/install.log"
    images=tests/golden/t10k-images-idx3-ubyte.gz
    same "it answers as the program" "$(lockstep predict runs/at-once $images --top 1 --format csv | awk -F , 'NR > 1 { print $4 }')" \
        "$(LD_LIBRARY_PATH=$work/installed/lib "$work/example" runs/at-once $images | awk '{ print $2 }')"
fi
finish
