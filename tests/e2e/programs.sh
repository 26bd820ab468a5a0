# shellcheck shell=bash
# Sourced by the tests of `lockstep export --format c`, whose fourth argument is the program answers: compilers, and
# processors that may be emulated. Compares programs with what Lockstep says.
# shellcheck disable=SC2034,SC2154 # lib.sh and the tests have and use them
answers=$4
need gcc
strict=(-std=c99 -Wall -Wextra -pedantic -Werror)
sanitized=("-fsanitize=undefined,address" -fno-sanitize-recover)
images=500 # in FILE.c.raw: sums in bfloat16 seldom round
fma=()     # where the processor has it
if grep -qw fma /proc/cpuinfo; then fma=(-mfma); fi

# there COMPILER [RUNNER]: whether both are installed; says what is left out without
there() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null && continue
        echo "not with $*: $tool is not installed"
        return 1
    done
}

# exported RUN [FILE.c]: its network in C, with what it says of images in FILE.c.raw
exported() {
    local file=${2-$1.c}
    check "$1: exported" "$LOCKSTEP" export "$1" --format c --out "$file" --force --quiet
    "$answers" "$1" "${data:-$golden}" t10k-images-idx3-ubyte "$images" >"$file.raw"
}

# compare FILE.c IMAGES RUNNER COMPILER FLAG...: compiles it, lets RUNNER ("" for none) run it
compare() {
    local file=$1 first=$2 runner=$3 name status=0 size
    shift 3
    # shellcheck disable=SC2086 # a runner may be none
    there "$1" $runner || return 0
    name=$(basename "$file" .c | tr -c 'A-Za-z0-9\n' _)
    size=$(($(stat -c %s "$file.raw") * first / images))
    "$@" "${strict[@]}" "-DHEADER=\"${file%.c}.h\"" "-DNET(x)=$name##x" "-DSIZE(x)=${name^^}##x" -I. "$file" "$here/export_c.c" \
        -o program >compiled 2>&1 || status=$?
    same "$file compiles with $*" 0 $status
    if ! $ok; then
        show compiled
        return
    fi
    same "$file, $*" "$first images, 0 differ" "$(head -c "$size" "$file.raw" | $runner ./program 2>&1)"
}

# on_arm FILE.c IMAGES, on_aarch64 FILE.c IMAGES: under emulation
on_arm() { compare "$1" "$2" qemu-arm arm-linux-gnueabihf-gcc -static -O2; }
on_aarch64() { compare "$1" "$2" qemu-aarch64 aarch64-linux-gnu-gcc -static -O2 -ffp-contract=fast; }
