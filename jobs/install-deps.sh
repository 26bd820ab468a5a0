#!/usr/bin/env bash
# Installs what the build needs and this machine lacks, with the system's package manager. Says what it does, asks nothing.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<TEXT
Usage: $0 [--tests] [--clang] [--peers] [--list]

Installs the packages that are missing for building and running Lockstep, with apt-get, dnf, zypper or pacman (only
apt-get, on Debian, was tried: others may call a package otherwise, and then say so).
  --tests   also what tests/run.sh uses: CUnit, h5dump, jq, ImageMagick, clang-format, shellcheck, valgrind,
            mandoc, zsh, NumPy; where they can be had Ninja, SimGrid, MPICH, what reads packages (lintian, Lua),
            runs (Python's h5py, pandas) and networks (its onnx), and Chromium, node and npm, for what tests
            the report as people see it and networks in ONNX Runtime
  --peers   also what tests/bench/run.sh --peers compares with: PyTorch
  --clang   also the second compiler that CI builds with: clang, OpenMP and sanitizers for it
  --list    print the missing packages, one a line, and install nothing
Runs as root or through sudo. Without either it names the packages, and other ways to get them. What another way has
brought counts: a compiler or a program on PATH, a library that pkg-config knows or that is in HDF5_ROOT, in another
NAME_ROOT or in CMAKE_PREFIX_PATH.
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

# --- whose packages --------------------------------------------------------------------------------------

# The system's own manager, as its os-release says; a tool of another system may be installed beside it.
find_manager() {
    local ids=' ' line manager
    while IFS= read -r line; do
        case $line in ID=* | ID_LIKE=*) ids+="${line#*=} " ;; esac
    done 2>/dev/null <"${OS_RELEASE-/etc/os-release}" || true
    ids=${ids//\"/}
    case $ids in
    *debian* | *ubuntu*) manager='apt-get' ;;
    *suse*) manager=zypper ;;
    *arch*) manager=pacman ;;
    *fedora* | *rhel* | *centos*) manager=dnf ;;
    *) manager='' ;;
    esac
    for manager in $manager apt-get dnf zypper pacman; do
        if command -v "$manager" >/dev/null; then
            echo "$manager"
            return
        fi
    done
}
manager=$(find_manager)

# What Debian calls a package is called here by dnf, zypper and pacman; -: there is none, or another one brings it
declare -A called=()
while read -r debian dnf zypper pacman; do
    case $manager in
    dnf) called[$debian]=$dnf ;;
    zypper) called[$debian]=$zypper ;;
    pacman) called[$debian]=$pacman ;;
    *) called[$debian]=$debian ;;
    esac
done <<'TABLE'
libc6-dev               glibc-devel           glibc-devel         glibc
pkg-config              pkgconf-pkg-config    pkg-config          pkgconf
libopenmpi-dev          openmpi-devel         openmpi4-devel      openmpi
openmpi-bin             openmpi               openmpi4            openmpi
libhdf5-dev             hdf5-devel            hdf5-devel          hdf5
libfyaml-dev            libfyaml-devel        libfyaml-devel      libfyaml
zlib1g-dev              zlib-devel            zlib-devel          zlib
libzip-dev              libzip-devel          libzip-devel        libzip
libpng-dev              libpng-devel          libpng16-devel      libpng
libjpeg-dev             libjpeg-turbo-devel   libjpeg8-devel      libjpeg-turbo
libssl-dev              openssl-devel         libopenssl-devel    openssl
libprotobuf-c-dev       protobuf-c-devel      libprotobuf-c-devel protobuf-c
protobuf-c-compiler     protobuf-c-compiler   protobuf-c          protobuf-c
protobuf-compiler       protobuf-compiler     protobuf-devel      protobuf
libcunit1-dev           CUnit-devel           cunit-devel         cunit
hdf5-tools              hdf5                  hdf5                hdf5
imagemagick             ImageMagick           ImageMagick         imagemagick
clang-format            clang-tools-extra     clang               clang
shellcheck              ShellCheck            ShellCheck          shellcheck
ninja-build             ninja-build           ninja               ninja
gcc-aarch64-linux-gnu   gcc-aarch64-linux-gnu -                   aarch64-linux-gnu-gcc
libc6-dev-arm64-cross   -                     -                   aarch64-linux-gnu-glibc
qemu-user               qemu-user             qemu-linux-user     qemu-user
gcc-arm-linux-gnueabihf -                     -                   -
libc6-dev-armhf-cross   -                     -                   -
python3                 python3               python3             python
python3-numpy           python3-numpy         python3-numpy       python-numpy
python3-onnx            python3-onnx          python3-onnx        python-onnx
python3-yaml            python3-pyyaml        python3-PyYAML      python-yaml
python3-h5py            python3-h5py          python3-h5py        python-h5py
python3-pandas          python3-pandas        python3-pandas      python-pandas
lua5.4                  lua                   lua54               lua
lintian                 -                     -                   -
dpkg-dev                -                     -                   -
libsimgrid-dev          simgrid-devel         -                   -
libmpich-dev            -                     -                   -
mpich                   -                     -                   -
libomp-dev              libomp-devel          libomp-devel        openmp
libclang-rt-dev         compiler-rt           -                   compiler-rt
python3-torch           python3-torch         -                   python-pytorch
TABLE

# --- what is missing -------------------------------------------------------------------------------------

# What is asked for is the thing itself, not the package: a compiler or a library that came some other way counts.
missing=()
wished=()
add() { # add LIST PACKAGE...: under the names that they have here, each once
    local -n to=$1
    local package name
    for package in "${@:2}"; do
        name=${called[$package]-$package}
        case " ${to[*]} - " in
        *" $name "*) ;;
        *) to+=("$name") ;;
        esac
    done
}
need() { # need PACKAGES COMMAND...: the packages are missing where the command fails
    local packages=$1
    shift
    # shellcheck disable=SC2086 # a list of package names
    "$@" >/dev/null 2>&1 || add missing $packages
}
wish() { # the same for one package that is done without where it cannot be had
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || add wished "$package"
}
has() { command -v "$1"; }
has_compiler() { echo '#include <stdio.h>' | "${CC:-gcc}" -E -; }
has_cmake() {
    local version least=3.21
    version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
    [ "$(printf '%s\n' $least "$version" | sort -V | head -n 1)" = $least ]
}
has_module() { pkg-config --exists "$1"; }
# has_library ROOT HEADER MODULE...: the header in a folder that the user names, as CMake takes it, or a module of pkg-config's
has_library() {
    local folder folders module
    IFS=: read -ra folders <<<"${CMAKE_PREFIX_PATH-}"
    for folder in "${!1-}" "${folders[@]}"; do
        if [ -n "$folder" ] && [ -e "$folder/include/$2" ]; then return 0; fi
    done
    for module in "${@:3}"; do
        if has_module "$module"; then return 0; fi
    done
    return 1
}
has_hdf5() { has_library HDF5_ROOT hdf5.h hdf5-serial hdf5 || has h5cc || has h5pcc; }
# Some systems keep MPI off PATH, until its module is loaded.
mpi_off_path() {
    local folder
    for folder in /usr/lib64/openmpi/bin /usr/lib64/mpi/gcc/openmpi*/bin /usr/lib64/mpich/bin; do
        if [ -x "$folder/mpicc" ]; then
            echo "$folder"
            return
        fi
    done
    return 1
}
has_mpi() { has "$1" || mpi_off_path; }
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
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt -o -e /etc/ssl/cert.pem -o -e /etc/ssl/ca-bundle.pem
need libopenmpi-dev has_mpi mpicc
need openmpi-bin has_mpi mpirun
need libhdf5-dev has_hdf5
need zlib1g-dev has_library ZLIB_ROOT zlib.h zlib
need libzip-dev has_library libzip_ROOT zip.h libzip
need libpng-dev has_library PNG_ROOT png.h libpng
need libjpeg-dev has_library JPEG_ROOT jpeglib.h libjpeg
need libssl-dev has_library OpenSSL_ROOT openssl/evp.h libcrypto
need libprotobuf-c-dev has_library CMAKE_PREFIX_PATH protobuf-c/protobuf-c.h libprotobuf-c # no shell has protobuf-c_ROOT
need protobuf-c-compiler has protoc-c
if [ "$manager" = apt-get ]; then
    need libfyaml-dev has_library libfyaml_ROOT libfyaml.h libfyaml
else # not in each release of others: CMake can fetch it
    wish libfyaml-dev has_library libfyaml_ROOT libfyaml.h libfyaml
fi
wish scdoc has scdoc # man pages, which are left out without
if [ $tests = yes ]; then
    need libcunit1-dev has_library CUnit_ROOT CUnit/CUnit.h cunit
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
    wish libmpich-dev has_module mpich # another MPI library, which has to give the same bits
    wish mpich has mpirun.mpich
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

# What only the reader can do, at the end.
tell_more() {
    local folder
    if ! has mpicc >/dev/null && folder=$(mpi_off_path); then
        echo "install-deps: mpicc is in $folder, which is not on PATH: load its module (module avail mpi), or" \
            "export PATH=$folder:\$PATH"
    fi
}
without() { # without PACKAGE: it cannot be had
    case $1 in
    libfyaml*) echo "install-deps: no $1 here: build with cmake -DLOCKSTEP_FETCH_LIBFYAML=ON" >&2 ;;
    *) echo "install-deps: no $1 here: what needs it is skipped" >&2 ;;
    esac
}
if [ $((${#missing[@]} + ${#wished[@]})) -eq 0 ]; then
    echo "install-deps: nothing is missing"
    tell_more
    exit 0
fi

# --- installing it ---------------------------------------------------------------------------------------

# Nothing that is only wished for is a reason to stop.
if [ ${#missing[@]} -eq 0 ] && { [ -z "$manager" ] || ! { [ "$(id -u)" -eq 0 ] || sudo -n true; }; } >/dev/null 2>&1; then
    for package in "${wished[@]}"; do without "$package"; done
    tell_more
    exit 0
fi

case $manager in
apt-get) by_hand=(apt-get install) ;;
dnf) by_hand=(dnf install) ;;
zypper) by_hand=(zypper install) ;;
pacman) by_hand=(pacman -S) ;;
esac
other_ways="Without root: environment modules (module avail), Spack (spack install openmpi hdf5 libfyaml libpng \
libjpeg-turbo zlib libzip openssl protobuf-c) or conda-forge bring libraries, too; CMAKE_PREFIX_PATH and HDF5_ROOT tell CMake where they are, \
-DLOCKSTEP_FETCH_LIBFYAML=ON does without a libfyaml (jobs/packaging/README.md, \"Building on a cluster\")"
[ -n "$manager" ] ||
    die "no apt-get, dnf, zypper or pacman here; install these (Debian's names) another way and run again: ${missing[*]}." \
        "$other_ways"
as_root=(env)
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "neither root nor sudo; run as root: ${by_hand[*]} ${missing[*]}. $other_ways"
    # A password is asked for on a terminal only; elsewhere nobody could type one.
    if ! sudo -n true 2>/dev/null && [ ! -t 0 ]; then
        die "sudo wants a password and there is no terminal; run: sudo ${by_hand[*]} ${missing[*]}. $other_ways"
    fi
    as_root=(sudo env)
fi
apt=("${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120)
case $manager in
apt-get) install=("${apt[@]}" install --no-install-recommends) ;;
dnf) install=("${as_root[@]}" dnf -y -q install) ;;
zypper) install=("${as_root[@]}" zypper --non-interactive --quiet install --no-recommends) ;;
pacman) install=("${as_root[@]}" pacman -S --noconfirm --needed --quiet) ;;
esac

echo "install-deps: installing" "${missing[@]}" "${wished[@]}"
if [ "$manager" = apt-get ]; then
    # An old list that still serves is no reason to stop: the installation tells.
    "${apt[@]}" update </dev/null || echo "install-deps: apt-get update failed, going on with the lists at hand" >&2
fi
[ ${#missing[@]} -eq 0 ] || "${install[@]}" "${missing[@]}" </dev/null >/dev/null ||
    die "${by_hand[*]} failed for: ${missing[*]}$([ "$manager" != pacman ] || echo "; a new system has no list of packages yet: pacman -Syu")"
for package in "${wished[@]}"; do
    "${install[@]}" "$package" </dev/null >/dev/null || without "$package"
done
tell_more
echo "install-deps: done"
