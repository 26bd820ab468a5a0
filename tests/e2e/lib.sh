# shellcheck shell=bash
# Sourced by the end-to-end tests, which CTest calls as: SCRIPT PROGRAM SOURCE_DIR MPIEXEC
set -euo pipefail
export LC_ALL=C

LOCKSTEP=$1
SOURCE=$2
here=$SOURCE/tests/e2e
golden=$SOURCE/tests/golden
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep e2e XXXXXX") # with spaces, since users' folders have them
full=${LOCKSTEP_TEST_FULL-} # not empty: tests/run.sh --full, all combinations
checks=0
failures=0

# More ranks and threads than cores: who waits must give way to who works.
export OMP_WAIT_POLICY=passive
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
# Starting MPI takes longer than most runs here: no daemon for a single process, no search for network hardware and
# other buses, and no libraries for displays and graphics cards (hwloc's plugins). e2e/accuracy starts as people do,
# without these.
export OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_pml=ob1 HWLOC_COMPONENTS=-pci,-linuxio HWLOC_PLUGINS_PATH=/dev/null
# One MPI program that ends removes the folder in which another is about to start: each mpirun has its own. Programs
# without mpirun share one; a test that starts several of them at a time gives them theirs.
export OMPI_MCA_orte_tmpdir_base=$work
MPIEXEC=$work/launcher/mpirun
mkdir -p "$work/launcher/sessions"
# Ranks of MPICH only spin while they wait, unless this is preloaded (a build with MPICH has it).
yield=$(dirname "$LOCKSTEP")/../tests/mpi/libmpi_yield.so
if [ -e "$yield" ]; then yield="LD_PRELOAD=\"$yield\""; else yield=''; fi
printf '%s\n' '#!/bin/sh' "$yield OMPI_MCA_orte_tmpdir_base=\"$work/launcher/sessions/\$\$\" exec \"$3\" \"\$@\"" >"$MPIEXEC"
chmod +x "$MPIEXEC"
unset OMP_NUM_THREADS LOCKSTEP_ISA LOCKSTEP_TRACE_EVENTS GLIBC_TUNABLES

trap 'rm -rf "$work"' EXIT

skip() {
    echo "skipped: e2e/$(basename "$0" .sh): $*"
    exit 77
}

need() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null || skip "$tool is not installed"
    done
}

exec 3>&1 # for what a check says that sends its command's output elsewhere

# check WHAT COMMAND...: counts, reports when the command fails, and tells in $ok
ok=true
check() {
    local what=$1
    shift
    checks=$((checks + 1))
    ok=true
    if ! "$@"; then
        ok=false
        failures=$((failures + 1))
        echo "FAILED: $what" >&3
    fi
}

# same WHAT WANTED GOT
same() {
    check "$1" [ "$2" = "$3" ]
    $ok || printf '    wanted %s\n    got    %s\n' "$2" "$3"
}

# links_lead FOLDER [PAGE...]: all links of these pages, or of all README.md and CHANGELOG.md in the folder, to files that are
# there and headings in them
links_lead() {
    local root=$1 page file target found
    shift
    [ $# -gt 0 ] || mapfile -t found < <(cd "$root" && find . \( -name README.md -o -name CHANGELOG.md \) -printf '%P\n' | sort)
    for page in "$@" "${found[@]}"; do
        while read -r target; do
            case $target in
            http://* | https://*) continue ;;
            '#'*) file=$root/$page ;;
            *) file=$root/$(dirname "$page")/${target%%#*} ;;
            esac
            check "$page: $target is there" [ -e "$file" ]
            if [[ $target = *'#'* ]] && $ok; then
                check "$page: $target is a heading" grep -qx -- "${target#*#}" \
                    <(awk -v what=anchors -f "$here/pages.awk" "$file")
            fi
        done < <(awk -v what=targets -f "$here/pages.awk" "$root/$page")
    done
}

# shows the end of a log below a failed check
show() {
    tail -n 15 "$1" | sed 's/^/    | /'
}

finish() {
    echo "$checks checks, $failures failed"
    if [ $failures -gt 0 ] || [ $checks -eq 0 ]; then exit 1; fi
    exit 0
}

# launch RANKS ARGUMENT...: the program on so many ranks; one rank runs without a launcher
launch() {
    local ranks=$1
    shift
    if [ "$ranks" -eq 1 ]; then
        "$LOCKSTEP" "$@"
    else
        "$MPIEXEC" -n "$ranks" "$LOCKSTEP" "$@"
    fi
}

# train RUN RANKS ARGUMENT...: trains $config (default odd.yaml) on the golden set into $work/RUN, output in
# $work/RUN.log. The exit status is the program's.
config=$here/odd.yaml
train() {
    local run=$1 ranks=$2
    shift 2
    launch "$ranks" train "$config" --set "data.dir=${data:-$golden}" --out "$work/$run" --progress never "$@" \
        >"$work/$run.log" 2>&1 </dev/null
}

# predicts STATUS WHAT ARGUMENT...: output in the present folder, in stdout and stderr
predicts() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$LOCKSTEP" predict "$@" >stdout 2>stderr </dev/null || status=$?
    same "$what: exit status" "$wanted" $status
    $ok || show stderr
}

# trained RUN RANKS ARGUMENT...: the same, and it must end well
trained() {
    local status=0
    train "$@" || status=$?
    same "run $1 on $2 ranks (${*:3}) ends with 0" 0 $status
    $ok || show "$work/$1.log"
}

# result RUN: all that must not depend on ranks, threads, instruction set or stops
result() {
    if [ -e "$work/$1/summary.json" ]; then
        jq -c '[.weights_sha256, .state_sha256, .chain_sha256, .steps, .samples_seen, .test_correct, .test_loss]' \
            "$work/$1/summary.json"
    else
        echo "no summary.json of $1"
    fi
}

# key RUN KEY: one value of a run's summary
key() { jq -r ".$2" "$work/$1/summary.json"; }

# instruction sets this processor has
isas() {
    echo portable
    if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then echo avx2; fi
    if grep -qw avx512f /proc/cpuinfo; then echo avx512; fi
    if grep -qw amx_bf16 /proc/cpuinfo && grep -qw avx512_bf16 /proc/cpuinfo; then echo amx; fi
}

# unpack_golden DIR: the golden set as plain files
unpack_golden() {
    local file
    mkdir -p "$1"
    for file in "$golden"/*.gz; do
        gzip -dc "$file" >"$1/$(basename "$file" .gz)"
    done
}

# Whether the program started last, in $!, waits for signals already: the program itself, no shell or env on the way to it.
catches_term() {
    local mask
    [ "$(cat "/proc/$!/comm" 2>/dev/null)" = "$(basename "$LOCKSTEP")" ] || return 1
    mask=$(sed -n 's/^SigCgt:\t//p' "/proc/$!/status" 2>/dev/null)
    [ $((0x${mask:-0} >> 14 & 1)) -eq 1 ]
}

# poke FILE OFFSET BYTE...: overwrites bytes, given in octal like 012; a negative offset counts from the end
poke() {
    local file=$1 offset=$2
    shift 2
    [ "$offset" -ge 0 ] || offset=$(($(stat -c %s "$file") + offset))
    # shellcheck disable=SC2059 # the escapes are the point
    printf "$(printf '\\%s' "$@")" | dd of="$file" bs=1 seek="$offset" conv=notrunc status=none
}
