# shellcheck shell=bash
# What the Slurm scripts of this folder share. Sourced from the project's folder, inside a job.
#
# A run that is stopped ends with status 75 and a checkpoint, and the same command goes on from there. So a job that
# meets its time limit saves, puts itself back into the queue, and its next life goes on:
#
#   before the limit    Slurm sends USR1 to the script (#SBATCH --signal=B:USR1@120), which passes it on to the launcher
#   the limit itself    --time-limit stops the run even where that signal is missed
#   preempted           USR1 and TERM are passed on; Slurm puts the job back into the queue by itself
#   cancelled           TERM is passed on; the job ends
#   a node is lost      mpirun ends with 205: back into the queue (under srun Slurm does that by itself)

margin=${LOCKSTEP_MARGIN:-120}     # seconds before the job's end at which training stops, for checkpoint and clean-up
max_lives=${LOCKSTEP_MAX_LIVES:-50} # a job that comes back more often than that has another problem

say() { echo "$(date +%FT%T) job ${SLURM_JOB_ID:-?}: $*"; }

# The program: on PATH, or as the README's presets build it.
# shellcheck disable=SC2034 # used by the scripts that source this file
if command -v lockstep >/dev/null; then
    LOCKSTEP=$(command -v lockstep)
elif [ -x build/release/bin/lockstep ]; then
    LOCKSTEP=$PWD/build/release/bin/lockstep
else
    echo "error: no lockstep on PATH nor in $PWD/build/release/bin; build it first: cmake --preset release && cmake --build --preset release" >&2
    exit 2
fi

if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# Time for a checkpoint between TERM and KILL where mpirun ends the ranks.
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout-30}

# seconds_of [[D-]HH:]MM:SS
seconds_of() {
    local days=0 time=$1 parts
    case $time in *-*) days=${time%%-*} time=${time#*-} ;; esac
    IFS=: read -ra parts <<<"$time"
    local seconds=0 part
    for part in "${parts[@]}"; do seconds=$((seconds * 60 + 10#$part)); done
    echo $((days * 86400 + seconds))
}

# time_limit: "--time-limit SECONDS" up to the margin before the job's end; nothing where the job has no limit
time_limit() {
    local left
    left=$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%L 2>/dev/null | head -n 1 | tr -d ' ')
    [[ $left =~ ^([0-9]+-)?[0-9:]+$ ]] || return 0
    left=$(($(seconds_of "$left") - margin / 2))
    echo "--time-limit $((left > 1 ? left : 1))"
}

# launch COMMAND...: runs the launcher and passes signals on; its exit status
launch() {
    local status=0
    stopped_by=
    "$@" &
    launcher=$!
    trap 'stopped_by=USR1; say "USR1: asking the run to save and stop"; kill -USR1 $launcher 2>/dev/null' USR1
    trap 'stopped_by=TERM; say "TERM: asking the run to save and stop"; kill -USR1 $launcher 2>/dev/null' TERM
    while :; do # wait returns whenever a signal comes
        status=0
        wait $launcher || status=$?
        kill -0 $launcher 2>/dev/null || break
    done
    trap - USR1 TERM
    return $status
}

# go_on STATUS: what follows from the run's exit status; does not return
go_on() {
    local status=$1 life=$((${SLURM_RESTART_COUNT:-0} + 1))
    case $status in
    0) say "done" ;;
    75 | 205)
        if [ "$stopped_by" = TERM ]; then
            say "status $status after TERM: Slurm decides what becomes of the job"
        elif [ $life -ge "$max_lives" ]; then
            say "status $status in life $life: enough (LOCKSTEP_MAX_LIVES)"
        else
            say "status $status in life $life: back into the queue"
            scontrol requeue "$SLURM_JOB_ID" || # of an array's task this is its own number
                say "the job cannot be requeued; submit it again to go on"
        fi
        ;;
    *) say "failed with status $status" ;;
    esac
    exit "$status"
}
