/* MPI's communicator in lks_comm. Private to src/comm. */
#ifndef LKS_COMM_HANDLE_H
#define LKS_COMM_HANDLE_H

#include <assert.h>
#include <mpi.h>
#include <string.h>

#include "lockstep/comm.h"

/* The handle fits into the pointer that lks_comm has for it: MPI libraries have pointers or ints. */
static_assert(sizeof(MPI_Comm) <= sizeof(void *), "lks_comm.handle holds an MPI_Comm");

static inline MPI_Comm lks_comm_all(const lks_comm *comm) {
    MPI_Comm all;
    memcpy(&all, &comm->handle, sizeof all);
    return all;
}

#endif
