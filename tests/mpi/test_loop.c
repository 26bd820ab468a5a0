/* A loop of one's own: weights that are written out of turn, or not alike on all ranks, are found; what it does not do is
 * refused; the initial weights may be others; MPI that the program started stays. */
#include "support/test.h"
#include "support/config_file.h"
#include "support/mpi_main.h"

#include <math.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/loop.h"

static lks_comm comm;
static lks_error err;

static const char text[] =
    "data: {dir: '" LKS_GOLDEN_DIR "', normalize: none, limit: 200, validation: 0.2}\n"
    "model:\n"
    "  - conv2d: {filters: 8, kernel: 3, stride: 2}\n"
    "  - batchnorm\n"
    "  - relu\n"
    "  - flatten\n"
    "  - dense: 10\n"
    "train: {epochs: 2, global_batch: 24, chunk: 4, ema: {decay: 0.9}}\n";

static lks_status open_with(lks_loop **loop, const char *set) {
    char path[LKS_PATH_MAX];
    lks_write_config(&comm, text, path);
    const lks_loop_options options = {path, &set, 1, 1};
    return lks_loop_open(loop, &comm, &options, &err);
}

static void stop_unless(lks_status status) {
    if (status != LKS_OK)
        lks_give_up(&comm, 1, err.text);
}

static lks_loop *open_loop(void) {
    lks_loop *loop;
    stop_unless(open_with(&loop, "seed=3"));
    return loop;
}

/* Plain gradient descent. */
static void descend(lks_loop *loop, float rate) {
    size_t n;
    int n_tensors;
    float *weights = lks_loop_weights(loop, &n), *gradient = malloc(n * sizeof *gradient);
    const lks_tensor *tensors = lks_loop_tensors(loop, &n_tensors);
    if (!gradient)
        lks_give_up(&comm, 1, "out of memory");
    lks_loop_gradient(loop, gradient);
    for (int t = 0; t < n_tensors; t++)
        for (size_t i = tensors[t].offset; i < tensors[t].offset + tensors[t].count; i++)
            weights[i] -= tensors[t].trained ? rate * gradient[i] : 0;
    free(gradient);
}

static lks_status step(lks_loop *loop, lks_loop_sums *sums) {
    LKS_TRY(lks_loop_step(loop, sums, &err));
    descend(loop, 0.1F);
    return lks_loop_updated(loop, &err);
}

/* What the validation split leaves of 200 images, in batches of 24: the last one of an epoch has the rest. */
static void test_to_the_end(void) {
    lks_loop *loop = open_loop();
    lks_loop_sums sums = {0};
    lks_loop_score score;
    double first = 0;
    int64_t steps = 0, samples = 0;
    stop_unless(lks_loop_evaluate(loop, LKS_LOOP_VALIDATION, &score, &err));
    const int64_t images = 200 - score.total;
    CU_ASSERT(images > 6 * 24 && images < 7 * 24);
    for (; !lks_loop_over(loop); samples += sums.samples) {
        stop_unless(step(loop, &sums));
        CU_ASSERT_EQUAL(sums.step, ++steps);
        CU_ASSERT_EQUAL(sums.samples, steps % 7 == 0 ? images - 6 * 24 : 24);
        first = steps == 1 ? sums.loss : first;
    }
    CU_ASSERT_EQUAL(steps, 14);
    CU_ASSERT_EQUAL(samples, 2 * images);
    CU_ASSERT(fabs(first - log(10)) < 1);
    CU_ASSERT(sums.loss < first / 2);
    CU_ASSERT_EQUAL(lks_loop_step(loop, &sums, &err), LKS_ERR_USAGE);
    lks_loop_close(loop);
}

static void test_out_of_turn(void) {
    lks_loop *loop = open_loop();
    lks_loop_sums sums;
    lks_loop_score score;
    CU_ASSERT_EQUAL(lks_loop_updated(loop, &err), LKS_ERR_USAGE);
    stop_unless(lks_loop_step(loop, &sums, &err));
    CU_ASSERT_EQUAL(lks_loop_step(loop, &sums, &err), LKS_ERR_USAGE);
    CU_ASSERT_EQUAL(lks_loop_evaluate(loop, LKS_LOOP_TEST, &score, &err), LKS_ERR_USAGE);
    CU_ASSERT_EQUAL(lks_loop_save(loop, "/nowhere/x.h5", &err), LKS_ERR_USAGE);
    stop_unless(lks_loop_updated(loop, &err));
    CU_ASSERT_EQUAL(lks_loop_save(loop, "/nowhere/x.h5", &err), LKS_ERR_IO);
    lks_loop_close(loop);
}

/* Between two steps nobody may write: it counts as a memory that changed. */
static void test_written_between(void) {
    lks_loop *loop = open_loop();
    lks_loop_sums sums;
    size_t n;
    stop_unless(step(loop, &sums));
    lks_loop_weights(loop, &n)[n - 1] += 0.5F;
    lks_status status = LKS_OK;
    for (int i = 0; i < 2 && status == LKS_OK; i++)
        status = step(loop, &sums);
    CU_ASSERT_EQUAL(status, LKS_ERR_REPLICA);
    lks_loop_close(loop);
}

/* One rank has a rule of its own. */
static void test_not_alike(void) {
    lks_loop *loop = open_loop();
    lks_loop_sums sums;
    stop_unless(lks_loop_step(loop, &sums, &err));
    descend(loop, comm.rank == comm.size - 1 ? 0.2F : 0.1F);
    stop_unless(lks_loop_updated(loop, &err));
    CU_ASSERT_EQUAL(step(loop, &sums), comm.size > 1 ? LKS_ERR_REPLICA : LKS_OK);
    lks_loop_close(loop);
}

static void test_not_finite(void) {
    lks_loop *loop = open_loop();
    lks_loop_sums sums;
    size_t n;
    stop_unless(lks_loop_step(loop, &sums, &err));
    lks_loop_weights(loop, &n)[0] = INFINITY;
    stop_unless(lks_loop_updated(loop, &err));
    CU_ASSERT_EQUAL(lks_loop_step(loop, &sums, &err), LKS_ERR_NUMERIC);
    lks_loop_close(loop);
}

/* Weights that come from elsewhere give what they gave there: the digest after a step is the same. */
static void test_other_weights(void) {
    char digests[2][LKS_LOOP_DIGEST];
    lks_loop *loops[] = {open_loop(), NULL};
    size_t n;
    stop_unless(open_with(&loops[1], "init=glorot_uniform"));
    lks_loop_sums sums;
    for (int k = 0; k < 2; k++)
        stop_unless(lks_loop_digest(loops[k], digests[k], &err));
    CU_ASSERT_STRING_NOT_EQUAL(digests[0], digests[1]);
    stop_unless(lks_loop_begin_with(loops[1], lks_loop_weights(loops[0], &n), &err));
    stop_unless(lks_loop_digest(loops[1], digests[1], &err));
    CU_ASSERT_STRING_EQUAL(digests[0], digests[1]);
    stop_unless(step(loops[1], &sums));
    for (int k = 0; k < 2; k++)
        lks_loop_close(loops[k]);
}

static void test_refused(void) {
    static const char *const sets[] = {"train.exchange=host", "train.exchange=scatter",
                                       "train.schedule.name=plateau", "train.stop_patience=3",
                                       "no.such.key=1"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        lks_loop *loop;
        CU_ASSERT_EQUAL(open_with(&loop, sets[i]), LKS_ERR_CONFIG);
        CU_ASSERT_PTR_NULL(loop);
    }
}

/* Of the program's MPI, by its own communicator, which may be gone at once. */
static void test_join(void) {
    lks_comm joined;
    MPI_Comm turned;
    const MPI_Comm none = MPI_COMM_NULL;
    int64_t sum = 1;
    MPI_Comm_split(MPI_COMM_WORLD, 0, -comm.rank, &turned);
    stop_unless(lks_comm_join(&joined, &turned, &err));
    MPI_Comm_free(&turned);
    CU_ASSERT_EQUAL(joined.size, comm.size);
    CU_ASSERT_EQUAL(joined.rank, comm.size - 1 - comm.rank);
    lks_comm_sum_i64(&joined, &sum, 1);
    CU_ASSERT_EQUAL(sum, comm.size);
    lks_comm_stop(&joined);
    stop_unless(lks_comm_start(&joined, &err)); /* MPI runs: no other one is started, nor ended */
    CU_ASSERT_EQUAL(joined.rank, comm.rank);
    lks_comm_stop(&joined);
    CU_ASSERT_EQUAL(lks_comm_join(&joined, &none, &err), LKS_ERR_COMM);
    lks_comm_barrier(&comm);
    stop_unless(lks_comm_check(&comm, &err));
}

int main(void) {
    static const lks_test tests[] = {{"to the end", test_to_the_end},
                                     {"out of turn", test_out_of_turn},
                                     {"written between steps", test_written_between},
                                     {"not alike on all ranks", test_not_alike},
                                     {"not finite", test_not_finite},
                                     {"other weights", test_other_weights},
                                     {"refused", test_refused},
                                     {"a communicator of its own", test_join},
                                     {NULL, NULL}};
    return lks_mpi_test_main(&comm, "loop", tests);
}
