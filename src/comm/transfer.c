#include "lockstep/transfer.h"

#include <limits.h>
#include <string.h>

#include "comm/call.h"
#include "comm/handle.h"
#include "lockstep/memory.h"
#include "lockstep/timer.h"

/* Of messages from rank to rank beside others: lks_comm_to_root() has 0. */
enum { TAG = 1 };

struct lks_transfer {
    lks_comm *comm;
    size_t item_bytes;
    MPI_Datatype item; /* so that counts are in items */
    bool has_item;
    MPI_Request *requests; /* [2 * size] */
    int n_requests;
};

lks_status lks_transfer_create(lks_transfer **transfer, lks_comm *comm, size_t item_bytes,
                               lks_error *err) {
    lks_transfer *t = lks_alloc(1, sizeof *t, "a transfer", err);
    *transfer = t;
    if (!t)
        return err->status;
    t->comm = comm;
    t->item_bytes = item_bytes;
    t->requests = lks_alloc(2 * (size_t)comm->size, sizeof *t->requests, "a transfer", err);
    if (!t->requests)
        return err->status;
    if (item_bytes > INT_MAX)
        return lks_fail(err, LKS_ERR_COMM, "an item to be sent is larger than 2 GiB");
    t->has_item =
        LKS_CALL_OF_SOME(comm, MPI_Type_contiguous((int)item_bytes, MPI_BYTE, &t->item)) &&
        LKS_CALL_OF_SOME(comm, MPI_Type_commit(&t->item));
    return lks_comm_check(comm, err);
}

void lks_transfer_free(lks_transfer *t) {
    if (!t)
        return;
    if (t->has_item)
        LKS_CALL_OF_SOME(t->comm, MPI_Type_free(&t->item));
    lks_free(t->requests);
    lks_free(t);
}

void lks_transfer_count(lks_transfer *t, const int *send_counts, int *receive_counts) {
    const double start = lks_now();
    LKS_CALL(t->comm, MPI_Alltoall(send_counts, 1, MPI_INT, receive_counts, 1, MPI_INT,
                                   lks_comm_all(t->comm)));
    t->comm->seconds += lks_now() - start;
}

/* Where each rank's items begin. */
static void find_places(const int *counts, int n, int *places) {
    int sum = 0;
    for (int r = 0; r < n; r++) {
        places[r] = sum;
        sum += counts[r];
    }
}

/* Each rank begins with its neighbour, so that not all send to the same one. */
static void post(lks_transfer *t, char *items, const int *counts, const int *places, bool sends) {
    lks_comm *comm = t->comm;
    MPI_Comm all = lks_comm_all(comm);
    for (int i = 1; i < comm->size; i++) {
        const int r = (comm->rank + (sends ? i : comm->size - i)) % comm->size;
        char *at = items + (size_t)places[r] * t->item_bytes;
        MPI_Request *next = &t->requests[t->n_requests];
        comm->sent += sends ? counts[r] * (int64_t)t->item_bytes : 0;
        if (counts[r] > 0 &&
            (sends ? LKS_CALL_OF_SOME(comm, MPI_Isend(at, counts[r], t->item, r, TAG, all, next))
                   : LKS_CALL_OF_SOME(comm, MPI_Irecv(at, counts[r], t->item, r, TAG, all, next))))
            t->n_requests++;
    }
}

void lks_transfer_begin(lks_transfer *t, const void *send, const int *send_counts, void *receive,
                        const int *receive_counts) {
    const double start = lks_now();
    const int own = t->comm->rank, n = t->comm->size;
    int *from_places = t->comm->numbers, *to_places = from_places + n;
    char *from = (char *)send, *to = receive; /* what is sent is only read */
    find_places(send_counts, n, from_places);
    find_places(receive_counts, n, to_places);
    post(t, to, receive_counts, to_places, false);
    post(t, from, send_counts, from_places, true);
    if (send_counts[own] > 0) /* else there may be no buffers */
        memcpy(to + (size_t)to_places[own] * t->item_bytes,
               from + (size_t)from_places[own] * t->item_bytes,
               (size_t)send_counts[own] * t->item_bytes);
    t->comm->seconds += lks_now() - start;
}

void lks_transfer_end(lks_transfer *t) {
    const double start = lks_now();
    LKS_CALL(t->comm, MPI_Waitall(t->n_requests, t->requests, MPI_STATUSES_IGNORE));
    t->n_requests = 0;
    t->comm->seconds += lks_now() - start;
}
