#include "comm/transfer.h"

#include <limits.h>
#include <string.h>

#include "comm/call.h"
#include "comm/handle.h"
#include "base/memory.h"
#include "base/timer.h"

/* Tags of messages: each transfer has its own, since several may be under way, and what one sends later must not be taken
 * for another's. Others of the communicator are below; MPI has 32,768 at least (MPI 4.1, section 9.1.2). */
enum { FIRST_TAG = 16, TAGS = 16384 };

struct lks_transfer {
    lks_comm *comm;
    size_t item_bytes;
    int piece; /* items of a message, at most */
    int tag;
    MPI_Datatype item; /* so that counts are in items */
    bool has_item;
    MPI_Request *requests; /* [capacity] */
    size_t capacity;
    int n_requests;

    const char *items;    /* that are sent, */
    const int *counts;    /* so many to each rank, which */
    int *places;          /* [size] begin there */
    int turn, turn_sent;  /* the rank so far above this one has its turn, and has got so many */
    int oldest;           /* request of a piece that may be on its way */
    int64_t pieces, sent; /* to all ranks, and on their way */
};

lks_status lks_transfer_create(lks_transfer **transfer, lks_comm *comm, size_t item_bytes,
                               lks_error *err) {
    const int tag = FIRST_TAG + comm->transfers++ % TAGS;
    lks_transfer *t = lks_alloc(1, sizeof *t, "a transfer", err);
    *transfer = t;
    if (!t)
        return err->status;
    t->comm = comm;
    t->tag = tag;
    t->item_bytes = item_bytes;
    t->piece = item_bytes < LKS_TRANSFER_PIECE ? (int)(LKS_TRANSFER_PIECE / item_bytes) : 1;
    t->places = lks_alloc((size_t)comm->size, sizeof *t->places, "a transfer", err);
    if (!t->places)
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
    lks_free(t->places);
    lks_free(t);
}

/* To or from all other ranks. */
static int64_t pieces_of(const lks_transfer *t, const int *counts) {
    int64_t pieces = 0;
    for (int r = 0; r < t->comm->size; r++)
        pieces += r == t->comm->rank ? 0 : (counts[r] + (int64_t)t->piece - 1) / t->piece;
    return pieces;
}

/* With some to spare, so that the next exchange of about as much finds room. */
static lks_status reserve(lks_transfer *t, size_t n, lks_error *err) {
    if (n <= t->capacity)
        return LKS_OK;
    n += n / 8 + 64;
    lks_free(t->requests);
    t->capacity = 0;
    t->requests = lks_alloc(n, sizeof *t->requests, "a transfer", err);
    if (!t->requests)
        return err->status;
    t->capacity = n;
    return LKS_OK;
}

lks_status lks_transfer_count(lks_transfer *t, const int *send_counts, int *receive_counts,
                              lks_error *err) {
    const double start = lks_now();
    LKS_CALL(t->comm, MPI_Alltoall(send_counts, 1, MPI_INT, receive_counts, 1, MPI_INT,
                                   lks_comm_all(t->comm)));
    t->comm->seconds += lks_now() - start;
    t->pieces = pieces_of(t, send_counts);
    return reserve(t, (size_t)(t->pieces + pieces_of(t, receive_counts)), err);
}

/* Where each rank's items begin. */
static void find_places(const int *counts, int n, int *places) {
    int sum = 0;
    for (int r = 0; r < n; r++) {
        places[r] = sum;
        sum += counts[r];
    }
}

static void receive_from(lks_transfer *t, int rank, char *items, int count) {
    for (int first = 0; first < count; first += t->piece) {
        const int n = count - first < t->piece ? count - first : t->piece;
        char *at = items + (size_t)first * t->item_bytes;
        if (LKS_CALL_OF_SOME(t->comm, MPI_Irecv(at, n, t->item, rank, t->tag, lks_comm_all(t->comm),
                                                &t->requests[t->n_requests])))
            t->n_requests++;
    }
}

/* The next piece. Each rank begins with its neighbour, so that not all send to the same one. */
static void send_piece(lks_transfer *t) {
    lks_comm *comm = t->comm;
    int to = (comm->rank + t->turn) % comm->size;
    while (t->turn_sent == t->counts[to]) {
        to = (comm->rank + ++t->turn) % comm->size;
        t->turn_sent = 0;
    }
    const int left = t->counts[to] - t->turn_sent, n = left < t->piece ? left : t->piece;
    const char *at = t->items + (size_t)(t->places[to] + t->turn_sent) * t->item_bytes;
    comm->sent += n * (int64_t)t->item_bytes;
    if (t->n_requests - t->oldest >= LKS_TRANSFER_UNDERWAY &&
        LKS_CALL_OF_SOME(comm, MPI_Wait(&t->requests[t->oldest], MPI_STATUS_IGNORE)))
        t->oldest++;
    if (LKS_CALL_OF_SOME(comm, MPI_Isend(at, n, t->item, to, t->tag, lks_comm_all(comm),
                                         &t->requests[t->n_requests])))
        t->n_requests++;
    t->turn_sent += n;
    t->sent++;
}

void lks_transfer_begin(lks_transfer *t, const void *send, const int *send_counts, void *receive,
                        const int *receive_counts) {
    const double start = lks_now();
    const int own = t->comm->rank, n = t->comm->size;
    int *to_places = t->comm->numbers;
    char *to = receive;
    t->items = send;
    t->counts = send_counts;
    t->turn = 1;
    t->turn_sent = 0;
    t->sent = 0;
    find_places(send_counts, n, t->places);
    find_places(receive_counts, n, to_places);
    for (int i = 1; i < n; i++) {
        const int from = (own + n - i) % n;
        receive_from(t, from, to + (size_t)to_places[from] * t->item_bytes, receive_counts[from]);
    }
    if (send_counts[own] > 0) /* else there may be no buffers */
        memcpy(to + (size_t)to_places[own] * t->item_bytes,
               t->items + (size_t)t->places[own] * t->item_bytes,
               (size_t)send_counts[own] * t->item_bytes);
    t->oldest = t->n_requests;
    t->comm->seconds += lks_now() - start;
}

bool lks_transfer_sends(const lks_transfer *t) {
    return t->sent < t->pieces;
}

void lks_transfer_send(lks_transfer *t, int64_t part, int64_t parts) {
    const double start = lks_now();
    const int64_t until = part < parts ? t->pieces * part / parts : t->pieces;
    while (t->sent < until)
        send_piece(t);
    t->comm->seconds += lks_now() - start;
}

void lks_transfer_end(lks_transfer *t) {
    lks_transfer_send(t, 1, 1);
    const double start = lks_now();
    LKS_CALL(t->comm, MPI_Waitall(t->n_requests, t->requests, MPI_STATUSES_IGNORE));
    t->n_requests = 0;
    t->comm->seconds += lks_now() - start;
}
