# shellcheck shell=bash
# A cluster of simulated hosts on this machine, with Slurm: sourced by scenarios. As root; needs iproute2, util-linux, and
# Debian's slurm-wlm and munge.
#
# A host is a process in namespaces of its own for network, name, mounts, processes and shared memory. Killing that process
# kills all of the host at once, as a power cut does. Hosts meet at a bridge, in a host that does nothing else. All see the
# same files, as over NFS.

cluster_net=10.201.77 # of /24; .100 is the host that controls
cluster=              # its folder, with the process of each host in NAME.pid

host_process() { cat "$cluster/$1.pid" 2>/dev/null; }

# on_host NAME COMMAND...: in the present folder
on_host() {
    local process
    process=$(host_process "$1")
    shift
    nsenter --target "$process" --net --uts --mount --pid --ipc --wdns="$PWD" -- "$@"
}

# start_host NAME ADDRESS: attached to the bridge where there is one yet
start_host() {
    local name=$1 address=$2 process switch
    rm -f "$cluster/$name.ready"
    # The shell waits within, so that the host lives; its number outside is that of unshare's child.
    unshare --net --uts --mount --ipc --pid --fork --kill-child --mount-proc sh -c '
        hostname "$0" && mount --bind "$1" /etc/hosts && mount -t tmpfs shm /dev/shm && ip link set lo up && : >"$2" && exec sleep infinity' \
        "$name" "$cluster/hosts" "$cluster/$name.ready" >>"$cluster/log" 2>&1 </dev/null &
    for _ in $(seq 100); do
        [ ! -e "$cluster/$name.ready" ] || break
        sleep 0.05
    done
    process=$(pgrep -P $! sleep) || return 1
    echo "$process" >"$cluster/$name.pid"
    [ "$name" != switch ] || { on_host switch ip link add bridge0 type bridge && on_host switch ip link set bridge0 up && return; }
    switch=$(host_process switch)
    on_host switch ip link del "to-$name" 2>/dev/null || true # of a former life
    ip link add "lks-a$$" type veth peer name "lks-b$$"
    ip link set "lks-a$$" netns "$process" name eth0
    ip link set "lks-b$$" netns "$switch" name "to-$name"
    on_host switch ip link set "to-$name" master bridge0 up
    on_host "$name" ip addr add "$address/24" dev eth0
    on_host "$name" ip link set eth0 up
}

kill_host() {
    kill -KILL "$(host_process "$1")"
    rm -f "$cluster/$1.pid" "$cluster/slurmd-$1.pid"
}

cut_link() { on_host switch ip link set "to-$1" down; }
mend_link() { on_host switch ip link set "to-$1" up; }

start_node() {
    mkdir -p "$cluster/spool-$1" "$cluster/tmp-$1"
    rm -rf "$cluster/spool-$1"/{pmix,stepd}.* "$cluster/tmp-$1"/*
    on_host "$1" slurmd -N "$1" -f "$SLURM_CONF"
}

write_slurm_conf() {
    cat >"$cluster/slurm.conf" <<TEXT
ClusterName=faults
SlurmctldHost=control($cluster_net.100)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16917
SlurmdPort=16918
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthInfo=socket=$cluster/munge.socket
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool-%n
TmpFS=$cluster/tmp-%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd-%n.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=10
KillWait=5
JobRequeue=1
SlurmdParameters=config_overrides
NodeName=n[1-$1] NodeAddr=$cluster_net.[1-$1] CPUs=2 CoresPerSocket=2 RealMemory=2000
PartitionName=main Nodes=n[1-$1] Default=YES MaxTime=INFINITE State=UP
TEXT
    echo 'CgroupPlugin=cgroup/v1' >"$cluster/cgroup.conf" # not used, but slurmd wants one that exists
}

# start_cluster N: hosts control, n1, ..., nN, with Slurm on them; SLURM_CONF is set
start_cluster() {
    local n=$1 i
    cluster=$work/cluster
    export SLURM_CONF=$cluster/slurm.conf
    mkdir -p "$cluster/state"
    chmod 755 "$work" "$cluster"
    {
        echo "127.0.0.1 localhost"
        echo "$cluster_net.100 control"
        for i in $(seq "$n"); do echo "$cluster_net.$i n$i"; done
    } >"$cluster/hosts"
    write_slurm_conf "$n"
    (umask 077 && head -c 128 /dev/urandom >"$cluster/munge.key")
    munged --force --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" --pid-file="$cluster/munged.pid" \
        --log-file="$cluster/munged.log" --seed-file="$cluster/munge.seed" 2>>"$cluster/log" || return 1
    start_host switch - && start_host control "$cluster_net.100" || return 1
    for i in $(seq "$n"); do start_host "n$i" "$cluster_net.$i" || return 1; done
    on_host control slurmctld -f "$SLURM_CONF" 2>>"$cluster/log" || return 1
    for i in $(seq "$n"); do start_node "n$i" || return 1; done
    wait_for_nodes "$n"
}

# wait_for_nodes N: until so many are idle
wait_for_nodes() {
    for _ in $(seq 120); do
        [ "$(on_host control sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$')" -lt "$1" ] || return 0
        sleep 0.5
    done
    return 1
}

stop_cluster() {
    local file
    [ -n "$cluster" ] || return 0
    for file in "$cluster"/{n[0-9]*,control,switch}.pid; do
        [ ! -s "$file" ] || kill -KILL "$(cat "$file")" 2>/dev/null || true
    done
    [ ! -s "$cluster/munged.pid" ] || kill "$(cat "$cluster/munged.pid")" 2>/dev/null || true
}
