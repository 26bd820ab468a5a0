/* Pooling by itself, forward and backward, against plain loops over every cell of every window: with
 * overlap, gaps, padding of all sorts, ties, NaN and infinities. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "net_case.h"
#include "nn/op.h" /* the operation is fed and read directly */
#include "support/random_data.h"

#define ROWS      7
#define COLUMNS   6
#define CHANNELS  5
#define SAMPLES   3
#define OPERATION 3 /* input, convolution, dropout (against fusion), pooling */

typedef struct pool_case {
    const char *layer;
    bool mean, count_padding;
    int window[2], stride[2], before[2], outputs[2];
} pool_case;

static const pool_case cases[] = {
    {"maxpool: 2", false, false, {2, 2}, {2, 2}, {0, 0}, {3, 3}},
    {"maxpool: {window: 3, stride: 2}", false, false, {3, 3}, {2, 2}, {0, 0}, {3, 2}},
    {"maxpool: {window: 2, stride: 3}", false, false, {2, 2}, {3, 3}, {0, 0}, {2, 2}},
    {"maxpool: {window: 3, stride: 2, padding: 1}", false, false, {3, 3}, {2, 2}, {1, 1}, {4, 3}},
    {"maxpool: {window: [2, 3], stride: [3, 1], padding: same}",
     false,
     false,
     {2, 3},
     {3, 1},
     {0, 1},
     {3, 6}},
    {"maxpool: {window: [1, 2], padding: [0, 1]}", false, false, {1, 2}, {1, 2}, {0, 1}, {7, 4}},
    {"avgpool: 2", true, true, {2, 2}, {2, 2}, {0, 0}, {3, 3}},
    {"avgpool: {window: 3, stride: [2, 1]}", true, true, {3, 3}, {2, 1}, {0, 0}, {3, 4}},
    {"avgpool: {window: 1, stride: 4}", true, true, {1, 1}, {4, 4}, {0, 0}, {2, 2}},
    {"avgpool: {window: 3, stride: 2, padding: 1}", true, true, {3, 3}, {2, 2}, {1, 1}, {4, 3}},
    {"avgpool: {window: [4, 3], stride: 1, padding: same}",
     true,
     true,
     {4, 3},
     {1, 1},
     {1, 1},
     {7, 6}},
    {"avgpool: {window: 3, stride: 2, padding: 1, count_padding: false}",
     true,
     false,
     {3, 3},
     {2, 2},
     {1, 1},
     {4, 3}},
    {"avgpool: {window: [4, 3], stride: 1, padding: same, count_padding: false}",
     true,
     false,
     {4, 3},
     {1, 1},
     {1, 1},
     {7, 6}},
    {"global_avgpool: {}", true, true, {ROWS, COLUMNS}, {1, 1}, {0, 0}, {1, 1}},
};

/* What should come out of SAMPLES images: [row][column][channel], and dx, with the sum of its terms'
 * absolute values. */
typedef struct expected {
    double y[SAMPLES][ROWS * COLUMNS * CHANNELS];
    double dx[SAMPLES][ROWS * COLUMNS * CHANNELS], size[SAMPLES][ROWS * COLUMNS * CHANNELS];
} expected;

static size_t cell(int row, int column, int columns, int channel) {
    return ((size_t)row * (size_t)columns + (size_t)column) * CHANNELS + (size_t)channel;
}

static void give(expected *e, int s, size_t at, double share) {
    e->dx[s][at] += share;
    e->size[s][at] += fabs(share);
}

/* One output with gradient dy. */
static void expect_one(const pool_case *c, const double *x, expected *e, int s, int row, int column,
                       int channel, double dy) {
    size_t inside[ROWS * COLUMNS], out = cell(row, column, c->outputs[1], channel);
    size_t n = 0, best = 0;
    double sum = 0;
    for (int i = 0; i < c->window[0]; i++)
        for (int j = 0; j < c->window[1]; j++) {
            int y = row * c->stride[0] + i - c->before[0];
            int z = column * c->stride[1] + j - c->before[1];
            if (y < 0 || y >= ROWS || z < 0 || z >= COLUMNS)
                continue;
            size_t at = inside[n++] = cell(y, z, COLUMNS, channel);
            sum += x[at];
            if (n == 1 || (!isnan(x[best]) && (isnan(x[at]) || x[at] > x[best])))
                best = at;
        }
    double cells = c->count_padding ? c->window[0] * c->window[1] : (double)n;
    e->y[s][out] = c->mean ? sum / cells : x[best];
    if (!c->mean)
        give(e, s, best, dy);
    for (size_t i = 0; c->mean && i < n; i++)
        give(e, s, inside[i], dy / cells);
}

/* Few values, so that windows are full of ties and sums are exact; with `odd`, what no sum survives. */
static float value(bool odd) {
    int pick = lks_random_int(0, odd ? 11 : 8);
    return pick < 9 ? 0.125f * (float)(pick - 4) : pick == 9 ? NAN : -INFINITY;
}

/* Fills the operation's input and output gradient, and what is expected of them. */
static void prepare(const pool_case *c, lks_op *op, const lks_worker *w, expected *e, bool odd) {
    const lks_activation *in = op->in, *out = op->out;
    for (int s = 0; s < SAMPLES; s++) {
        float *x = lks_value(in, w, s), *dy = lks_gradient(out, w, s);
        double logical[ROWS * COLUMNS * CHANNELS];
        for (int p = 0; p < ROWS * COLUMNS; p++)
            for (int ch = 0; ch < in->stride; ch++) {
                x[p * in->stride + ch] = ch < CHANNELS ? value(odd) : 0;
                if (ch < CHANNELS)
                    logical[p * CHANNELS + ch] = (double)x[p * in->stride + ch];
            }
        for (int row = 0; row < c->outputs[0]; row++)
            for (int column = 0; column < c->outputs[1]; column++)
                for (int ch = 0; ch < out->stride; ch++) {
                    float g = ch < CHANNELS ? (float)lks_random_int(-20, 20) : 0;
                    dy[(row * c->outputs[1] + column) * out->stride + ch] = g;
                    if (ch < CHANNELS)
                        expect_one(c, logical, e, s, row, column, ch, (double)g);
                }
    }
}

static bool same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

/* Wrong values of [pixels][stride], in padded lanes too. */
static size_t wrong_values(const float *got, int pixels, int stride, const double *want,
                           const double *size) {
    size_t wrong = 0;
    for (int p = 0; p < pixels; p++)
        for (int ch = 0; ch < stride; ch++) {
            double is = (double)got[p * stride + ch];
            if (ch >= CHANNELS)
                wrong += is != 0;
            else if (size)
                wrong +=
                    !(fabs(is - want[p * CHANNELS + ch]) <= 4 * 0x1p-24 * size[p * CHANNELS + ch]);
            else
                wrong += !same(is, (double)(float)want[p * CHANNELS + ch]);
        }
    return wrong;
}

static void check(const pool_case *c, bool odd) {
    char layers[256];
    snprintf(layers, sizeof layers,
             "[{conv2d: {filters: %d, kernel: 1}}, {dropout: 0}, {%s}, flatten, {dense: 2}]",
             CHANNELS, c->layer);
    const net_case whole = {c->layer, layers, {ROWS, COLUMNS, 1}, 2, SAMPLES, 8, 1};
    net n = net_open(&whole, NULL);
    lks_model *m = net_model(&n, net_kernels(), 1);
    lks_op *op = m->ops[OPERATION];
    expected *e = calloc(1, sizeof *e);
    CU_ASSERT_EQUAL_FATAL(op->out->shape.rows, c->outputs[0]);
    CU_ASSERT_EQUAL_FATAL(op->out->shape.columns, c->outputs[1]);
    lks_worker *w = m->workers[0]; /* its memory has room for the only chunk */
    prepare(c, op, w, e, odd);
    op->class->forward(op, w, 0, 1);
    op->class->forward(op, w, 1, SAMPLES - 1);
    op->class->backward(op, w, 0, 2);
    op->class->backward(op, w, 2, SAMPLES - 2);
    size_t wrong = 0;
    for (int s = 0; s < SAMPLES; s++) {
        wrong += wrong_values(lks_value(op->out, w, s), c->outputs[0] * c->outputs[1],
                              op->out->stride, e->y[s], NULL);
        wrong += wrong_values(lks_sample(op->dx, w, s), ROWS * COLUMNS, op->in->stride, e->dx[s],
                              e->size[s]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    if (wrong)
        printf("\n  %s%s: %zu values are wrong", c->layer, odd ? ", odd numbers" : "", wrong);
    free(e);
    lks_model_free(m);
    net_close(&n);
}

static void test_pooling(void) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i], false);
}

/* NaN wins a maximum, the first of several; minus infinity wins over padding. */
static void test_odd_numbers(void) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!cases[i].mean)
            check(&cases[i], true);
}

int main(void) {
    static const lks_test tests[] = {
        {"pooling", test_pooling}, {"odd numbers", test_odd_numbers}, {NULL, NULL}};
    return lks_test_main("pool", tests);
}
