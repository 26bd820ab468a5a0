/* MPI calls that fail on one rank, by MPI's profiling interface: the failure is a value that names call,
 * reason, rank and host; it is kept; nothing is called after it, so nothing hangs. */
#include "support/test.h"
#include "support/give_up.h"

#include "comm/transfer.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>

static lks_comm comm;
static const char *failing = ""; /* on this rank: the call that does its work and then fails */
static int calls;

static int outcome(const char *call, int code) {
    calls++;
    return strcmp(call, failing) == 0 ? MPI_ERR_OTHER : code;
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm c) {
    return outcome("MPI_Allreduce", PMPI_Allreduce(send, receive, count, type, op, c));
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm c) {
    return outcome("MPI_Bcast", PMPI_Bcast(data, count, type, root, c));
}

int MPI_Alltoall(const void *send, int send_count, MPI_Datatype send_type, void *receive,
                 int receive_count, MPI_Datatype receive_type, MPI_Comm c) {
    return outcome("MPI_Alltoall", PMPI_Alltoall(send, send_count, send_type, receive,
                                                 receive_count, receive_type, c));
}

int MPI_Gatherv(const void *send, int send_count, MPI_Datatype send_type, void *receive,
                const int *receive_counts, const int *offsets, MPI_Datatype receive_type, int root,
                MPI_Comm c) {
    return outcome("MPI_Gatherv", PMPI_Gatherv(send, send_count, send_type, receive, receive_counts,
                                               offsets, receive_type, root, c));
}

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm c) {
    return outcome("MPI_Send", PMPI_Send(data, count, type, to, tag, c));
}

int MPI_Barrier(MPI_Comm c) {
    return outcome("MPI_Barrier", PMPI_Barrier(c));
}

/* --- what is called --------------------------------------------------------------------------- */

static int64_t value;
static char gathered[64];

static void sum(lks_comm *c) {
    lks_comm_sum_i64(c, &value, 1);
}

static void broadcast(lks_comm *c) {
    lks_comm_broadcast(c, &value, sizeof value, 0);
}

static void count(lks_comm *c) {
    lks_error err;
    lks_transfer *t;
    const int counts[8] = {0};
    int received[8];
    if (lks_transfer_create(&t, c, 1, &err) == LKS_OK)
        (void)lks_transfer_count(t, counts, received, &err);
    lks_transfer_free(t);
}

static void gather(lks_comm *c) {
    lks_comm_gather(c, "x", 1, 1, gathered, NULL);
}

static void to_root(lks_comm *c) {
    lks_comm_to_root(c, c->size - 1, &value, sizeof value);
}

static void agree(lks_comm *c) {
    lks_comm_agree(c, LKS_OK, NULL);
}

static const struct {
    const char *call, *file;
    void (*collective)(lks_comm *c);
} cases[] = {
    {"MPI_Allreduce", "comm.c:", sum},
    {"MPI_Allreduce", "comm.c:", agree},
    {"MPI_Bcast", "comm.c:", broadcast},
    {"MPI_Gatherv", "comm.c:", gather},
    {"MPI_Barrier", "comm.c:", lks_comm_barrier},
    {"MPI_Send", "comm.c:", to_root},
    {"MPI_Alltoall", "transfer.c:", count},
};
#define N_CASES ((int)(sizeof cases / sizeof *cases))

static bool on_this_rank(int i) {
    return comm.rank == comm.size - 1 && !(cases[i].collective == to_root && comm.size == 1);
}

/* A communicator on which call i failed, on the last rank only. */
static lks_comm failed_by(int i) {
    lks_comm c = comm;
    failing = on_this_rank(i) ? cases[i].call : "";
    cases[i].collective(&c);
    failing = "";
    return c;
}

/* --- tests ------------------------------------------------------------------------------------ */

/* How the library calls MPI_ERR_OTHER: "MPI_ERR_OTHER: known error not in list", or "Other MPI error". */
static const char *other_error(void) {
    static char text[MPI_MAX_ERROR_STRING];
    int length;
    MPI_Error_string(MPI_ERR_OTHER, text, &length);
    text[strcspn(text, ":,\n")] = '\0';
    return text;
}

static void test_value(void) {
    for (int i = 0; i < N_CASES; i++) {
        lks_comm c = failed_by(i);
        lks_error err = {.status = LKS_OK};
        CU_ASSERT_EQUAL(lks_comm_check(&c, &err), on_this_rank(i) ? LKS_ERR_COMM : LKS_OK);
        if (!on_this_rank(i))
            continue;
        char who[320];
        snprintf(who, sizeof who, " (rank %d on %s)", comm.rank, comm.host);
        CU_ASSERT_EQUAL(err.status, LKS_ERR_COMM);
        CU_ASSERT_PTR_EQUAL(strstr(err.text, "MPI failed: "), err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].call));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, other_error()));
        CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].file));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, who));
    }
}

/* On the failed rank alone, since the others would not come: MPI is not called. */
static void test_nothing_after(void) {
    for (int i = 0; i < N_CASES; i++) {
        lks_comm c = failed_by(i);
        if (!on_this_rank(i))
            continue;
        calls = 0;
        value = 77;
        memset(gathered, 'z', sizeof gathered);
        for (int k = 0; k < N_CASES; k++)
            cases[k].collective(&c);
        lks_comm_stop(&(lks_comm){.size = 2, .failure = c.failure});
        CU_ASSERT_EQUAL(calls, 0);
        CU_ASSERT_EQUAL(value, 77);
        CU_ASSERT_EQUAL(gathered[0], 'z');
    }
}

/* Whatever the rank itself finds later, the first failure is what it tells. */
static void test_first_stays(void) {
    lks_comm c = failed_by(0);
    if (!on_this_rank(0))
        return;
    lks_error first, own, agreed;
    lks_comm_check(&c, &first);
    lks_fail(&own, LKS_ERR_IO, "the disk is full");
    CU_ASSERT_EQUAL(lks_comm_agree(&c, LKS_OK, &agreed), LKS_ERR_COMM);
    CU_ASSERT_STRING_EQUAL(agreed.text, first.text);
    agreed = own;
    CU_ASSERT_EQUAL(lks_comm_agree(&c, LKS_ERR_IO, &agreed), LKS_ERR_COMM);
    CU_ASSERT_STRING_EQUAL(agreed.text, first.text);
    CU_ASSERT_EQUAL(lks_comm_fail(&c, &own), LKS_ERR_COMM);
    CU_ASSERT_STRING_EQUAL(own.text, first.text);
    CU_ASSERT_EQUAL(lks_comm_check(&c, NULL), LKS_ERR_COMM);
}

/* A rank's own trouble is kept in the same way, with its first line naming it. */
static void test_own_trouble(void) {
    lks_comm c = comm;
    lks_error err;
    char want[400];
    if (comm.rank != comm.size - 1)
        return;
    lks_fail(&err, LKS_ERR_IO, "metrics.jsonl: disk full\n  below");
    CU_ASSERT_EQUAL(lks_comm_fail(&c, &err), LKS_ERR_IO);
    snprintf(want, sizeof want, "metrics.jsonl: disk full (rank %d on %s)\n  below", comm.rank,
             comm.host);
    CU_ASSERT_STRING_EQUAL(err.text, want);
    calls = 0;
    lks_comm_barrier(&c);
    CU_ASSERT_EQUAL(calls, 0);
    CU_ASSERT_EQUAL(lks_comm_agree(&c, LKS_OK, NULL), LKS_ERR_IO);
}

int main(void) {
    lks_error err;
    if (lks_comm_start(&comm, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
    static const lks_test tests[] = {{"a failing call is a value", test_value},
                                     {"nothing is called after it", test_nothing_after},
                                     {"the first failure stays", test_first_stays},
                                     {"a rank's own trouble", test_own_trouble},
                                     {NULL, NULL}};
    int status = lks_test_main("failures of MPI", tests);
    lks_comm_stop(&comm);
    return status;
}
