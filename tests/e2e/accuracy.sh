#!/usr/bin/env bash
# A small run learns: six epochs on 2,000 images classify the 500 test images at 93 % or better. It is started as people
# start it, without what the other tests do to make MPI start faster.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq
unset OMPI_MCA_ess_singleton_isolated OMPI_MCA_pml HWLOC_COMPONENTS HWLOC_PLUGINS_PATH

config=$here/accuracy.yaml
trained run 2 --threads 1
echo "test accuracy $(key run test_accuracy) ($(key run test_correct) of $(key run test_total))"
same "all test images were counted" 500 "$(key run test_total)"
check "at least 465 of 500 right" [ "$(key run test_correct)" -ge 465 ]
check "accuracy is correct / total" jq -e '.test_accuracy == .test_correct / .test_total' "$work/run/summary.json" >/dev/null
launch 1 eval "$work/run/checkpoints/last.h5" --data "$golden" >"$work/eval" 2>&1 || show "$work/eval"
check "eval, by one process without a launcher, counts the same" \
    grep -qF "$(jq -r '.test_correct * 100 / .test_total * 100 | round / 100' "$work/run/summary.json")" "$work/eval"
finish
