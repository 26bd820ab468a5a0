#!/usr/bin/env bash
# The lint tests find what they look for: each is run on a small tree that is clean, then with one violation planted.
# Usage: planted.sh
set -euo pipefail
export LC_ALL=C
lint=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# A clean tree: one file in every room, each with what only it may use, and a comment and string that must not count.
fresh_tree() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree"/{include/lockstep,src/{base,kernels,comm,io,nn,train,cli},build,jobs}
    cd "$work/tree"
    cat >src/nn/layer.c <<'TEXT'
/* MPI_Send, H5Fopen and _mm_add_ps in a comment */
#include "lockstep/status.h"
const char *lks_hint = "MPI_Allreduce // in a string";
#include "kernels/kernels.h"
#pragma omp parallel for schedule(static)
#define UNROLLED _Pragma("GCC unroll 16")
TEXT
    printf '%s\n' '#include <mpi.h>' 'int lks_n = MPI_SUCCESS;' >src/comm/comm.c
    printf '%s\n' '#include <hdf5.h>' 'void lks_f(void) { H5Fclose(1); }' >src/io/checkpoint.c
    printf '%s\n' '#include <immintrin.h>' '__m256 lks_v;' >src/kernels/avx2.c
    printf '%s\n' '#include <argp.h>' '#include "lockstep/comm.h"' >src/cli/main.c
    printf '%s\n' 'add_compile_options(-ffp-contract=off)' '# -ffast-math would move bits' >CMakeLists.txt
    printf '%s\n' 'BasedOnStyle: LLVM' 'SortIncludes: false' >.clang-format
    printf '%s\n' '#!/bin/sh' 'echo hello' >jobs/run.sh
    chmod +x jobs/run.sh
    echo '{"command": "gcc -ffp-contract=off -c src/nn/layer.c", "file": "src/nn/layer.c"}' >build/compile_commands.json
    sed -i 's/^{\(.*\), "file/{ \1,\n"file/' build/compile_commands.json
    sed -i 's,c src/nn/layer.c",c /x/src/nn/layer.c",' build/compile_commands.json
}

# verdict WANTED WHAT STATUS
verdict() {
    if { [ "$1" = clean ] && [ "$3" -eq 0 ]; } || { [ "$1" = found ] && [ "$3" -eq 1 ]; }; then return; fi
    echo "planted: wanted $1, lint ended with $3: $2"
    sed 's/^/    /' "$work/output"
    failures=$((failures + 1))
}

run_lint() { # run_lint WANTED WHAT NAME ARGUMENT...
    local wanted=$1 what=$2 name=$3 status=0
    shift 3
    "$lint/$name.sh" "$@" >"$work/output" 2>&1 || status=$?
    [ $status -eq 77 ] || verdict "$wanted" "$name: $what" $status
}

# plant LINT FILE TEXT: one more line in FILE of a fresh tree must be found
plant() {
    fresh_tree
    printf '%b\n' "$3" >>"$2"
    run_lint found "$2: $3" "$1" "$work/tree" "$work/tree/build"
}

fresh_tree
for name in layering numerics format shell files; do
    run_lint clean "the clean tree" $name "$work/tree" "$work/tree/build"
done

plant layering src/nn/layer.c '#include <mpi.h>'
plant layering src/train/loop.c 'int n = MPI_Barrier(c);'
plant layering src/train/loop.c '  #  include <hdf5.h>'
plant layering src/nn/layer.c 'hid_t f = H5Fopen("x", 0, 0);'
plant layering src/nn/layer.c '__m512 v;'
plant layering src/base/exact.c 'x = _mm256_add_ps(a, b);'
plant layering src/base/exact.c '#include <arm_neon.h>'
plant layering src/train/loop.c '#include <argp.h>'
plant layering src/train/loop.c '#include <png.h>'
plant layering src/base/log.c '#include "lockstep/config.h"'
plant layering src/kernels/conv.c '#include "nn/layer.h"'
plant layering src/nn/layer.c '#include "lockstep/comm.h"'
plant layering src/io/checkpoint.c '#include "train/loop.h"'
plant layering include/lockstep/status.h '#include "lockstep/config.h"'
plant layering include/lockstep/newcomer.h '#include "lockstep/status.h"'
plant layering src/nn/layer.c 'char c = '"'\"'"'; int n = MPI_Barrier(c); /* " */'
plant layering src/nn/layer.c 'FILE *lks_f = open_memstream(&lks_a, &lks_b);'

plant numerics src/nn/layer.c '#pragma omp parallel for reduction(+ : sum)'
plant numerics src/nn/layer.c '#pragma omp parallel for \\\\\n    reduction(+ : sum)'
plant numerics src/nn/layer.c '#pragma omp parallel for simd'
plant numerics src/nn/layer.c '#pragma GCC optimize("fast-math")'
plant numerics src/nn/layer.c '#define SUM _Pragma("omp parallel for reduction(+ : sum)")'
plant numerics src/nn/layer.c 'long double x;'
plant numerics CMakeLists.txt 'add_compile_options(-ffast-math)'
plant numerics CMakePresets.json '{ "CMAKE_C_FLAGS": "-Ofast" }'
plant numerics build/compile_commands.json '"command": "gcc -O2 -c /x/src/nn/dense.c",'
plant numerics build/compile_commands.json '"command": "gcc -ffp-contract=off -funsafe-math-optimizations -c /x/src/nn/dense.c",'

plant numerics build/compile_commands.json '"command": "gcc -O2 -c \\"/my x/src/nn/dense.c\\"",'

plant format src/nn/layer.c 'int   lks_x ;'
plant shell jobs/run.sh 'read x'
fresh_tree
chmod -x jobs/run.sh
run_lint found "a script that is not executable" shell "$work/tree"
plant files src/nn/layer.c '// TO''DO: finish'
plant files src/nn/layer.c 'int x; '
plant files src/nn/layer.c '<<<''<<<< HEAD'
plant files src/nn/layer.c.orig 'old'
plant files src/nn/layer.c "$(printf 'int a;\\n%.0s' $(seq 701))"

# libm.sh reads objects: one call each of what it must find and what it must let pass
object() { # object NAME EXPRESSION
    printf '#include <math.h>\nvolatile double x;\nvoid f(void);\nvoid f(void) { x = %s; }\n' "$2" |
        gcc -std=c11 -O1 -x c -c -o "$work/$1.o" -
    rm -f "$work/$1.a"
    ar rc "$work/$1.a" "$work/$1.o"
}
object exact 'fma(sqrt(x), floor(x), rint(x)) + lrint(x) + fmin(x, 1) + fmaf(x, x, x) + ldexp(x, 3)'
run_lint clean "functions exact to the bit" libm "$work/exact.a" "$work/exact.o"
for call in 'exp(x)' 'expf(x)' 'log(x)' 'pow(x, x)' 'powf(x, x)' 'tanhf(x)' 'sin(x)' 'cos(x)' 'erf(x)' 'exp2(x)' \
    'hypot(x, x)' 'cbrt(x)' 'lgamma(x)'; do
    object moving "$call"
    run_lint found "$call in a library" libm "$work/exact.o" "$work/moving.a"
done
printf 'double _ZGVdN4v_exp(double);\ndouble g(double x);\ndouble g(double x) { return _ZGVdN4v_exp(x); }\n' |
    gcc -x c -c -o "$work/vector.o" -
run_lint found "a vector variant" libm "$work/vector.o"

[ $failures -eq 0 ] && echo "planted: every violation was found"
exit $((failures > 0))
