# shellcheck shell=bash
# What the scripts of this folder share: finding the program, starting mpirun or srun so that a signal to the script
# stops the run with a checkpoint, going on without a host that got lost, places for ranks on this machine, and tables of
# speed. Sourced by local.sh, lab.sh and slurm.sh, which define say MESSAGE.

# --- the program and its files ---------------------------------------------------------------------------

# find_lockstep PROJECT: into $lockstep, the program on PATH, or the one built in that folder or installed above it
find_lockstep() {
    local folder
    if lockstep=$(command -v lockstep); then return 0; fi
    for folder in "$1/build/release/bin" "$1/../../bin"; do
        lockstep=$folder/lockstep
        if [ -x "$lockstep" ]; then return 0; fi
    done
    say "error: no lockstep on PATH nor in $1/build/release/bin; build it first:" \
        "cmake --preset release && cmake --build --preset release" >&2
    exit 2
}

# word TEXT: as a shell takes it, for commands that are shown
word() { if [[ $1 =~ ^[A-Za-z0-9_./+=:,@%-]+$ ]]; then echo "$1"; else echo "${1@Q}"; fi; }

# value_of FILE KEY: a value of a summary.json, which has one a line; nothing for null
value_of() { sed -n "s/^ *\"$2\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | grep -vx null || true; }

# phase_of FILE PHASE: the ranks' mean seconds in a phase, of a summary.json
phase_of() { sed -n "s/.*\"$2\": *{\"min\": *[^,]*, *\"avg\": *\([^,]*\),.*/\1/p" "$1"; }

# --- mpirun or srun, and signals -------------------------------------------------------------------------

# of_hydra: whether mpirun is that of MPICH or its kin. It binds no rank unless it is told, takes more ranks than cores, hands
# on all of the environment, and calls a list of hosts otherwise.
of_hydra() { [[ $(mpirun --version 2>&1) == *HYDRA* ]]; }

# mpirun_on HOSTS VARIABLE...: into $placed, the options that start ranks on "host:ranks,host:ranks" with these variables
mpirun_on() {
    if of_hydra; then
        placed=(-hosts "$1")
        return
    fi
    placed=(--host "$1")
    local variable
    for variable in "${@:2}"; do placed+=(-x "$variable"); done
}

launched='' # the process of mpirun or srun, while there is one
repeater='' # repeats the request to stop
stop=''     # the signal that asked for a stop

# prepare_mpi: what Open MPI has to be told. It starts nothing as root unless it is told twice. A host that is cut off
# is noticed within half a minute, instead of eight.
prepare_mpi() {
    if [ "$(id -u)" -eq 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time-10}
    export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl-5}
    export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes-3}
}

# ask_to_stop: always as USR1, which mpirun and srun hand to every rank; TERM would end them. Until the ranks are there it
# gets lost on the way, so it is repeated until the launcher is gone; for the ranks it stays one request.
ask_to_stop() {
    local process=$launched pause=1
    if [ -z "$process" ] || [ -n "$repeater" ]; then return; fi
    while kill -USR1 "$process" && sleep $pause; do pause=$((pause < 5 ? pause + 1 : 5)); done </dev/null >/dev/null 2>&1 &
    repeater=$!
}

# pass_on SIGNAL: a signal to the script asks the run to stop
pass_on() {
    say "$1: asking the run to save and stop"
    if [ "$stop" != TERM ]; then stop=$1; fi
    interrupted=yes
    ask_to_stop
}

# launch COMMAND...: in the background, since the shell takes signals at once only while it waits; its exit status
launch() {
    local status
    [ -z "$stop" ] || return 75 # asked to stop before anything began
    "$@" &
    launched=$!
    [ -z "$stop" ] || ask_to_stop # came between these lines
    while :; do
        interrupted='' status=0
        wait "$launched" || status=$?
        [ -n "$interrupted" ] || break # else that may be the status of a wait cut short; the launcher's is still there
    done
    launched=''
    [ -z "$repeater" ] || kill "$repeater" 2>/dev/null || true
    repeater=''
    # USR1 met a launcher or ranks that were not ready for it yet, or no more: the same command finds out
    if [ $status -eq 138 ] && [ -n "$stop" ]; then status=75; fi
    return $status
}

# --- hosts that get lost ---------------------------------------------------------------------------------

hosts=()           # in the order of their ranks
declare -A ranks_on # their ranks
min_hosts=1        # with fewer of them the run is not started again
relaunches=3       # at most, where no host is missing afterwards

# places: "host:ranks,host:ranks", as mpirun takes it
places() {
    local host list=''
    for host in "${hosts[@]}"; do list+=$host:${ranks_on[$host]},; done
    echo "${list%,}"
}

# all_ranks: on $hosts
all_ranks() {
    local host n=0
    for host in "${hosts[@]}"; do n=$((n + ranks_on[$host])); done
    echo $n
}

# keep_those_that_answer: of $hosts, all asked at once; whoever sources this file defines answers HOST
keep_those_that_answer() {
    local host asked=() left=()
    for host in "${hosts[@]}"; do
        answers "$host" </dev/null >/dev/null 2>&1 &
        asked+=($!)
    done
    for host in "${hosts[@]}"; do
        if wait "${asked[0]}"; then left+=("$host"); else say "$host does not answer"; fi
        asked=("${asked[@]:1}")
    done
    hosts=("${left[@]}")
}

# on_hosts COMMAND...: start COMMAND... on $hosts, which whoever sources this file defines. When it fails and hosts do not
# answer any more, it is started again on those that are left: their number moves no bit. The last exit status; 205 as
# Open MPI's where too few hosts are left.
on_hosts() {
    local status before
    for ((LOCKSTEP_RELAUNCH = 0; ; LOCKSTEP_RELAUNCH++)); do
        export LOCKSTEP_RELAUNCH
        status=0
        start "$@" || status=$?
        before=${#hosts[@]}
        case $stop:$status in
        :0 | :2 | :73 | :75 | :76) return $status ;; # a lost host ends a run in none of these ways
        :*) [ "$before" -gt 1 ] || return $status ;;
        *) return $status ;;
        esac
        say "status $status: do all hosts still answer?"
        keep_those_that_answer
        if [ ${#hosts[@]} -eq "$before" ]; then
            [ $status -eq 205 ] && [ "$LOCKSTEP_RELAUNCH" -lt "$relaunches" ] || return $status
        fi
        [ ${#hosts[@]} -ge "$min_hosts" ] && [ -z "$stop" ] || return 205
        say "going on at once with $(all_ranks) ranks on ${hosts[*]}"
    done
}

# --- ranks on this machine -------------------------------------------------------------------------------

# Physical cores that this process may use.
usable_cores() {
    local cores quota period
    cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$cores" -lt 1 ] || [ "$cores" -gt "$(nproc)" ]; then cores=$(nproc); fi
    # a container's share of processor time (control groups, version 2) may be smaller than what it sees
    if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [ "$quota" != max ]; then
        quota=$(((quota + period - 1) / period))
        [ "$quota" -ge "$cores" ] || cores=$quota
    fi
    echo "$cores"
}

# sets_of ARGUMENT...: into $sets, those that are --set with its value
sets_of() {
    sets=()
    while [ $# -gt 0 ]; do
        case $1 in
        --set=*) sets+=("$1") ;;
        --set) sets+=("$1" "${2-}") ;;
        esac
        shift
    done
}

# most_ranks CONFIG ARGUMENT...: ranks beyond this number would have no work; --set may change it
most_ranks() {
    local sets
    sets_of "${@:2}"
    "$lockstep" info "$1" "${sets[@]}" |
        sed -n 's/^global batch .*: more than \([0-9]*\) ranks\{0,1\} would.*/\1/p'
}

# on_this_machine RANKS THREADS COMMAND...: under mpirun, each rank on cores of its own where there are enough
on_this_machine() {
    local ranks=$1 threads=$2 placement
    shift 2
    if [ "$(nproc)" -eq "$(nproc --all)" ] && [ $((ranks * threads)) -le "$(usable_cores)" ]; then
        placement=(--map-by "slot:PE=$threads" --bind-to core)
        if of_hydra; then placement=(-bind-to "core:$threads"); fi
    elif of_hydra; then
        placement=()
    else # only part of the machine is ours, or cores are shared: fixed places could be wrong
        placement=(--oversubscribe --bind-to none)
    fi
    out_of_reach mpirun -n "$ranks" "${placement[@]}" "$@"
}

# out_of_reach COMMAND...: launch, in a session of its own, which the terminal's Ctrl-C does not reach: mpirun would kill the
# ranks two seconds after it. And what it prints is read to the end, whoever else stops reading: mpirun would end the run.
# Its errors come without Open MPI's remarks that a rank ended with a status: the rank has said why.
out_of_reach() {
    local relay out=1 err readers=() status=0 reader
    if [ -p /dev/fd/1 ] || [ -S /dev/fd/1 ]; then open_relay 1 cat && out=$relay; fi
    open_relay 2 without_remarks && err=$relay
    # shellcheck disable=SC2261 # "$out" is a descriptor, not stderr
    launch setsid "$@" 1>&"$out" 2>&"$err" || status=$?
    exec {err}>&-
    if [ "$out" -ne 1 ]; then exec {out}>&-; fi
    for reader in "${readers[@]}"; do wait "$reader" || true; done # all has been said
    return $status
}

# open_relay NUMBER FILTER: into $relay, a way through FILTER to that descriptor, on which nothing fails
open_relay() {
    exec {relay}> >(trap '' INT TERM HUP USR1 && "$2" | tee -p /dev/null >&"$1")
    readers+=($!)
}

# without_remarks: of what mpirun prints, all but two of its boxes: that the job was ended since a rank returned a status, and
# which one; there it has the name that it was called by. What they look like: lines between rules; a rule that ends another
# box may come right before theirs.
without_remarks() {
    sed -u '/^-\{70,\}$/{
        N
        /\nPrimary job  *terminated normally, but/b box
        /\n[^ ]* detected that one or more processes exited with non-zero/b box
        P
        D
        :box
        N
        /\n-\{70,\}$/!b box
        d
    }'
}

# interrupt SIGNAL: the first time the run saves and stops; the second time mpirun ends it as it stands
interrupt() {
    [ -z "$stop" ] || kill -TERM "$launched" 2>/dev/null || true
    pass_on "$1"
}

# stop_on_signals: Ctrl-C and the like stop what out_of_reach starts. A reader of the script's own words may go away, too.
stop_on_signals() {
    local signal
    trap '' PIPE
    for signal in INT TERM HUP USR1; do
        # shellcheck disable=SC2064 # the name as it is now
        trap "interrupt $signal" $signal
    done
}

# --- tables of speed -------------------------------------------------------------------------------------

# scaling_table nodes|ranks: lines "N SUMMARY.JSON", the smallest N first, become a table. Communication and wait are
# shares of a rank's time without evaluations. The last line tells whether the weights are the same; status 1 if not.
scaling_table() {
    local n summary
    while read -r n summary; do
        echo "$n $(value_of "$summary" world_size) $(value_of "$summary" threads_per_rank)" \
            "$(value_of "$summary" images_per_second) $(phase_of "$summary" communication)" \
            "$(phase_of "$summary" wait) $(phase_of "$summary" evaluate) $(phase_of "$summary" total)" \
            "$(value_of "$summary" weights_sha256) $(value_of "$summary" resumed_from | tr ' ' '_')"
    done | awk -v unit="$1" '
        NR == 1 { base = $4 / $1; digest = $9
                  print (unit == "nodes" ? " nodes " : "") " ranks  threads    images/s  speed-up  efficiency" \
                      "  communication    wait  weights_sha256" }
        { time = $8 - $7
          printf "%s%6d %8d %11.0f %9.2f %9.0f %% %12.1f %% %5.1f %%  %.16s%s\n",
              unit == "nodes" ? sprintf("%6d ", $1) : "", $2, $3, $4, $4 / base, 100 * $4 / base / $1, 100 * $5 / time,
              100 * $6 / time, $9, $10 == "" ? "" : "  (stopped and resumed: the speed is that of its last part)"
          different += $9 != digest }
        END { print different ? "THE WEIGHTS DIFFER" : "the same weights, bit for bit, on any number of " unit
              exit different > 0 }'
}
