#!/usr/bin/env bash
# How cmake finds libraries where a system is another one than this: HDF5 without pkg-config and by nothing else, and what it
# says of one that is missing. Only configured, in one folder again and again: no program is built.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need cmake pkg-config h5cc
pkg-config --exists hdf5-serial || skip "pkg-config knows no hdf5-serial here"
unset HDF5_ROOT CMAKE_PREFIX_PATH PKG_CONFIG_PATH
cached() { sed -n "s/^$1:[A-Z]*=//p" "$(dirname "$(dirname "$LOCKSTEP")")/CMakeCache.txt"; }
given=()
for variable in CMAKE_C_COMPILER MPI_C_COMPILER MPIEXEC_EXECUTABLE PROTOC_C LOCKSTEP_FETCH_LIBFYAML; do
    value=$(cached $variable)
    [ -z "$value" ] || given+=("-D$variable=$value")
done

# without NAME...: a folder with all that pkg-config knows but these
IFS=: read -ra folders <<<"$(pkg-config --variable pc_path pkg-config)"
without() {
    local folder name
    rm -rf "$work/pc"
    mkdir "$work/pc"
    for folder in "${folders[@]}"; do
        if [ -d "$folder" ]; then find "$folder" -name '*.pc' -exec ln -sf -t "$work/pc" {} +; fi
    done
    for name; do rm -f "$work/pc/$name.pc"; done
}
# configured STATUS WHAT ARGUMENT...: with the modules in $work/pc only; the cache keeps nothing of libraries
configured() {
    local status=0
    PKG_CONFIG_LIBDIR="$work/pc" cmake -S "$SOURCE" -B "$work/build" -U '*HDF5*' -U '*LKS_*' -U 'pkgcfg_*' -DLOCKSTEP_TESTS=OFF \
        "${given[@]}" "${@:3}" \
        >"$work/log" 2>&1 || status=$?
    same "$2: status" "$1" $status
    $ok || show "$work/log"
}
# says TEXT: however cmake broke its lines
told() { tr -s ' \n' '  ' <"$work/log" | grep -qF -e "$1"; }
says() {
    check "it says: $1" told "$1"
    $ok || show "$work/log"
}
hdf5_is() { sed -n 's/^-- HDF5: \([^ ]*\).*/\1/p' "$work/log"; }

without hdf5 hdf5-serial hdf5-openmpi hdf5-mpich
configured 0 "HDF5 by h5cc alone"
check "it found a library" [ -e "$(hdf5_is)" ]
configured 1 "no HDF5" -DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON
says "HDF5 is missing. Debian/Ubuntu: apt-get install libhdf5-dev; jobs/install-deps.sh knows dnf, zypper and pacman, too."
configured 1 "no HDF5 where HDF5_ROOT says" -DHDF5_ROOT="$work/nowhere" -DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON
says "HDF5, which HDF5_ROOT says is in $work/nowhere, is missing."
without
configured 0 "HDF5 by pkg-config alone" -DCMAKE_DISABLE_FIND_PACKAGE_HDF5=ON
check "it found a library" [ -e "$(hdf5_is)" ]
without libprotobuf-c
configured 1 "no protobuf-c"
says "protobuf-c is missing. Debian/Ubuntu: apt-get install libprotobuf-c-dev;"
if [ "$(cached LOCKSTEP_FETCH_LIBFYAML)" != ON ]; then
    without libfyaml
    configured 1 "no libfyaml"
    says "where no package has it: cmake -DLOCKSTEP_FETCH_LIBFYAML=ON) is missing."
fi
# at the end, for the cache keeps it
without
mkdir -p "$work/pb/bin"
ln -s "$(cached PROTOC_C)" "$work/pb/bin/protoc-c"
configured 0 "protoc-c where protobuf-c_ROOT says" -U PROTOC_C -Dprotobuf-c_ROOT="$work/pb"
same "it is that one" "$work/pb/bin/protoc-c" "$(sed -n 's/^PROTOC_C:FILEPATH=//p' "$work/build/CMakeCache.txt")"
finish
