#!/usr/bin/env bash
# tests/consumer: programs of somebody else's, built against the installed library alone, by CMake and by pkg-config, and
# linked to it both ways. They answer and train as the program does, to the bit.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need cmake pkg-config g++ jq
build=$(dirname "$(dirname "$LOCKSTEP")")
[ -e "$build/liblockstep.so" ] || skip "this build has no library: it is instrumented"

# --- installed, and nothing of it knows where the source was
prefix=$work/installed
cmake --install "$build" --prefix "$prefix" >"$work/install.log" 2>&1 || show "$work/install.log"
same "installed texts do not name the source" "" "$(grep -rlF "$SOURCE" "$prefix/lib/cmake" "$prefix/lib/pkgconfig" "$prefix/include" || true)"
# in_code: names of the library's on standard input, comments left out
in_code() { gcc -fpreprocessed -dD -E -P -x c - 2>/dev/null | grep -oE '\bLKS_\w+|\blks_\w+' | sort -u; }
same "comments of headers name what headers have" "" "$(cat "$prefix"/include/lockstep/*.h | grep -oE '\bLKS_\w+|\blks_\w+' | sort -u |
    comm -23 - <(cat "$prefix"/include/lockstep/*.h | in_code))"
same "and no files of the source" "" "$(grep -nE '\bsrc/|\b[a-z_]+/[a-z_0-9]+\.[hc]\b' "$prefix"/include/lockstep/*.h | grep -v '#include "lockstep/' || true)"
same "the library looks for nothing in the build" "" "$(readelf -d "$prefix"/lib/liblockstep.so | grep -E 'R(UN)?PATH' || true)"
same "its name has the version that fits" "Library soname: [liblockstep.so.$("$LOCKSTEP" --version | sed -nE '1s/^lockstep ([0-9]+\.[0-9]+).*/\1/p')]" \
    "$(readelf -d "$prefix/lib/liblockstep.so" | grep -o 'Library soname: .*')"

# --- built by CMake
cp -r "$SOURCE/tests/consumer" "$work/consumer"
export CC=gcc CXX=g++
check "configured by find_package" cmake -S "$work/consumer" -B "$work/made" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_BUILD_TYPE=Release >"$work/cmake.log" 2>&1
$ok || show "$work/cmake.log"
check "built" cmake --build "$work/made" >"$work/cmake.log" 2>&1
$ok || show "$work/cmake.log"

# --- and by pkg-config, shared and static
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export LD_LIBRARY_PATH=$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# a folder with spaces in its name is more than pkg-config's answer survives unquoted
by_pkg_config() { # COMPILER NAME SOURCE LIBRARIES
    eval "$1 -ffp-contract=off \"$work/consumer/$3\" $(pkg-config --cflags lockstep) $4 -o \"$work/made/pkg_$2\" -lm" \
        >"$work/pkg.log" 2>&1
}
check "predict by pkg-config" by_pkg_config mpicc predict predict.c "$(pkg-config --libs lockstep)"
$ok || show "$work/pkg.log"
check "loop by pkg-config, static" by_pkg_config mpicc loop loop.c \
    "\"$prefix/lib/liblockstep.a\" $(pkg-config --static --libs lockstep | sed 's/-llockstep//')"
$ok || show "$work/pkg.log"
check "C++ by pkg-config" by_pkg_config "g++ -std=c++17" network network.cpp "$(pkg-config --libs lockstep)"
$ok || show "$work/pkg.log"
for program in network pkg_network; do
    same "$program: probabilities add up" "lockstep $("$LOCKSTEP" --version | awk 'NR == 1 { print $2 }'): 1.000000" "$("$work/made/$program")"
done

# --- training: MPI was started by the program, with as many ranks
config=$work/sgd.yaml
sed 's/optimizer: .*/optimizer: {name: sgd, lr: 0.02, momentum: 0.9, nesterov: true, weight_decay: 0.0005}/' \
    "$here/odd.yaml" >"$config"
for seed in 1 2; do
    trained run$seed 1 --threads 1 --set seed=$seed
done
wanted=$(for seed in 1 2; do jq -r --arg s $seed '"\($s) \(.weights_sha256) \(.test_correct)"' "$work/run$seed/summary.json"; done)
embedded() { # PROGRAM RANKS
    "$MPIEXEC" -n "$2" "$work/made/$1" "$config" "$work/$1-$2" "data.dir=$golden" seed=1 >"$work/$1.out" 2>"$work/$1.log"
}
check "train, shared" embedded train 3
check "train, static" embedded train_static 2
same "one of three ranks speaks" 1 "$(grep -c '3 ranks x 1 thread on ' "$work/train.out")"
for run in train-3 train_static-2; do
    same "$run: as the command line" "$(result run1)" "$(result $run)"
done

# --- a loop of one's own, on half of the ranks each
for program in "loop 5" "loop_static 2" "pkg_loop 3"; do
    read -r name ranks <<<"$program"
    check "$program" "$MPIEXEC" -n "$ranks" "$work/made/$name" "$config" "$work/$name" "data.dir=$golden" \
        >"$work/loop.out" 2>"$work/loop.log"
    $ok || show "$work/loop.log"
    same "$program: both halves as the command line" "$wanted" "$(sort "$work/loop.out")"
done
check "what it saved is the run's network" grep -qE "weights +$(key run2 weights_sha256 | cut -c 1-16)" \
    <<<"$("$LOCKSTEP" info "$work/loop-2.h5")"

# --- pictures in memory
cd "$work"
unpack_golden golden
for i in $(seq 0 9); do
    { printf 'P5 28 28 255\n' && head -c $((16 + 784 * (i + 1))) golden/t10k-images-idx3-ubyte | tail -c 784; } >"$i.pgm"
done
"$LOCKSTEP" predict run1 {0..9}.pgm --format json 2>/dev/null | jq -r '"\(.file) \(.class)"' >wanted || true
same "ten pictures have answers" 10 "$(wc -l <wanted)"
for program in predict predict_static pkg_predict; do
    "made/$program" run1 {0..9}.pgm 2>/dev/null | awk '{ print $1, $2 }' >got || true
    check "$program answers as lockstep predict" cmp wanted got
done
finish
