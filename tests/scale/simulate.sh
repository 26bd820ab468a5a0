#!/usr/bin/env bash
# Runs the program on simulated ranks, one a host, all hosts on one switch (SimGrid's SMPI, Debian: libsimgrid-dev).
#   simulate.sh RANKS GBPS LATENCY_US COMMAND...
#   e.g. simulate.sh 64 100 1.5 train configs/mnist-convnet.yaml --set train.global_batch=1024 --threads 1 --out s64
# Times that the program prints are simulated: what this processor takes between two calls of MPI, and the network's by
# SMPI's model of Open MPI. SIMULATED is the module (build/release/bin/lockstep_simulated.so), SMPI has more options of
# smpirun, IMAGE_SECONDS a fixed time for an image's forward and backward.
set -euo pipefail
[ $# -ge 4 ] || {
    sed -n 3,4p "$0"
    exit 2
}
ranks=$1 gbps=$2 latency=$3
shift 3
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
module=${SIMULATED:-$here/../../build/release/bin/lockstep_simulated.so}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A host's link is passed on the way out and on the way in: half of the latency each.
half=$(awk "BEGIN { print $latency / 2 }")
cat >"$work/platform.xml" <<X
<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="c" prefix="node-" suffix="" radical="0-$((ranks - 1))" speed="1Gf" bw="${gbps}Gbps" lat="${half}us" sharing_policy="SPLITDUPLEX" loopback_bw="50GBps" loopback_lat="200ns"/>
</platform>
X
seq -f node-%g 0 $((ranks - 1)) >"$work/hosts"

# Threads beside the ranks do not exist in the simulation: no watch over stalls, and checkpoints are written by rank 0.
# SMPI gets no signals through: it is killed. Its factors, which are of a network of 2009, are left out. A link carries eight
# messages at a time and others wait: all at once, as ranks send their images, take SMPI the square of their number.
export LOCKSTEP_BACKGROUND=off OMP_WAIT_POLICY=passive
[ -z "${IMAGE_SECONDS-}" ] || export LOCKSTEP_IMAGE_SECONDS=$IMAGE_SECONDS
# shellcheck disable=SC2086 # options
timeout -s KILL "${LIMIT:-3600}" smpirun -np "$ranks" -platform "$work/platform.xml" -hostfile "$work/hosts" \
    --log=root.thres:warning --cfg=smpi/host-speed:1Gf --cfg=contexts/stack-size:1024 --cfg=smpi/coll-selector:ompi \
    --cfg=smpi/lat-factor:0:1 --cfg=smpi/bw-factor:0:1 --cfg=maxmin/concurrency-limit:8 ${SMPI-} "$module" "$@"
