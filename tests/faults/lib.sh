# shellcheck shell=bash
# Sourced by run.sh: lives of a run with a fault in them, and the one judgement of what comes out.
#
# A trial has a folder of its own, $trial. Its run folder is $trial/run, $trial/log has all output, $trial/faults what the
# shim did, $trial/commands what was called.

# More ranks than cores: who waits gives way. Starting MPI takes longer than the runs here, so it looks for nothing.
export OMP_WAIT_POLICY=passive OMP_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_pml=ob1 HWLOC_COMPONENTS=-pci,-linuxio HWLOC_PLUGINS_PATH=/dev/null

file_calls=open,read,write,fsync,truncate,rename,link,symlink,unlink,mkdir,close,touch
most_seconds=${LOCKSTEP_TEST_SECONDS-60} # of one life: more is a hang

# A scenario that cannot run here says why, and counts as skipped.
skip() {
    echo "skipped: $scenario: $*"
    exit 77
}

# pick N: a number from 0 to N - 1 in REPLY, decided by the trial's seed
pick() { REPLY=$(((RANDOM * 32768 + RANDOM) % $1)); }

# command_of RANKS [VARIABLE=VALUE...]: the program's command in the array `command`, with these variables and the shim where
# there are any. $extra has further options.
extra=()
command_of() {
    local ranks=$1
    shift
    # One MPI program that ends removes the folder in which another is about to start, unless each has its own.
    command=(env "OMPI_MCA_orte_tmpdir_base=$(mktemp -d "$work/mpi.XXXXXX")")
    [ "$ranks" -eq 1 ] || command+=("$mpiexec" -n "$ranks")
    [ $# -eq 0 ] || command+=(env "FAULT_UNDER=$trial" "FAULT_LOG=$trial/faults" "$@" "LD_PRELOAD=$shim")
    command+=("$program" train "$network" --set "data.dir=$images" --threads 1 --progress never --out "$trial/run" "${extra[@]}")
    printf '%q ' "${command[@]}" >>"$trial/commands"
    echo >>"$trial/commands"
}

# life RANKS [VARIABLE=VALUE...]: from start to end; how it ended is in $status, 124 if it hung
life() {
    local command
    command_of "$@"
    status=0
    echo "--- life on $*" >>"$trial/log"
    # In braces, so that the shell's word on a killed process is in the log, too.
    { timeout -k 2 "$most_seconds" "${command[@]}" </dev/null || status=$?; } >>"$trial/log" 2>&1
    echo "--- ended with $status" | tee -a "$trial/log" >>"$trial/commands"
    # A rank that was stopped outlives the timeout's first signal.
    if [ $status -eq 124 ] || [ $status -eq 137 ]; then end_all KILL; fi
}

# begin_life RANKS [VARIABLE=VALUE...]: in the background; its process is $launcher
begin_life() {
    local command
    command_of "$@"
    echo "--- life on $*" >>"$trial/log"
    setsid "${command[@]}" >>"$trial/log" 2>&1 </dev/null &
    launcher=$!
}

# end_life: waits for the one in the background; how it ended is in $status
end_life() {
    status=0
    { wait "$launcher" || status=$?; } >>"$trial/log" 2>&1
    echo "--- ended with $status" | tee -a "$trial/log" >>"$trial/commands"
}

# The trial's ranks that are alive: their processes, one a line. The folder's name is in their commands only.
ranks_alive() {
    local process
    for process in $(pgrep -f -- "--out $trial/run" || true); do
        case $(readlink "/proc/$process/exe" 2>/dev/null || true) in
        "$program") echo "$process" ;;
        esac
    done
}

end_all() {
    local process
    for process in $(ranks_alive); do kill "-$1" "$process" 2>/dev/null || true; done
}

# settle: the same command, without a fault, on other numbers of ranks, until it ends. A life that is still dying may hold
# the folder for a while: status 73, and one tries again, as people do.
settle() {
    local tries
    for tries in $(seq 40); do
        pick 3
        life $((REPLY + 1))
        [ "$status" -eq 73 ] || break
        sleep 0.5
    done
    [ "$status" -eq 0 ] || fail "the same command without a fault ends with $status after $tries starts"
}

# fail WHAT: the trial has failed
fail() {
    echo "$*" >>"$trial/verdict"
}

# --- the judgement -------------------------------------------------------------------------------

# What of HDF5 FILE below GROUP is no time or speed, as text.
figures_of() {
    local file=$1 group=$2 sets set_of=()
    sets=$(h5dump -n 1 "$file" | sed -nE "s,^ *dataset +($group/.*)\$,\\1,p" |
        grep -vE '/(comm_seconds|seconds|images_per_second|energy_joules)$|/phases/')
    for set in $sets; do set_of+=(-d "$set"); done
    h5dump -y -w 0 "${set_of[@]}" "$file" | tail -n +2 # the first line names the file
}

# Of FOLDER's report.html what is no time, speed, or name of who computed it.
page_of() {
    sed -E -e '/data-key="(images_per_second|train_seconds|world_size|sent_bytes_per_step|energy_joules)"/d' -e '/<time datetime/d' -e '/class="bar" style=/d' \
        -e '/<h3>(Throughput|Communication)<\/h3>/,/<\/figure>/d' \
        -e '/<dt>(computed by|hosts|written|resumed from)<\/dt>/d' -e "s,$1,RUN,g" \
        -e 's,(<tr><th scope="row">[0-9]+</th>.*)<td>[^<]*</td><td>[^<]*</td></tr>$,\1,' "$1/report.html"
}

# Of FOLDER's events each step and epoch, without what the clock says. Pictures and histograms are nowhere else: those that
# could not be written are lost. A file that could not be removed goes with the next start.
curves_of() {
    local file
    file=$(find "$1/tensorboard" -name '*.lockstep' | sort | tail -n 1)
    /usr/bin/python3 "$here/../e2e/tfevents.py" "$file" |
        jq -c 'select(has("train/loss") or has("epoch/train_loss")) | with_entries(select(.key | test("^speed/|joules") | not))'
}

# Where LINK leads: it is another name or a copy of that file where there are no symbolic links.
target_of() {
    local file
    for file in "$(dirname "$1")"/step-*.h5; do
        if cmp -s "$1" "$file"; then basename "$file" && return; fi
    done
    echo nowhere
}

# portrait TRIAL: all of its run folder that must not depend on what befell it
portrait() {
    local run=$1/run file
    echo "# files"
    (cd "$run" && find . -mindepth 1 ! -name faults.jsonl ! -path './lives*' ! -path './tensorboard/*' | sort)
    for file in last best; do echo "$file is $(target_of "$run/checkpoints/$file.h5")"; done
    echo "# config.yaml"
    cat "$run/config.yaml"
    echo "# summary.json"
    jq -S 'del(.comm_seconds, .sent_bytes_per_step, .energy_joules, .train_seconds, .images_per_second, .phases, .peak_rss_mib, .resumed_from, .world_size,
        .threads_per_rank, .hosts, .isa, .sha256)' "$run/summary.json"
    echo "# metrics.jsonl"
    jq -c 'del(.images_per_second, .seconds, .comm_seconds, .energy_joules, .phases, .check)' "$run/metrics.jsonl"
    echo "# events"
    curves_of "$run"
    echo "# history.h5"
    figures_of "$run/history.h5" ''
    for file in "$run"/checkpoints/step-*.h5; do
        echo "# $(basename "$file")"
        "$program" info "$file" | grep -E '^(checkpoint|weights|average|state|data) '
        figures_of "$file" /history
    done
    echo "# report.html"
    page_of "$run"
}

# judge: the trial's run folder is that of the undisturbed run, of which the trial $reference has the portrait
reference=whole
judge() {
    [ ! -s "$trial/verdict" ] || return 0
    portrait "$trial" >"$trial/portrait" 2>&1 || true
    diff "$work/$reference/portrait" "$trial/portrait" >"$trial/difference" ||
        fail "the run folder is not that of the undisturbed run: $(sed -n 's/^[<>] *//p' "$trial/difference" | head -n 1 | cut -c 1-120)"
    [ -z "$(ranks_alive)" ] || fail "processes are left: $(ranks_alive | tr '\n' ' ')"
}
