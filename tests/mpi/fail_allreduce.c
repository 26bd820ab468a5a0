/* Preloaded: call FAIL_CALL (counted from 1) of MPI_Allreduce fails on rank FAIL_RANK, which does not take
 * part in it, so that the others wait. */
#include <mpi.h>
#include <stdlib.h>

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : -1;
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm) {
    static int calls;
    int rank;
    PMPI_Comm_rank(comm, &rank);
    if (rank == number("FAIL_RANK") && ++calls == number("FAIL_CALL"))
        return MPI_ERR_INTERN;
    return PMPI_Allreduce(send, receive, count, type, op, comm);
}
