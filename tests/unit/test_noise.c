/* What single chunks contribute to a step: squared norms of their gradients, exact and the same however the work is
 * done, and the noise scale that is made of them. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/history.h"
#include "kernels/kernels.h"
#include "lockstep/philox.h"
#include "net_case.h"

static lks_error err;

static lks_model *new_model(const net *n, const lks_kernels *kernels, int threads) {
    lks_model *m = net_model(n, kernels, threads);
    CU_ASSERT_EQUAL_FATAL(lks_model_open_chunks(m, &err), LKS_OK);
    return m;
}

/* Squares of all weights' sums in a message, by themselves. */
static long double squares_of(const lks_model *m, const int64_t *message) {
    const size_t n = lks_model_look(m).n_weights;
    const int64_t *q = message + net_message_length(m) - n;
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (long double)q[i] * (long double)q[i];
    return ldexpl(sum, -2 * LKS_SCALE_BITS);
}

/* Each complete chunk is a batch of its own: without batchnorm that is its gradient. */
static double expected(const net *n) {
    const int chunk = n->config.train.chunk;
    lks_model *m = net_model(n, net_kernels(), 1);
    long double sum = 0;
    for (int first = 0; first + chunk <= n->batch.n; first += chunk) {
        const lks_batch part = net_part(n, first, chunk);
        lks_model_train(m, &part);
        int64_t *message = net_collect(m);
        sum += squares_of(m, message);
        free(message);
    }
    lks_model_free(m);
    return (double)sum;
}

/* In two micro-batches where `split`. */
static int64_t *looked_at(const net *n, const lks_kernels *kernels, int threads, int split) {
    lks_model *m = new_model(n, kernels, threads);
    const int first = split * n->config.train.chunk;
    const lks_batch parts[2] = {net_part(n, 0, first), net_part(n, first, n->batch.n - first)};
    for (int i = split ? 0 : 1; i < 2; i++) {
        lks_model_look_into(m, true, false);
        lks_model_train(m, &parts[i]);
    }
    int64_t *message = net_collect(m);
    lks_model_free(m);
    return message;
}

/* The message but for what the chunks' norms add to it. */
static bool same_sums(const net *n, int64_t *message) {
    lks_model *m = net_model(n, net_kernels(), 1);
    lks_model_train(m, &n->batch);
    int64_t *plain = net_collect(m);
    memcpy(plain + LKS_MSG_SQUARES, message + LKS_MSG_SQUARES,
           (LKS_MSG_CHUNKS + 1 - LKS_MSG_SQUARES) * sizeof *plain);
    const bool same = net_same_message(m, message, plain);
    free(plain);
    lks_model_free(m);
    return same;
}

static void check_case(const net_case *c, bool alone, bool splits) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    const int n_tables = lks_kernels_usable(tables);
    net n = net_open(c, NULL);
    const double want = alone ? expected(&n) : 0;
    int64_t *first = looked_at(&n, tables[0], 1, 0);
    CU_ASSERT(same_sums(&n, first));
    CU_ASSERT_EQUAL(first[LKS_MSG_CHUNKS], n.batch.n / n.config.train.chunk);
    CU_ASSERT(lks_chunk_squares(first) > 0);
    if (alone)
        CU_ASSERT_DOUBLE_EQUAL(lks_chunk_squares(first), want, 1e-14 * want);
    for (int t = 0; t < n_tables; t++)
        for (int threads = 1; threads <= 3; threads++)
            for (int split = 0; split <= splits; split++) {
                int64_t *message = looked_at(&n, tables[t], threads, split);
                CU_ASSERT(lks_chunk_squares(message) == lks_chunk_squares(first));
                CU_ASSERT_EQUAL(message[LKS_MSG_CHUNKS], first[LKS_MSG_CHUNKS]);
                CU_ASSERT(same_sums(&n, message));
                free(message);
            }
    free(first);
    net_close(&n);
}

static void squares_are_those_of_chunks(void) {
    for (int i = 0; i < n_net_cases; i += 3)
        check_case(&net_cases[i], true, true);
    for (int i = 0; i < n_wide_cases; i++)
        check_case(&wide_cases[i], true, true);
}

static void squares_behind_batchnorm_are_the_same_bits(void) {
    for (int i = 0; i < n_batch_cases; i++)
        check_case(&batch_cases[i], false, false);
}

/* Ranks' messages are added up slot by slot. */
static void squares_are_added_up(void) {
    int64_t a[LKS_MSG_HEAD] = {0}, b[LKS_MSG_HEAD] = {0};
    a[LKS_MSG_SQUARES] = (INT64_C(1) << 43) - 1;
    b[LKS_MSG_SQUARES] = 1;
    b[LKS_MSG_SQUARES + 1] = 3;
    b[LKS_MSG_SQUARES + 2] = 1;
    for (int i = 0; i < LKS_MSG_HEAD; i++)
        a[i] += b[i];
    CU_ASSERT(lks_chunk_squares(a) == ldexp(1, 26) + ldexp(4, -17));
}

/* Samples' gradients with mean (0.5, 0.5, ...) and variance 4 in each of 10 dimensions: 40 / 2.5 = 16. */
static void a_known_noise_scale_is_found(void) {
    enum { DIMENSIONS = 10, CHUNK = 8, CHUNKS = 4, STEPS = 3000 };
    lks_history h = {0};
    const lks_stream stream = lks_stream_make(7, LKS_PURPOSE_INIT, 0, 0, 0);
    uint64_t drawn = 0;
    for (int s = 0; s < STEPS; s++) {
        double whole[DIMENSIONS] = {0}, chunks = 0, square = 0;
        for (int c = 0; c < CHUNKS; c++) {
            double sum[DIMENSIONS] = {0};
            for (int i = 0; i < CHUNK * DIMENSIONS; i++)
                sum[i % DIMENSIONS] += 0.5 + 2 * lks_stream_normal(&stream, drawn++);
            for (int d = 0; d < DIMENSIONS; d++) {
                chunks += sum[d] * sum[d] / (CHUNK * CHUNK) / CHUNKS;
                whole[d] += sum[d] / (CHUNK * CHUNKS);
            }
        }
        for (int d = 0; d < DIMENSIONS; d++)
            square += whole[d] * whole[d];
        const lks_noise n = lks_noise_of(chunks, CHUNK, square, CHUNK * CHUNKS);
        const lks_step_record r = {.step = s + 1,
                                   .epoch = 2,
                                   .gradient_variance = n.variance,
                                   .gradient_square = n.square};
        CU_ASSERT_EQUAL(lks_history_add_step(&h, &r, NULL, &err), LKS_OK);
    }
    CU_ASSERT_DOUBLE_EQUAL(lks_history_noise_scale(&h, 2), 16, 0.5);
    CU_ASSERT(isnan(lks_history_noise_scale(&h, 1)));
    lks_history_free(&h);
}

/* Numerator and denominator are averaged by themselves, over the steps of that epoch which have them. */
static void averages_are_taken_before_the_ratio(void) {
    static const lks_step_record steps[] = {
        {.epoch = 1, .gradient_variance = 1000, .gradient_square = 1},
        {.epoch = 2, .gradient_variance = 10, .gradient_square = 4},
        {.epoch = 2, .gradient_variance = NAN, .gradient_square = NAN},
        {.epoch = 2, .gradient_variance = 50, .gradient_square = -1},
        {.epoch = 3, .gradient_variance = 1, .gradient_square = -1}};
    lks_history h = {0};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        CU_ASSERT_EQUAL(lks_history_add_step(&h, &steps[i], NULL, &err), LKS_OK);
    CU_ASSERT_EQUAL(lks_history_noise_scale(&h, 2), 20);
    CU_ASSERT(isnan(lks_history_noise_scale(&h, 3)));
    CU_ASSERT(isnan(lks_noise_of(1, 16, 1, 16).variance));
    lks_history_free(&h);
}

int main(int argc, char **argv) {
    net_use(argc > 1 ? argv[1] : NULL);
    static const lks_test tests[] = {
        {"squares are those of chunks", squares_are_those_of_chunks},
        {"squares behind batchnorm are the same bits", squares_behind_batchnorm_are_the_same_bits},
        {"squares are added up", squares_are_added_up},
        {"a known noise scale is found", a_known_noise_scale_is_found},
        {"averages are taken before the ratio", averages_are_taken_before_the_ratio},
        {NULL, NULL}};
    return lks_test_main("noise", tests);
}
