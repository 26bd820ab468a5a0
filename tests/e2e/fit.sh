#!/usr/bin/env bash
# Ranks that were not started alike, or read other data: refused or told by name, in time, and nothing is written. What may
# differ does, with the same bits. In time: a minute, which none of them needs; LOCKSTEP_TEST_SECONDS says otherwise.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq perl

seconds=${LOCKSTEP_TEST_SECONDS:-60}
cases=0
usual=(train "$config" --set data.dir=data --set train.max_steps=3 --threads 1 --progress never)

# Folders that a rank may stand in, each with `data` of its own.
unpack_golden "$work/right/data"
"$LOCKSTEP" info --digest "$work/right/data" >"$work/digest.log"
same "digests of both sets are written" 2 "$(grep -c 'images of 28 x 28 x 1, digest' "$work/digest.log")"
images=data/train-images-idx3-ubyte labels=data/train-labels-idx1-ubyte
for place in pixel early label unsealed fewer larger; do cp -r "$work/right" "$work/$place"; done
poke "$work/pixel/$images" $((16 + 784 * 1500 + 400)) 001     # of rank 1's share
poke "$work/early/$images" $((16 + 784 * 10 + 400)) 001       # of rank 0's
poke "$work/label/$labels" -1 017                             # a class more
poke "$work/unsealed/$images.digest" -80 061                  # another digit
first() { # first N IMAGE_BYTES: a set of that many images, in this folder
    { printf '\0\0\10\3\0\0\0\144\0\0\0\34\0\0\0%b' "$3" && head -c $((16 + $1 * $2)) "$work/right/$images" | tail -c +17; } >$images
    { printf '\0\0\10\1\0\0\0\144' && head -c $((8 + $1)) "$work/right/$labels" | tail -c +9; } >$labels
    rm -f $images.digest
}
(cd "$work/fewer" && first 100 784 '\034')
(cd "$work/larger" && first 100 $((28 * 32)) '\040')
cp -r "$work/fewer" "$work/smaller"
cp -r "$work/pixel" "$work/unchecked"
rm "$work"/unchecked/data/*.digest

# Programs of another revision, and of other rules: a letter of theirs is changed.
patched() { # patched NAME FROM TO
    perl -pe 'BEGIN { ($a, $b) = splice @ARGV, 0, 2 } s/\Q$a\E\0/$b\0/g' "$2" "$3" "$LOCKSTEP" >"$work/$1"
    chmod +x "$work/$1"
    check "$1 is another program" eval '! cmp -s "$LOCKSTEP" "$work/$1"'
}
revision=$("$LOCKSTEP" --version | sed -n 's/^lockstep [^ ]* (\(.*\)), numerics.*/\1/p')
numerics=$("$LOCKSTEP" --version | sed -n 's/^lockstep .*, \(numerics [0-9]*\)$/\1/p')
patched revision "$revision" "X${revision:1}"
patched numerics "$numerics" "${numerics%?}9"
patched form "messages of form 2" "messages of form 9"

# ranks WHAT STATUS PATTERN FIRST ... -- SECOND ...: the words of two application contexts of mpirun, four cases at a time
ranks() {
    cases=$((cases + 1))
    mkdir "$work/case$cases"
    while [ "$(jobs -rp | wc -l)" -ge 4 ]; do wait -n || true; done
    judge "$work/case$cases" "$@" >"$work/case$cases/verdict" 2>&1 &
}
judge() {
    local folder=$1 what=$2 wanted=$3 pattern=$4 status=0 one=(-n 1) two=(-n 1) word
    shift 4
    checks=0 failures=0
    for word; do
        shift
        [ "$word" != -- ] || break
        one+=("$word")
    done
    two+=("$@")
    export OUT=$folder/out
    timeout -k 2 "$seconds" "$MPIEXEC" "${one[@]//OUT/$folder/out}" : "${two[@]//OUT/$folder/out}" >"$folder/log" 2>&1 </dev/null ||
        status=$?
    same "$what: exit status" "$wanted" $status
    check "$what: the message says $pattern" grep -qE -e "$pattern" "$folder/log"
    if [ "$wanted" -ne 0 ]; then
        same "$what: one message" 1 "$(grep -c 'lockstep: error: .' "$folder/log" || true)"
        check "$what: no file" [ ! -e "$folder/out" ]
        check "$what: nothing before the message" eval '! grep -qE "^(data|network) " "$folder/log"'
    elif [ -e "$folder/out/summary.json" ]; then
        same "$what: the same weights" "$(result right)" "$(jq -c "$keys" "$folder/out/summary.json")"
    fi
    [ $failures -eq 0 ] || show "$folder/log"
    echo "$checks $failures" >"$folder/counts"
}
keys='[.weights_sha256, .state_sha256, .chain_sha256, .steps, .samples_seen, .test_correct, .test_loss]'
here=(-wdir "$work/right" "$LOCKSTEP" "${usual[@]}" --out OUT)
(cd "$work/right" && "$LOCKSTEP" "${usual[@]}" --out "$work/right" >"$work/right.log" 2>&1) || true
check "digests are checked" grep -q '^checked    images and labels' "$work/right.log"

# --- another option
line='error: the command lines differ: rank 1 on [^ ]+ has'
for key in train.epochs=4 seed=7 train.global_batch=32 train.max_steps=4 train.optimizer.lr=0.5 train.chunk=16; do
    ranks "another $key" 2 "$line .--set $key., rank 0 has not; start all ranks with the same" "${here[@]}" -- "${here[@]}" --set $key
done
ranks "both set a key" 2 "$line .--set seed=8., rank 0 has .--set seed=9." "${here[@]}" --set seed=9 -- "${here[@]}" --set seed=8
ranks "another --out" 2 "$line .--out elsewhere" "${here[@]}" -- "${here[@]}" --out elsewhere
ranks "another --resume" 2 "$line .--resume never" "${here[@]}" -- "${here[@]}" -r never
ranks "--dry-run" 2 "$line .--dry-run., rank 0 has not" "${here[@]}" -- "${here[@]}" --dry
ranks "rank 0 alone has an option" 2 "$line not, rank 0 has .--init-from nothing" "${here[@]}" --init-from nothing -- "${here[@]}"
ranks "another configuration" 2 "$line .$SOURCE/configs/smoke.yaml., rank 0 has" "${here[@]}" -- \
    -wdir "$work/right" "$LOCKSTEP" train "$SOURCE/configs/smoke.yaml" "${usual[@]:2}" --out OUT
ranks "a wrong option" 2 "$line .a wrong command line: unknown option '--bogus'" "${here[@]}" -- "${here[@]}" --bogus
ranks "a wrong option of rank 0" 2 "has .train., rank 0 has .a wrong command line: unknown" "${here[@]}" --bogus -- "${here[@]}"
ranks "the same wrong option" 2 "error: unknown option '--bogus'" "${here[@]}" --bogus -- "${here[@]}" --bogus
ranks "another command" 2 "$line .eval., rank 0 has .train." "${here[@]}" -- "$LOCKSTEP" eval nothing
ranks "eval with other shifts" 2 "$line .--shifts 1., rank 0 has not" "$LOCKSTEP" eval nothing -- "$LOCKSTEP" eval nothing --shifts 1
ranks "bench with other rounds" 2 "$line .--rounds 2., rank 0 has .--rounds 1." "$LOCKSTEP" bench "$config" --rounds 1 -- \
    "$LOCKSTEP" bench "$config" --rounds 2
ranks "two of three ranks" 2 "rank 1 on [^ ]+, the first of 2 that differ, has .--set seed=7" "${here[@]}" -- -n 2 "${here[@]}" --set seed=7

# --- another program, another environment
ranks "other rules" 2 "the rules of the bits differ: rank 1 on [^ ]+ has .${numerics%?}9., rank 0 has .$numerics." "${here[@]}" -- \
    -wdir "$work/right" "$work/numerics" "${usual[@]}" --out OUT
ranks "another revision" 0 "warning: the programs differ: rank 1 on [^ ]+ has .lockstep [^ ]* .X${revision:1}" "${here[@]}" -- \
    -wdir "$work/right" "$work/revision" "${usual[@]}" --out OUT
ranks "another algorithm of MPI's" 2 "MPI's settings differ: rank 1 on [^ ]+ has OMPI_MCA_coll_tuned_allreduce_algorithm=4.*, rank 0 has no settings" \
    "${here[@]}" -- -wdir "$work/right" env OMPI_MCA_coll_tuned_use_dynamic_rules=1 OMPI_MCA_coll_tuned_allreduce_algorithm=4 "${here[@]:2}"
ranks "another limit over TCP" 2 "MPI's settings differ: rank 1 on [^ ]+ has OMPI_MCA_btl_tcp_eager_limit=65536, rank 0 has no settings" \
    "${here[@]}" -- -wdir "$work/right" env OMPI_MCA_btl_tcp_eager_limit=65536 "${here[@]:2}"
ranks "another form of messages" 2 "rank 1 on [^ ]+ does not send as rank 0 does .messages of form 2.: its program is of another revision" \
    "${here[@]}" -- -wdir "$work/right" "$work/form" "${usual[@]}" --out OUT
ranks "another instruction set" 0 'note .*the instruction sets differ: rank 1 .* has .portable.|avx2|portable' "${here[@]}" -- \
    -wdir "$work/right" env LOCKSTEP_ISA=portable "${here[@]:2}"
ranks "an unknown instruction set" 2 'error: .*LOCKSTEP_ISA.*rank 1 on' "${here[@]}" -- -wdir "$work/right" env LOCKSTEP_ISA=mmx "${here[@]:2}"
ranks "more threads" 0 'note .*the numbers of threads differ: rank 1 on [^ ]+ has .2., rank 0 has .1.' "${here[@]}" -- "${here[@]}" -t 2
ranks "what only one rank says" 0 'note|checked' "${here[@]}" -- "${here[@]}" --quiet --time-limit 1-00:00:00

# --- other data
elsewhere() { ranks "$1" "$2" "$3" "${here[@]}" -- -wdir "$work/$4" "${here[@]:2}"; }
cd "$work"
elsewhere "fewer images" 1 'the training images differ: rank 1 on [^ ]+ has .100 of 28 x 28 x 1., rank 0 has .2000 of 28 x 28 x 1.' fewer
elsewhere "larger images" 1 'the training images differ: rank 1 on [^ ]+ has .100 of 28 x 32 x 1.' larger
elsewhere "another label, another class" 1 'the training labels differ: rank 1 on [^ ]+ has .SHA-256 ' label
mkdir "$work/nowhere"
elsewhere "no data" 1 'no such file.*rank 1 on' nowhere
elsewhere "another pixel" 1 "images 1000 to 1999 or their labels are not those of $images.digest .read by rank 1 on [^ ]+; 1 of 2 blocks differ" pixel
elsewhere "another pixel that rank 1 never reads" 0 'checked' early
elsewhere "another pixel without digests of rank 0" 1 'images 1000 to 1999' unchecked
ranks "all read the wrong pixel" 1 'images 0 to 999 or .*read by rank 0 on' -wdir "$work/early" "${here[@]:2}" -- -wdir "$work/early" "${here[@]:2}"
ranks "a damaged file of digests" 1 "$images.digest: damaged or incomplete" -wdir "$work/unsealed" "${here[@]:2}" -- "${here[@]}"
cp "$work/right/$images.digest" "$work/smaller/$images.digest"
ranks "digests of another set" 1 "$images.digest is of 2000 images of 28 x 28 x 1, but $images has 100 of 28 x 28 x 1" \
    -wdir "$work/smaller" "${here[@]:2}" -- -wdir "$work/smaller" "${here[@]:2}"

wait
for place in $(seq $cases); do
    cat "$work/case$place/verdict"
    counts="1 1" # a case that came to no verdict has failed
    [ ! -e "$work/case$place/counts" ] || counts=$(cat "$work/case$place/counts")
    checks=$((checks + ${counts% *}))
    failures=$((failures + ${counts#* }))
done

# --- no digests, other labels: said; one process is checked, too
lone() { (cd "$work/$1" && "$LOCKSTEP" "${usual[@]}" --dry-run --out "$work/lone" "${@:2}" >"$work/lone.log" 2>&1); }
check "no digests" lone unchecked
check "that is said" grep -q '^unchecked  no digests of data/train-images.* and its labels beside it' "$work/lone.log"
cp "$work/right/$labels" "$work/right/data/others"
check "digests of other labels" lone right --set data.train_labels=others
check "they are not taken" grep -q '^unchecked' "$work/lone.log"
check "a process alone finds the pixel" eval '! lone pixel'
check "and names the block" grep -q 'images 1000 to 1999' "$work/lone.log"
check "turned images are checked as they are stored" lone right --set data.transpose=true
check "which is said" grep -q '^checked' "$work/lone.log"
check "eval checks the test set" eval '! (cd "$work/right" && poke data/t10k-images-idx3-ubyte -1 001 &&
    "$LOCKSTEP" eval "$work/right" --data data) >"$work/lone.log" 2>&1'
check "and names it" grep -q 'error: data/t10k-images-idx3-ubyte: images 0 to 499' "$work/lone.log"

# --- threads, and a job made for more ranks
check "OMP_NUM_THREADS" eval 'OMP_NUM_THREADS=3,1 lone unchecked --threads 2'
check "the option comes first" grep -q 'threads    2 a rank as asked for, not OMP_NUM_THREADS=3' "$work/lone.log"
usual=("${usual[@]/--threads/--set}") && usual=("${usual[@]/#1/threads=0}")
check "OMP_NUM_THREADS" env OMP_NUM_THREADS=3,1 bash -c 'cd "$1" && shift && "$@"' - "$work/unchecked" "$LOCKSTEP" "${usual[@]}" \
    --dry-run --out "$work/lone" >"$work/lone.log" 2>&1
check "it is taken" grep -q '1 rank x 3 threads' "$work/lone.log"
alone() { env "$@" "$LOCKSTEP" "${usual[@]}" --set "data.dir=$work/unchecked/data" --dry-run >"$work/lone.log" 2>&1; }
warning='warning: the job has [28] .*, this run uses 1 rank: start it with'
check "8 tasks" alone SLURM_JOB_ID=7 SLURM_NTASKS=8
check "one rank of 8 tasks is warned of" grep -q "$warning .srun --mpi=pmix" "$work/lone.log"
check "2 nodes" alone SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=2
check "one rank of 2 nodes is warned of" grep -q "$warning" "$work/lone.log"
check "a step of one task" alone SLURM_JOB_ID=7 SLURM_NTASKS=8 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=1
check "what was meant is not warned of" eval '! grep -q "the job has" "$work/lone.log"'
finish
