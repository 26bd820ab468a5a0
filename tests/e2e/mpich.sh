#!/usr/bin/env bash
# The program with MPICH ends with the bits of the one with Open MPI, whatever the ranks; either says whose launcher it wants.
# Usage: as other scripts here, then the program with MPICH and its launcher.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
mpich=$4 mpirun=$5
wanted=$(sed -n 's/^ *"weights_sha256": "\([0-9a-f]*\)".*/\1/p' "$SOURCE/README.md" | sort -u)
check "README.md has the digest" [ ${#wanted} -eq 64 ]

# with RANKS RUN ARGUMENT...: the shipped configuration on the golden set
with() {
    local ranks=$1 run=$2 status=0 start=("$mpirun" -n "$1")
    [ "$ranks" -gt 1 ] || start=()
    "${start[@]}" "$mpich" train "$SOURCE/configs/smoke.yaml" --set "data.dir=$golden" --out "$work/$run" --threads 1 \
        --progress never "${@:3}" >"$work/$run.log" 2>&1 </dev/null || status=$?
    same "$run: status" 0 $status
    $ok || show "$work/$run.log"
}
check "it is MPICH's" grep -qx 'MPI  *MPICH [0-9.a-z]*' <("$mpich" --version)
with 1 alone
same "alone: the bits of README.md" "$wanted" "$(key alone weights_sha256)"
with 3 three
same "3 ranks: the bits of README.md" "$wanted" "$(key three weights_sha256)"
same "3 ranks took part" 3 "$(key three world_size)"
for exchange in host scatter; do
    with 2 $exchange --set train.exchange=$exchange
    same "exchange $exchange: the bits of README.md" "$wanted" "$(key $exchange weights_sha256)"
done
with 2 apart --set train.max_steps=7
status=0 # what one library began, the other ends
launch 3 train "$SOURCE/configs/smoke.yaml" --set "data.dir=$golden" --out "$work/apart" --threads 1 --progress never \
    >"$work/on.log" 2>&1 </dev/null || status=$?
same "a run goes on under Open MPI: status" 0 $status
$ok || show "$work/on.log"
same "with the bits of README.md" "$wanted" "$(key apart weights_sha256)"

# --- a launcher of the other library
status=0
"$mpirun" -n 2 "$LOCKSTEP" train "$config" --out "$work/no" >"$work/log" 2>&1 </dev/null || status=$?
check "MPICH's launcher, Open MPI's program: status" [ $status -ne 0 ]
check "it names the launcher to take" grep -q 'error: the launcher started 2 processes, .* start with the mpirun of Open MPI' "$work/log"
status=0
"$MPIEXEC" -n 2 "$mpich" train "$config" --out "$work/no" >"$work/log" 2>&1 </dev/null || status=$?
check "Open MPI's launcher, MPICH's program: status" [ $status -ne 0 ]
check "it names the launcher to take" grep -qE 'error: the launcher started 2 processes, .* start with the mpirun of MPICH [0-9.a-z]+$' "$work/log"
$ok || show "$work/log"
same "one rank says so" 1 "$(grep -c 'error:' "$work/log")"
check "no run folder" [ ! -e "$work/no" ]

# --- doctor
"$mpirun" -n 2 "$mpich" doctor "$config" --set "data.dir=$golden" --set train.global_batch=16 --threads 1 --network 2:10 \
    --format json >"$work/out" 2>"$work/err" </dev/null || true
check "doctor measures and forecasts" jq -e '(.mpi // "" | test("MPICH")) and .strong[7].algorithm == "Rabenseifner"' "$work/out"
$ok || show "$work/err"
finish
