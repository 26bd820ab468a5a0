# shellcheck shell=bash
# What the Slurm scripts of this folder share: sourced by them, inside a job or where a table is collected.
#
# A run that is stopped early ends with status 75 and a checkpoint, and the same command goes on from there. So:
#
#   the limit comes near   Slurm sends USR1 to the script (#SBATCH --signal=B:USR1@120), which passes it on to the
#                          launcher; the run saves and ends with 75; the script puts the job back into the queue
#   that signal is missed  --time-limit stops the run in time, with the same effect
#   preempted              the same where USR1 comes first; at TERM Slurm itself puts the job back
#   scontrol requeue       TERM: the run saves where the time suffices; Slurm puts the job back
#   scancel                TERM: the same, but the job has ended
#   a node is lost         mpirun ends with 205: back into the queue (under srun Slurm does that by itself)
#   anything else fails    the job fails; repeating it would not help
#
# To save and go on later by hand: scancel --batch --signal=USR1 JOB. Slurm lets a requeued job wait for two minutes;
# scontrol update JobId=JOB StartTime=now ends the wait, but some seconds have to pass first, or the job fails.

export LC_ALL=C # decimal points, and tables in one order

# shellcheck source=jobs/launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"

margin=${LOCKSTEP_MARGIN:-60}        # seconds between --time-limit and the job's end: for a checkpoint and clean-up
max_lives=${LOCKSTEP_MAX_LIVES:-100} # a job that comes back more often than that has another problem

say() { echo "$(date +%FT%T) job ${job-}: $*"; }

# begin "$@": what every job does first; "$@" are the script's own arguments, for a second submission
begin() {
    submitted_with=("$@")
    # Each task of an array has a job number of its own, but one has the array's, which stands for all of its tasks.
    job=$SLURM_JOB_ID
    if [ -n "${SLURM_ARRAY_TASK_ID-}" ]; then job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID; fi
    life=$((${SLURM_RESTART_COUNT:-0} + ${LOCKSTEP_LIVES:-0} + 1)) # a resubmitted job counts its former lives, too
    ranks=${SLURM_NTASKS:-$SLURM_JOB_NUM_NODES}
    threads=${SLURM_CPUS_PER_TASK:-1}
    trap 'pass_on USR1' USR1
    trap 'pass_on TERM' TERM

    find_lockstep "$PWD"
    allow_root
    # Seconds that mpirun waits before and after each signal to ranks that it ends. When it gets TERM itself, they are the
    # time for a checkpoint. But after any end with 75 each node waits twice, while the job's own time runs out.
    export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout-5}
    say "life $life: $ranks ranks x $threads threads on $SLURM_JOB_NODELIST"
}

# limit_time: into $limit, the option that stops a run before the job ends; none where the job has no limit
limit_time() {
    local left days hours
    limit=()
    left=$(squeue --noheader --jobs="$job" --format=%L 2>/dev/null | tr -d ' ') || true # [[D-]HH:]MM:SS, or a word
    [[ $left =~ ^(([0-9]+)-)?(([0-9]+):)?([0-9]+):([0-9]+)$ ]] || return 0
    days=${BASH_REMATCH[2]:-0} hours=${BASH_REMATCH[4]:-0}
    left=$((((10#$days * 24 + 10#$hours) * 60 + 10#${BASH_REMATCH[5]}) * 60 + 10#${BASH_REMATCH[6]} - margin))
    # shellcheck disable=SC2034 # for the script that asked
    limit=(--time-limit $((left > 1 ? left : 1)))
}

# resubmit: as a new job of the same shape that goes on in $folder, where the site does not let this one back
resubmit() {
    local shape=(--dependency="afterany:$SLURM_JOB_ID" --job-name="$SLURM_JOB_NAME" --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$ranks"
        --cpus-per-task="$threads" --partition="$SLURM_JOB_PARTITION")
    [ -z "${SLURM_NTASKS_PER_NODE-}" ] || shape+=(--ntasks-per-node="$SLURM_NTASKS_PER_NODE")
    [ -z "${SLURM_ARRAY_TASK_ID-}" ] || shape+=(--array="$SLURM_ARRAY_TASK_ID")
    shape+=(--time="$(squeue --noheader --jobs="$job" --format=%l | tr -d ' ')")
    LOCKSTEP_OUT=$folder LOCKSTEP_LIVES=$life env --unset=SLURM_RESTART_COUNT \
        sbatch "${shape[@]}" "$0" "${submitted_with[@]}"
}

# go_on STATUS: what follows from the run's exit status; does not return
go_on() {
    local status=$1
    case $stop:$status in
    *:0) say "done" ;;
    TERM:*) say "status $status after TERM: Slurm decides what becomes of the job" ;;
    *:75 | *:205)
        if [ "$life" -ge "$max_lives" ]; then
            say "status $status in life $life: that is enough (LOCKSTEP_MAX_LIVES)"
        else
            say "status $status: back into the queue"
            trap - USR1 TERM # requeued, the script gets TERM, and has nothing left to do
            scontrol requeue "$job" || resubmit ||
                { say "neither requeued nor submitted anew; submit it again to go on" && exit "$status"; }
            exit 0
        fi
        ;;
    *) say "failed with status $status" ;;
    esac
    exit "$status"
}
