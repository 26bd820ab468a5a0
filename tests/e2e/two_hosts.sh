# shellcheck shell=bash
# Sourced by end-to-end tests, after lib.sh and with its arguments: from here on $MPIEXEC starts ranks on two hosts, and
# $mpiexec on one.
# shellcheck disable=SC2034,SC2154 # lib.sh has and uses them
mpiexec=$3
# Open MPI takes each of its daemons for a host. Here the agent that it would reach another host by starts the daemon
# on this machine, with a folder of its own, and nothing is in shared memory, whose names are the host's.
state=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-hosts-XXXXXX") # the agent's arguments are split at spaces
trap 'rm -rf "$work" "$state"' EXIT
cat >"$state/agent" <<EOF
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1
shift
exec env TMPDIR="$state/\$host" sh -c "\$*"
EOF
cat >"$state/mpiexec" <<EOF
#!/bin/sh
exec env TMPDIR="$state/here" "$mpiexec" --host alpha:4,beta:4 --map-by node --mca plm rsh --mca plm_rsh_agent "$state/agent" \
    --mca rtc_hwloc_vmhole none --mca pml ob1 --mca btl self,tcp --mca btl_tcp_if_include lo --mca oob_tcp_if_include lo "\$@"
EOF
chmod +x "$state/agent" "$state/mpiexec"
mkdir "$state/here" "$state/alpha" "$state/beta"
unset OMPI_MCA_orte_tmpdir_base # would be handed on to the daemons
MPIEXEC=$state/mpiexec
timeout 60 "$MPIEXEC" -n 2 true >"$work/probe" 2>&1 || skip "this MPI does not take one machine for two hosts"
