#!/usr/bin/env bash
# The lint tests find what they look for: each is run on a small tree that is clean, and on one with every violation
# planted at once. Each violation must be found at its own file and line, and nothing else. Usage: planted.sh
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
    printf '%s\n' '#include <mpi.h>' 'int lks_n = MPI_SUCCESS;' 'MPI_Comm lks_c = MPI_COMM_WORLD;' \
        'int lks_comm_abort(void) { return MPI_Abort(lks_c, 1); }' >src/comm/comm.c
    printf '%s\n' '#include <hdf5.h>' 'void lks_f(void) { H5Fclose(1); }' >src/io/checkpoint.c
    printf '%s\n' '#include <immintrin.h>' '__m256 lks_v;' >src/kernels/avx2.c
    printf '%s\n' '#include <argp.h>' '#include "lockstep/comm.h"' 'void lks_end(void) { exit(lks_comm_abort()); }' >src/cli/main.c
    printf '%s\n' 'add_compile_options(-ffp-contract=off)' '# -ffast-math would move bits' >CMakeLists.txt
    printf '%s\n' 'BasedOnStyle: LLVM' 'SortIncludes: false' >.clang-format
    printf '%s\n' '#!/bin/sh' 'echo hello' >jobs/run.sh
    chmod +x jobs/run.sh
    printf '%s\n' '[{"directory": "/x",' '"command": "gcc -ffp-contract=off -c /x/src/nn/layer.c",' \
        '"file": "/x/src/nn/layer.c"}]' >build/compile_commands.json
}

# run_lint NAME ARGUMENT...: status and, in $work/found, one line a finding: "FILE:LINE: ... | the rule"
run_lint() {
    status=0
    "$lint/$1.sh" "${@:2}" >"$work/output" 2>&1 || status=$?
    awk '/^lint: / { rule = substr($0, 7); next } /^    / { print substr($0, 5) " | " rule; next } { print "? " $0 }' \
        "$work/output" >"$work/found"
}

wrong() {
    echo "planted: $1"
    sed 's/^/    /' "$work/output"
    failures=$((failures + 1))
}

clean() { # clean NAME ARGUMENT...: nothing is found in the clean tree
    run_lint "$@"
    [ $status -eq 0 ] || [ $status -eq 77 ] || wrong "$1 ended with $status on what is clean"
}

# plant FILE TEXT RULE: one more line in FILE, to be found at that line under the rule; several lines of text: at the
# first of them
planted=()
plant() {
    local line=1
    [ ! -e "$1" ] || line=$(($(wc -l <"$1") + 1))
    printf '%b\n' "$2" >>"$1"
    planted+=("$1:$line" "$3")
}

# reap NAME ARGUMENT...: the lint finds all that was planted, each where it stands, and nothing else
reap() {
    local i
    run_lint "$@"
    if [ $status -ne 77 ]; then
        [ $status -eq 1 ] || wrong "$1 ended with $status, violations were planted"
        for ((i = 0; i < ${#planted[@]}; i += 2)); do
            printf '%s\n' "${planted[i]}"$'\t'"${planted[i + 1]}"
        done >"$work/planted"
        awk -F '\t' -v lint="$1" 'NR == FNR { place[NR] = $1 ":"; rule[NR] = $2; n = NR; next }
            { known = 0
              for (i = 1; i <= n; i++) if (index($0, place[i]) == 1 && index($0, rule[i])) known = met[i] = 1
              if (!known) print lint " finds what nobody planted: " $0 }
            END { for (i = 1; i <= n; i++) if (!met[i]) print lint " does not find at " place[i] " " rule[i] }' \
            "$work/planted" "$work/found" >"$work/verdicts"
        [ ! -s "$work/verdicts" ] || wrong "$(cat "$work/verdicts")"
    fi
    planted=()
}

fresh_tree
for name in layering numerics format shell files structs; do
    clean $name "$work/tree" "$work/tree/build"
done

# --- layering
plant src/nn/layer.c '#include <mpi.h>' 'MPI outside src/comm'
plant src/train/loop.c 'int n = MPI_Barrier(c);' 'MPI outside src/comm'
plant src/train/loop.c '  #  include <hdf5.h>' 'HDF5 outside src/io'
plant src/nn/layer.c 'hid_t f = H5Fopen("x", 0, 0);' 'HDF5 outside src/io'
plant src/nn/layer.c '__m512 v;' 'SIMD intrinsics outside src/kernels'
plant src/base/exact.c 'x = _mm256_add_ps(a, b);' 'SIMD intrinsics outside src/kernels'
plant src/base/exact.c '#include <arm_neon.h>' 'SIMD intrinsics outside src/kernels'
plant src/train/loop.c '#include <argp.h>' 'argument parsing outside src/cli'
plant src/train/loop.c '#include <png.h>' 'libpng outside src/pictures'
plant src/base/log.c '#include "lockstep/config.h"' 'against the direction'
plant src/kernels/conv.c '#include "nn/layer.h"' 'against the direction'
plant src/nn/layer.c '#include "lockstep/comm.h"' 'against the direction'
plant src/io/checkpoint.c '#include "train/loop.h"' 'against the direction'
plant include/lockstep/status.h '#include "lockstep/config.h"' 'against the direction'
plant include/lockstep/newcomer.h '#include "lockstep/status.h"' 'against the direction'
plant src/nn/layer.c 'char c = '"'\"'"'; int n = MPI_Barrier(c); /* " */' 'MPI outside src/comm'
plant src/comm/comm.c 'MPI_Comm lks_d = MPI_COMM_WORLD;' 'MPI_COMM_WORLD named again'
plant src/comm/comm.c 'void f(void) { exit(1); }' 'exits and signal handlers outside src/cli'
plant src/train/loop.c 'x = sigaction(SIGINT, &a, NULL);' 'exits and signal handlers outside src/cli'
plant src/train/loop.c 'lks_comm_abort(comm, 1);' 'lks_comm_abort outside src/cli'
plant src/io/checkpoint.c 'if (bad) _exit (1);' 'exits and signal handlers outside src/cli'
plant src/base/log.c 'void g(void) { abort(); }' 'abort outside src/cli'
plant src/comm/other.c 'MPI_Abort(c, 1);' 'abort outside src/cli'
plant src/nn/conv.c 'lks_comm_abort(c, 1);' 'lks_comm_abort outside'
reap layering "$work/tree"

# --- numerics
fresh_tree
plant src/nn/layer.c '#pragma omp parallel for reduction(+ : sum)' 'OpenMP reduction'
plant src/nn/layer.c '#pragma omp parallel for \\\\\n    reduction(+ : sum)' 'OpenMP reduction'
plant src/nn/layer.c '#pragma omp parallel for simd' 'OpenMP simd'
plant src/nn/layer.c '#pragma GCC optimize("fast-math")' 'belong in CMakeLists.txt'
plant src/nn/layer.c '#define SUM _Pragma("omp parallel for reduction(+ : sum)")' '_Pragma'
plant src/nn/layer.c 'long double x;' 'long double'
plant CMakeLists.txt 'add_compile_options(-ffast-math)' 'options that move bits'
plant CMakePresets.json '{ "CMAKE_C_FLAGS": "-Ofast" }' 'options that move bits'
plant "$work/tree/build/compile_commands.json" '"command": "gcc -O2 -c /x/src/nn/dense.c",' 'without -ffp-contract=off'
plant "$work/tree/build/compile_commands.json" '"command": "gcc -ffp-contract=off -funsafe-math-optimizations -c /x/src/nn/dense.c",' \
    'with options that move bits'
plant "$work/tree/build/compile_commands.json" '"command": "gcc -O2 -c \\"/my x/src/nn/dense.c\\"",' 'without -ffp-contract=off'
reap numerics "$work/tree" "$work/tree/build"

# --- format, shell, files
fresh_tree
plant src/nn/layer.c 'int   lks_x ;' 'not formatted'
reap format "$work/tree"
fresh_tree
plant jobs/run.sh 'read x' shellcheck
cp jobs/run.sh jobs/other.sh
sed -i '$d' jobs/other.sh
chmod -x jobs/other.sh
planted+=(jobs/other.sh:1 'not executable')
reap shell "$work/tree"
fresh_tree
plant src/nn/layer.c '// TO''DO: finish' unfinished
plant src/nn/layer.c 'int x; ' 'white space'
plant src/nn/layer.c '<<<''<<<< HEAD' merge
echo old >src/nn/layer.c.orig
printf 'int a;\n%.0s' $(seq 701) >src/nn/long.c
planted+=(src/nn/layer.c.orig 'left-over' src/nn/long.c:701 'longer than')
mkdir tools
echo x >tools/x
for i in {1..15}; do echo >"src/base/file$i.c"; done
for i in {1..16}; do echo >"src/comm/file$i.c"; done
planted+=(src/comm:17 'folders with more than' ./tools 'no place here')
reap files "$work/tree"

# --- versions
fresh_tree
mkdir -p jobs/packaging/spack tests/consumer
echo 'project(lockstep VERSION 0.2.0 LANGUAGES C)' >CMakeLists.txt
printf '%s\n' 'cff-version: 1.2.0' 'message: cite it' 'title: Lockstep' 'authors: [{name: we}]' 'version: 0.2.0' \
    'date-released: 2026-02-01' 'license: MIT' 'keywords: [a, b]' >CITATION.cff
printf '%s\n' '## [Unreleased]' '## [0.2.0] - 2026-02-01' '### Added' '## [0.1.0] - 2026-01-01' >CHANGELOG.md
echo 'find_package(lockstep 0.2 REQUIRED)' >tests/consumer/CMakeLists.txt
clean versions "$work/tree"
echo 'find_package(lockstep 0.1 REQUIRED)' >tests/consumer/CMakeLists.txt
planted+=(tests/consumer/CMakeLists.txt:1 'another version')
sed -i -e 's/^version: 0.2/version: 0.1/' -e '/^title/d' -e 's/{name: we}/{nom: we}/' -e 's/-02-01/-02-02/' CITATION.cff
planted+=(CITATION.cff:4 'another version' CITATION.cff:1 'CITATION.cff')
planted+=(CITATION.cff:3 'CITATION.cff' CITATION.cff:5 'CITATION.cff')
plant CHANGELOG.md '### News' 'CHANGELOG.md'
plant CHANGELOG.md '## [0.0.9] - 2026-01-02' 'CHANGELOG.md'
reap versions "$work/tree"

# --- libm.sh reads objects: calls of what it must find and of what it must let pass
object() { # object NAME EXPRESSION...: one function each
    local name=$1 expression
    shift
    {
        echo '#include <math.h>'
        echo 'volatile double x;'
        for expression; do echo "void f$((++i))(void);void f$i(void) { x = $expression; }"; done
    } | gcc -std=c11 -O1 -x c -c -o "$work/$name.o" -
}
i=0
object exact 'fma(sqrt(x), floor(x), rint(x)) + lrint(x) + fmin(x, 1) + fmaf(x, x, x) + ldexp(x, 3)'
object moving 'exp(x)' 'expf(x)' 'log(x)' 'pow(x, x)' 'powf(x, x)' 'tanhf(x)' 'sin(x)' 'cos(x)' 'erf(x)' 'exp2(x)' \
    'hypot(x, x)' 'cbrt(x)' 'lgamma(x)'
printf 'double _ZGVdN4v_exp(double);\ndouble g(double x);\ndouble g(double x) { return _ZGVdN4v_exp(x); }\n' |
    gcc -x c -c -o "$work/vector.o" -
ar rc "$work/exact.a" "$work/exact.o"
ar rc "$work/moving.a" "$work/moving.o" "$work/vector.o"
clean libm "$work/exact.a" "$work/exact.o"
planted+=("$work/moving.a:vector.o" "U _ZGVdN4v_exp |")
for file in "$work/moving.o" "$work/moving.a:moving.o"; do
    for call in exp expf log pow powf tanhf sin cos erf exp2 hypot cbrt lgamma; do
        planted+=("$file" "U $call |")
    done
done
reap libm "$work/moving.o" "$work/moving.a"

# --- structs
fresh_tree
plant src/nn/layer.c "struct full { int $(printf 'a%s, ' {1..30}) a31; };" 'more than 30 members'
plant src/nn/layer.c "typedef struct { $(printf 'int b%s; ' {1..29}) union { float x; struct { char y[3], z; } pair; }; } outer;" \
    'more than 30 members'
for kind in 'full { int (*f)(int, int), g[2][3]; ' 'nested { struct inner { int k, l, m; } in; '; do
    echo "struct $kind $(printf 'int c%s; ' {1..28}) };" >>src/nn/layer.c # 30 members, and 29
done
reap structs "$work/tree"

# --- symbols.sh and circles.sh read objects and compile commands
compiled_tree() { # compiled_tree NAME...: what src/ has, compiled
    local file
    (cd src && gcc -std=c11 -O1 -I../include -I. -c ./*/*.c && mv ./*.o ../build)
    for file in src/*/*.c; do
        jq -n --arg f "$work/tree/$file" --arg o "$(basename "$file" .c).o" --arg d "$work/tree/build" \
            '{directory: $d, file: $f, command: "gcc -o \($o) -c \($f)"}'
    done | jq -s . >build/compile_commands.json
}
small_tree() { # calls, tables and data that are all right: nothing dead, no circle, nothing to be written to
    rm -rf "$work/tree"
    mkdir -p "$work/tree"/{include/lockstep,src/{base,nn,cli},build}
    cd "$work/tree"
    printf '%s\n' 'int lks_low(int x);' 'extern const char *const lks_words[2];' 'extern int (*const lks_table[1])(int);' \
        'static inline int twice(int x) { return 2 * x; }' >include/lockstep/low.h
    printf '%s\n' '#include "lockstep/low.h"' 'const char *const lks_words[2] = {"a", "b"};' \
        'static int half(int x) { return x / 2; }' 'int lks_low(int x) { return half(x) + lks_table[0](x); }' >src/base/low.c
    printf '%s\n' '#include "lockstep/low.h"' 'int (*const lks_table[1])(int) = {lks_low};' >src/nn/table.c
    printf '%s\n' '#include "lockstep/low.h"' 'int main(void) { return lks_low(lks_words[1][0]); }' >src/cli/main.c
    printf '%s\n' '# exceptions' 'mutable old.c:kept it is so' >list
    printf '%s\n' '#include "nn/old.h"' 'int lks_old(void) { static int kept; return ++kept; }' >src/nn/old.c
    echo 'int lks_old(void);' >src/nn/old.h
    sed -i 's,main(void) {,& int lks_old(void); lks_old();,' src/cli/main.c
}
if command -v jq >/dev/null; then
    small_tree
    compiled_tree
    clean symbols "$work/tree" build list
    clean circles "$work/tree" build

    plant src/base/dead.c 'int lks_dead(int x) { return x; }' 'dead functions'
    plant src/base/dead.c 'const int lks_dead_data[2] = {1, 2};' 'dead functions'
    plant src/base/own.c 'int lks_own(int x);\nint lks_own(int x) { return x + 1; }' 'make it static'
    planted[-2]=src/base/own.c:2
    printf '%s\n' 'int lks_used(int x);' 'int lks_used(int x) { return lks_own(x); }' >>src/base/own.c
    sed -i 's,main(void) {,& int lks_used(int); lks_used(1);,' src/cli/main.c
    plant include/lockstep/low.h 'int lks_nowhere(\n    int x);' 'declarations of nothing'
    plant src/nn/old.h 'extern const int lks_no_data;' 'declarations of nothing'
    plant src/base/own.c 'static int total;' 'not handed on'
    plant src/base/own.c 'int lks_count(void) { static long calls; return (int)calls++ + total++; }' 'not handed on'
    sed -i 's,main(void) {,& int lks_count(void); lks_count();,' src/cli/main.c
    plant list 'unused lks_low it is used' 'exceptions that are none'
    plant list 'mutable gone.c:gone it went' 'exceptions that are none'
    plant list 'mutable other.c:x' 'lines are'
    for ((at = 0; at < ${#planted[@]}; at += 2)); do planted[at]=${planted[at]/#list/$work/tree/list}; done
    compiled_tree
    reap symbols "$work/tree" build list

    small_tree
    printf '%s\n' 'int lks_back(int x);' >src/base/back.h
    printf '%s\n' '#include "base/back.h"' 'int lks_back(int x) { return x; }' >src/base/back.c
    plant src/nn/forth.c 'int lks_back(int);int lks_forth(int x) { return lks_back(x); }' 'import each other'
    plant src/base/back.c 'int lks_forth(int);int lks_more(int x) { return lks_forth(x); }' 'import each other'
    printf '%s\n' 'struct lks_pair;' >src/nn/pair.h
    printf '%s\n' 'int lks_pair(void) { return 1; }' >src/nn/pair.c
    printf '%s\n' 'int lks_pear(void) { return 1; }' >src/nn/pear.c
    plant src/nn/pair.c '#include "nn/pear.h"' 'import each other'
    plant src/nn/pear.h '#include "pair.h"' 'import each other'
    compiled_tree
    reap circles "$work/tree" build
fi

[ $failures -eq 0 ] && echo "planted: every violation was found"
exit $((failures > 0))
