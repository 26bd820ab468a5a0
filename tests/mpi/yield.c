/* Preloaded where the MPI library only spins while it waits, as MPICH does: more ranks than cores would each wait for the end
 * of another one's time slice, message by message. Calls become nonblocking ones, and who waits gives way, as Open MPI does
 * with mpi_yield_when_idle. What a blocking call does inside the library is for e2e/mpich to see. */
#include <mpi.h>
#include <sched.h>

int MPI_Waitall(int n, MPI_Request *requests, MPI_Status *statuses) {
    int done = 0, code = MPI_SUCCESS;
    while (code == MPI_SUCCESS && !done) {
        code = PMPI_Testall(n, requests, &done, statuses);
        if (!done)
            sched_yield();
    }
    return code;
}

/* The outcome of a call that began a request. */
static int end(int code, MPI_Request *request) {
    return code == MPI_SUCCESS ? MPI_Wait(request, MPI_STATUS_IGNORE) : code;
}

int MPI_Wait(MPI_Request *request, MPI_Status *status) {
    int done = 0, code = MPI_SUCCESS;
    while (code == MPI_SUCCESS && !done) {
        code = PMPI_Test(request, &done, status);
        if (!done)
            sched_yield();
    }
    return code;
}

int MPI_Send(const void *data, int n, MPI_Datatype type, int to, int tag, MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Isend(data, n, type, to, tag, c, &r), &r);
}

int MPI_Recv(void *data, int n, MPI_Datatype type, int from, int tag, MPI_Comm c,
             MPI_Status *status) {
    MPI_Request r;
    const int code = PMPI_Irecv(data, n, type, from, tag, c, &r);
    return code == MPI_SUCCESS ? MPI_Wait(&r, status) : code;
}

int MPI_Sendrecv(const void *send, int send_n, MPI_Datatype send_type, int to, int send_tag,
                 void *receive, int receive_n, MPI_Datatype receive_type, int from, int receive_tag,
                 MPI_Comm c, MPI_Status *status) {
    MPI_Request r;
    int code = PMPI_Irecv(receive, receive_n, receive_type, from, receive_tag, c, &r);
    if (code == MPI_SUCCESS)
        code = MPI_Send(send, send_n, send_type, to, send_tag, c);
    return code == MPI_SUCCESS ? MPI_Wait(&r, status) : code;
}

int MPI_Barrier(MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Ibarrier(c, &r), &r);
}

int MPI_Bcast(void *data, int n, MPI_Datatype type, int root, MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Ibcast(data, n, type, root, c, &r), &r);
}

int MPI_Allreduce(const void *send, void *receive, int n, MPI_Datatype type, MPI_Op op,
                  MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Iallreduce(send, receive, n, type, op, c, &r), &r);
}

int MPI_Reduce_scatter(const void *send, void *receive, const int *counts, MPI_Datatype type,
                       MPI_Op op, MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Ireduce_scatter(send, receive, counts, type, op, c, &r), &r);
}

int MPI_Gather(const void *send, int send_n, MPI_Datatype send_type, void *receive, int receive_n,
               MPI_Datatype receive_type, int root, MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Igather(send, send_n, send_type, receive, receive_n, receive_type, root, c, &r),
               &r);
}

int MPI_Gatherv(const void *send, int send_n, MPI_Datatype send_type, void *receive,
                const int *counts, const int *offsets, MPI_Datatype receive_type, int root,
                MPI_Comm c) {
    MPI_Request r;
    return end(
        PMPI_Igatherv(send, send_n, send_type, receive, counts, offsets, receive_type, root, c, &r),
        &r);
}

int MPI_Allgatherv(const void *send, int send_n, MPI_Datatype send_type, void *receive,
                   const int *counts, const int *offsets, MPI_Datatype receive_type, MPI_Comm c) {
    MPI_Request r;
    return end(
        PMPI_Iallgatherv(send, send_n, send_type, receive, counts, offsets, receive_type, c, &r),
        &r);
}

int MPI_Alltoall(const void *send, int send_n, MPI_Datatype send_type, void *receive, int receive_n,
                 MPI_Datatype receive_type, MPI_Comm c) {
    MPI_Request r;
    return end(PMPI_Ialltoall(send, send_n, send_type, receive, receive_n, receive_type, c, &r),
               &r);
}
