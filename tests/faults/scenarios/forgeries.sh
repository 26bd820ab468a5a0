# shellcheck shell=bash
# a bit of a finished run is changed, and all digests and links made to fit again: replay names what it was

kinds_of_forgery=(state training loss right validation norm noise prediction key line)

forge=$(readlink -f "$build/bin/forge" || true)

prepare() {
    [ -x "$forge" ] || skip "there is no forge; build with -DLOCKSTEP_TESTS=ON"
    named=0
    extra=(--set checkpoint.keep=0) # all of them stay
    in_trial honest 0 life 2
    replay_of "$work/honest/run" 1
    [ $replayed -eq 0 ] || { cat "$work/replay.log" && exit 1; }
}
remark() { echo "   $named named"; }

# replay_of RUN RANKS: its exit status is in $replayed, its words in $work/replay.log
replay_of() {
    local command=(env "OMPI_MCA_orte_tmpdir_base=$(mktemp -d "$work/mpi.XXXXXX")")
    [ "$2" -eq 1 ] || command+=("$mpiexec" -n "$2")
    replayed=0
    "${command[@]}" "$program" replay "$1" --threads 1 >"$work/replay.log" 2>&1 </dev/null || replayed=$?
}

try() {
    local kind=${kinds_of_forgery[$((seed % ${#kinds_of_forgery[@]}))]} wanted
    cp -r "$work/honest/run" "$trial/run"
    wanted=$("$forge" "$kind" "$trial/run" "$seed") || fail "$kind: nothing could be forged"
    if [ "$kind" = training ]; then
        life 2
        [ "$status" -eq 0 ] || fail "$kind: the life after it ends with $status"
    fi
    pick 3 && replay_of "$trial/run" $((REPLY + 1))
    if [ $replayed -eq 1 ] && grep -qF "error: $wanted" "$work/replay.log"; then
        named=$((named + 1))
    else
        fail "$kind: replay ends with $replayed and says '$(grep error "$work/replay.log" | head -n 1)', not '$wanted'"
    fi
}
