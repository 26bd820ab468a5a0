#!/usr/bin/env bash
# Trains a configuration with several seeds and prints mean and spread; compares two such sets seed by seed.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<TEXT
Usage: $0 [OPTION]... CONFIG N [OPTION | OPTION OF lockstep train]...
       $0 [OPTION]... --table DIR
       $0 --compare A B

Trains CONFIG with the seeds 1 to N, each in its own run folder DIR/seed-K, and prints a table: accuracy, seconds of
training and digest of each; mean, standard deviation, standard error, least and most; then the same as a row in Markdown.
A run that is done is not trained again, and one that was stopped goes on, so the command may be stopped (Ctrl-C) and
given again. A folder with runs of another configuration or program is refused.

  --out DIR       folder of the runs (default: runs/seeds-NAME, NAME being the configuration file's)
  --first K       seeds K to K + N - 1
  --at-once N     runs at the same time, each with the cores divided by N (default: 1). Runs beside each other share
                  caches, memory and the processor's clock rate: choose 1 where the seconds of training count
  --slurm[=FILE]  submit the runs as a Slurm array instead, by the sweep.sbatch beside this script or FILE, a copy of it;
                  --at-once N lets N at a time run. The table comes by --table
  --no-test       train without the test set, to choose by validation; wants a split: --set data.validation=0.1
  --ensemble      evaluate all networks together on the test set, too
  --eval-shifts N evaluate each network, and with --ensemble all together, looking (2 N + 1)^2 times at each test image,
                  moved by up to N pixels; with --no-test at each validation image
  --any-revision  take runs of other revisions of the program, too, where the rules of the bits are the same (numerics)
  --table DIR     print the table of all runs that are done in a folder; train nothing
  --compare A B   two folders: the mean difference over the seeds that both have, its 95 % interval and p-value (Student's
                  t, paired, two-sided)
Validation and test figures are those of the weights that a run is tested with (eval.test_weights). The seconds are of
training steps only. A run that was stopped and went on has none.
Exit status: 0 done, 1 a run or an evaluation failed, 2 wrong usage or configuration, or runs that do not belong together,
75 stopped; another one is that of a run (README.md).
Example: $0 configs/train-mnist-fast.yaml 5 --set data.dir=data/mnist
TEXT
}

say() { echo "seeds.sh: $*" || true; } # nobody has to hear it
fail() {
    say "error: $1" >&2
    exit "${2:-1}"
}
usage_error() {
    say "error: $1; $0 --help explains the options" >&2
    exit 2
}

# --- what is asked for -----------------------------------------------------------------------------------

config='' number='' folder='' first=1 at_once='' script='' ensemble='' shifts='' no_test='' any_revision='' mode=train
options=() # of lockstep train
compared=()
positive() { [[ $2 =~ ^[1-9][0-9]{0,3}$ ]] || usage_error "$1 $2: not a whole number from 1 to 9999"; }
while [ $# -gt 0 ]; do
    case $1 in
    --out | --first | --at-once | --eval-shifts | --table) [ $# -ge 2 ] || usage_error "$1: its value is missing" ;;&
    -h | --help) usage && exit 0 ;;
    --out | --table)
        [ -n "$2" ] || usage_error "$1: its value is an empty name"
        folder=${2%/}
        [ "$1" = --out ] || mode=table
        shift
        ;;
    --first)
        positive "$1" "$2"
        first=$2
        shift
        ;;
    --at-once)
        positive "$1" "$2"
        at_once=$2
        shift
        ;;
    --eval-shifts)
        [[ $2 =~ ^[1-8]$ ]] || usage_error "--eval-shifts $2: not a whole number from 1 to 8"
        shifts=$2
        shift
        ;;
    --out=* | --first=* | --at-once=* | --eval-shifts=* | --table=*) set -- "" "${1%%=*}" "${1#*=}" "${@:2}" ;;
    --slurm) script=$(dirname "${BASH_SOURCE[0]}")/sweep.sbatch ;;
    --slurm=*) script=${1#*=} ;;
    --ensemble) ensemble=yes ;;
    --no-test) no_test=yes ;;
    --any-revision) any_revision=yes ;;
    --compare)
        if [ $# -ne 3 ] || [ -n "$config" ]; then usage_error "--compare takes two folders, and nothing else"; fi
        mode=compare
        compared=("${2%/}" "${3%/}")
        shift 2
        ;;
    *)
        if [ -n "$number" ]; then
            options+=("$1")
        elif [[ $1 = -* ]]; then
            usage_error "unknown option '$1'; options of lockstep train come after CONFIG and N"
        elif [ -z "$config" ]; then
            config=$1
        else
            positive "number of seeds" "$1"
            number=$1
        fi
        ;;
    esac
    shift
done

# check_options: what comes from this script, or would be the same for all runs
check_options() {
    local i option
    for i in "${!options[@]}"; do
        option=${options[i]}
        if [ "$option" = --set ]; then option=--set=${options[i + 1]-}; fi
        case $option in
        --set=seed=*) usage_error "$option: the seeds are --first K to K + N - 1" ;;
        --resume* | -r* | -o*) usage_error "$option comes from this script; --out DIR moves all runs" ;;
        --refit* | -f* | --dry-run | -n | --trace* | -T*) usage_error "$option is for a single run" ;;
        esac
    done
}

if [ $mode = train ]; then
    [ -n "$config" ] || usage_error "a configuration is missing; lockstep configs lists some"
    [ -n "$number" ] || usage_error "the number of seeds is missing"
    check_options
    folder=${folder:-runs/seeds-$(basename "$config" .yaml)${no_test:+-no-test}}
    if [ -n "$script" ] && [ -n "$ensemble$shifts" ]; then
        usage_error "--ensemble and --eval-shifts come when the runs are done, with --table $folder"
    fi
elif [ -n "$config$script$at_once" ]; then
    usage_error "--$mode trains nothing: it takes no configuration, and no option of training"
fi
where='test'
if [ -n "$no_test" ]; then
    [ -z "$ensemble" ] || usage_error "--no-test leaves nothing for --ensemble: each seed holds other images out of training"
    where='validation'
    options+=(--set 'data.test_images=""' --set 'data.test_labels=""')
fi

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=jobs/launch.sh
source "$project/jobs/launch.sh"
# shellcheck source=jobs/tables/figures.sh
source "$project/jobs/tables/figures.sh"
find_lockstep "$project"

# --- runs that are there ---------------------------------------------------------------------------------

# seeds_in FOLDER: of its runs, done or not, the least first
seeds_in() {
    local run
    for run in "$1"/seed-*/; do
        run=${run%/}
        if [[ ${run##*/seed-} =~ ^(0|[1-9][0-9]*)$ ]]; then echo "${run##*/seed-}"; fi
    done | sort -n
}

# seeds_done FOLDER: of those that are done
seeds_done() {
    local seed
    for seed in $(seeds_in "$1"); do
        if [ -e "$1/seed-$seed/summary.json" ]; then echo "$seed"; fi
    done
}

# another WHAT: what is in the folder does not belong to the rest
another() { fail "$1$([ $mode != train ] || echo '. Choose another folder with --out')" 2; }

# common: of a configuration on standard input what the runs of all seeds have in common
common() { sed -E '/^(name|seed|threads): |^# sha256: /d'; }

# differences RUN FILE: lines that the run's configuration (<) has otherwise than FILE (>). Its program may have known fewer
# keys: these have their defaults.
differences() {
    diff <(common <"$1/config.yaml") <(common <"$2") >/dev/null ||
        diff <("$lockstep" info "$1/config.yaml" --resolved | common) <(common <"$2") | grep '^[<>]' || true
}

# check_configurations FOLDER FILE WHOSE: each run there has the configuration in FILE
check_configurations() {
    local seed run different
    for seed in $(seeds_in "$1"); do
        run=$1/seed-$seed
        [ -e "$run/config.yaml" ] || continue
        different=$(differences "$run" "$2")
        [ -z "$different" ] || {
            head -n 12 <<<"$different" >&2
            another "$run was trained with another configuration (<) than $3 (>)"
        }
    done
}

# check_summaries FOLDER: they are whole, each of the seed that its folder names, and all of one program and one set of data
check_summaries() {
    local run runs digest seed different same=(version numerics data_digest test_total precision init_from)
    [ -n "$any_revision" ] || same+=(revision)
    mapfile -t runs < <(seeds_done "$1")
    runs=("${runs[@]/#/"$1/seed-"}") # quoted: else a & in it would stand for nothing
    for run in "${runs[@]}"; do
        IFS=$'\t' read -r digest seed < <(summary_values sha256 seed -- "$run")
        [ "$(head -n -2 "$run/summary.json" | sha256sum)" = "$digest  -" ] ||
            fail "$run/summary.json is damaged or was changed: it does not match its sha256. Remove it: the same command makes it anew"
        [ "${run##*/}" = "seed-$seed" ] || fail "$run was trained with seed $seed"
    done
    different=$(summary_values "${same[@]}" -- "${runs[@]}" | awk -F '\t' -v names="${same[*]}" '
        NR == 1 { split(names, name, " "); split($0, wanted, "\t") }
        { for (i = 1; i <= NF; i++) if ($i != wanted[i] && !told++) print name[i], wanted[i], "and", $i }')
    [ -z "$different" ] || another "the runs in $1 do not belong together: some have $different$(advice "$different")"
}

advice() { case $1 in revision*) echo " (--any-revision takes both)" ;; esac; }

# check_program FOLDER: what is done there is of the program that would train the rest
check_program() {
    local seeds there here
    mapfile -t seeds < <(seeds_done "$1")
    [ ${#seeds[@]} -gt 0 ] || return 0
    there=$(summary_values version numerics revision -- "$1/seed-${seeds[0]}" | tr '\t' ' ')
    here=$("$lockstep" --version | sed -n '1s/^lockstep \([^ ]*\) (\(.*\)), numerics \([0-9]*\)$/\1 \3 \2/p')
    if [ -n "$any_revision" ]; then there=${there% *} here=${here% *}; fi
    [ "$there" = "$here" ] || another "$1/seed-${seeds[0]} was trained by another lockstep (version, numerics, revision: $there) than this \
one ($here)$([ "${there% *}" != "${here% *}" ] || advice revision)"
}

# --- tables ----------------------------------------------------------------------------------------------

# evaluate RUN...: together on the images of $where; the accuracy in per cent
evaluate() {
    local told
    told=$("$lockstep" eval "$@" --on $where --threads "$(usable_cores)" ${shifts:+--shifts "$shifts"}) || exit
    [[ $told =~ accuracy\ [0-9.]+\ %\ \(([0-9]+)\ of\ ([0-9]+)\; ]] || fail "lockstep eval $* told no accuracy"
    awk -v "right=${BASH_REMATCH[1]}" -v "all=${BASH_REMATCH[2]}" 'BEGIN { printf "%.6f\n", 100 * right / all }'
}

# table SEED...: of these runs in $folder, which are done
table() {
    local seed runs=() shifted=() alone=- together=-
    for seed; do
        runs+=("$folder/seed-$seed")
        if [ -n "$shifts" ]; then alone=$(evaluate "$folder/seed-$seed"); fi
        shifted+=("$alone")
    done
    if [ -n "$ensemble" ]; then together=$(evaluate "${runs[@]}"); fi
    paste <(printf '%s\n' "$@") <(run_figures "${runs[@]}") <(printf '%s\n' "${shifted[@]}") |
        with_statistics seeds -v "name=$(run_name "${runs[0]}")" -v "together=$together" \
            -v "where=$where" -v "looks=$((shifts ? (2 * shifts + 1) ** 2 : 0))"
}

# numbered FOLDER: seed and figures of each run that is done
numbered() {
    local seeds runs
    mapfile -t seeds < <(seeds_done "$1")
    runs=("${seeds[@]/#/"$1/seed-"}")
    paste <(printf '%s\n' "${seeds[@]}") <(run_figures "${runs[@]}")
}

# check_done FOLDER: its runs belong together, and there is one that is done
check_done() {
    local seeds
    mapfile -t seeds < <(seeds_done "$1")
    [ ${#seeds[@]} -gt 0 ] || fail "no run has ended in $1: there is no seed-*/summary.json"
    [ -e "$1/seed-${seeds[0]}/config.yaml" ] || fail "$1/seed-${seeds[0]} has no config.yaml"
    check_configurations "$1" "$1/seed-${seeds[0]}/config.yaml" "seed ${seeds[0]}"
    check_summaries "$1"
}

# --- the runs --------------------------------------------------------------------------------------------

# told RUN: its figures in a line
told() {
    run_figures "$1" | awk -F '\t' '{
        if ($1 != "-") text = sprintf("validation %.3f %%, ", $1)
        if ($2 != "-") text = text sprintf("test %.3f %%, ", $2)
        printf "done: %s%s, weights %.16s\n", text, $3 == "-" ? "stopped in between" : sprintf("%.2f s", $3), $5 }'
}

# train_seed SEED THREADS: its exit status
train_seed() {
    local run=$folder/seed-$1 status=0
    say "seed $1: training, output in $run.log"
    launch setsid "$lockstep" train "$config" --threads "$2" "${options[@]}" --set "seed=$1" --out "$run" --resume auto \
        </dev/null >>"$run.log" 2>&1 || status=$?
    case $status in
    0) say "seed $1: $(told "$run")" ;;
    75) say "seed $1: stopped; the same command goes on" ;;
    *)
        tail -n 5 "$run.log" >&2
        say "error: seed $1: ended with status $status; output in $run.log" >&2
        ;;
    esac
    return $status
}

# train_in_turn THREADS SEED...: in a shell of its own, until one does not end well
train_in_turn() {
    local threads=$1 seed
    shift
    trap '' INT HUP # a terminal sends them to all, and the shell above passes them on
    trap 'pass_on USR1' USR1
    trap 'pass_on TERM' TERM
    for seed; do train_seed "$seed" "$threads" || exit; done
    exit 0
}

pass_to_all() { # pass_to_all SIGNAL
    stop=$1
    interrupted=yes
    kill -USR1 "${shells[@]}" 2>/dev/null || true
}

# train_at_once SEED...: $at_once shells, each with its share of seeds and of cores; the first status that is not 0. Each
# has a folder for MPI's sockets: a program that ends could remove that of another one which begins.
train_at_once() {
    local cores threads failed=0 status share i signal
    cores=$(usable_cores)
    threads=$((cores > at_once ? cores / at_once : 1))
    shells=()
    trap '' PIPE # nobody has to read what is said
    for signal in INT TERM HUP USR1; do
        # shellcheck disable=SC2064 # the name as it is now
        trap "pass_to_all $signal" $signal
    done
    for ((i = 0; i < at_once && i < $#; i++)); do
        mapfile -t share < <(share_of $i "$@")
        mkdir "$scratch/$i"
        OMPI_MCA_orte_tmpdir_base=$scratch/$i train_in_turn $threads "${share[@]}" &
        shells+=($!)
    done
    for i in "${shells[@]}"; do
        while :; do
            interrupted='' status=0
            wait "$i" || status=$?
            [ -n "$interrupted" ] || break # else that may be the status of a wait cut short
        done
        [ $failed -ne 0 ] || failed=$status
    done
    trap - INT TERM HUP USR1
    return $failed
}

# share_of I SEED...: every $at_once-th of them, from the I-th on
share_of() {
    local i
    for ((i = $1 + 2; i <= $#; i += at_once)); do echo "${!i}"; done
}

# submit SEED...: as an array of Slurm's
submit() {
    LOCKSTEP_CONFIG=$config LOCKSTEP_OUT=$folder LOCKSTEP_SEEDS=$* LOCKSTEP_KEY='' LOCKSTEP_VALUES='' LOCKSTEP_JOBS=$project/jobs \
        sbatch --array="0-$(($# - 1))${at_once:+%$at_once}" "$script" "${options[@]}"
    say "when they are done, $(word "$0") --table $(word "$folder") prints the table"
}

# --- what is to be done ----------------------------------------------------------------------------------

case $mode in
compare)
    for dir in "${compared[@]}"; do check_done "$dir"; done
    with_statistics compare -v "a=${compared[0]}" -v "b=${compared[1]}" <(numbered "${compared[0]}") <(numbered "${compared[1]}")
    exit
    ;;
table)
    check_done "$folder"
    mapfile -t seeds < <(seeds_done "$folder")
    table "${seeds[@]}"
    exit
    ;;
esac

prepare_mpi
sets_of "${options[@]}"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
wanted=$scratch/config.yaml
"$lockstep" info "$config" --resolved "${sets[@]}" >"$wanted" || exit
if [ -n "$no_test" ] && grep -qx '  validation: 0' "$wanted"; then
    usage_error "--no-test leaves nothing to choose by, as data.validation is 0; add --set data.validation=0.1"
fi
check_configurations "$folder" "$wanted" "$config and the options"
check_summaries "$folder"
check_program "$folder"

todo=()
mapfile -t seeds < <(seq "$first" $((first + number - 1)))
for seed in "${seeds[@]}"; do
    [ -e "$folder/seed-$seed/summary.json" ] || todo+=("$seed")
done
if [ ${#todo[@]} -gt 0 ]; then
    say "$((number - ${#todo[@]})) of $number seeds are done in $folder"
    mkdir -p "$folder"
    if [ -n "$script" ]; then
        submit "${todo[@]}"
        exit
    fi
    at_once=${at_once:-1} status=0
    train_at_once "${todo[@]}" || status=$?
    [ $status -eq 0 ] || exit $status
    check_configurations "$folder" "$wanted" "$config and the options"
    check_summaries "$folder"
fi
table "${seeds[@]}"
