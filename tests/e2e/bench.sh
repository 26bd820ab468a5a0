#!/usr/bin/env bash
# lockstep bench trains as train does, says what it did in numbers that fit together, and leaves nothing behind. How
# long anything took is not looked at.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

place=$work/place
mkdir "$place"
# bench STATUS RANKS ARGUMENT...: in $place, which stays empty; output in $work/out and $work/err
bench() {
    local wanted=$1 ranks=$2 status=0
    shift 2
    (cd "$place" && launch "$ranks" bench "$@") >"$work/out" 2>"$work/err" </dev/null || status=$?
    same "bench $* on $ranks ranks: status" "$wanted" $status
    $ok || show "$work/err"
    same "bench $*: no file is left" "" "$(ls -A "$place")"
}
holds() { check "$1" jq -e "$2" "$work/out" >/dev/null; }

# --- the same work on any ranks, threads and instruction sets: that of train. 3 steps warm up, 40 are measured, and
# the first epoch ends after 38.
trained run 1 --threads 1 --set train.max_steps=43 --set eval.every_epochs=9
odd=("$config" --data "$golden" --steps 20 --rounds 2 --format json)
wanted=
for setting in "1 1 portable" "2 1 avx2" "3 1 " "1 3 " "2 2 "; do
    read -r ranks threads isa <<<"$setting"
    grep -qx "${isa:-portable}" <<<"$(isas)" || isa=
    LOCKSTEP_ISA=$isa bench 0 "$ranks" "${odd[@]}" --threads "$threads"
    same "$setting: trains as train does" "$(key run weights_sha256)" "$(jq -r .exact.weights_sha256 "$work/out")"
    work_done=$(jq -c '[.exact.flop_per_image, .flop_per_image_dense, .exact.message_bytes, .fp32.message_bytes,
        .parameters, .global_batch, .rounds, .steps_per_round, .data_digest, .made_up]' "$work/out")
    same "$setting: the same work" "${wanted:=$work_done}" "$work_done"
    holds "$setting: is told" ".world_size == $ranks and .threads_per_rank == $threads"
done
holds "some work is skipped" '.exact.flop_per_image > 0 and .exact.flop_per_image < .flop_per_image_dense'
# 7 * 25 and 9 * 7 * 9 filters on 28 x 28 and 7 x 7 outputs, then 36 * 19 and 19 * 10; 2 each, no gradient of the image
dense=$((2 * (2 * 175 * 784 + 3 * 567 * 49 + 3 * 684 + 3 * 190)))
holds "dense work is that of the layers" ".flop_per_image_dense == $dense"
# a slot for each of the nine operations at most, 12 in the head; then the sums
holds "messages" '.exact.message_bytes - .fp32.message_bytes == 4 * .parameters and
    (.exact.message_bytes / 8 - .parameters | 16 <= . and . <= 25)'
holds "memory" '.peak_rss_mib | 4 < .min and .min <= .max and .max < 1024'

# --- one round: its figures are of the same seconds
bench 0 2 "$config" --data "$golden" --steps 5 --rounds 1 --format json --threads 1
near='def near($x): (. - $x | fabs) <= 1e-9 * $x and $x > 0;'
for mode in exact fp32; do
    holds "$mode: rates are work by time" "$near .flop_per_image_dense as \$dense | .global_batch as \$batch | .$mode | . as \$m |
        .images_per_second_best == .images_per_second and
        (.step_ms | near(1000 * \$batch / \$m.images_per_second)) and
        (.gflops | near(1e-9 * \$m.flop_per_image * \$m.images_per_second)) and
        (.gflops_dense | near(1e-9 * \$dense * \$m.images_per_second)) and
        (.share | near(\$m.gflops / \$m.gflops_peak)) and (.share_dense | near(\$m.gflops_dense / \$m.gflops_peak))"
    holds "$mode: phases fill the round" ".$mode | . as \$m | .phases |
        .total.max * 1000 >= \$m.step_ms * 5 * 0.999 and
        ([del(.total)[].avg] | add) - .total.avg < 1e-7 and .compute.min > 0 and .communication.min > 0
        and .evaluate.max == 0 and .checkpoint.max == 0"
done
holds "exact : fp32" "$near"' (.exact.images_per_second / .fp32.images_per_second) as $ratio |
    [.exact_to_fp32, .exact_to_fp32_least, .exact_to_fp32_most] | all(.[]; near($ratio))'

# --- in bfloat16 the peak is that of the unit that multiplies
bench 0 1 "$config" --data "$golden" --set train.precision=bf16 --steps 2 --rounds 1 --format json --threads 1
holds "bf16: precision and unit are told" '.precision == "bf16" and (.products | IN("fma", "amx"))'
holds "bf16: other weights than float32" ".exact.weights_sha256 | length == 64 and . != \"$(key run weights_sha256)\""
unit=$(jq -r .products "$work/out")
LOCKSTEP_ISA=portable bench 0 1 "$config" --data "$golden" --set train.precision=bf16 --steps 2 --rounds 1 --threads 1
check "portable kernels multiply by FMA" grep -qE '^ +FMA peak of all threads beside it ' "$work/out"
[ "$unit" != amx ] || { bench 0 1 "$config" --data "$golden" --set train.precision=bf16 --steps 2 --rounds 1 --threads 1 &&
    check "AMX has a peak of its own" grep -qE '^ +AMX peak of all threads beside it ' "$work/out"; }

# --- no data: made-up ones, and it is said
bench 0 1 "$config" --set data.dir=nowhere --steps 2 --rounds 2 --threads 1
check "a table" grep -qE '^  images a second +[0-9.]+ +[0-9.]+$' "$work/out"
check "made-up data are told" grep -qE '^made up .* no train-images-idx3-ubyte in nowhere$' "$work/out"
bench 0 2 "$config" --set data.dir=nowhere --steps 1 --rounds 1 --threads 1 --format json
holds "made-up data are told in JSON" '.made_up'
digest=$(jq -r .data_digest "$work/out")
bench 0 1 "$config" --set data.dir=nowhere --steps 1 --rounds 1 --threads 1 --format json
same "made-up data are the same on any number of ranks" "$digest" "$(jq -r .data_digest "$work/out")"
bench 0 1 "$SOURCE/configs/m3.yaml" --set train.global_batch=8 --steps 1 --rounds 1 --format json
holds "a shipped network" '.name == "m3" and .made_up'

# --- errors: data that were asked for, and data that are there but broken
refuses() { check "it says: $1" grep -qE -e "lockstep: error: .*$1" "$work/err"; }
bench 1 2 "$config" --data nowhere
refuses 'nowhere/train-images-idx3-ubyte: no such file'
mkdir "$work/broken"
echo nonsense >"$work/broken/train-images-idx3-ubyte"
bench 1 1 "$config" --set "data.dir=$work/broken"
refuses 'broken/train-images-idx3-ubyte'
bench 1 2 "$config" --data "$golden" --set train.optimizer.name=sgd --set train.optimizer.lr=1e30 --steps 9 --format json
refuses 'not finite'
same "nothing is printed then" "" "$(cat "$work/out")"
for wrong in "--steps 0" "--steps 5x" "--rounds -1" "--rounds 1001" "--format yaml" "second.yaml" "--data="; do
    # shellcheck disable=SC2086 # words
    bench 2 1 "$config" $wrong
done
finish
