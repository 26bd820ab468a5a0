#!/usr/bin/env bash
# Help and version need no launcher, no data and no MPI; usage errors end with 2.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

ends() { # ends STATUS ARGUMENT...
    local wanted=$1 status=0
    shift
    (cd "$work" && exec "$LOCKSTEP" "$@") >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
    same "lockstep $*: exit status" "$wanted" $status
}

ends 0 --help
check "--help goes to stdout" [ -s "$work/stdout" ]
same "--help is silent on stderr" "" "$(cat "$work/stderr")"
for command in train calibrate eval predict report info bench doctor diff configs pack; do
    check "--help names $command" grep -qw "$command" "$work/stdout"
done
ends 0 --version
check "--version has a number" grep -qE '[0-9]+\.[0-9]+\.[0-9]+' "$work/stdout"
for command in train calibrate eval predict report info bench doctor diff configs pack bundle export import replay help; do
    ends 0 $command --help
    check "$command --help goes to stdout" [ -s "$work/stdout" ]
    # as argp leaves one behind a text that fills its line to the last column
    same "$command --help has no line of blanks" "" "$(grep -nE '^ +$' "$work/stdout" || true)"
done
ends 0 train --help
for option in --set --out --resume --time-limit --trace LOCKSTEP_TRACE_EVENTS --threads --progress; do
    check "train --help names $option" grep -qe "$option" "$work/stdout"
done
ends 0 help config
for name in seed data.dir data.validation train.epochs train.max_steps train.global_batch train.chunk train.accumulate \
    train.optimizer.name train.optimizer.lr train.reduce checkpoint.every_steps; do
    check "help config explains $name" grep -qF "$name" "$work/stdout"
done
for arguments in "" frobnicate --frobnicate "train --frobnicate" "train" "train a.yaml b.yaml" "eval" "diff a.h5"; do
    # shellcheck disable=SC2086 # words
    ends 2 $arguments
    check "lockstep $arguments: says why on stderr" [ -s "$work/stderr" ]
done
ends 0 info "$config" --set "data.dir=$golden"
check "info shows the layers" grep -q conv1 "$work/stdout"
finish
