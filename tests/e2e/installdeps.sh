#!/usr/bin/env bash
# jobs/install-deps.sh on systems that are not this one: stand-ins for their package managers, and no tool on PATH but what
# the script itself needs.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"

bare=$work/bare calls=$work/calls
mkdir "$bare"
for tool in bash env sed sort head; do ln -s "$(command -v $tool)" "$bare/$tool"; done
fake() { # fake FOLDER NAME...: notes its call; it has no package that is called $LACKS
    local folder=$1 name
    mkdir -p "$folder"
    for name in "${@:2}"; do
        printf '#!%s\necho "%s $*" >>"%s"\ncase " $* " in *" ${LACKS:--} "*) exit 1 ;; esac\n' "$BASH" "$name" "$calls" >"$folder/$name"
        chmod +x "$folder/$name"
    done
}
person() { # person FOLDER NUMBER: who calls
    mkdir -p "$1"
    printf '#!%s\necho %s\n' "$BASH" "$2" >"$1/id"
    chmod +x "$1/id"
}
person "$work/root" 0
person "$work/user" 1000
fake "$work/all" apt-get dnf zypper pacman

# deps STATUS OS-RELEASE FOLDERS ARGUMENT...: the script where only those folders and $bare are on PATH; output in $work/log
deps() {
    local wanted=$1 status=0 path=''
    printf '%b' "$2" >"$work/os-release"
    for folder in $3; do path+=$work/$folder:; done
    : >"$calls"
    env -u CMAKE_PREFIX_PATH -u HDF5_ROOT -u CC PATH="$path$bare" OS_RELEASE="$work/os-release" "${given[@]}" \
        bash "$SOURCE/jobs/install-deps.sh" "${@:4}" >"$work/log" 2>&1 </dev/null || status=$?
    same "install-deps ${*:4} (${2%%\\n*}, $3): status" "$wanted" $status
    $ok || show "$work/log"
}
said() { check "it says $1" grep -qE -e "$1" "$work/log"; $ok || show "$work/log"; }
called() { check "called: $1" grep -qxE -e "$1" "$calls"; $ok || show "$calls"; }
uncalled() { ! grep -qE -e "$1" "$calls"; }
never() { check "not called: $1" uncalled "$1"; $ok || show "$calls"; }
given=(A=b)

# --- each system's own manager, with its names
deps 0 'ID=fedora\n' "root all"
called 'dnf -y -q install gcc glibc-devel cmake make git pkgconf-pkg-config curl openmpi-devel openmpi hdf5-devel zlib-devel libzip-devel libpng-devel libjpeg-turbo-devel openssl-devel protobuf-c-devel protobuf-c-compiler'
called 'dnf -y -q install libfyaml-devel'
never '^(apt-get|zypper|pacman)'
deps 0 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\n' "root all"
called 'dnf .* install gcc .*'
deps 0 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n' "root all"
called 'zypper --non-interactive --quiet install --no-recommends gcc glibc-devel .* openmpi4-devel openmpi4 hdf5-devel .* libpng16-devel libjpeg8-devel libopenssl-devel libprotobuf-c-devel protobuf-c'
deps 0 'ID=manjaro\nID_LIKE=arch\n' "root all"
called 'pacman -S --noconfirm --needed --quiet gcc glibc cmake make git pkgconf curl openmpi hdf5 zlib libzip libpng libjpeg-turbo openssl protobuf-c'
deps 0 'ID=ubuntu\nID_LIKE=debian\n' "root all"
called 'apt-get .* update'
called 'apt-get .* install --no-install-recommends gcc libc6-dev cmake make git pkg-config curl libopenmpi-dev openmpi-bin libhdf5-dev zlib1g-dev libzip-dev libpng-dev libjpeg-dev libssl-dev libprotobuf-c-dev protobuf-c-compiler libfyaml-dev'
fake "$work/one" pacman
deps 0 'ID=unheard-of\n' "root one" # no word of it: the manager that is there
called 'pacman -S .*'

# --- what a system has no package of
given=(LACKS=libfyaml-devel)
deps 0 'ID=fedora\n' "root all"
said 'no libfyaml-devel here: .*LOCKSTEP_FETCH_LIBFYAML=ON'
given=(LACKS=hdf5-devel)
deps 1 'ID=fedora\n' "root all"
said 'error: dnf install failed for: .*hdf5-devel'
given=(A=b)
deps 0 'ID=opensuse-tumbleweed\nID_LIKE="opensuse suse"\n' "root all" --tests --list
check "names that are no packages are not listed" eval '! grep -qx -e - -e libc6-dev-arm64-cross "$work/log"'
said '^cunit-devel$'
never .

# --- without root
deps 1 'ID=fedora\n' "user all"
said 'run as root: dnf install gcc glibc-devel .*Spack .*conda-forge .*HDF5_ROOT'
never .
printf '#!%s\n[ "$1" != -n ] || exit 1\nexec "$@"\n' "$BASH" >"$work/user/sudo" # one that asks for a password
chmod +x "$work/user/sudo"
deps 1 'ID=arch\n' "user all"
said 'sudo wants a password and there is no terminal; run: sudo pacman -S gcc '
never .
deps 1 'ID=unheard-of\n' "root"
said "no apt-get, dnf, zypper or pacman here; install these \(Debian's names\) .*libhdf5-dev .*Without root"

# --- what came another way counts
mkdir -p "$work/prefix/include/openssl" "$work/hdf5/include"
touch "$work/prefix/include/png.h" "$work/prefix/include/openssl/evp.h" "$work/hdf5/include/hdf5.h"
given=(CMAKE_PREFIX_PATH="/nowhere:$work/prefix" HDF5_ROOT="$work/hdf5")
deps 0 'ID=fedora\n' "user all" --list
check "libraries in folders of their own" eval '! grep -qxE "hdf5-devel|libpng-devel|openssl-devel" "$work/log"'
said '^libjpeg-turbo-devel$'
finish
