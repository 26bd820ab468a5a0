# shellcheck shell=bash
# two or three starts of one run, some at the same instant: one goes on undisturbed, the others end with 73 and name it

prepare() { refused=0; }
remark() { echo "   $refused starts refused"; }

# A start that waits for the others: they all go when the file appears, each after its own delay.
begin_start() {
    local number=$1 ranks=$2 delay=$3 command
    command_of "$ranks"
    # shellcheck disable=SC2016 # for the inner shell
    setsid bash -c 'until [ -e "$0" ]; do :; done; sleep "$1"; shift; exec "$@"' "$trial/go" "$delay" "${command[@]}" \
        >"$trial/log.$number" 2>&1 </dev/null &
    starts[number]=$!
}

try() {
    local starts=() n ranks delay i ended=0 late=0 status
    pick 3 && n=$((REPLY < 2 ? 2 : 3))
    pick 2 && ranks=$((REPLY + 1))
    for ((i = 0; i < n; i++)); do
        delay=0
        if [ $((seed % 2)) -eq 1 ]; then pick 400 && printf -v delay '0.%03d' "$REPLY"; fi
        begin_start "$i" "$ranks" "$delay"
    done
    touch "$trial/go"
    for ((i = 0; i < n; i++)); do
        status=0
        { wait "${starts[i]}" || status=$?; } >>"$trial/log" 2>&1
        case $status in
        0)
            ended=$((ended + 1))
            # One that came after the end of another finds nothing to do.
            if grep -q 'nothing left to train' "$trial/log.$i"; then late=$((late + 1)); fi
            ;;
        73)
            refused=$((refused + 1))
            grep -qE 'another process works in this run folder \(life [0-9]+: process [0-9]+ on' "$trial/log.$i" ||
                fail "start $i of $n does not name who works there"
            ;;
        *) fail "start $i of $n ends with $status" ;;
        esac
    done
    cat "$trial"/log.[0-9] >>"$trial/log"
    [ $((ended - late)) -eq 1 ] || fail "of $n starts $ended end with 0, $late of them late"
    judge
}
