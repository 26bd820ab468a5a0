/* What the network says it multiplied is what its kernels were asked for, and what the layers' shapes say
 * where nothing is skipped. */
#include "support/test.h"

#include <stdlib.h>

#include "kernels/kernels.h"
#include "net_case.h"

/* Kernels that add up the products of their arguments and then do the work. */
static const lks_kernels *real;
static int64_t asked;

static void note(int64_t products) {
    __atomic_fetch_add(&asked, products, __ATOMIC_RELAXED);
}

static void forward(const lks_forward_args *a) {
    note((int64_t)a->n_pixels * a->n_runs * a->run_length * a->blocks * LKS_BLOCK);
    real->forward(a);
}

static void winograd_multiply(const lks_winograd_multiply_args *a) {
    note((int64_t)16 * a->tiles * a->inputs * a->blocks * LKS_BLOCK);
    real->winograd_multiply(a);
}

static bool wgrad(const lks_wgrad_args *a) {
    note((int64_t)a->samples * a->rows * a->columns * a->taps * a->channels);
    return real->wgrad(a);
}

static void note_lists(const lks_lists *l) {
    for (int f = 0; f < l->filters; f++)
        note((int64_t)l->count[f] * l->rows * l->columns * l->channels);
}

static void scatter(float *dx, const float *w, const lks_lists *l) {
    note_lists(l);
    real->scatter(dx, w, l);
}

static void gather(float *dw, const float *x, const lks_lists *l) {
    note_lists(l);
    real->gather(dw, x, l);
}

/* Whole blocks of channels, so that kernels and layers mean the same. */
static const net_case whole_blocks[] = {
    {"lists, positions that pooling drops",
     "[{conv2d: {filters: 16, kernel: 3}}, relu, {maxpool: 2}, {conv2d: {filters: 32, kernel: [2, "
     "3]}},"
     " relu, {maxpool: 2}, {conv2d: {filters: 32, kernel: 2, stride: 2}}, relu, flatten,"
     " {dropout: 0.5}, {dense: 16}]",
     {21, 22, 1},
     16,
     37,
     8,
     1},
    {"Winograd in all directions, lists behind it",
     "[{conv2d: {filters: 16, kernel: 5, padding: 2}}, {conv2d: {filters: 48, kernel: 3}}, tanh,"
     " {conv2d: {filters: 16, kernel: 3, padding: same}}, relu, {maxpool: 2}, {conv2d: {filters: "
     "32,"
     " kernel: 3}}, relu, {maxpool: 2}, flatten, {dense: 32}, relu, {dense: 16}]",
     {13, 14, 2},
     16,
     21,
     4,
     2},
    {"strides and padding",
     "[{conv2d: {filters: 16, kernel: 3, stride: 2, padding: 1}}, {conv2d: {filters: 32, kernel: 5,"
     " stride: [2, 3], padding: same}}, {conv2d: {filters: 16, kernel: 2, padding: 1}}, "
     "global_avgpool,"
     " {dense: 16}]",
     {13, 12, 3},
     16,
     18,
     8,
     3},
    {"groups",
     "[{conv2d: {filters: 32, kernel: 3}}, relu, {conv2d: {filters: 64, kernel: 3, groups: 2,"
     " padding: 1}}, relu, {conv2d: {filters: 48, kernel: 2, groups: 1, stride: 2}}, tanh, {conv2d:"
     " {filters: 48, kernel: 2, groups: 3}}, flatten, {dense: 16}]",
     {9, 8, 1},
     16,
     19,
     4,
     9},
    {"wide",
     "[{conv2d: {filters: 16, kernel: 2, stride: 2}}, flatten, {dense: 48}, {dense: 16}]",
     {28, 28, 1},
     16,
     19,
     4,
     4},
    {"first layers as they are",
     "[{conv2d: {filters: 16, kernel: 3, trainable: false}}, relu, {conv2d: {filters: 16, kernel: "
     "3}},"
     " flatten, {dense: {units: 16, trainable: false}}]",
     {9, 8, 1},
     16,
     11,
     8,
     5},
};

/* Trained on once and evaluated once by @p threads threads, in flop. */
static int64_t count(const net_case *c, const lks_kernels *kernels, int threads) {
    net n = net_open(c, NULL);
    lks_kernels counting = *kernels;
    counting.forward = forward;
    counting.winograd_multiply = winograd_multiply;
    counting.wgrad = wgrad;
    counting.scatter = scatter;
    counting.gather = gather;
    real = kernels;
    lks_model *m = net_model(&n, &counting, threads);
    asked = 0;
    CU_ASSERT_EQUAL(lks_model_flop(m), 0);
    lks_model_train(m, &n.batch);
    int64_t trained = lks_model_flop(m);
    CU_ASSERT(trained > 0);
    CU_ASSERT_EQUAL(trained, 2 * asked);
    lks_model_evaluate(m, &n.batch, NULL, NULL);
    int64_t both = lks_model_flop(m);
    CU_ASSERT(both > trained && both < 2 * trained);
    CU_ASSERT_EQUAL(both, 2 * asked);
    lks_model_free(m);
    net_close(&n);
    return both;
}

static void test_kernels_asked(void) {
    for (size_t i = 0; i < sizeof whole_blocks / sizeof *whole_blocks; i++) {
        int64_t one = count(&whole_blocks[i], net_kernels(), 1);
        for (int threads = 2; threads <= 3; threads++)
            CU_ASSERT_EQUAL(count(&whole_blocks[i], net_kernels(), threads), one);
        const lks_kernels *tables[LKS_MAX_TABLES];
        int n = lks_kernels_usable(tables);
        for (int t = 0; t + 1 < n; t++)
            CU_ASSERT_EQUAL(count(&whole_blocks[i], tables[t], 2), one);
    }
}

/* Flop of one sample if nothing were skipped. */
static double of_shapes(const net *n) {
    lks_layer_info info[16];
    lks_error err;
    CU_ASSERT_FATAL(n->config.n_layers <= 16);
    CU_ASSERT_EQUAL_FATAL(lks_model_shapes(&n->config, n->input, n->classes, info, &err), LKS_OK);
    return lks_training_flop(&n->config, info);
}

/* In either precision, where nothing can be skipped. */
static int64_t of_training(net *n) {
    int64_t flop[2];
    for (int p = 0; p < 2; p++) {
        n->config.train.precision = p ? LKS_BF16 : LKS_FLOAT32;
        lks_model *m = net_model(n, net_kernels(), 2);
        lks_model_train(m, &n->batch);
        flop[p] = lks_model_flop(m);
        lks_model_free(m);
    }
    CU_ASSERT_EQUAL(flop[0], flop[1]);
    return flop[0];
}

/* 6 x 7 x 7 outputs of 18 products, without an input's gradient; 5 x 5 x 5 of 42, and 3 of 125, with
 * all three: channels that fill up a vector are nowhere. */
static void test_nothing_skipped(void) {
    const net_case c = {
        "valid",
        "[{conv2d: {filters: 7, kernel: 3}}, tanh, {conv2d: {filters: 5, kernel: [2, 3]}},"
        " sigmoid, flatten, {dense: 3}]",
        {8, 9, 2},
        3,
        13,
        4,
        6};
    const double products = 2 * (6 * 7 * 7 * 18) + 3 * (5 * 5 * 5 * 42) + 3 * (3 * 125);
    net n = net_open(&c, NULL);
    CU_ASSERT_EQUAL(of_shapes(&n), 2 * products);
    CU_ASSERT_EQUAL((double)of_training(&n), 13 * 2 * products);
    net_close(&n);
}

/* Of 5 x 5 outputs pooling takes 4 x 4. */
static void test_dropped_positions(void) {
    const net_case c = {
        "floor",   "[{conv2d: {filters: 3, kernel: 2}}, {maxpool: 2}, flatten, {dense: 2}]",
        {6, 6, 1}, 2,
        5,         4,
        7};
    net n = net_open(&c, NULL);
    CU_ASSERT_EQUAL(of_shapes(&n), 2 * (2 * 25 * 3 * 4 + 3 * 12 * 2));
    CU_ASSERT_EQUAL(of_training(&n), 5 * 2 * (2 * 16 * 3 * 4 + 3 * 12 * 2));
    net_close(&n);
}

/* Padding is not multiplied with where the input's gradient is made: of 3 x 3 taps on 4 x 4 pixels 36
 * of 144 would be. */
static void test_what_learns(void) {
    const net_case c = {
        "frozen and beside",
        "[{conv2d: {filters: 2, kernel: 3, padding: 1, trainable: false, name: a}},"
        " {conv2d: {filters: 2, kernel: 3, padding: 1, input: input, name: b}},"
        " {add: a}, {conv2d: {filters: 2, kernel: 3, padding: 1, name: c}}, flatten,"
        " {dense: 2}]",
        {4, 4, 1},
        2,
        6,
        4,
        8};
    net n = net_open(&c, NULL);
    const int a = 16 * 2 * 9, b = 2 * a, conv = 16 * 2 * 18, dense = 32 * 2;
    CU_ASSERT_EQUAL(of_shapes(&n), 2 * (a + b + 3 * conv + 3 * dense));
    CU_ASSERT_EQUAL(of_training(&n), 6 * 2 * (a + b + 2 * conv + 100 * 4 + 3 * dense));
    net_close(&n);
}

int main(void) {
    static const lks_test tests[] = {{"what kernels were asked for", test_kernels_asked},
                                     {"nothing skipped", test_nothing_skipped},
                                     {"positions that pooling drops", test_dropped_positions},
                                     {"layers that do not learn", test_what_learns},
                                     {NULL, NULL}};
    return lks_test_main("flop", tests);
}
