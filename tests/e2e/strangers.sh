#!/usr/bin/env bash
# Files of a stranger who means harm: each command ends at once, with one line and status 1 or 2, and takes no more
# memory than the file's size justifies.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
stranger=$(dirname "$LOCKSTEP")/stranger
seconds=${LOCKSTEP_TEST_SECONDS:-5}
images=$golden/t10k-images-idx3-ubyte.gz

# Sanitizers take terabytes of addresses.
memory=262144
grep -qE '__(asan|tsan)_init' "$LOCKSTEP" && memory=unlimited

# ends STATUSES WHAT COMMAND...: in time, within the memory; status 0 is one of the statuses where the folder has more
ends() {
    local wanted=$1 what=$2 status=0
    shift 2
    (
        ulimit -v $memory
        timeout -k 2 "$seconds" "$@" >"$work/out" 2>"$work/err" </dev/null
    ) 2>/dev/null || status=$?
    checks=$((checks + 1))
    if [[ ! " $wanted " == *" $status "* ]] || [ "$(wc -l <"$work/err")" -gt 1 ] || grep -q 'root:' "$work/out" "$work/err"; then
        failures=$((failures + 1))
        echo "FAILED: $what: status $status, wanted one of $wanted, and one line"
        show "$work/err"
    fi
}

trained own 1 --threads 1 --set train.max_steps=3 --set metrics.every_steps=1 --set train.ema.decay=0.9
last=$work/own/checkpoints/last.h5

# --- checkpoints with a valid seal and valid digests
mkdir -p "$work/folder/checkpoints"
for what in $("$stranger" list); do
    check "$what is made" "$stranger" "$what" "$last" "$work/bad.h5"
    # info tells of values that are not finite, and of large networks, a report does without these; nobody uses them
    told="1 2" reported="1 2"
    case $what in nan_weight | infinite_state) told="0 1 2" ;; huge_network | large_weights) told="0 1 2" reported="0 1 2" ;; esac
    ends "$told" "info of $what" "$LOCKSTEP" info "$work/bad.h5"
    ends "1 2" "predict with $what" "$LOCKSTEP" predict "$work/bad.h5" "$images"
    cp "$work/bad.h5" "$work/folder/checkpoints/last.h5"
    ends "$reported" "report of $what" "$LOCKSTEP" report "$work/folder"
done
"$stranger" batch "$last" "$work/bad.h5"
status=0
memory=unlimited train on 1 --threads 1 --set train.max_steps=5 --set train.ema.decay=0.9 --resume "$work/bad.h5" || status=$?
same "going on from a cursor that is nowhere" 1 $status

# --- on these HDF5 1.10.8 itself falls; a README says what they are
for file in "$SOURCE"/tests/strangers/*.gz; do
    name=$(basename "$file" .gz)
    gzip -dc "$file" >"$work/$name"
    ends "1 2" "info of $name" "$LOCKSTEP" info "$work/$name"
    ends "1 2" "predict with $name" "$LOCKSTEP" predict "$work/$name" "$images"
done

# --- run folders whose files are no files, or nearly all hole: what is left is told
replace() { # replace FILE KIND
    rm -f "$1"
    case $2 in
    pipe) mkfifo "$1" ;;
    device) ln -s /dev/zero "$1" ;;
    hole) truncate -s 200G "$1" ;;
    folder) mkdir "$1" ;;
    link) ln -s "$(basename "$1")" "$1" ;;
    esac
}
# Each meets info or report, in turn; in the full form both.
turn=0
for name in config.yaml summary.json history.h5 metrics.jsonl faults.jsonl checkpoints/last.h5; do
    for kind in pipe device hole folder link; do
        turn=$((turn + 1))
        rm -rf "$work/run"
        cp -a "$work/own" "$work/run"
        replace "$work/run/$name" $kind
        [ $name != metrics.jsonl ] || rm -f "$work/run/summary.json" # then it is read
        if [ -n "$full" ] || [ $((turn % 2)) = 0 ] || [ $kind = folder ]; then
            ends "0 1 2" "info with $name as $kind" "$LOCKSTEP" info "$work/run"
            [ -n "$full" ] || continue
        fi
        [ $kind = folder ] || ends "0 1 2" "report with $name as $kind" "$LOCKSTEP" report "$work/run"
    done
done

# --- what is named as an input is no file
replace "$work/pipe" pipe
for input in "$work/pipe" /dev/zero; do
    ends "1 2" "predict $input" "$LOCKSTEP" predict "$last" "$input"
    ends "1 2" "predict --files $input" "$LOCKSTEP" predict "$last" --files "$input"
    ends "1 2" "info $input" "$LOCKSTEP" info "$input"
    ends "1 2" "diff with $input" "$LOCKSTEP" diff "$last" "$input"
done
exec {idle}<>"$work/pipe" # somebody has it open, and writes nothing
ends "1 2" "train with a pipe as configuration" "$LOCKSTEP" train "$work/pipe"
check "nobody writes to it" grep -q 'pipe: nobody writes to this pipe' "$work/err"
exec {idle}>&-

# --- sources of data that have no end: a file that unpacks to too much, and a mirror that never stops
mkdir -p "$work/bin" "$work/data"
printf '#!/bin/sh\nexit 1\n' | tee "$work/bin/npm" >"$work/bin/wget"
cat >"$work/bin/curl" <<'CURL'
#!/bin/sh
while [ "$1" != --output ]; do shift; done
exec cat /dev/zero >"$2"
CURL
chmod +x "$work/bin/"*
head -c 300M /dev/zero | gzip -1 >"$work/data/train-images-idx3-ubyte.gz"
status=0
PATH=$work/bin:$PATH "$SOURCE/jobs/fetch-data.sh" mnist "$work/data" >"$work/out" 2>"$work/err" </dev/null || status=$?
same "a source without end: status" 1 $status
same "a source without end: is told" 3 "$(grep -o 'it is more than 128 MiB' "$work/err" | wc -l)"
same "a source without end: nothing is left" train-images-idx3-ubyte.gz "$(ls -A "$work/data")"
finish
