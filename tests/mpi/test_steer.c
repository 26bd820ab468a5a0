/* Which algorithm Open MPI takes for sums over 64 ranks, and how messages go over TCP: its functions are found here first, count, and go on. Without an
 * argument as the program steers it, with the word `table` as Open MPI's own table says: there the environment has
 * choices of the user's. */
#include "support/test.h"
#include "support/give_up.h"

#include <dlfcn.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/comm.h"
#include "lockstep/log.h"
#include "base/memory.h"

typedef int allreduce(const void *send, void *receive, int count, void *type, void *op, void *comm,
                      void *module);
allreduce ompi_coll_base_allreduce_intra_recursivedoubling,
    ompi_coll_base_allreduce_intra_redscat_allgather;

static int doubling, rabenseifner;
static bool by_table;
static lks_comm comm;

static allreduce *next(const char *name) {
    allreduce *function;
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(&function, &found, sizeof function);
    return function;
}

int ompi_coll_base_allreduce_intra_recursivedoubling(const void *send, void *receive, int count,
                                                     void *type, void *op, void *c, void *module) {
    doubling++;
    return next("ompi_coll_base_allreduce_intra_recursivedoubling")(send, receive, count, type, op,
                                                                    c, module);
}

int ompi_coll_base_allreduce_intra_redscat_allgather(const void *send, void *receive, int count,
                                                     void *type, void *op, void *c, void *module) {
    rabenseifner++;
    return next("ompi_coll_base_allreduce_intra_redscat_allgather")(send, receive, count, type, op,
                                                                    c, module);
}

/* A sum of `n` numbers: it is right, and made by that algorithm. */
static void sum(size_t n, const int *used) {
    lks_error err;
    int64_t *values = lks_alloc(n, sizeof *values, "sums", &err);
    if (!values)
        lks_give_up(&comm, 1, err.text);
    for (size_t i = 0; i < n; i++)
        values[i] = comm.rank + (int64_t)i;
    doubling = rabenseifner = 0;
    lks_comm_sum_i64(&comm, values, n);
    int wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += values[i] != comm.size * ((comm.size - 1) / 2.0 + (double)i);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(*used, 1);
    CU_ASSERT_EQUAL(doubling + rabenseifner, 1);
    lks_free(values);
}

static void test_borders(void) {
    CU_ASSERT_EQUAL(comm.steered, !by_table);
    sum(1, &doubling);
    sum(LKS_STEERED_BYTES / 8 - 1, &doubling);
    sum(LKS_STEERED_BYTES / 8, by_table ? &doubling : &rabenseifner);
    sum(LKS_STEERED_BELOW_BYTES / 8 - 1, by_table ? &doubling : &rabenseifner);
    sum(LKS_STEERED_BELOW_BYTES / 8, &rabenseifner);
}

/* What was set for MPI to read is gone: children and the comparison of settings see the user's environment. */
static void test_environment(void) {
    CU_ASSERT_PTR_NULL(getenv("OMPI_MCA_coll_tuned_dynamic_rules_filename"));
    CU_ASSERT_EQUAL(getenv("OMPI_MCA_coll_tuned_use_dynamic_rules") != NULL, by_table);
    CU_ASSERT_EQUAL(getenv("OMPI_MCA_btl_tcp_eager_limit") != NULL, by_table);
}

/* Of Open MPI's variables, which are whole numbers of 64 bits at most; 0: there is none of that name. */
static uint64_t variable(const char *name) {
    uint64_t value = 0;
    int index, count, level;
    MPI_T_cvar_handle handle;
    if (MPI_T_init_thread(MPI_THREAD_SINGLE, &level) != MPI_SUCCESS)
        return 0;
    if (MPI_T_cvar_get_index(name, &index) == MPI_SUCCESS &&
        MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) == MPI_SUCCESS) {
        MPI_T_cvar_read(handle, &value);
        MPI_T_cvar_handle_free(&handle);
    }
    MPI_T_finalize();
    return value;
}

static void test_eager_limit(void) {
    CU_ASSERT_EQUAL(variable("btl_tcp_eager_limit"), by_table ? 70000 : 1 << 20);
}

int main(int argc, char **argv) {
    static const lks_test tests[] = {{"the algorithm by size", test_borders},
                                     {"the environment", test_environment},
                                     {"messages over TCP", test_eager_limit},
                                     {NULL, NULL}};
    lks_error err;
    by_table = argc > 1 && strcmp(argv[1], "table") == 0;
    if (lks_comm_start(&comm, &err) != LKS_OK) {
        lks_error_print(err.text);
        return 1;
    }
    const int status = lks_test_main("steer", tests);
    lks_comm_stop(&comm);
    return status;
}
