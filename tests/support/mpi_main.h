/** @file mpi_main.h  What main() of a test under MPI does. */
#ifndef LKS_TEST_MPI_MAIN_H
#define LKS_TEST_MPI_MAIN_H

#include "lockstep/comm.h"
#include "lockstep/log.h"
#include "support/test.h"

/** Starts @p comm, runs @p tests of @p suite quietly on each rank, and stops it. Returns what main() returns. Collective. */
static inline int lks_mpi_test_main(lks_comm *comm, const char *suite, const lks_test *tests) {
    lks_error err;
    if (lks_comm_start(comm, &err) != LKS_OK) {
        if (comm->rank == 0)
            lks_error_print(err.text);
        return 1;
    }
    lks_log_setup(LKS_LOG_QUIET);
    const int status = lks_test_main(suite, tests);
    lks_comm_stop(comm);
    return status;
}

#endif
