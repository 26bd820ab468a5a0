#!/usr/bin/env bash
# What would let a compiler or OpenMP choose an order or a precision. Usage: numerics.sh SOURCE_DIR BUILD_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
build=$(cd "$2" && pwd)
cd "$1"

source_code() { code_in src include | grep -E "^[^:]*:[0-9]*:.*($1)" || true; }
source_code '#[ \t]*pragma[ \t]+omp.*\breduction[ \t]*\(' | report "OpenMP reduction: its order is not fixed; use lockstep/exact.h"
source_code '#[ \t]*pragma[ \t]+omp.*\bsimd\b' | report "OpenMP simd: the compiler may reorder; write the vectors out"
# The text of a _Pragma is a string: only those that unroll, silence a warning, or export functions, are known to be harmless.
{ grep -rnE --include='*.[ch]' '\b_Pragma\b' src include || true; } |
    { sed -E 's/_Pragma\("(GCC unroll|clang loop unroll|GCC diagnostic|clang diagnostic|GCC visibility)[^"]*"\)//g' | grep -w _Pragma || true; } |
    report "a _Pragma that this test does not know"
source_code '#[ \t]*pragma[ \t]+(GCC[ \t]+optimize|STDC[ \t]+(FP_CONTRACT|FENV|CX)|clang[ \t]+fp)|\boptimize[ \t]*\(|__optimize__' |
    report "floating-point options belong in CMakeLists.txt, once"
source_code '\blong[ \t]+double\b|\b_Float128\b|\b__float128\b' | report "long double differs between machines"

fast='-ffast-math|-Ofast|-funsafe-math-optimizations|-fassociative-math|-freciprocal-math|-ffinite-math-only|-fno-signed-zeros'
fast+='|-ffp-contract=(fast|on)|-mrecip|-fexcess-precision=fast|-ffp-model|-fsingle-precision-constant|-mdaz-ftz'
mapfile -t build_files < <(project_files | grep -E '(^|/)(CMakeLists\.txt|CMakePresets\.json|[^/]*\.cmake)$')
{ grep -HnE -e "($fast)" "${build_files[@]}" | grep -v '^[^:]*:[0-9]*:[ 	]*#' || true; } | report "options that move bits"

# --- what the compiler was really told
commands=$build/compile_commands.json
if [ -e "$commands" ]; then
    # a path with a space stands in escaped quotes
    ours=$(grep -n '"command":' "$commands" | grep -E '/src/[a-z0-9_/]+\.c\\?"' || true)
    [ -n "$ours" ] || report "no compile command of src/ found" <<<"$commands"
    place() { sed -E "s,^([0-9]+):.* ([^ ]*)\$,$commands:\\1: \\2,"; }
    { grep -v -e '-ffp-contract=off' <<<"$ours" || true; } | place | report "compiled without -ffp-contract=off"
    { grep -E -e "($fast)" <<<"$ours" || true; } | place | report "compiled with options that move bits"
else
    report "the build folder has no compile commands" <<<"$commands"
fi
finish
