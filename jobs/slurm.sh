# shellcheck shell=bash
# shellcheck disable=SC2154 # with, mpirun_options, srun_options and folder are those of the script
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
#   a node is lost         the run is started again at once on the nodes that still answer, where they are at least
#                          $min_hosts; else back into the queue. That wants #SBATCH --no-kill: else Slurm ends the job and
#                          puts it back. It does so, too, when the first node is lost, on which the script itself runs.
#   76, 79                 memory of a node changed, or its rank stood still: back into the queue, without that node
#   73                     another process has the run folder: the job fails, and names it
#   anything else fails    the job fails; repeating it would not help
#
# To save and go on later by hand: scancel --batch --signal=USR1 JOB. Slurm lets a requeued job wait for two minutes;
# scontrol update JobId=JOB StartTime=now ends the wait, but some seconds have to pass first, or the job fails.

export LC_ALL=C # decimal points, and tables in one order

# shellcheck source=jobs/launch.sh
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"

margin=${LOCKSTEP_MARGIN:-60}        # seconds between --time-limit and the job's end: for a checkpoint and clean-up
max_lives=${LOCKSTEP_MAX_LIVES:-100} # a job that comes back more often than that has another problem

bad_node=''                          # the one that ended the run

say() { echo "$(date +%FT%T) job ${job-}: $*" || true; } # where the disk is full, too

# begin "$@": what every job does first; "$@" are the script's own arguments, for a second submission
begin() {
    submitted_with=("$@")
    # Each task of an array has a job number of its own, but one has the array's, which stands for all of its tasks.
    job=$SLURM_JOB_ID
    if [ -n "${SLURM_ARRAY_TASK_ID-}" ]; then job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID; fi
    life=$((${SLURM_RESTART_COUNT:-0} + ${LOCKSTEP_LIVES:-0} + 1)) # a resubmitted job counts its former lives, too
    threads=${SLURM_CPUS_PER_TASK:-1}
    read_nodes
    trap 'pass_on USR1' USR1
    trap 'pass_on TERM' TERM

    find_lockstep "$PWD"
    prepare_mpi
    # Seconds that mpirun waits before and after each signal to ranks that it ends. When it gets TERM itself, they are the
    # time for a checkpoint. But after any end but 0 it waits four times, while others have stopped already.
    export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout-2}
    say "life $life: $(all_ranks) ranks x $threads threads on $SLURM_JOB_NODELIST"
}

# read_nodes: into $hosts and $ranks_on; SLURM_TASKS_PER_NODE is like 2(x3),1
read_nodes() {
    local counts=() part i
    mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
    # shellcheck disable=SC2153 # no misspelling
    for part in ${SLURM_TASKS_PER_NODE//,/ }; do
        [[ $part =~ ^([0-9]+)(\(x([0-9]+)\))?$ ]]
        for ((i = 0; i < ${BASH_REMATCH[3]:-1}; i++)); do counts+=("${BASH_REMATCH[1]}"); done
    done
    for i in "${!hosts[@]}"; do ranks_on[${hosts[i]}]=${counts[i]:-1}; done
    min_hosts=${LOCKSTEP_MIN_NODES:-$(((${#hosts[@]} + 1) / 2))}
}

# limit_time: into $limit, the option that stops a run before the job ends; none where the job has no limit
limit_time() {
    local left days hours
    limit=()
    left=$(squeue --noheader --jobs="$job" --format=%L 2>/dev/null | tr -d ' ') || true # [[D-]HH:]MM:SS, or a word
    [[ $left =~ ^(([0-9]+)-)?(([0-9]+):)?([0-9]+):([0-9]+)$ ]] || return 0
    days=${BASH_REMATCH[2]:-0} hours=${BASH_REMATCH[4]:-0}
    left=$((((10#$days * 24 + 10#$hours) * 60 + 10#${BASH_REMATCH[5]}) * 60 + 10#${BASH_REMATCH[6]} - margin))
    limit=(--time-limit $((left > 1 ? left : 1)))
}

# --- the run -----------------------------------------------------------------------------------------------

# train CONFIG FOLDER OPTION...: on $hosts, by mpirun or srun as $with says; its exit status. A rank that stands still cannot
# end itself, so that srun tells how it was killed; what was noted in the folder tells why.
train() {
    local before status=0
    before=$(faults "$2")
    on_hosts "$lockstep" train "$1" --threads "$threads" --out "$2" "${@:3}" || status=$?
    bad_node=''
    if [ "$(faults "$2")" -gt "$before" ]; then
        read_bad_node "$2/faults.jsonl"
        case $status in
        0 | 2 | 73 | 75 | 76 | 79 | 205) ;;
        *) if tail -n 1 "$2/faults.jsonl" | grep -q '"kind": *"stall"'; then status=79; else status=76; fi ;;
        esac
    fi
    return $status
}

# start PROGRAM train CONFIG OPTION...: what on_hosts starts. From Slurm 22.05 on srun does not take --cpus-per-task over from sbatch. A step
# may begin while the one before it, which lost a node, has not ended everywhere. One rank that dies ends its step.
start() {
    limit_time
    local placed command=("${@:1:3}" "${limit[@]}" "${@:4}") # a limit of the user's own comes later
    case $with in
    mpirun)
        mpirun_on "$(places)" LOCKSTEP_RELAUNCH
        SLURM_OVERLAP=1 launch mpirun -n "$(all_ranks)" "${placed[@]}" "${mpirun_options[@]}" "${command[@]}"
        ;;
    srun)
        launch srun --nodes="${#hosts[@]}" --nodelist="$(comma_list "${hosts[@]}")" --ntasks="$(all_ranks)" \
            --cpus-per-task="$threads" --overlap --kill-on-bad-exit=1 "${srun_options[@]}" "${command[@]}"
        ;;
    *)
        say "error: with=$with, which is neither mpirun nor srun" >&2
        return 2
        ;;
    esac
}

comma_list() {
    local IFS=,
    echo "$*"
}

# answers NODE: Slurm can start something there
answers() { timeout -k 5 30 srun --overlap --nodes=1 --ntasks=1 --ntasks-per-node=1 --nodelist="$1" --mpi=none true; }

# faults FOLDER: the number of those that its runs noted
faults() { if [ -e "$1/faults.jsonl" ]; then wc -l <"$1/faults.jsonl"; else echo 0; fi; }

# read_bad_node FILE: into $bad_node, the node of the newest fault, which Slurm's daemon or else the host names
read_bad_node() {
    local key
    for key in node host; do
        bad_node=$(tail -n 1 "$1" | sed -n "s/.*\"$key\": *\"\([^\"]*\)\".*/\1/p" | grep -Fx -f <(printf '%s\n' "${hosts[@]}")) || true
        [ -z "$bad_node" ] || return 0
    done
}

# --- after it ----------------------------------------------------------------------------------------------

# job_value KEY: what Slurm knows of this job; nothing where it is not set. Paths have a line for themselves, and may have
# spaces. The number that one task of an array shares with the array would tell of all its tasks.
job_value() {
    local end='[^ ]*'
    case $1 in Std*) end='.*' ;; esac
    scontrol show job "$job" | sed -nE "s/^(.* )?$1=($end).*/\2/p" | head -n 1 | grep -vxE '\(null\)|N/A|0' || true
}

# excluded: the nodes that this job stays away from, the bad one included
excluded() {
    local nodes=()
    read -ra nodes <<<"$(job_value ExcNodeList) $bad_node"
    comma_list "${nodes[@]}"
}

# resubmit: as a new job of the same shape that goes on in $folder, where the site does not let this one back. Options on
# the line of the first sbatch hold again: those in the script are read from it.
resubmit() {
    local shape=(--dependency="afterany:$SLURM_JOB_ID" --job-name="$SLURM_JOB_NAME" --nodes="$SLURM_JOB_NUM_NODES"
        --cpus-per-task="$threads") pair value
    [ -z "${SLURM_NTASKS-}" ] || shape+=(--ntasks="$SLURM_NTASKS")
    [ -z "${SLURM_NTASKS_PER_NODE-}" ] || shape+=(--ntasks-per-node="$SLURM_NTASKS_PER_NODE")
    [ -z "${SLURM_ARRAY_TASK_ID-}" ] || shape+=(--array="$SLURM_ARRAY_TASK_ID")
    for pair in account=Account partition=Partition qos=QOS time=TimeLimit constraint=Features mem=MinMemoryNode \
        mem-per-cpu=MinMemoryCPU gres=TresPerNode reservation=Reservation licenses=Licenses output=StdOut error=StdErr \
        mail-user=MailUser mail-type=MailType; do
        value=$(job_value "${pair#*=}")
        [ -z "$value" ] || shape+=("--${pair%=*}=${value#gres[:/]}")
    done
    if [ "$(job_value OverSubscribe)" = NO ]; then shape+=(--exclusive); fi
    value=$(excluded)
    [ -z "$value" ] || shape+=(--exclude="$value")
    LOCKSTEP_OUT=$folder LOCKSTEP_LIVES=$life env --unset=SLURM_RESTART_COUNT \
        sbatch "${shape[@]}" "$0" "${submitted_with[@]}"
}

# await_controller: slurmctld may be away just now, for minutes
await_controller() {
    local i
    for ((i = 0; i < 30; i++)); do
        if scontrol ping 2>/dev/null | grep -q 'is UP'; then return; fi
        [ "$i" -gt 0 ] || say "slurmctld does not answer: waiting for it"
        sleep 10
    done
}

# requeue: this job, without the bad node. Once back in the queue it takes the list; the script gets TERM meanwhile.
requeue() {
    trap '' TERM USR1
    scontrol requeue "$job" || return
    [ -z "$bad_node" ] || scontrol update JobId="$job" ExcNodeList="$(excluded)" ||
        say "$bad_node is not excluded: scontrol update JobId=$job ExcNodeList=$bad_node"
}

# go_on STATUS: what follows from the run's exit status; does not return
go_on() {
    local status=$1
    case $stop:$status in
    *:0) say "done" ;;
    TERM:*) say "status $status after TERM: Slurm decides what becomes of the job" ;;
    *:73) say "status 73: another process has the run folder; not repeated" ;;
    *:75 | *:76 | *:79 | *:205)
        if [ "$life" -ge "$max_lives" ]; then
            say "status $status in life $life: that is enough (LOCKSTEP_MAX_LIVES)"
        else
            say "status $status: back into the queue${bad_node:+, without $bad_node}"
            await_controller
            requeue || resubmit ||
                { say "neither requeued nor submitted anew; submit it again to go on" && exit "$status"; }
            exit 0
        fi
        ;;
    *) say "failed with status $status" ;;
    esac
    exit "$status"
}
