#!/usr/bin/env bash
# lockstep doctor looks, measures and forecasts; what is wrong is found and named, and nothing is left behind. How long
# anything took is not looked at.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

place=$work/place
mkdir "$place"
# doctor STATUS RANKS ARGUMENT...: in $place, which stays empty; output in $work/out and $work/err
doctor() {
    local wanted=$1 ranks=$2 status=0
    shift 2
    (cd "$place" && launch "$ranks" doctor "$@") >"$work/out" 2>"$work/err" </dev/null || status=$?
    same "doctor $* on $ranks ranks: status" "$wanted" $status
    $ok || show "$work/err"
    same "doctor $*: no file is left" "" "$(ls -A "$place")"
}
holds() {
    check "$1" jq -e "$2" "$work/out" >/dev/null
    $ok || show "$work/out"
}
result() { jq -r ".checks[] | select(.name == \"$1\") | .result" "$work/out"; }

# --- alone: no messages, so one rank is forecast, unless the network is told
small=("$config" --set "data.dir=$golden" --set train.global_batch=16) # two chunks: fewer shares to measure
good=("${small[@]}" --format json)
doctor 0 1 "${good[@]}" --threads 1
for name in ranks mpi program processor data peak memory steps "folder seen" "folder rename" "folder links" "folder room"; do
    same "$name is looked at" ok "$(result "$name")"
done
holds "it says what it ran on" '.world_size == 1 and .n_hosts == 1 and .threads_per_rank == 1 and .faults == 0'
holds "shares of 1 and more chunks were measured" '.step.work | length > 1 and .[0].chunks == 1 and all(.ms > 0)'
holds "one rank is forecast" '.one_rank_alone and (.strong | length == 1) and .strong[0].efficiency == 1 and .network.between == null'
doctor 0 1 "${good[@]}" --threads 1 --network 2:10
holds "1 to 4,096 ranks with a network" '[.strong[].ranks] == [range(13) | pow(2; .)] and (.this_host_alone | not)'
holds "parts are the step" '.strong + .weak | all((.compute_ms + .update_ms + .communication_ms + .exchange_ms + .wait_ms - .step_ms | fabs) < 1e-6)'
holds "ranks beyond the chunks compute no less" '.strong[-1].chunks == 1 and .strong[-1].compute_ms == .step.work[0].ms'
holds "a rank's share stays" '[.weak[] | .global_batch / .ranks, .chunks] | unique | length == 2'
holds "sums go the way that Open MPI takes" '.step.sums_bytes > 8 * 1661 and .strong[6].algorithm == "recursive doubling" and
    .strong[7].algorithm == "reduce, then broadcast" and .strong[8].algorithm == "Rabenseifner"'
holds "efficiency is speed by ranks" '[.strong[] | .efficiency * .ranks * .step_ms] | max - min < 1e-9 * max'
holds "what stands in the way is named" '.useful_ranks >= 1 and (.limit | IN("chunks", "communication", "update", "exchange", "wait"))'
doctor 0 1 "${good[@]}" --threads 1 --network 2:10 --set train.exchange=scatter
holds "sums in shares go by halves on any number of ranks" '[.strong[].algorithm] | unique == ["Rabenseifner"]'
doctor 0 1 "${small[@]}" --threads 1 --network 2:10
check "text has the table" grep -qE '^ +4096 +4096 +1 ' "$work/out"
check "text has the limit" grep -qE '^more than [0-9]+ ranks? help' "$work/out"

# --- three ranks of one host
doctor 0 3 "${good[@]}" --threads 1
holds "a link within a host" '.network.within.points | length > 2 and all(.seconds > 0)'
holds "allreduce at the size of a step's sums" '[.step.sums_bytes] - [.network.allreduce[].bytes] == []'
holds "algorithms were tried" '.network.algorithms | length == 7'
holds "each rank has figures" '.ranks | length == 3 and all(.peak_gflops > 0 and .memory_gbytes > 0 and .work_ms > 0)'
holds "this host is forecast" '.this_host_alone and (.one_rank_alone | not) and (.strong | all(.hosts == 1))'
doctor 0 2 --format json
holds "without a configuration no steps and no forecast" '(has("step") or has("strong") | not) and .name == null'

# --- what is wrong is found
doctor 1 1 "${good[@]}" --set data.dir=nowhere --threads 1
same "no data" fault "$(result data)"
holds "no data: the folder is named" '.checks[] | select(.name == "data") | .found | contains("nowhere")'
holds "steps were made all the same" '.step.made_up and .step.update_ms > 0'
doctor 0 1 "${good[@]}" --threads 64
same "more threads than cores" warning "$(result threads)"
touch "$work/file"
doctor 1 1 "${good[@]}" --threads 1 --out "$work/file/run"
same "no folder for the run" fault "$(result folder)"
if [ "$(id -u)" -ne 0 ]; then
    mkdir -m 500 "$work/closed"
    doctor 1 1 "${good[@]}" --threads 1 --out "$work/closed/run"
    same "a folder that cannot be written" fault "$(result folder)"
fi
doctor 2 1 "$config" --set train.global_batch=0
for wrong in --network=fast --network=1 --network=1:0 --network=-1:10 --network=1:10x --format=yaml "a b"; do
    # shellcheck disable=SC2086 # words
    doctor 2 1 "$config" $wrong
done
doctor 2 1 --set seed=2

# --- two hosts that see different folders
# shellcheck source=tests/e2e/two_hosts.sh
source "$here/two_hosts.sh"
doctor 0 2 "${good[@]}" --threads 1
holds "two hosts" '.n_hosts == 2 and .network.between.points[0].seconds > 0 and .network.within == null and (.strong | length == 13)'
same "clocks" ok "$(result clocks)"
same "one folder, seen by both" ok "$(result "folder seen")"
mkdir -p "$work/alpha" "$work/beta"
unpack_golden "$work/alpha/set"
unpack_golden "$work/beta/set"
poke "$work/beta/set/train-images-idx3-ubyte" -1 001
apart() { # apart STATUS: each host in a folder of its own
    local status=0 line=("$LOCKSTEP" doctor "${good[@]}" --set data.dir=set --threads 1)
    "$MPIEXEC" -n 1 --wdir "$work/alpha" "${line[@]}" : -n 1 --host beta:4 --wdir "$work/beta" "${line[@]}" \
        >"$work/out" 2>"$work/err" </dev/null || status=$?
    same "hosts apart: status" "$1" $status
}
apart 1
same "one byte of the data differs" fault "$(result data)"
same "a folder that only one host sees" fault "$(result "folder seen")"
rm "$work/beta/set/train-images-idx3-ubyte"
apart 1
holds "data that one host does not see" '.checks[] | select(.name == "data") | .result == "fault" and (.found | contains("1 of 2 hosts"))'
finish
