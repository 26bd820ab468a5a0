/* The forward kernel of every instruction set this machine runs: bit for bit a chain of fmaf() in
 * the documented order (so the tables agree bit for bit with each other), and within the bound of
 * conv_case.h of the same sum in double. Odd shapes, awkward floats. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv_case.h"
#include "support/random_data.h"

static const int kernels[][2] = {{1, 1}, {2, 3}, {3, 3}, {5, 5}, {7, 7}};
#define N_KERNELS 5
#define DRAWS     6 /* per kernel and mode */

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

/* x <= 0 ? +0 : x, and NaN stays. */
static float relu_of(float x) {
    return x <= 0.0f ? 0.0f : x;
}

/* The taps that a sum runs over, and how: taps outside and channels inside, or, across, the other way
 * round. */
typedef struct term_order {
    bool across;
    int n_taps, taps[64];
} term_order;

/* All taps; across, also some of them, down to none. */
static term_order draw_order(const conv_case *c, bool across) {
    term_order o = {.across = across};
    int keep = across ? lks_random_int(0, 3) : 3;
    for (int t = 0; t < c->taps; t++)
        if (lks_random_int(1, 3) <= keep)
            o.taps[o.n_taps++] = t;
    return o;
}

/* The element that stands at place k of a sum. */
static int element_at(const conv_case *c, const term_order *o, int k) {
    return o->across ? o->taps[k % o->n_taps] * c->channels + k / o->n_taps : k;
}

/* Sums before ReLU and pooling, [pixel, row-major][filter]. */
static chain *expected_sums(const conv_case *c, bool bias, const term_order *order) {
    int pixels = c->rows * c->columns, elements = order->n_taps * c->channels;
    chain *sums = malloc(sizeof *sums * (size_t)(pixels * c->filters));
    for (int i = 0; i < pixels; i++)
        for (int o = 0; o < c->filters; o++) {
            chain s = chain_start(bias ? c->bias[o] : 0.0f);
            for (int k = 0; k < elements; k++) {
                int e = element_at(c, order, k);
                chain_add(&s, c->x[c->pixels[i] + c->element_offset[e]],
                          c->weights[(size_t)e * c->filters + o]);
            }
            sums[i * c->filters + o] = s;
        }
    return sums;
}

/* [blocks][elements][16], as the kernel wants them: taps outside, or channels outside. */
static float *packed_weights(const conv_case *c, bool across) {
    int elements = c->taps * c->channels;
    float *w = malloc(sizeof *w * (size_t)(elements * c->filters));
    for (int k = 0; k < elements; k++)
        for (int o = 0; o < c->filters; o++)
            w[((size_t)(o / LKS_BLOCK) * elements + k) * LKS_BLOCK + o % LKS_BLOCK] =
                c->weights[(size_t)(across ? k % c->taps * c->channels + k / c->taps : k) *
                               c->filters +
                           o];
    return w;
}

/* The runs of a case: a tap each, or, where no padding comes in between, a kernel row each. */
static void set_runs(const conv_case *c, lks_forward_args *a, const term_order *o,
                     int32_t *run_offset, int32_t *run_weight) {
    bool rows = !o->across && c->pixel_stride == c->channels && lks_random_int(0, 1);
    a->n_runs = rows ? c->kernel[0] : o->n_taps;
    a->run_length = rows ? c->kernel[1] * c->channels : c->channels;
    for (int r = 0; r < a->n_runs; r++) {
        run_offset[r] = c->tap_offset[rows ? r * c->kernel[1] : o->taps[r]];
        run_weight[r] = o->taps[r] * LKS_BLOCK;
    }
    a->run_offset = run_offset;
    a->run_weight = o->across ? run_weight : NULL;
    a->weight_step = (size_t)c->taps * LKS_BLOCK;
}

/* Places in any order, with one pixel's room between any two. */
static int32_t *draw_places(const conv_case *c) {
    int pixels = c->rows * c->columns;
    int32_t *places = malloc(sizeof *places * (size_t)pixels);
    for (int i = 0; i < pixels; i++) {
        int j = lks_random_int(0, i);
        places[i] = places[j];
        places[j] = 2 * i * c->filters;
    }
    return places;
}

static size_t wrong_plain(const conv_case *c, const lks_forward_args *a, const chain *sums) {
    size_t wrong = 0;
    for (int i = 0; i < c->rows * c->columns * c->filters; i++) {
        int pixel = i / c->filters, o = i % c->filters;
        float want = a->relu ? relu_of(sums[i].value) : sums[i].value;
        float got = a->out[(a->out_offset ? a->out_offset[pixel] : pixel * c->filters) + o];
        wrong += lks_differing_bits(&got, &want, 1);
        wrong += !a->relu && !chain_within(&sums[i], got);
    }
    return wrong;
}

static size_t wrong_pooled(const conv_case *c, const lks_forward_args *a, const chain *sums) {
    size_t wrong = 0;
    for (int w = 0; w < c->rows * c->columns / 4; w++)
        for (int o = 0; o < c->filters; o++) {
            float best = 0;
            int place = -1;
            for (int k = 0; k < 4; k++) {
                float v = sums[conv_case_window_pixel(c, w, k) * c->filters + o].value;
                if (place < 0 || v > best) {
                    best = v;
                    place = k;
                }
            }
            best = a->relu ? relu_of(best) : best;
            size_t at = (size_t)w * c->filters + o;
            wrong += lks_differing_bits(&a->out[at], &best, 1) + (a->argmax[at] != place);
        }
    return wrong;
}

static void check_order(const conv_case *c, bool pool, bool relu, bool bias, bool across) {
    const term_order o = draw_order(c, across);
    chain *sums = expected_sums(c, bias, &o);
    float *w = packed_weights(c, across);
    int32_t run_offset[64], run_weight[64], *places = draw_places(c);
    bool anywhere = across && lks_random_int(0, 1);
    lks_forward_args a = {.x = c->x,
                          .n_pixels = c->rows * c->columns,
                          .pixel_offset = pool ? c->windows : c->pixels,
                          .blocks = c->filters / LKS_BLOCK,
                          .weights = w,
                          .bias = bias ? c->bias : NULL,
                          .relu = relu,
                          .out_offset = anywhere ? places : NULL};
    set_runs(c, &a, &o, run_offset, run_weight);
    size_t n = (size_t)(a.n_pixels / (pool ? 4 : 1) * c->filters) * (anywhere ? 2 : 1);
    for (int t = 0; t < n_tables; t++) {
        a.out = lks_guarded_alloc(n);
        uint8_t *argmax = malloc(n + 1);
        memset(argmax, 99, n + 1);
        a.argmax = pool ? argmax : NULL;
        tables[t]->forward(&a);
        CU_ASSERT_EQUAL(pool ? wrong_pooled(c, &a, sums) : wrong_plain(c, &a, sums), 0);
        CU_ASSERT_EQUAL(argmax[n], 99);
        CU_ASSERT(lks_guarded_free(a.out, n));
        free(argmax);
    }
    free(sums);
    free(places);
    free(w);
}

static void check_forward(const conv_case *c, bool pool, bool relu, bool bias) {
    check_order(c, pool, relu, bias, false);
    if (!pool)
        check_order(c, false, relu, bias, true);
}

static void test_forward(void) {
    lks_random_seed(1);
    for (int k = 0; k < N_KERNELS; k++)
        for (int draw = 0; draw < DRAWS; draw++) {
            conv_case c = conv_case_draw(kernels[k], draw % 2, false, 1);
            check_forward(&c, false, draw & 2, draw % 3 != 0);
            conv_case_free(&c);
        }
}

static void test_forward_pooled(void) {
    lks_random_seed(2);
    for (int k = 0; k < N_KERNELS; k++)
        for (int draw = 0; draw < DRAWS; draw++) {
            conv_case c = conv_case_draw(kernels[k], draw % 2, true, 1);
            check_forward(&c, true, draw & 2, draw % 3 != 0);
            conv_case_free(&c);
        }
}

/* Every number of pixels up to beyond two of the largest tiles, with and without windows. */
static void test_forward_tails(void) {
    lks_random_seed(3);
    for (int n = 1; n <= 30; n++) {
        conv_case c = conv_case_new(kernels[1], false, 1, n, 1);
        check_forward(&c, false, true, true);
        conv_case_free(&c);
        if (n <= 8) {
            c = conv_case_new(kernels[0], true, 2, 2 * n, 1);
            check_forward(&c, true, false, true);
            conv_case_free(&c);
        }
    }
}

/* One tap of weight 1 and a bias of -0, so that every value, signed zeros included, reaches the
 * window as it stands: value[k] for place k. Returns whether all lanes agree. */
static bool pool_one(const lks_kernels *table, const float value[4], bool relu, float *out,
                     uint8_t *argmax) {
    float x[4], w[LKS_BLOCK], bias[LKS_BLOCK], y[LKS_BLOCK];
    uint8_t place[LKS_BLOCK];
    const int32_t pixels[4] = {0, 1, 2, 3}, run = 0;
    memcpy(x, value, sizeof x);
    for (int o = 0; o < LKS_BLOCK; o++) {
        w[o] = 1.0f;
        bias[o] = -0.0f;
    }
    const lks_forward_args a = {.x = x,
                                .n_pixels = 4,
                                .pixel_offset = pixels,
                                .n_runs = 1,
                                .run_length = 1,
                                .run_offset = &run,
                                .blocks = 1,
                                .weights = w,
                                .bias = bias,
                                .relu = relu,
                                .out = y,
                                .argmax = place};
    table->forward(&a);
    *out = y[0];
    *argmax = place[0];
    bool agree = true;
    for (int o = 1; o < LKS_BLOCK; o++)
        agree &= lks_differing_bits(&y[o], out, 1) == 0 && place[o] == *argmax;
    return agree;
}

/* Every window of four values out of this list. */
static const float pool_values[] = {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN};

static void test_pool_order(void) {
    size_t wrong = 0;
    const int n = 7;
    for (int t = 0; t < n_tables; t++)
        for (int code = 0; code < n * n * n * n; code++) {
            float value[4], out;
            uint8_t argmax;
            int place = 0, rest = code;
            for (int k = 0; k < 4; k++, rest /= n)
                value[k] = pool_values[rest % n];
            for (int k = 1; k < 4; k++) /* the first NaN, else the first maximum */
                if (!isnan(value[place]) && (isnan(value[k]) || value[k] > value[place]))
                    place = k;
            for (int relu = 0; relu < 2; relu++) {
                float want = relu ? relu_of(value[place]) : value[place];
                wrong += !pool_one(tables[t], value, relu, &out, &argmax);
                wrong += argmax != place || lks_differing_bits(&out, &want, 1) != 0;
            }
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

int main(void) {
    static const lks_test tests[] = {{"forward", test_forward},
                                     {"forward with pooling", test_forward_pooled},
                                     {"numbers of pixels", test_forward_tails},
                                     {"order of maxima", test_pool_order},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("forward kernel", tests);
}
