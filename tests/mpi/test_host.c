/* What the ranks of one host do in shared memory: sums, meetings, and memory that cannot be had. */
#include "support/test.h"
#include "support/give_up.h"
#include "support/mpi_main.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "comm/host.h"

static lks_comm comm;
static lks_error err;

static void open_host(lks_host *h, size_t common, size_t own, size_t numbers) {
    if (lks_host_open(h, &comm, common, own, numbers, &err) != LKS_OK)
        lks_give_up(&comm, 1, err.text);
}

/* All is zero, aligned, no other's, and what one writes all read. */
static void test_memory(void) {
    enum { OWN = 5000, COMMON = 777 };
    lks_host h;
    open_host(&h, COMMON, OWN, 3);
    CU_ASSERT_EQUAL(h.parts, comm.size);
    unsigned char *common = lks_host_common(&h), *own = lks_host_own(&h, comm.local_rank);
    CU_ASSERT_EQUAL((uintptr_t)common % 64, 0);
    CU_ASSERT_EQUAL((uintptr_t)own % 64, 0);
    int other = 0;
    for (int i = 0; i < COMMON; i++)
        other += common[i] != 0;
    for (int i = 0; i < OWN; i++)
        other += own[i] != 0;
    lks_host_meet(&h);
    memset(own, 1 + comm.rank, OWN);
    for (int i = comm.rank; i < COMMON; i += comm.size)
        common[i] = (unsigned char)(1 + comm.rank);
    lks_host_meet(&h);
    for (int i = 0; i < COMMON; i++)
        other += common[i] != 1 + i % comm.size;
    for (int r = 0; r < comm.size; r++)
        for (int i = 0; i < OWN; i++)
            other += ((unsigned char *)lks_host_own(&h, r))[i] != 1 + r;
    CU_ASSERT_EQUAL(other, 0);
    lks_host_close(&h);
}

/* One turn after another without a wait between them: nobody's numbers are written over while others read them. */
static void test_small_sums(void) {
    enum { N = 33, TURNS = 3000 };
    lks_host h;
    int64_t values[N];
    open_host(&h, 0, 0, N);
    int wrong = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        const size_t n = turn % 3 ? N : 1 + (size_t)(turn % N);
        for (size_t i = 0; i < n; i++)
            values[i] = (comm.rank + 1) * (turn + (int64_t)i) - ((int64_t)1 << 60);
        lks_host_sum_i64(&h, values, n);
        const int64_t ranks = comm.size * (comm.size + 1) / 2;
        for (size_t i = 0; i < n; i++)
            wrong += (uint64_t)values[i] !=
                     (uint64_t)(ranks * (turn + (int64_t)i)) - ((uint64_t)comm.size << 60);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_host_close(&h);
}

/* Each rank adds up a part of its own; the lengths leave a rest behind pieces. */
static void check_parts(size_t n, int threads) {
    lks_host h;
    const size_t offset = 192;
    open_host(&h, 0, offset + n * sizeof(int64_t), 0);
    int64_t *own = (int64_t *)((char *)lks_host_own(&h, comm.local_rank) + offset);
    for (size_t i = 0; i < n; i++)
        own[i] = (int64_t)(i * 7919) * (comm.rank + 1) + (INT64_MIN >> comm.rank);
    lks_host_meet(&h);
    const size_t first = n * (size_t)comm.local_rank / (size_t)h.parts,
                 end = n * ((size_t)comm.local_rank + 1) / (size_t)h.parts;
    lks_host_add_i64(&h, offset + first * sizeof *own, end - first, threads);
    uint64_t wrong = 0, constant = 0;
    for (int r = 0; r < comm.size; r++)
        constant += (uint64_t)(INT64_MIN >> r);
    for (size_t i = first; i < end; i++)
        wrong +=
            (uint64_t)own[i] != i * 7919 * (uint64_t)(comm.size * (comm.size + 1) / 2) + constant;
    CU_ASSERT_EQUAL(wrong, 0);
    lks_host_close(&h);
}

static void test_parts(void) {
    check_parts(1, 1);
    check_parts(1023, 2);
    check_parts(5001, 1);
    check_parts(20000, 3);
}

/* Floats come in the order of ranks, whoever adds them. */
static void test_floats(void) {
    enum { N = 1500 };
    lks_host h;
    open_host(&h, 0, N * sizeof(float), 0);
    float *own = lks_host_own(&h, comm.local_rank);
    static const float kinds[] = {1e8f, 1.25f, -1e8f, 3e-3f};
    for (int i = 0; i < N; i++)
        own[i] = kinds[(i + comm.rank) % 4];
    lks_host_meet(&h);
    const size_t first = N * (size_t)comm.local_rank / (size_t)h.parts,
                 end = N * ((size_t)comm.local_rank + 1) / (size_t)h.parts;
    lks_host_add_f32(&h, first * sizeof(float), end - first, 2);
    int wrong = 0;
    for (size_t i = first; i < end; i++) {
        float sum = 0;
        for (int r = 0; r < comm.size; r++)
            sum += kinds[(i + (size_t)r) % 4];
        wrong += memcmp(&own[i], &sum, sizeof sum) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_host_close(&h);
}

/* Where the first rank of a host, which makes the memory, cannot have it, all are told by one message. */
static void test_refused(void) {
    lks_host h;
    struct rlimit before, less;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    less = before;
    less.rlim_cur = 1 << 20;
    if (comm.rank == 0)
        setrlimit(RLIMIT_FSIZE, &less);
    const lks_status status = lks_host_open(&h, &comm, 64, (size_t)4 << 20, 1, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    CU_ASSERT_EQUAL(status, LKS_ERR_MEMORY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the ranks of a host cannot share memory"));
    CU_ASSERT(comm.size == 1 || strstr(err.text, "(rank 0 on "));
    CU_ASSERT_PTR_NULL(h.memory);
    lks_host_close(&h);
}

/* A rank that has failed leaves the others behind, and does not wait. */
static void test_failed(void) {
    lks_host h;
    int64_t value = 7;
    if (comm.size > 1)
        return; /* they would wait for it until it ends them all */
    open_host(&h, 0, 0, 1);
    lks_error own;
    lks_fail(&own, LKS_ERR_COMM, "left");
    lks_comm_fail(&h.between, &own);
    CU_ASSERT_EQUAL(lks_comm_check(&comm, NULL), LKS_ERR_COMM); /* the job's, too */
    lks_host_meet(&h);
    lks_host_sum_i64(&h, &value, 1);
    CU_ASSERT_EQUAL(value, 7);
    CU_ASSERT_EQUAL(h.sums, 0);
    comm.failure.status = LKS_OK;
    lks_host_close(&h);
}

int main(void) {
    static const lks_test tests[] = {
        {"memory that all ranks see", test_memory},
        {"small sums, turn after turn", test_small_sums},
        {"sums in parts", test_parts},
        {"sums of floats", test_floats},
        {"memory that cannot be had", test_refused},
        {"after a failure", test_failed},
        {NULL, NULL},
    };
    return lks_mpi_test_main(&comm, "host", tests);
}
