#!/usr/bin/env bash
# Hosts of their own network on this machine, joined by a bridge whose ports have a limited rate: what doctor forecasts
# from two of them, beside steps that are measured on two and four.
#   hosts.sh PROGRAM DATA [RATE...]      e.g. hosts.sh build/release/bin/lockstep data/mnist 30mbit 100mbit
# KEEP=FILE keeps what doctor says in JSON, a document for each row. PHASES=FILE gets a line for each row: a step's ms and
# those of its phases (exchange, batch, augment, compute, communication, wait, update, other), and the forecast. The measured
# hosts share this machine's cores, each the same part, and doctor's two have what two of these have; other work is in the
# measured times. A limit holds for each direction of each port; beyond some 100mbit the kernel's timers let less through,
# which doctor measures and the forecast so contains.
# As root; needs iproute2 (ip, tc), util-linux (nsenter, taskset, unshare), jq and mpirun of Open MPI. No part of the test suite.
set -euo pipefail
export LC_ALL=C
[ $# -ge 2 ] || {
    sed -n 4p "$0"
    exit 2
}
program=$(realpath "$1")
data=$(realpath "$2")
shift 2
[ $# -gt 0 ] || set -- 100mbit
source=$(dirname "$(dirname "$(dirname "$(realpath "$0")")")")
state=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-hosts-XXXXXX")
hosts=4
taskset -cp $$ | sed 's/.*: //' | tr , '\n' | while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done >"$state/cores"
cores=$(wc -l <"$state/cores")
net=10.78.0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 OMP_WAIT_POLICY=passive

# Name, address: a namespace with one end of a wire, whose other end is the bridge's port.
make_host() {
    ip netns add "lks-$1"
    ip link add eth0 netns "lks-$1" type veth peer name "p$1" netns lks-bridge
    ip -n "lks-$1" link set lo up
    ip -n "lks-$1" addr add "$2/24" dev eth0
    ip -n "lks-$1" link set eth0 up
    ip -n lks-bridge link set "p$1" master bridge
    ip -n lks-bridge link set "p$1" up
    # shellcheck disable=SC2016 # for the shell in there
    ip netns exec "lks-$1" unshare -u -m sh -c 'hostname "$1"; mount --bind "$2/hosts" /etc/hosts
        mount -t tmpfs shm /dev/shm; echo $$ >"$2/$1.pid"; exec sleep infinity' sh "$1" "$state" &
    until [ -s "$state/$1.pid" ]; do sleep 0.05; done
}

take_down() {
    local file
    for file in "$state"/*.pid; do
        [ ! -s "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
    done
    for name in ctl $(seq -f n%g $hosts) bridge; do ip netns del "lks-$name" 2>/dev/null || true; done
    rm -rf "$state"
}
trap take_down EXIT

{
    echo "127.0.0.1 localhost"
    echo "$net.100 ctl"
    for i in $(seq $hosts); do echo "$net.$i n$i"; done
} >"$state/hosts"
ip netns add lks-bridge
ip -n lks-bridge link add bridge type bridge
ip -n lks-bridge link set bridge up
make_host ctl $net.100
for i in $(seq $hosts); do make_host "n$i" "$net.$i"; done
cat >"$state/agent" <<X
#!/usr/bin/env bash
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
core=\$(sed -n "\$(((\${host#n} - 1) * $cores / \$(cat "$state/sharing") + 1))p" "$state/cores")
exec taskset -c "\$core" nsenter -t "\$(cat "$state/\$host.pid")" -n -u -m -- env TMPDIR="$state" sh -c "\$*"
X
chmod +x "$state/agent"

# on N COMMAND...: one rank on each of N hosts
on() {
    local n=$1 names
    shift
    names=$(seq -f n%g -s , "$n")
    nsenter -t "$(cat "$state/ctl.pid")" -n -u -m --wd="$PWD" -- env TMPDIR="$state" \
        mpirun -n "$n" --host "$names" --map-by node --bind-to none --mca plm rsh --mca plm_rsh_agent "$state/agent" \
        --mca pml ob1 --mca btl self,tcp --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 "$@"
}

settings=("$source/configs/mnist-convnet.yaml" --set "data.dir=$data" --threads 1 --set train.global_batch=128
    --set data.limit=12800 --set data.validation=0 --set 'data.test_images=""' --set 'data.test_labels=""')
# measured N: milliseconds of a step of the second epoch. In the first one images are waited for, and sums tried as they are.
measured() {
    on "$1" "$program" train "${settings[@]}" --set train.max_steps=200 --progress never --quiet \
        --set checkpoint.every_epochs=0 --out "$state/run-$1" >"$state/log" 2>&1 || cat "$state/log" >&2
    jq -s 'map(select(.type == "epoch")) | (.[1].step - .[0].step) as $n | .[1].phases |
        [.exchange, .batch, .augment, .compute, .communication, .wait, .update, .other | .avg * 1000 / $n] |
        "\(add) \(map(. * 1000 | round / 1000 | tostring) | join(" "))"' -r "$state/run-$1/metrics.jsonl"
    rm -rf "$state/run-$1"
}

printf '%-10s %6s %12s %12s %8s\n' rate hosts "forecast ms" "measured ms" ratio
for rate; do
    for i in $(seq $hosts); do
        for end in "lks-bridge tc qdisc replace dev pn$i" "lks-n$i tc qdisc replace dev eth0"; do
            # shellcheck disable=SC2086 # words
            ip netns exec $end root tbf rate "$rate" burst 6kb latency 400ms
        done
    done
    for n in 2 $hosts; do
        echo "$n" >"$state/sharing"
        on 2 "$program" doctor "${settings[@]}" --out "$state/run" --format json >"$state/doctor" || true
        [ -z "${KEEP-}" ] || cat "$state/doctor" >>"$KEEP"
        forecast=$(jq ".strong[] | select(.ranks == $n) | .step_ms" "$state/doctor")
        step=$(measured "$n")
        [ -z "${PHASES-}" ] || echo "$step $(jq -c ".strong[] | select(.ranks == $n)" "$state/doctor")" >>"$PHASES"
        step=${step%% *}
        awk -v rate="$rate" -v n="$n" -v f="$forecast" -v m="$step" \
            'BEGIN { printf "%-10s %6d %12.3f %12.3f %8.3f\n", rate, n, f, m, f / m }'
    done
done
