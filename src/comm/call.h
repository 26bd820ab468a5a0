/* Calls of MPI, whose failures are values. Private to src/comm. */
#ifndef LKS_COMM_CALL_H
#define LKS_COMM_CALL_H

#include <mpi.h>

#include "lockstep/comm.h"

/* True if this call and all before it succeeded; after a failure nothing is called any more. */
#define LKS_CALL(comm, call) LKS_CALLED(comm, true, call, #call)

/* The same for a call that not every rank of the job makes. */
#define LKS_CALL_OF_SOME(comm, call) LKS_CALLED(comm, false, call, #call)

/* `text` is the call as it is written: its constants may be macros of MPI's. */
#define LKS_CALLED(comm, by_all, call, text)                                                       \
    lks_comm_called((comm), lks_comm_may_call((comm), (by_all)) ? (call) : MPI_SUCCESS, text,      \
                    __FILE__, __LINE__)

/* Before a call: nothing has failed. The pulse shows that this rank is about to wait. */
bool lks_comm_may_call(const lks_comm *comm, bool by_all);

/* After it: keeps what failed. False if anything has. */
bool lks_comm_called(lks_comm *comm, int code, const char *call, const char *file, int line);

#endif
