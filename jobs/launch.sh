# shellcheck shell=bash
# How a script starts mpirun or srun so that a signal to the script stops the run with a checkpoint: sourced by local.sh
# and slurm.sh, which define say MESSAGE and trap the signals.

launcher='' # the launcher's process, while there is one
stop=''     # the signal that asked for a stop

# pass_on SIGNAL: to the launcher always as USR1, which mpirun and srun hand to every rank; TERM would end them
pass_on() {
    say "$1: asking the run to save and stop"
    if [ "$stop" != TERM ]; then stop=$1; fi
    interrupted=yes
    [ -z "$launcher" ] || kill -USR1 "$launcher" 2>/dev/null || true
}

# launch COMMAND...: in the background, since the shell takes signals at once only while it waits; its exit status
launch() {
    local status
    [ -z "$stop" ] || return 75 # asked to stop before anything began
    "$@" &
    launcher=$!
    [ -z "$stop" ] || kill -USR1 "$launcher" 2>/dev/null || true # came between these lines
    while :; do
        interrupted='' status=0
        wait "$launcher" || status=$?
        [ -n "$interrupted" ] || break # else that may be the status of a wait cut short; the launcher's is still there
    done
    launcher=''
    # USR1 met a launcher or ranks that were not ready for it yet: nothing is lost
    if [ $status -eq 138 ] && [ -n "$stop" ]; then status=75; fi
    return $status
}
