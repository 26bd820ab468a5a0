/* A step allocates nothing: batch, forward and backward, allreduces, norms, update and averages work in
 * memory that was there before. Only the buffers of the exchange may grow, and only in the first epoch; a rank
 * alone has none.
 *
 * The linker sends the library's calls of the C library's allocators here (see CMakeLists.txt); those
 * that MPI or OpenMP make for themselves are not seen. */
#include "support/test.h"
#include "support/config_file.h"
#include "support/mpi_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "train/trainer.h"

static int64_t allocations;

static void count(void) {
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size) {
    count();
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    count();
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size) {
    count();
    return __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    count();
    return __real_aligned_alloc(alignment, size);
}

static lks_comm comm;
static lks_error err;

static void stop_unless(lks_status status) {
    if (status != LKS_OK)
        lks_give_up(&comm, 1, err.text);
}

/* Lists, Winograd, transposed convolutions, wide and plain dense layers, batchnorm, a sum of layers,
 * dropout, pooling; accumulation with a short last batch; norms in every step. */
static const char text[] = "data: {dir: '" LKS_GOLDEN_DIR "', normalize: none, limit: 250}\n"
                           "model:\n"
                           "  - conv2d: {filters: 16, kernel: 3}\n"
                           "  - relu\n"
                           "  - maxpool: 2\n"
                           "  - conv2d: {filters: 16, kernel: 3, padding: 1}\n"
                           "  - batchnorm\n"
                           "  - gelu\n"
                           "  - conv2d: {filters: 16, kernel: 5, padding: 2}\n"
                           "  - add: gelu1\n"
                           "  - {avgpool: {window: 3, stride: 1}}\n"
                           "  - conv2d: {filters: 20, kernel: 3, stride: 1}\n"
                           "  - relu\n"
                           "  - maxpool: 2\n"
                           "  - flatten\n"
                           "  - dropout: 0.25\n"
                           "  - dense: 256\n"
                           "  - relu\n"
                           "  - dense: 300\n"
                           "  - tanh\n"
                           "  - dense: 10\n"
                           "train: {epochs: 3, global_batch: 53, chunk: 8, accumulate: 2, "
                           "clip_norm: 1, ema: {decay: 0.9}}\n"
                           "metrics: {every_steps: 1}\n";

/* Allocations of this rank in all steps of epoch @p epoch. */
static int64_t in_epoch(lks_trainer *t, int64_t epoch) {
    int64_t before = allocations;
    lks_loader_seek(t->loader, epoch, 0);
    lks_trainer_edit_cursor(t)->epoch = epoch;
    t->cursor.batch = 0;
    lks_trainer_wrote_cursor(t);
    while (t->cursor.batch < t->plan.batches)
        stop_unless(lks_trainer_step(t, &err));
    int64_t made = allocations - before;
    lks_phases_divide(&t->phases, &comm);
    return made;
}

static void check(const char *exchange, const char *reduce, const char *optimizer, int threads) {
    enum { EPOCHS = 3, WINDOWS = 8 };
    char path[LKS_PATH_MAX];
    lks_write_config(&comm, text, path);
    const char *sets[] = {exchange, reduce, optimizer};
    lks_config config;
    lks_trainer t;
    stop_unless(lks_config_load(&comm, path, sets, 3, &config, &err));
    stop_unless(lks_trainer_open(&t, &comm, &config, threads, false, &err));
    lks_phases_start(&t.phases);
    int64_t first = in_epoch(&t, 0);
    CU_ASSERT(allocations > 0);                /* else nothing is counted */
    CU_ASSERT_EQUAL(first > 0, comm.size > 1); /* who is alone exchanges nothing */
    CU_ASSERT(first <= 2 * WINDOWS);
    int64_t later = 0;
    for (int e = 1; e < EPOCHS; e++)
        later += in_epoch(&t, e);
    CU_ASSERT_EQUAL(later, 0);
    CU_ASSERT_EQUAL(t.cursor.samples_seen, EPOCHS * 250);
    lks_trainer_close(&t);
    lks_config_free(&config);
}

static void test_exact(void) {
    check("train.exchange=allreduce", "train.reduce=exact", "train.optimizer.name=adam", 1);
    check("train.exchange=allreduce", "train.reduce=exact", "train.optimizer.name=adadelta", 3);
    check("train.exchange=host", "train.reduce=exact", "train.optimizer.name=lamb", 2);
    check("train.exchange=host", "train.reduce=exact", "train.optimizer.name=muon", 2);
    check("train.exchange=scatter", "train.reduce=exact", "train.optimizer.name=lamb", 2);
}

static void test_fp32(void) {
    check("train.exchange=allreduce", "train.reduce=fp32", "train.optimizer.name=sgd", 2);
    check("train.exchange=scatter", "train.reduce=fp32", "train.optimizer.name=sgd", 2);
}

int main(void) {
    static const lks_test tests[] = {
        {"exact steps allocate nothing", test_exact},
        {"nor do those of plain sums", test_fp32},
        {NULL, NULL},
    };
    return lks_mpi_test_main(&comm, "step memory", tests);
}
