#!/usr/bin/env bash
# Installs what the build needs and this machine lacks, with apt-get. Says what it does, asks nothing.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: jobs/install-deps.sh [--tests] [--clang] [--peers] [--list]

Installs the Debian/Ubuntu packages that are missing for building and running Lockstep.
  --tests   also what tests/run.sh uses: CUnit, h5dump, jq, ImageMagick, clang-format, shellcheck, valgrind,
            mandoc, zsh, NumPy; where they can be had Ninja, SimGrid, what reads packages (lintian, Lua), runs
            (Python's h5py, pandas) and networks (its onnx), and Chromium, node and npm, for what tests
            the report as people see it and networks in ONNX Runtime
  --peers   also what tests/bench/run.sh --peers compares with: PyTorch
  --clang   also the second compiler that CI builds with: clang, OpenMP and sanitizers for it
  --list    print the missing packages, one a line, and install nothing
Runs as root or through sudo. Where there is no apt-get the packages needed are named instead.
TEXT
}

die() {
    echo "install-deps: error: $*" >&2
    exit 1
}

tests=no clang=no peers=no list=no
for arg; do
    case $arg in
    --tests) tests=yes ;;
    --clang) clang=yes ;;
    --peers) peers=yes ;;
    --list) list=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done

# What is asked for is the thing itself, not the package: a compiler or a library that came some other way counts.
missing=()
need() { # need PACKAGES COMMAND...: the packages are missing where the command fails
    local packages=$1
    shift
    # shellcheck disable=SC2206 # a list of package names
    "$@" >/dev/null 2>&1 || missing+=($packages)
}
wished=()
wish() { # the same for one package that is done without where it cannot be had
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || wished+=("$package")
}
has() { command -v "$1"; }
has_module() { pkg-config --exists "$1"; }
has_compiler() { echo '#include <stdio.h>' | "${CC:-gcc}" -E -; }
has_cmake() {
    local version least=3.21
    version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
    [ "$(printf '%s\n' $least "$version" | sort -V | head -n 1)" = $least ]
}
has_imagemagick() { convert --version || magick --version; }
has_python() { /usr/bin/python3 -c "import $1"; }
has_clang_sanitizers() { echo 'int main(void) { return 0; }' | clang -fsanitize=thread -x c -o /dev/null -; }
has_clang_openmp() { echo '#include <omp.h>' | clang -fopenmp -x c -fsyntax-only -; }

need "gcc libc6-dev" has_compiler
need cmake has_cmake
need make has make
need git has git
need pkg-config has pkg-config
need curl has curl
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need libopenmpi-dev has mpicc
need openmpi-bin has mpirun
need libhdf5-dev has_module hdf5-serial
need libfyaml-dev has_module libfyaml
need zlib1g-dev has_module zlib
need libzip-dev has_module libzip
need libpng-dev has_module libpng
need libjpeg-dev has_module libjpeg
need libssl-dev has_module libcrypto
need libprotobuf-c-dev has_module libprotobuf-c
need protobuf-c-compiler has protoc-c
wish scdoc has scdoc # man pages, which are left out without
if [ $tests = yes ]; then
    need libcunit1-dev has_module cunit
    need hdf5-tools has h5dump
    need jq has jq
    need imagemagick has_imagemagick
    need clang-format has clang-format
    need shellcheck has shellcheck
    need valgrind has valgrind
    need mandoc has mandoc
    need zsh has zsh
    need binutils has objdump
    need python3 has /usr/bin/python3 # reads what runs leave, as other programs do
    wish protobuf-compiler has protoc # decodes events for TensorBoard
    wish ninja-build has ninja # builds with less ado than make
    # AArch64 under emulation: its C library comes with the compiler's recommended packages
    need gcc-aarch64-linux-gnu has aarch64-linux-gnu-gcc
    need libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
    need qemu-user has qemu-aarch64
    # 32-bit Arm, for exported programs in C
    need gcc-arm-linux-gnueabihf has arm-linux-gnueabihf-gcc
    need libc6-dev-armhf-cross test -e /usr/arm-linux-gnueabihf/include/stdio.h
    need python3-numpy has_python numpy # computes exported networks
    wish python3-onnx has_python onnx # checks exported networks
    wish libsimgrid-dev has smpirun # simulated ranks
    wish lintian has lintian # the Debian packages
    wish dpkg-dev has dpkg-shlibdeps
    wish lua5.4 has lua5.4 # the environment module
    wish python3-yaml has_python yaml # CITATION.cff
    wish python3-h5py has_python h5py # a run, read elsewhere
    wish python3-pandas has_python pandas
    # The report in a browser; any node and npm will do, whoever installed them
    wish chromium has chromium
    wish nodejs has node
    wish npm has npm
fi
if [ $clang = yes ]; then
    need clang has clang
    need libomp-dev has_clang_openmp
    need libclang-rt-dev has_clang_sanitizers
fi

if [ $peers = yes ]; then
    need python3-torch has_python torch
fi

if [ $list = yes ]; then
    for package in "${missing[@]}" "${wished[@]}"; do
        echo "$package"
    done
    exit 0
fi
if [ $((${#missing[@]} + ${#wished[@]})) -eq 0 ]; then
    echo "install-deps: nothing is missing"
    exit 0
fi

# Nothing that is only wished for is a reason to stop.
if [ ${#missing[@]} -eq 0 ] && ! { command -v apt-get && { [ "$(id -u)" -eq 0 ] || sudo -n true; }; } >/dev/null 2>&1; then
    echo "install-deps: going on without ${wished[*]}: what needs them is skipped"
    exit 0
fi
command -v apt-get >/dev/null ||
    die "no apt-get here; install these (Debian's names) another way and run again: ${missing[*]}"
as_root=(env)
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "neither root nor sudo; run as root: apt-get install ${missing[*]}"
    # A password is asked for on a terminal only; elsewhere nobody could type one.
    if ! sudo -n true 2>/dev/null && [ ! -t 0 ]; then
        die "sudo wants a password and there is no terminal; run: sudo apt-get install ${missing[*]}"
    fi
    as_root=(sudo env)
fi
apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120)

echo "install-deps: installing" "${missing[@]}" "${wished[@]}"
# An old list that still serves is no reason to stop: the installation tells.
"${apt[@]}" update </dev/null || echo "install-deps: apt-get update failed, going on with the lists at hand" >&2
[ ${#missing[@]} -eq 0 ] || "${apt[@]}" install --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
    die "apt-get install failed for: ${missing[*]}"
for package in "${wished[@]}"; do
    "${apt[@]}" install --no-install-recommends "$package" </dev/null >/dev/null ||
        echo "install-deps: no $package here: what needs it is skipped" >&2
done
echo "install-deps: done"
