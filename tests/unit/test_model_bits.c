/* The same bits however the work is done: over threads, kernel tables and splits of the batch, in
 * whole messages; dropout masks that depend on the seed, the epoch and the sample alone. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "net_case.h"
#include "support/random_data.h"

/* In bf16 two threads show nothing that three do not. */
static int step_of(const net *n) {
    return n->config.train.precision == LKS_BF16 ? 2 : 1;
}

/* The whole batch at once, on one thread. */
static int64_t *message_of(const net *n, const lks_kernels *kernels, int threads) {
    lks_model *m = net_model(n, kernels, threads);
    lks_model_train(m, &n->batch);
    int64_t *message = net_collect(m);
    lks_model_free(m);
    return message;
}

/* Trains the first @p chunks chunks as one part and the rest as another; the rest first where
 * @p swapped. */
static int64_t *message_in_parts(lks_model *m, const net *n, int chunks, bool swapped) {
    int first = chunks * n->config.train.chunk;
    lks_batch part[2] = {net_part(n, 0, first), net_part(n, first, n->batch.n - first)};
    lks_model_train(m, &part[swapped]);
    lks_model_train(m, &part[!swapped]);
    return net_collect(m);
}

static void check_splits(const net *n, const int64_t *want, const lks_kernels *table, int threads) {
    int chunks = (n->batch.n - 1) / n->config.train.chunk, wrong = 0;
    lks_model *m = net_model(n, table, threads);
    const int split[] = {0, 1, chunks};
    for (int i = 0; i < 3; i++) {
        int64_t *message = message_in_parts(m, n, split[i], i & 1);
        wrong += !net_same_message(m, message, want);
        free(message);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_model_free(m);
}

static void test_messages(void) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n_tables = lks_kernels_usable(tables);
    for (int i = 0; i < n_net_cases; i++) {
        net n = net_open(&net_cases[i], NULL);
        int64_t *want = message_of(&n, tables[0], 1);
        for (int t = 0; t < n_tables; t++)
            for (int threads = 1; threads <= 3; threads += step_of(&n))
                check_splits(&n, want, tables[t], threads);
        free(want);
        net_close(&n);
    }
}

/* Two batches, whole, by a model with room for more samples: both messages, then the weights, of
 * which batchnorm's running moments have moved. */
static size_t differing_from(const net *n, const lks_kernels *table, int threads, int room,
                             int64_t *const want[2], const float *moments) {
    lks_model *m;
    lks_error err;
    size_t wrong = 0;
    CU_ASSERT_EQUAL_FATAL(lks_model_create(&m, &n->config, n->input, n->classes,
                                           (const float(*)[256])n->pixels, table, threads,
                                           n->batch.n + room, &err),
                          LKS_OK);
    lks_model_init(m, n->config.seed);
    lks_model_view v = lks_model_look(m);
    for (int i = 0; i < 2; i++) {
        lks_batch part = net_part(n, 0, n->batch.n - i * 5);
        lks_model_train(m, &part);
        int64_t *message = net_collect(m);
        wrong += !net_same_message(m, message, want[i]);
        free(message);
    }
    wrong += lks_differing_bits(v.weights, moments, v.n_weights);
    lks_model_free(m);
    return wrong;
}

static void check_whole_batches(const net *n, const lks_kernels *const *used, int n_tables) {
    lks_model *m = net_model(n, used[0], 1);
    lks_model_view v = lks_model_look(m);
    lks_batch part = net_part(n, 0, n->batch.n - 5);
    int64_t *want[2];
    lks_model_train(m, &n->batch);
    want[0] = net_collect(m);
    lks_model_train(m, &part);
    want[1] = net_collect(m);
    size_t wrong = 0;
    for (int t = 0; t < n_tables; t++)
        for (int threads = 1; threads <= 3; threads += step_of(n))
            for (int room = 0; room <= 14; room += 7)
                wrong += differing_from(n, used[t], threads, room, want, v.weights);
    CU_ASSERT_EQUAL(wrong, 0);
    free(want[0]);
    free(want[1]);
    lks_model_free(m);
}

static void test_whole_batches(void) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n_tables = lks_kernels_usable(tables);
    for (int i = 0; i < n_batch_cases; i++) {
        net n = net_open(&batch_cases[i], NULL);
        check_whole_batches(&n, tables, n_tables);
        net_close(&n);
    }
}

/* Micro-batches add up: the sums of the same batch twice are twice those of the batch. */
static void test_sums_add_up(void) {
    net n = net_open(net_case_named("odd channels, 5x5, stride 2, explicit padding"), NULL);
    lks_model *m = net_model(&n, net_kernels(), 2);
    lks_model_train(m, &n.batch);
    int64_t *once = net_collect(m);
    lks_model_train(m, &n.batch);
    lks_model_train(m, &n.batch);
    int64_t *twice = net_collect(m);
    size_t wrong = 0;
    for (size_t i = 0; i < net_message_length(m); i++)
        wrong += i != LKS_MSG_LOSS_HI && i != LKS_MSG_LOSS_LO &&
                 (uint64_t)twice[i] != 2 * (uint64_t)once[i]; /* the hash is modulo 2^64 */
    CU_ASSERT_EQUAL(wrong, 0);
    free(once);
    free(twice);
    lks_model_free(m);
    net_close(&n);
}

/* A rank may have samples in one micro-batch of a step and none in the next, where batchnorm makes it
 * join in all the same: what it gathered stays. */
static void test_empty_micro_batch(void) {
    for (int i = 0; i < n_batch_cases; i++) {
        net n = net_open(&batch_cases[i], NULL);
        lks_model *m = net_model(&n, net_kernels(), 2);
        int64_t *want = message_of(&n, net_kernels(), 2);
        lks_model_train(m, &n.batch);
        lks_model_train(m, &(lks_batch){.n = 0});
        int64_t *message = net_collect(m);
        CU_ASSERT(net_same_message(m, message, want));
        free(message);
        free(want);
        lks_model_free(m);
        net_close(&n);
    }
}

static void check_scores(const net *n, const lks_kernels *table, int threads, const lks_score *want,
                         const float *want_probabilities) {
    lks_model *m = net_model(n, table, threads);
    size_t classes = (size_t)n->classes, count = (size_t)n->batch.n;
    lks_score *scores = calloc(count, sizeof *scores);
    float *probabilities = calloc(count * classes, sizeof *probabilities);
    for (int at = 0, step = 1; at < n->batch.n; at += step, step++) { /* parts of 1, 2, 3... */
        int left = n->batch.n - at;
        lks_batch part = net_part(n, at, step < left ? step : left);
        part.ids = NULL; /* neither ids nor the epoch matter here */
        part.epoch = (uint32_t)step;
        lks_model_evaluate(m, &part, scores + at, probabilities + (size_t)at * classes);
    }
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += scores[i].loss != want[i].loss || scores[i].predicted != want[i].predicted ||
                 scores[i].rank_label != want[i].rank_label;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(memcmp(probabilities, want_probabilities, count * classes * sizeof(float)) == 0);
    lks_batch unlabelled = n->batch;
    unlabelled.labels = NULL;
    memset(probabilities, 0, count * classes * sizeof(float));
    lks_model_evaluate(m, &unlabelled, NULL, probabilities);
    CU_ASSERT(memcmp(probabilities, want_probabilities, count * classes * sizeof(float)) == 0);
    free(scores);
    free(probabilities);
    lks_model_free(m);
}

static void check_evaluation(const net_case *c) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n_tables = lks_kernels_usable(tables);
    net n = net_open(c, NULL);
    size_t count = (size_t)n.batch.n;
    lks_score *scores = calloc(count, sizeof *scores);
    float *probabilities = calloc(count * (size_t)n.classes, sizeof *probabilities);
    lks_model *m = net_model(&n, tables[0], 1);
    lks_model_evaluate(m, &n.batch, scores, probabilities);
    lks_model_free(m);
    for (int t = 0; t < n_tables; t++)
        for (int threads = 1; threads <= 3; threads += step_of(&n))
            check_scores(&n, tables[t], threads, scores, probabilities);
    free(scores);
    free(probabilities);
    net_close(&n);
}

static void test_evaluation(void) {
    for (int i = 0; i < n_net_cases; i++)
        check_evaluation(&net_cases[i]);
    for (int i = 0; i < n_batch_cases; i++)
        check_evaluation(&batch_cases[i]);
}

/* An evaluation between two batches leaves no trace. */
static void test_evaluation_between(void) {
    net n = net_open(net_case_named("pooling without ReLU"), NULL);
    int64_t *want = message_of(&n, net_kernels(), 2);
    lks_model *m = net_model(&n, net_kernels(), 2);
    lks_score scores[64];
    lks_batch first = net_part(&n, 0, 8), rest = net_part(&n, 8, n.batch.n - 8);
    lks_model_train(m, &first);
    lks_model_evaluate(m, &n.batch, scores, NULL);
    lks_model_train(m, &rest);
    int64_t *message = net_collect(m);
    CU_ASSERT(net_same_message(m, message, want));
    free(message);
    free(want);
    lks_model_free(m);
    net_close(&n);
}

/* The same sample with the same id and epoch has the same gradients, with another id, epoch or seed
 * (either half of it) it has not. */
static void test_dropout_keys(void) {
    net n = net_open(net_case_named("convolutions, pooling, dropout"), NULL);
    lks_model *m = net_model(&n, net_kernels(), 1);
    size_t head = LKS_MSG_HEAD + (size_t)lks_model_look(m).n_operations;
    size_t bytes = lks_model_look(m).n_weights * sizeof(int64_t);
    lks_batch one = net_part(&n, 5, 1);
    lks_model_train(m, &one);
    int64_t *want = net_collect(m);
    const struct {
        uint32_t id, epoch;
        uint64_t seed;
        bool same;
    } cases[] = {{n.ids[5], 3, 1, true},
                 {n.ids[5] + 1, 3, 1, false},
                 {n.ids[5], 4, 1, false},
                 {n.ids[5], 3, 2, false},
                 {n.ids[5], 3, UINT64_C(1) << 32 | 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        n.config.seed = cases[i].seed;
        lks_model *other = net_model(&n, net_kernels(), 1);
        lks_model_init(other, 1); /* the mask's seed changes, the weights do not */
        lks_batch batch = one;
        batch.ids = &cases[i].id;
        batch.epoch = cases[i].epoch;
        lks_model_train(other, &batch);
        int64_t *got = net_collect(other);
        CU_ASSERT_EQUAL(memcmp(got + head, want + head, bytes) == 0, cases[i].same);
        free(got);
        lks_model_free(other);
    }
    free(want);
    lks_model_free(m);
    net_close(&n);
}

int main(int argc, char **argv) {
    net_use(argc > 1 ? argv[1] : NULL);
    static const lks_test tests[] = {
        {"messages over threads, tables and splits", test_messages},
        {"whole batches over threads, tables and room", test_whole_batches},
        {"sums add up", test_sums_add_up},
        {"a micro-batch without samples", test_empty_micro_batch},
        {"evaluation over threads, tables and splits", test_evaluation},
        {"evaluation between batches", test_evaluation_between},
        {"dropout is keyed by seed, epoch and id", test_dropout_keys},
        {NULL, NULL}};
    return lks_test_main("model bits", tests);
}
