#!/usr/bin/env bash
# Dependencies point downwards only, and each outside library has one room. Usage: layering.sh SOURCE_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"

# --- whose a public header is
declare -A owner=(
    [status]=base [format]=base [log]=base [philox]=base [exact]=base [tensor]=base [packing]=base [config]=config [comm]=comm
    [model]=nn [model_data]=nn [picture]=pictures [predict]=infer [eval]=infer [report]=report [train]=train [loop]=train [library]=job [public]=base [pack]=tool
)

# --- whom a folder may know, besides itself. Configuration structs are plain data that several folders read; the
# inner loop of an optimizer's update is a kernel.
declare -A allowed=(
    [base]=""
    [files]="base"
    [config]="base files"
    [kernels]="base"
    [comm]="base"
    [data]="base files config"
    [pictures]="base files config data"
    [optim]="base config kernels"
    [nn]="base config kernels"
    [augment]="base config kernels nn"
    [io]="base files config data"
    [job]="base files config kernels comm io"
    [measure]="base files comm io job"
    [feed]="base files config kernels augment comm data pictures nn io job measure"
    [run]="base files config io nn measure"
    [tensorboard]="base files config pictures io nn run"
    [infer]="base files config kernels augment comm data pictures nn io job feed run"
    [onnx]="base"
    [export]="base files config kernels data io job feed nn run infer onnx"
    [import]="base files config kernels comm data io job nn feed run infer export onnx"
    [page]="base pictures"
    [panel]="base config io nn page"
    [report]="base files config augment comm data pictures io nn kernels run feed infer page panel"
    [train]="base files config kernels augment comm data optim nn io job measure feed run tensorboard infer report"
    [tool]="base files config kernels augment comm data pictures optim nn io job measure feed run infer train"
    [cli]="base files config kernels comm data pictures optim nn io job measure feed run infer export import report train tool"
)

all_code=$(code_in src include)

# --- includes between folders
direction() {
    local file line rest target folder module
    while IFS=: read -r file line rest; do
        target=${rest#*\"}
        target=${target%%\"*}
        module=${file##*/}
        case $file in
        include/lockstep/*) folder=${owner[${module%.h}]-} ;;
        *) folder=${file#src/} folder=${folder%%/*} ;;
        esac
        if [ -z "$folder" ] || [ -z "${allowed[$folder]+set}" ]; then
            echo "$file:$line: belongs to no module; name it in tests/lint/layering.sh"
            continue
        fi
        case $target in
        lockstep/*.h)
            module=${target#lockstep/}
            module=${owner[${module%.h}]-}
            [ -n "$module" ] || {
                echo "$file:$line: $target belongs to no module; name it in tests/lint/layering.sh"
                continue
            }
            ;;
        */*) module=${target%%/*} ;;
        *) module=$folder ;; # a neighbour in the same folder
        esac
        case " $folder ${allowed[$folder]} " in
        *" $module "*) ;;
        *) echo "$file:$line: $folder must not know $module ($target)" ;;
        esac
    done < <(grep -E '^[^:]*:[0-9]*:[ 	]*#[ 	]*include[ 	]*"' <<<"$all_code")
}
direction | report "includes against the direction in tests/lint/layering.sh"

# --- outside libraries
room() { # room FOLDER PATTERN WHAT; FOLDER may be a basic regular expression
    { grep -E "^[^:]*:[0-9]*:.*($2)" <<<"$all_code" | grep -v "^$1/" || true; } | report "$3 outside $1"
}
room src/comm '<mpi\.h>|\bMPI_[A-Z]|\bPMPI_|\bOMPI_' "MPI"
room src/io '<hdf5(_hl)?\.h>|\bH5[A-Z]*[a-z]*_?[a-z]+\(|\bH5[A-Z]_[A-Z]' "HDF5"
room src/kernels '<[a-z0-9]*intrin\.h>|<arm_(neon|sve)\.h>|\b__m(128|256|512)|\b_mm(256|512)?_|\bv(ld|st|fma|add|mul|dup|get|set|max|min)[a-z]*q?_[a-z0-9_]*f32|__builtin_ia32_' \
    "SIMD intrinsics"
room src/config '<libfyaml\.h>|\bfy_[a-z]' "libfyaml"
room src/cli '<argp\.h>|<getopt\.h>|\bargp_[a-z]+\b|\bgetopt(_long)?\(' "argument parsing"
room src/pictures '<jpeglib\.h>|\bjpeg_[a-z]+_?[a-z]*\(' "libjpeg"
room src/pictures '<png\.h>|\b(png|PNG)_[A-Za-z]' "libpng"
room src/files '<zip\.h>|\bzip_[a-z]' "libzip"
room 'src/\(onnx\|tensorboard\)' '[./]pb-c\.h|<protobuf-c|\b[Pp]rotobufC|\bprotobuf_c_[a-z]|\bTb__|\btb__' "protobuf-c"
room src/base '<openssl/|\bEVP_[A-Z]' "libcrypto"

# --- errors are values up to the command line, which alone ends the program, the job, or a signal's default
# io/h5/confined.c: processes of its own, which end there
{ grep -E '^[^:]*:[0-9]*:.*\b(exit|_exit|_Exit|quick_exit|atexit|on_exit|raise|signal|sigaction)[ 	]*\(' <<<"$all_code" | grep -vE '^src/(cli/|io/h5/confined\.c:.*_exit)' || true; } |
    report "exits and signal handlers outside src/cli"
{ grep -E '^[^:]*:[0-9]*:.*\blks_comm_abort\(' <<<"$all_code" | grep -vE '^(src/cli/|src/comm/|include/lockstep/comm\.h:)' || true; } |
    report "lks_comm_abort outside src/cli"
# nn/layer.c: an assertion that holds in release builds, too, where a layer's rule is wrong
{ grep -E '^[^:]*:[0-9]*:.*\b(abort|MPI_Abort)[ 	]*\(' <<<"$all_code" | grep -vE '^src/(cli/|comm/comm\.c:.*MPI_Abort|nn/layer\.c:)' || true; } |
    report "abort outside src/cli"
# MPI's errors are values on the communicator that lks_comm holds.
{ grep -E '^[^:]*:[0-9]*:.*\bMPI_COMM_WORLD\b' <<<"$all_code" | tail -n +2 || true; } | report "MPI_COMM_WORLD named again"
finish
