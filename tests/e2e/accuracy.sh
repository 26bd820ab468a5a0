#!/usr/bin/env bash
# A small run learns: six epochs on 2,000 images classify the 500 test images at 93 % or better.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq

config=$here/accuracy.yaml
trained run 2 --threads 1
echo "test accuracy $(key run test_accuracy) ($(key run test_correct) of $(key run test_total))"
same "all test images were counted" 500 "$(key run test_total)"
check "at least 465 of 500 right" [ "$(key run test_correct)" -ge 465 ]
check "accuracy is correct / total" jq -e '.test_accuracy == .test_correct / .test_total' "$work/run/summary.json" >/dev/null
finish
