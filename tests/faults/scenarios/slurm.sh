# shellcheck shell=bash
# a Slurm of simulated hosts: a job is requeued, loses a node or its link, is cancelled and submitted again (as root)

# shellcheck source=tests/faults/cluster.sh
source "$here/cluster.sh"
readonly nodes=3 happenings=(nothing requeue kill-node cut-link cancel)

prepare() {
    local tool
    [ "$(id -u)" -eq 0 ] || skip "not root"
    for tool in slurmctld slurmd munged unshare nsenter ip; do
        command -v $tool >/dev/null || skip "$tool is not installed"
    done
    unshare --net --uts --mount --ipc --pid --fork true 2>/dev/null || skip "no namespaces may be made here"
    trap stop_cluster EXIT
    start_cluster $nodes || skip "Slurm does not start here; see $work/cluster"
    # Some seconds long, so that something can befall it.
    extra=(--set train.epochs=200 --set checkpoint.every_steps=40)
    reference=slurm-whole
    in_trial $reference 0 undisturbed
    PATH=$(dirname "$program"):$PATH
    slowest=0
}
remark() { echo "   the slowest job took $slowest s"; }

lines_written() { { wc -l <"$trial/run/metrics.jsonl"; } 2>/dev/null || echo 0; }
state_of() { on_host control scontrol -o show job "$1" 2>/dev/null | grep -o 'JobState=[A-Z_]*' | cut -d = -f 2; }

# submit mpirun|srun: the job's number in $job
submit() {
    job=$(cd "$here/../.." && on_host control env "LOCKSTEP_CONFIG=$network" "LOCKSTEP_OUT=$trial/run" "LOCKSTEP_LAUNCHER=$1" sbatch --parsable --nodes=2 \
        --ntasks-per-node=1 --time=30 "--output=$trial/log" jobs/train.sbatch --set "data.dir=$images" "${extra[@]}")
}

# wait_job: until it has ended, at most some minutes; what Slurm lets wait after a requeue starts at once
wait_job() {
    local state i
    for i in $(seq 240); do
        state=$(state_of "$job")
        case $state in
        COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL) return 0 ;;
        PENDING) [ $((i % 8)) -ne 7 ] || on_host control scontrol update "JobId=$job" StartTime=now 2>/dev/null || true ;;
        esac
        sleep 0.5
    done
}

befall() {
    local node=n$((1 + seed / ${#happenings[@]} % 2))
    case $1 in
    requeue) on_host control scontrol requeue "$job" ;;
    kill-node) kill_host $node ;;
    cut-link) cut_link $node && sleep 5 && mend_link $node ;;
    cancel)
        on_host control scancel "$job"
        wait_job
        submit "$with"
        ;;
    esac
    lost=$node
}

try() {
    local what=${happenings[seed % ${#happenings[@]}]} started=$SECONDS with=mpirun
    [ $((seed / 2 % 2)) -eq 0 ] || with=srun
    wait_for_nodes $nodes || fail "nodes are missing"
    submit $with
    pick 2000
    for _ in $(seq 300); do
        [ "$(lines_written)" -le $((REPLY + 100)) ] || break
        sleep 0.1
    done
    befall "$what" >>"$trial/log" 2>&1
    wait_job
    [ "$(state_of "$job")" = COMPLETED ] || fail "$with, $what: the job is $(state_of "$job")"
    if [ "$what" = kill-node ]; then
        start_host "$lost" "$cluster_net.${lost#n}" && start_node "$lost"
    fi
    [ $((SECONDS - started)) -le "$slowest" ] || slowest=$((SECONDS - started))
    judge
}
