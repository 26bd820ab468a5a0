#!/usr/bin/env bash
# The job scripts: what follows from a run's exit status and from signals, with stand-ins for Slurm's commands and for
# the launchers; tables with known figures; local.sh for real.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

# --- a project folder, a PATH with stand-ins, and their notes
project=$work/project
calls=$work/calls # one line a call of a stand-in
fakes=$work/fakes
mkdir -p "$project/runs/test-40" "$fakes"
ln -s "$SOURCE/jobs" "$project/jobs"
ln -s "$LOCKSTEP" "$fakes/lockstep"
fake() { # fake NAME: the command's text on standard input; which MPI library's it is may be asked without a note
    { printf '#!/usr/bin/env bash\nif [ "$*" = --version ]; then echo "${LAUNCHER:-Open MPI}" && exit; fi\necho "%s $*" >>"$CALLS"\n' "$1" && cat; } \
        >"$fakes/$1"
    chmod +x "$fakes/$1"
}
fake squeue <<'TEXT'
case "$*" in *%L*) echo "${TIME_LEFT-1:00:00}" ;; *%l*) echo 2:00:00 ;; esac
if [ -n "${SIGNAL_EARLY-}" ]; then kill -USR1 "$(cat "$PID")"; fi
TEXT
fake scontrol <<'TEXT'
case "$1 ${2-}" in
"show hostnames") printf 'n%s\n' $(seq "${SLURM_JOB_NUM_NODES:-1}") ;;
"show job") cat "$JOB_DESCRIPTION" ;;
requeue*) exit "${REQUEUE_STATUS-0}" ;;
ping*) if [ "$(grep -c '^scontrol ping' "$CALLS")" -ge "${UP_AT-1}" ]; then echo "Slurmctld(primary) at ctl is UP"; fi ;;
esac
TEXT
fake sleep <<'TEXT'
exec "$(PATH=${PATH#*:} command -v sleep)" "$(awk "BEGIN { print $1 / 50 }")"
TEXT
fake sbatch <<'TEXT'
echo "sbatch-environment $LOCKSTEP_OUT $LOCKSTEP_LIVES ${SLURM_RESTART_COUNT-none}" >>"$CALLS"
TEXT
# As Slurm 22.05 prints it; what the test wants to say of the job comes in here.
cat >"$work/job-description" <<'TEXT'
JobId=42 JobName=test
   UserId=root(0) GroupId=root(0) MCS_label=N/A
   Priority=4294901739 Nice=0 Account=(null) QOS=(null)
   JobState=RUNNING Reason=None Dependency=(null)
   RunTime=00:00:10 TimeLimit=2:00:00 TimeMin=N/A
   Partition=main AllocNode:Sid=ctl:17
   ReqNodeList=(null) ExcNodeList=(null)
   NumNodes=2 NumCPUs=4 NumTasks=4 CPUs/Task=3 ReqB:S:C:T=0:0:*:*
   MinCPUsNode=6 MinMemoryNode=0 MinTmpDiskNode=0
   Features=(null) DelayBoot=00:00:00
   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)
   Command=/tmp/train.sbatch --set a=b
   WorkDir=/tmp
   StdErr=/tmp/a folder/test-42.log
   StdIn=/dev/null
   StdOut=/tmp/a folder/test-42.log
TEXT
export JOB_DESCRIPTION=$work/job-description
# A launcher ends with $STATUS, or the n-th one with its n-th word; WAIT: only once it got so many USR1; RUN: after the
# program alone has run; NOTES: a line that this adds to the folder's faults. Nodes of $DEAD do not answer.
for name in mpirun srun; do
    fake $name <<'TEXT'
if [ "${*: -1}" = true ]; then
    for node in ${DEAD-}; do case " $* " in *[\ =]$node\ *) exit 1 ;; esac done
    exit 0
fi
read -ra statuses <<<"${STATUS:-0}"
number=$(grep -cE '^(mpirun|srun) .* train ' "$CALLS")
STATUS=${statuses[number - 1]:-${statuses[-1]}}
echo "relaunch ${LOCKSTEP_RELAUNCH-none}" >>"$CALLS"
if [ -n "${NOTES-}" ]; then
    mkdir -p runs/test-42
    echo "$NOTES" >>runs/test-42/faults.jsonl
fi
if [ -n "${WAIT-}" ]; then
    got() { echo "launcher-got USR1" >>"$CALLS"; WAIT=$((WAIT - 1)); [ $WAIT -gt 0 ] || exit "$STATUS"; }
    trap got USR1
    trap 'echo "launcher-got TERM" >>"$CALLS"; exit 1' TERM
    echo ready >"$PID.ready"
    while :; do sleep 0.05; done
elif [ -n "${RUN-}" ]; then
    extra=()
    case "$*" in *nodes-2*) extra=(${EXTRA_ON_2-}) ;; esac
    while [ "${1##*/}" != lockstep ]; do shift; done
    exec "$@" --progress never "${extra[@]}"
fi
exit "$STATUS"
TEXT
done
export CALLS=$calls PID=$work/pid
export SLURM_SUBMIT_DIR=$project SLURM_JOB_ID=42 SLURM_JOB_NAME=test SLURM_JOB_NODELIST='n[1-2]' SLURM_JOB_NUM_NODES=2
export SLURM_NTASKS=4 SLURM_NTASKS_PER_NODE=2 SLURM_TASKS_PER_NODE='2(x2)' SLURM_CPUS_PER_TASK=3
export LOCKSTEP_CONFIG=$config
unset SLURM_RESTART_COUNT SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID SLURM_STEP_ID SLURM_STEP_NUM_TASKS

# job SCRIPT NAME=VALUE... [-- ARGUMENT...]: runs the script as Slurm would, from a copy elsewhere; its status in $status
job() {
    local script=$1 settings=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do settings+=("$1") && shift; done
    shift $(($# > 0))
    : >"$calls"
    status=0
    cp "$SOURCE/jobs/$script" "$work/slurm_script"
    env PATH="$fakes:$PATH" "${settings[@]}" bash -c 'echo $$ >"$PID"; exec bash "$@"' - "$work/slurm_script" "$@" \
        >"$work/job.log" 2>&1 </dev/null || status=$?
}
called() { grep -qE -- "$1" "$calls"; } # called PATTERN: by one of the stand-ins
never() { ! called "$1"; }
verdict() { # verdict WHAT STATUS [not] PATTERN: the last job's status, and what was called (or not)
    local ok_all=true
    same "$1: exit status" "$2" $status
    $ok || ok_all=false
    if [ "$3" = not ]; then check "$1: no $4" never "$4"; else check "$1: $3" called "$3"; fi
    if ! $ok || ! $ok_all; then
        show "$calls"
        show "$work/job.log"
    fi
}

# --- what follows from the exit status; of the launchers the script knows only that, and what a killed rank has
for with in mpirun srun; do
    export LOCKSTEP_LAUNCHER=$with
    job train.sbatch STATUS=0
    verdict "$with: done" 0 not 'requeue|sbatch| true$'
    job train.sbatch STATUS=137
    verdict "$with: a rank was killed" 137 not 'requeue|sbatch|relaunch 1'
    job train.sbatch STATUS=75
    verdict "$with: stopped" 0 '^scontrol requeue 42$'
    if [ $with = srun ] && [ -z "$full" ]; then continue; fi
    job train.sbatch STATUS=1
    verdict "$with: failed" 1 not 'requeue|sbatch|relaunch 1'
    job train.sbatch STATUS=2
    verdict "$with: wrong usage" 2 not 'requeue|sbatch|relaunch 1'
    job train.sbatch STATUS=138
    verdict "$with: a rank died of USR1 that nobody passed on" 138 not 'requeue|sbatch'
    job train.sbatch STATUS=73
    verdict "$with: another process has the folder" 73 not 'requeue|sbatch|relaunch 1'
    check "it is said" grep -q 'another process' "$work/job.log"
    job train.sbatch STATUS=75 SLURM_RESTART_COUNT=6 LOCKSTEP_MAX_LIVES=7
    verdict "$with: the last life that is allowed" 75 not 'requeue|sbatch'
    job train.sbatch STATUS=75 SLURM_RESTART_COUNT=5 LOCKSTEP_MAX_LIVES=7
    verdict "$with: the last but one" 0 '^scontrol requeue 42$'
    # An array's last task has the array's own number, which would requeue all of them.
    job train.sbatch STATUS=75 SLURM_ARRAY_JOB_ID=42 SLURM_ARRAY_TASK_ID=3
    verdict "$with: one task of an array" 0 '^scontrol requeue 42_3$'
    check "$with: and its own time left" called '^squeue .*--jobs=42_3 '
    job train.sbatch STATUS=75 LOCKSTEP_LIVES=99
    verdict "$with: lives of earlier jobs count" 75 not 'requeue|sbatch'
done
unset LOCKSTEP_LAUNCHER

# --- a lost node: at once without it, or back into the queue
for with in mpirun srun; do
    for lost in 205 1 137; do
        if [ "$with $lost" = "srun 205" ] && [ -z "$full" ]; then continue; fi # that is mpirun's
        job train.sbatch LOCKSTEP_LAUNCHER=$with STATUS="$lost 0" DEAD=n2
        verdict "$with: status $lost, and a node does not answer" 0 not 'requeue|sbatch'
        case $with in
        mpirun) check "two ranks are left" called '^mpirun -n 2 --host n1:2 ' ;;
        srun) check "two ranks are left" called '^srun --nodes=1 --nodelist=n1 --ntasks=2 ' ;;
        esac
        same "lives of the job are numbered" "relaunch 0 relaunch 1 " "$(grep ^relaunch "$calls" | tr '\n' ' ')"
    done
done
job train.sbatch STATUS="205 0"
verdict "a node that was away for a moment" 0 not 'requeue|sbatch'
check "takes part again" called '^mpirun -n 4 --host n1:2,n2:2 .*$'
job train.sbatch STATUS=205
verdict "one that keeps going away" 0 '^scontrol requeue 42$'
job train.sbatch STATUS="137 0" DEAD=n2 LOCKSTEP_MIN_NODES=2
verdict "too few nodes are left" 0 '^scontrol requeue 42$'
check "and nothing begins" never 'relaunch 1'
job train.sbatch STATUS="1 1" DEAD=n2
verdict "a failure after it is one" 1 not 'requeue|sbatch|relaunch 2'
job train.sbatch STATUS="205 0" DEAD=n3 SLURM_JOB_NUM_NODES=3 SLURM_TASKS_PER_NODE="2(x2),1"
verdict "nodes of different sizes" 0 '^mpirun -n 5 --host n1:2,n2:2,n3:1 '
check "the small one is lost" called '^mpirun -n 4 --host n1:2,n2:2 '

# --- a node that is to be excluded
note='{"time": "x","kind": "replica","step": 4,"epoch": 1,"rank": 3,"host": "n2.site","node": "n2","job": "42","text": "a \"node\": \"n1\""}'
for status in 76 79; do
    job train.sbatch STATUS=$status NOTES="$note"
    verdict "status $status" 0 '^scontrol requeue 42$'
    check "without that node" called '^scontrol update JobId=42 ExcNodeList=n2$'
done
job train.sbatch STATUS=137 LOCKSTEP_LAUNCHER=srun NOTES="${note/replica/stall}"
verdict "srun tells how a rank that stood still was killed" 0 '^scontrol update JobId=42 ExcNodeList=n2$'
check "and the script why" grep -q 'status 79: back into the queue, without n2' "$work/job.log"
job train.sbatch STATUS=79 # the folder's old lines are of other lives
verdict "a stall of which nobody knows where" 0 not 'ExcNodeList'
sed 's/ExcNodeList=(null)/ExcNodeList=n[5-6]/' "$work/job-description" >"$work/more"
job train.sbatch STATUS=76 NOTES="${note/\"n2\"/null}" JOB_DESCRIPTION="$work/more"
verdict "a host that is no node of the job" 0 not 'ExcNodeList='
job train.sbatch STATUS=76 NOTES="$(sed 's/n2.site/n2/; s/"node": "n2"/"node": null/' <<<"$note")"
verdict "a host whose node nobody named" 0 '^scontrol update JobId=42 ExcNodeList=n2$'
job train.sbatch STATUS=76 NOTES="${note/n2.site/n2}" JOB_DESCRIPTION="$work/more"
verdict "others were excluded before" 0 '^scontrol update JobId=42 ExcNodeList=n\[5-6\],n2$'
rm "$project/runs/test-42/faults.jsonl"

job train.sbatch STATUS=75 UP_AT=3
verdict "slurmctld is away when the job stops" 0 '^scontrol requeue 42$'
check "the script waits for it" called '^sleep 10$'

# --- a second submission has what the first one had
job train.sbatch STATUS=75 REQUEUE_STATUS=1 SLURM_RESTART_COUNT=2 -- --set train.epochs=7
verdict "where requeue is refused" 0 '^sbatch --dependency=afterany:42 .*slurm_script --set train.epochs=7$'
check "of the same shape" called '^sbatch .*--nodes=2 --cpus-per-task=3 --ntasks=4 --ntasks-per-node=2 --partition=main --time=2:00:00 '
check "with the same log" called ' --output=/tmp/a folder/test-42.log '
check "in the same folder, lives counted on" called '^sbatch-environment runs/test-42 3 none$'
check "what is not set is not given" never '\(null\)|account|qos|constraint|mem|gres|exclusive|exclude|=0 |licenses'
job sweep.sbatch STATUS=75 REQUEUE_STATUS=1 SLURM_ARRAY_JOB_ID=42 SLURM_ARRAY_TASK_ID=3
check "a task of an array asks for its own shape" called '^scontrol show job 42_3$'
check "no other's" never '^scontrol show job 42$'
sed 's/Account=(null) QOS=(null)/Account=physics QOS=long/; s/MinMemoryNode=0/MinMemoryCPU=2G/; s/Features=(null)/Features=amd\&ib/
    s/OverSubscribe=OK/OverSubscribe=NO/; s/Licenses=(null)/Licenses=x:2/; s/ExcNodeList=(null)/ExcNodeList=n9/
    s/^   Command/   TresPerNode=gres:gpu:2\n   Reservation=week\n&/' "$work/job-description" >"$work/more"
job train.sbatch STATUS=76 REQUEUE_STATUS=1 JOB_DESCRIPTION="$work/more" NOTES="$note"
for option in account=physics qos=long mem-per-cpu=2G 'constraint=amd&ib' exclusive licenses=x:2 exclude=n9,n2 gres=gpu:2 reservation=week; do
    check "--$option is given again" called "^sbatch .*--$option "
    $ok || show "$calls"
done
rm "$project/runs/test-42/faults.jsonl"

# --- what the launcher is told
job train.sbatch STATUS=0 -- --set train.epochs=7
verdict "mpirun" 0 "^mpirun -n 4 --host n1:2,n2:2 .* train .*--threads 3 --out runs/test-42 .*--set train.epochs=7\$"
job train.sbatch STATUS=0 LOCKSTEP_LAUNCHER=srun
verdict "srun" 0 "^srun --nodes=2 --nodelist=n1,n2 --ntasks=4 --cpus-per-task=3 .*--kill-on-bad-exit=1 --mpi=pmix .* train .*--threads 3 .*--out runs/test-42"
job train.sbatch STATUS=0 LAUNCHER="HYDRA build details:"
verdict "mpirun of MPICH" 0 '^mpirun -n 4 -hosts n1:2,n2:2 '
check "it hands on the environment anyway" never '^mpirun .* -x '
job train.sbatch STATUS=0 LOCKSTEP_LAUNCHER=ssh
verdict "another launcher" 2 not 'ssh'
limits=("1-02:03:04 93724" "00:08:09 429" "0:30 1") words=(UNLIMITED '')
[ -z "$full" ] || limits+=("1:00:00 3540" "02:30 90") words+=(INVALID NOT_SET)
for limit in "${limits[@]}"; do
    job train.sbatch STATUS=0 "TIME_LEFT=${limit% *}"
    verdict "${limit% *} left" 0 "--time-limit ${limit#* }( |\$)"
done
for left in "${words[@]}"; do
    job train.sbatch STATUS=0 "TIME_LEFT=$left"
    verdict "'$left' left" 0 not "--time-limit"
done
job train.sbatch STATUS=0 LOCKSTEP_MARGIN=600
verdict "a larger margin" 0 "--time-limit 3000( |\$)"

# --- signals
# signalled SCRIPT SIGNAL NAME=VALUE...: the signal comes while the launcher waits
signalled() {
    local script=$1 signal=$2
    shift 2
    rm -f "$work/pid.ready"
    (
        for _ in $(seq 600); do
            [ ! -e "$work/pid.ready" ] || break
            sleep 0.05
        done
        kill -"$signal" "$(cat "$work/pid")"
    ) &
    job "$script" WAIT=1 "$@"
    wait
}
for script in train.sbatch sweep.sbatch scaling.sbatch; do
    array=(SLURM_ARRAY_JOB_ID=40 SLURM_ARRAY_TASK_ID=3)
    id=40_3
    if [ $script != sweep.sbatch ]; then
        array=()
        id=42
    fi
    signalled $script USR1 STATUS=75 "${array[@]}"
    verdict "$script: USR1 is passed on" 0 '^launcher-got USR1$'
    check "$script: and back into the queue" called "^scontrol requeue $id\$"
    signalled $script TERM STATUS=75 "${array[@]}"
    verdict "$script: TERM asks for a checkpoint" 75 '^launcher-got USR1$'
    check "$script: and leaves the rest to Slurm" never 'requeue|sbatch|TERM'
    if [ $script = sweep.sbatch ] && [ -z "$full" ]; then continue; fi # the rest is slurm.sh's, as in train.sbatch
    signalled $script USR1 STATUS=0 "${array[@]}"
    if [ $script = scaling.sbatch ]; then # there are more points to come
        verdict "$script: a point that is over when USR1 comes" 0 "^scontrol requeue $id\$"
    else
        verdict "$script: a run that is over when USR1 comes" 0 not 'requeue|sbatch'
    fi
    signalled $script USR1 STATUS=1 "${array[@]}"
    verdict "$script: a run that fails on USR1" 1 not 'requeue|sbatch'
    job $script STATUS=0 SIGNAL_EARLY=1 "${array[@]}"
    verdict "$script: USR1 before the run begins" 0 "^scontrol requeue $id\$"
    check "$script: and it does not begin" never '^(mpirun|srun)'
done
signalled train.sbatch USR1 WAIT=2 STATUS=75
verdict "a launcher that swallows USR1 once" 0 '^scontrol requeue 42$'
same "gets it again" 2 "$(grep -c '^launcher-got' "$calls")"
signalled train.sbatch USR1 STATUS=205 DEAD=n2
verdict "a node that is lost while the run stops" 0 '^scontrol requeue 42$'
check "nothing is started again" never 'relaunch 1'

# --- the program is found on PATH and in build/release, else the job says so
rm "$fakes/lockstep"
job train.sbatch STATUS=0
verdict "no program" 2 not '^mpirun'
mkdir -p "$project/build/release/bin"
ln -s "$LOCKSTEP" "$project/build/release/bin/lockstep"
job train.sbatch STATUS=0
verdict "the program in build/release" 0 "^mpirun .*/project/build/release/bin/lockstep train"
ln -s "$LOCKSTEP" "$fakes/lockstep"

# --- what the scripts share is found in the project's folder, else where it is installed beside the program
rm "$project/jobs"
job train.sbatch STATUS=0
check "no shared scripts: status" [ $status -ne 0 ]
mkdir -p "$work/share/lockstep"
ln -s "$SOURCE/jobs" "$work/share/lockstep/jobs"
job train.sbatch STATUS=0
verdict "shared scripts beside the program" 0 "^mpirun .* train "
ln -s "$SOURCE/jobs" "$project/jobs"

# --- a sweep's table. Sample standard deviations: of 90, 92, 94 it is 2; of 90, 91 it is sqrt(1/2).
summary() { # summary FOLDER TEST VALIDATION
    mkdir -p "$1"
    printf '{\n  "status": "done",\n  "test_accuracy": %s,\n  "test_loss": 0.5,\n  "validation_accuracy": %s,\n  "weights_sha256": "12"\n}\n' \
        "$2" "$3" >"$1/summary.json"
}
sweep=$work/sweep
summary "$sweep/lr=0.01/seed-1" 0.90 0.81
summary "$sweep/lr=0.01/seed-2" 0.92 0.85
summary "$sweep/lr=0.01/seed-3" 0.94 0.83
summary "$sweep/lr=0.1/seed-1" 0.9 null
summary "$sweep/lr=0.1/seed-2" 0.91 null
summary "$sweep/lr=1/seed-1" 0.5 0.25
summary "$sweep/data.dir=%2Fa%20b%2Fc%25d/seed-1" 0.5 0.75
bash "$SOURCE/jobs/sweep.sbatch" collect "$sweep" >"$work/table" 2>&1 || true
row() { grep -F "$1 " "$work/table" | tr -s ' ' | sed 's/ $//' || true; }
same "three runs" "lr=0.01 3 92.000 2.000 90.000 94.000 83.000 2.000" "$(row lr=0.01)"
same "two runs, no validation" "lr=0.1 2 90.500 0.707 90.000 91.000 - -" "$(row lr=0.1)"
same "one run has no spread" "lr=1 1 50.000 - 50.000 50.000 25.000 -" "$(row lr=1)"
same "spaces, slashes and percent signs" "data.dir=/a b/c%d 1 50.000 - 50.000 50.000 75.000 -" "$(row 'data.dir=/a b/c%d')"
$ok || show "$work/table"

mkdir "$work/unrun"
for folder in "$work/unrun" "$work/nowhere"; do
    status=0
    bash "$SOURCE/jobs/sweep.sbatch" collect "$folder" >"$work/table" 2>"$work/told" || status=$?
    same "no table of a folder without runs" "1 0" "$status $(stat -c %s "$work/table")"
    check "it is said" grep -q "error: no run has ended in $folder" "$work/told"
done

# --- a sweep of real runs: two rates, two seeds; the last one to end prints the table
few=(-- --set "data.dir=$golden" --set train.max_steps=3)
runs=(RUN=1 SLURM_NTASKS=1 SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=7 "LOCKSTEP_SEEDS=5 9" LOCKSTEP_KEY=train.optimizer.lr
    "LOCKSTEP_VALUES=0.001 0.01" LOCKSTEP_OUT="$work/swept")
for task in 0 1 2 3; do
    job sweep.sbatch "${runs[@]}" SLURM_ARRAY_TASK_ID=$task "${few[@]}"
    same "sweep, task $task" 0 $status
    $ok || show "$work/job.log"
    same "only the last one prints the table (task $task)" $((task == 3)) "$(grep -c '^setting' "$work/job.log" || true)"
done
for value in 0.001 0.01; do
    folder=$work/swept/train.optimizer.lr=$value
    check "rate $value reached the runs" grep -q "lr: $value\$" "$folder/seed-9/config.yaml"
    same "mean of rate $value" "$(jq -s '[.[].test_accuracy] | add / length * 100000 | round' "$folder"/seed-*/summary.json)" \
        "$(awk -v s="train.optimizer.lr=$value" '$1 == s { printf "%.0f", 1000 * $3 }' "$work/swept/table.txt")"
done
check "seeds differ" [ "$(jq .seed "$work"/swept/*/seed-*/summary.json | sort -u | tr '\n' ' ')" = "5 9 " ]
# values with spaces, slashes and points: each run in a folder of its own, and in the table
odd=("${runs[@]}" LOCKSTEP_OUT="$work/odd" LOCKSTEP_KEY=data.test_labels LOCKSTEP_SEEDS=5
    LOCKSTEP_VALUES="../a set/labels.gz"$'\n'"./t10k-labels-idx1-ubyte.gz")
mkdir "$work/a set"
cp -r "$golden" "$work/golden"
cp "$golden/t10k-labels-idx1-ubyte.gz" "$work/a set/labels.gz"
for task in 0 1; do
    job sweep.sbatch "${odd[@]}" SLURM_ARRAY_TASK_ID=$task -- --set "data.dir=$work/golden" --set train.max_steps=3
    same "sweep of odd values, task $task" 0 $status
    $ok || show "$work/job.log"
done
same "both are in the table" 2 "$(grep -cE '^data.test_labels=(\.\./a set/labels.gz|\./t10k-labels-idx1-ubyte.gz) +1 ' "$work/odd/table.txt")"
# without a key: a folder of jobs/seeds.sh
for task in 0 1; do
    job sweep.sbatch "${runs[@]}" LOCKSTEP_KEY= LOCKSTEP_VALUES= LOCKSTEP_OUT="$work/flat" SLURM_ARRAY_TASK_ID=$task "${few[@]}"
    same "sweep without a key, task $task" 0 $status
    $ok || show "$work/job.log"
done
same "its table has one line" 2 "$(awk '$1 == "odd" { print $2 }' "$work/flat/table.txt")"
PATH="$fakes:$PATH" bash "$SOURCE/jobs/seeds.sh" --table "$work/flat" >"$work/table" 2>&1 || true
same "seeds.sh has the same mean" "$(awk '$1 == "odd" { print $3 }' "$work/flat/table.txt")" "$(awk '$1 == "mean" { print $2 }' "$work/table")"
$ok || show "$work/table"
same "of both seeds" "5 9 " "$(awk '/ 1 x 1 / { print $1 }' "$work/table" | tr '\n' ' ')"
job sweep.sbatch "${runs[@]}" SLURM_ARRAY_TASK_ID=4 "${few[@]}"
verdict "a task beyond the runs" 2 not '^mpirun'

# --- scaling: the table, and weights that do not agree
speed=(RUN=1 SLURM_NTASKS=2 SLURM_TASKS_PER_NODE='1(x2)' SLURM_CPUS_PER_TASK=1 LOCKSTEP_OUT="$work/scaled")
job scaling.sbatch "${speed[@]}" "${few[@]}"
verdict "scaling" 0 '^mpirun -n 2 --host n1:1,n2:1 '
check "a line for each number of nodes" grep -qE '^ *2 +1 +1 +[0-9]+ +[0-9.]+ +[0-9]+ % +[0-9.]+ % +[0-9.]+ %  [0-9a-f]{16}' "$work/scaled/table.txt"
check "speed-up of one node" grep -qE '^ *1 +1 +1 +[0-9]+ +1\.00 +100 % ' "$work/scaled/table.txt"
check "the weights agree" grep -q '^the same weights' "$work/job.log"
$ok || show "$work/job.log"
job scaling.sbatch "${speed[@]}" "${few[@]}"
verdict "a second life keeps the points" 0 not '^mpirun'
rm -r "$work/scaled/nodes-2"
job scaling.sbatch "${speed[@]}" EXTRA_ON_2="--set seed=77" "${few[@]}"
verdict "weights that differ" 1 not 'requeue|sbatch'
check "are reported" grep -q '^THE WEIGHTS DIFFER' "$work/job.log"

# --- local.sh, for real
env -u LOCKSTEP_CONFIG PATH="$(dirname "$LOCKSTEP"):$(dirname "$MPIEXEC"):$PATH" bash "$SOURCE/jobs/local.sh" "$config" \
    --set "data.dir=$golden" --out "$work/local" --progress never --set train.epochs=1 >"$work/local.log" 2>&1 </dev/null ||
    true
check "local.sh trains" [ -e "$work/local/summary.json" ]
$ok || show "$work/local.log"
trained alone 1 --threads 1 --set train.epochs=1
same "local.sh: the bits of one rank" "$(result alone)" "$(result local)"
local_run() { # local_run STATUS WHAT ARGUMENT...
    status=0
    PATH="$(dirname "$LOCKSTEP"):$(dirname "$MPIEXEC"):$PATH" bash "$SOURCE/jobs/local.sh" "${@:3}" --set "data.dir=$golden" \
        --out "$work/local3" --progress never >"$work/local.log" 2>&1 </dev/null || status=$?
    same "local.sh: $2" "$1" $status
    $ok || show "$work/local.log"
}
local_run 75 "a limit" -n 3 "$config" --set train.epochs=1000 --time-limit 1
check "local.sh starts the ranks it was told" grep -q '3 ranks x' "$work/local.log"
# One chunk keeps one rank busy, on however many cores.
local_run 0 "one chunk" "$config" --set train.global_batch=8 --set train.max_steps=2 --resume never
check "local.sh: one rank for one chunk" grep -q 'local.sh: 1 ranks x' "$work/local.log"
# mpirun by itself would kill the ranks on TERM, and hide their status. It would end the run, too, when its reader goes
# away, and the script's own words must not fail there either.
for reader in cat true; do
    rm -rf "$work/ended"
    { PATH="$(dirname "$LOCKSTEP"):$(dirname "$MPIEXEC"):$PATH" bash -c 'echo $$ >"$PID"; exec bash "$@"; ' - "$SOURCE/jobs/local.sh" -n 2 \
        "$config" --set "data.dir=$golden" --set train.epochs=100000 --out "$work/ended" --progress lines \
        2>"$work/errors.log" </dev/null || echo $? >"$work/status"; } | $reader >"$work/local.log" &
    for _ in $(seq 600); do
        [ ! -e "$work/ended/checkpoints/last.h5" ] || break
        sleep 0.1
    done
    kill -TERM "$(cat "$PID")"
    wait $!
    same "local.sh, read by $reader: TERM saves and stops" 75 "$(cat "$work/status")"
    check "local.sh: with a checkpoint of the step" [ -e "$work/ended/history.h5" ]
    $ok || show "$work/errors.log"
    [ $reader = true ] || check "local.sh: it is said" \
        grep -q 'stopped at step [0-9]* of [0-9]* on a signal; checkpoint saved' "$work/local.log"
    same "local.sh: and mpirun says nothing of a job that was aborted" "" "$(grep -E 'Primary job| detected that |^-{70}' "$work/errors.log" || true)"
    $ok || show "$work/errors.log"
done
# What it leaves out are these two boxes, and no other.
rule=$(printf -- '-%.0s' {1..74})
box() { printf '%s\n' "$rule" "$@" "$rule"; }
same "other boxes of mpirun's stay" "$(box 'There are not enough slots' && echo between && box other)" "$(
    { box 'There are not enough slots' && box 'Primary job  terminated normally, but 1 process returned' 'a non-zero exit code.' && echo between &&
        box 'mpiexec detected that one or more processes exited with non-zero status, thus causing' '' '  Exit code:    75' && box other; } |
        bash -c 'source "$1" && without_remarks' - "$SOURCE/jobs/launch.sh"
)"
# --- local.sh on several hosts, with stand-ins
printf '# two of them\n\nh1 max_slots=9 slots=2\nh1\nh2' >"$work/hosts"
: >"$calls"
status=0
env PATH="$fakes:$PATH" STATUS="1 0" DEAD=h1 bash "$SOURCE/jobs/local.sh" --hosts "$work/hosts" "$config" --out x >"$work/job.log" 2>&1 ||
    status=$?
verdict "local.sh: a host is lost" 0 '^mpirun -n 4 --host h1:3,h2:1 -x LOCKSTEP_JOB -x LOCKSTEP_RELAUNCH .*lockstep train .*--out x$'
check "local.sh: the other one goes on" called '^mpirun -n 1 --host h2:1 '
: >"$calls"
status=0
env PATH="$fakes:$PATH" STATUS=0 LAUNCHER="HYDRA build details:" bash "$SOURCE/jobs/local.sh" --hosts "$work/hosts" "$config" \
    --out x >"$work/job.log" 2>&1 || status=$?
verdict "local.sh with MPICH" 0 '^mpirun -n 4 -hosts h1:3,h2:1 /.*/lockstep train .*--out x$'
: >"$calls"
env PATH="$fakes:$PATH" STATUS=0 LAUNCHER="HYDRA build details:" bash "$SOURCE/jobs/local.sh" -n 300 "$config" --out x >"$work/job.log" 2>&1 ||
    status=$?
verdict "local.sh with MPICH on this machine" 0 '^mpirun -n 300 /.*/lockstep train '
local_run 2 "no host file" --hosts "$work/nowhere" "$config"
local_run 2 "no configuration"
local_run 2 "a wrong number of ranks" -n many "$config"
local_run 2 "a key that is none" "$config" --set train.epoch=1
finish
