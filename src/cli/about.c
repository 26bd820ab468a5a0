#include "cli/about.h"

#include <stdlib.h>
#include <string.h>

#include "lockstep/comm.h"
#include "io/h5/h5_images.h"
#include "kernels/kernels.h"
#include "lockstep/model.h"
#include "job/job.h"
#include "lockstep/library.h"

void lks_print_usage(const lks_command *const *commands, FILE *out) {
    fprintf(out,
            "Usage: lockstep COMMAND [OPTION]...\n\n"
            "Trains convolutional networks on MNIST-like image sets with MPI and OpenMP: "
            "the\nsame bits on any number of ranks, threads and hosts, and after any stop and\n"
            "resume.\n\n"
            "Commands:\n");
    for (; *commands; commands++)
        fprintf(out, "  %-8s %s\n", (*commands)->name, (*commands)->summary);
    fprintf(out, "\nHelp:\n"
                 "  lockstep COMMAND --help             the options of a command\n"
                 "  lockstep help layers                the kinds of layers\n"
                 "  lockstep help conv2d                one of them, with an example\n"
                 "  lockstep help config                every key of a configuration\n"
                 "  lockstep help config train.schedule a part of them\n"
                 "  lockstep --version                  what the program is made of\n\n"
                 "Environment:\n"
                 "  LOCKSTEP_ISA=portable|avx2|avx512|amx|neon  force an instruction set (results\n"
                 "                           do not change)\n"
                 "  LOCKSTEP_TRACE_EVENTS=N  events that train --trace keeps of each thread\n"
                 "  OMP_NUM_THREADS=N        threads of a rank, where --threads does not say\n"
                 "  NO_COLOR=1               no colour in messages on a terminal\n\n"
                 "Exit status: 0 done, 1 failed, 2 usage or configuration error, 3 an\n"
                 "answer is unsure (predict --fail-unsure), 73 another\n"
                 "process works in the run folder, 75 stopped early, on a signal or at its time\n"
                 "limit, with a checkpoint saved, 76 memory changed or replicas differ, 79 a rank\n"
                 "made no progress. After 75 and above the same command goes on.\n");
}

/* "avx512 of portable, avx2, avx512", say, or why the one asked for cannot be. */
static void print_kernels(FILE *out) {
    const lks_kernels *tables[LKS_MAX_TABLES], *chosen;
    lks_error err;
    int n = lks_kernels_usable(tables);
    if (lks_kernels_select(getenv("LOCKSTEP_ISA"), &chosen, &err) != LKS_OK) {
        fprintf(out, "kernels   none: %s\n", err.text);
        return;
    }
    fprintf(out, "kernels   %s (usable here:", chosen->isa);
    for (int i = 0; i < n; i++)
        fprintf(out, "%s %s", i ? "," : "", tables[i]->isa);
    fprintf(out, ")\n");
}

void lks_print_version(FILE *out) {
    char mpi[256], hdf5[64];
    lks_comm_library(mpi, sizeof mpi);
    lks_h5_library(hdf5, sizeof hdf5);
    fprintf(out,
            "lockstep %s (%s), numerics %d\n"
            "compiler  %s\n"
            "MPI       %.*s\n"
            "HDF5      %s\n",
            lks_version(), lks_revision(), LKS_NUMERICS, lks_compiler(), (int)strcspn(mpi, ","),
            mpi, hdf5);
    print_kernels(out);
}
