/* The backward kernels of every instruction set this machine runs: each result bit for bit a chain
 * of fmaf() in the documented order, and within the bound of conv_case.h of the same sum in double;
 * sparse and dense weight gradients equal as numbers. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conv_case.h"
#include "lockstep/exact.h"
#include "support/random_data.h"

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

/* Output gradients of a case as the kernels get them, and expanded to pixels. A cell is a pixel or
 * a 2x2 window. */
typedef struct gradients {
    bool pooled;
    int cells, pixels;
    size_t stride; /* elements from sample to sample: a little more than needed */
    float *dy;
    uint8_t *argmax;
    float *expanded; /* [samples][pixels, row-major][filters] */
} gradients;

static void expand(gradients *g, const conv_case *c) {
    for (int s = 0; s < c->samples; s++)
        for (int cell = 0; cell < g->cells; cell++)
            for (int o = 0; o < c->filters; o++) {
                size_t at = s * g->stride + (size_t)cell * c->filters + o;
                int pixel = g->pooled ? conv_case_window_pixel(c, cell, g->argmax[at]) : cell;
                g->expanded[((size_t)s * g->pixels + pixel) * c->filters + o] = g->dy[at];
            }
}

/* @p density: share of dy that is not set to zero on purpose. */
static gradients gradients_new(const conv_case *c, bool pooled, double density) {
    gradients g = {.pooled = pooled, .pixels = c->rows * c->columns};
    g.cells = g.pixels / (pooled ? 4 : 1);
    g.stride = (size_t)(g.cells * c->filters + 3);
    size_t n = g.stride * (size_t)c->samples;
    g.dy = malloc(n * sizeof *g.dy);
    g.argmax = pooled ? malloc(n) : NULL;
    g.expanded = calloc((size_t)(c->samples * g.pixels * c->filters), sizeof *g.expanded);
    lks_fill_awkward(g.dy, n);
    for (size_t i = 0; i < n; i++) {
        if (lks_random_uniform(0, 1) >= density)
            g.dy[i] = 0.0f;
        if (pooled)
            g.argmax[i] = (uint8_t)lks_random_int(0, 3);
    }
    expand(&g, c);
    return g;
}

static void gradients_free(gradients *g) {
    free(g->dy);
    free(g->argmax);
    free(g->expanded);
}

/* Lists of one sample: [filters][pixels] entries, and how many of each filter. */
typedef struct lists {
    lks_entry *entries;
    int32_t *count;
    size_t bytes;
} lists;

static lists lists_new(const conv_case *c, int capacity) {
    lists l = {.bytes = sizeof(lks_entry) * (size_t)(c->filters * capacity)};
    l.entries = malloc(l.bytes);
    l.count = malloc(sizeof *l.count * (size_t)c->filters);
    memset(l.entries, 0x5a, l.bytes); /* what the kernel leaves alone must stay */
    memset(l.count, 0x5a, sizeof *l.count * (size_t)c->filters);
    return l;
}

static void lists_free(lists *l) {
    free(l->entries);
    free(l->count);
}

static lists expected_lists(const conv_case *c, const gradients *g, int sample) {
    lists l = lists_new(c, g->cells);
    for (int o = 0; o < c->filters; o++) {
        l.count[o] = 0;
        for (int i = 0; i < g->pixels; i++) {
            float v = g->expanded[((size_t)sample * g->pixels + i) * c->filters + o];
            if (v != 0)
                l.entries[o * g->cells + l.count[o]++] = (lks_entry){c->pixels[i], v};
        }
    }
    return l;
}

static lists kernel_lists(const lks_kernels *table, const conv_case *c, const gradients *g,
                          int sample) {
    lists l = lists_new(c, g->cells);
    size_t at = sample * g->stride, words = LKS_LIST_WORDS(g->cells);
    lks_listed_pixel *pixel = malloc(sizeof *pixel * (size_t)g->pixels);
    uint32_t *scratch = malloc(words * sizeof *scratch);
    for (int w = 0; w < g->cells; w++)
        for (int k = 0; k < 4; k++) {
            int p = conv_case_window_pixel(c, w, k);
            pixel[p] = (lks_listed_pixel){c->pixels[p], w};
        }
    memset(scratch, 0x5a, words * sizeof *scratch);
    const lks_list_args a = {.dy = g->dy + at,
                             .argmax = g->argmax + at,
                             .window_rows = c->rows / 2,
                             .window_columns = c->columns / 2,
                             .channels = c->filters,
                             .pixel = pixel,
                             .capacity = g->cells,
                             .entries = l.entries,
                             .count = l.count,
                             .scratch = scratch};
    table->list(&a);
    free(pixel);
    free(scratch);
    return l;
}

/* Filters [first, first + filters) of lists. */
static lks_lists lists_of(const conv_case *c, const gradients *g, const lists *l, int first,
                          int filters) {
    return (lks_lists){.entries = l->entries + first * g->cells,
                       .count = l->count + first,
                       .capacity = g->cells,
                       .filters = filters,
                       .rows = c->kernel[0],
                       .columns = c->kernel[1],
                       .row_step = c->in_columns * c->pixel_stride,
                       .channels = c->pixel_stride};
}

static void check_list(const conv_case *c, const gradients *g) {
    if (!g->pooled)
        return;
    lists want = expected_lists(c, g, c->samples - 1);
    for (int t = 0; t < n_tables; t++) {
        lists got = kernel_lists(tables[t], c, g, c->samples - 1);
        CU_ASSERT(memcmp(got.count, want.count, sizeof *got.count * (size_t)c->filters) == 0);
        CU_ASSERT(memcmp(got.entries, want.entries, got.bytes) == 0);
        lists_free(&got);
    }
    lists_free(&want);
}

/* Weights of all filters scattered into one image: each element is a chain over (filter, kernel
 * row, kernel column). */
static void check_scatter(const conv_case *c, const gradients *g) {
    size_t n = c->in_size, each = (size_t)c->taps * c->pixel_stride;
    float *before = malloc(n * sizeof *before), *w = malloc(each * c->filters * sizeof *w);
    chain *want = malloc(n * sizeof *want);
    lks_fill_awkward(before, n);
    lks_fill_awkward(w, each * c->filters);
    for (size_t i = 0; i < n; i++)
        want[i] = chain_start(before[i]);
    for (int o = 0; o < c->filters; o++)
        for (int t = 0; t < c->taps; t++)
            for (int i = 0; i < g->pixels; i++) {
                float v = g->expanded[(size_t)i * c->filters + o];
                for (int e = 0; v != 0 && e < c->pixel_stride; e++)
                    chain_add(&want[c->pixels[i] + c->tap_offset[t] + e], v,
                              w[o * each + (size_t)t * c->pixel_stride + e]);
            }
    lists l = expected_lists(c, g, 0);
    for (int t = 0; t < n_tables; t++) {
        float *dx = lks_guarded_alloc(n);
        memcpy(dx, before, n * sizeof *dx);
        const lks_lists all = lists_of(c, g, &l, 0, c->filters);
        tables[t]->scatter(dx, w, &all);
        size_t wrong = 0;
        for (size_t i = 0; i < n; i++)
            wrong += lks_differing_bits(&dx[i], &want[i].value, 1) + !chain_within(&want[i], dx[i]);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(lks_guarded_free(dx, n));
    }
    lists_free(&l);
    free(before);
    free(w);
    free(want);
}

static void check_gather(const conv_case *c, const gradients *g) {
    int first = lks_random_int(0, c->filters - 1);
    int filters = lks_random_int(1, c->filters - first < 3 ? c->filters - first : 3);
    size_t each = (size_t)c->taps * c->pixel_stride, n = each * (size_t)filters;
    float *before = malloc(n * sizeof *before);
    lks_fill_awkward(before, n);
    lists l = expected_lists(c, g, 0);
    const lks_lists some = lists_of(c, g, &l, first, filters);
    for (int t = 0; t < n_tables; t++) {
        float *dw = lks_guarded_alloc(n);
        memcpy(dw, before, n * sizeof *dw);
        tables[t]->gather(dw, c->x, &some);
        size_t wrong = 0;
        for (size_t i = 0; i < n; i++) {
            chain want = chain_start(before[i]);
            const int filter = first + (int)(i / each), tap = (int)(i % each) / c->pixel_stride;
            const lks_entry *entries = l.entries + filter * g->cells;
            int at = c->tap_offset[tap] + (int)i % c->pixel_stride;
            for (int e = 0; e < l.count[filter]; e++)
                chain_add(&want, entries[e].g, c->x[entries[e].offset + at]);
            wrong += lks_differing_bits(&dw[i], &want.value, 1) + !chain_within(&want, dw[i]);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(lks_guarded_free(dw, n));
    }
    lists_free(&l);
    free(before);
}

static void add_sample(chain *sum, const conv_case *c, const gradients *g, int s, int element,
                       int filter) {
    for (int i = 0; i < g->pixels; i++)
        chain_add(sum, c->x[s * c->in_size + c->pixels[i] + c->element_offset[element]],
                  g->expanded[((size_t)s * g->pixels + i) * c->filters + filter]);
}

static lks_wgrad_args wgrad_args(const conv_case *c, const gradients *g) {
    return (lks_wgrad_args){.x = c->x,
                            .x_stride = c->in_size,
                            .dy = g->dy,
                            .argmax = g->argmax,
                            .dy_stride = g->stride,
                            .samples = c->samples,
                            .rows = c->rows,
                            .columns = c->columns,
                            .pixel_offset = g->pooled ? c->windows : c->pixels,
                            .channels = c->filters};
}

/* What the kernel makes of one element: the chunks' chains added up, or one chain through all. */
typedef struct wanted {
    float value;
    int64_t sum;
    bool within;  /* its chains lie within their bounds */
    bool refused; /* a partial is beyond what exact sums take: the sum is garbage */
} wanted;

static wanted expected_sum(const conv_case *c, const gradients *g, const lks_wgrad_args *a,
                           int element, int filter, wanted want) {
    for (int s = 0; s < c->samples; s += a->chunk) {
        chain part = chain_start(a->goes_on ? want.value : 0);
        int end = s + a->chunk < c->samples ? s + a->chunk : c->samples;
        for (int i = s; i < end; i++)
            add_sample(&part, c, g, i, element, filter);
        bool ok = fabsf(part.value) < 0x1p21f, adds = !a->goes_on && !(a->fresh && s == 0);
        want.sum = (adds ? want.sum : 0) + (ok ? llrint((double)part.value * 0x1p30) : 0);
        want.value = adds ? want.value + part.value : part.value;
        want.refused |= !ok;
        want.within &= chain_within(&part, part.value);
    }
    return want;
}

/* @p taps elements from @p first; rows of the result are longer than needed. */
static void check_wgrad_way(const conv_case *c, const gradients *g, int first, int taps, bool exact,
                            bool fresh, bool goes_on) {
    lks_wgrad_args a = wgrad_args(c, g);
    a.taps = taps;
    a.tap_offset = c->element_offset + first;
    a.chunk = lks_random_int(1, c->samples + 1);
    a.row = (size_t)c->filters + LKS_BLOCK;
    a.fresh = fresh;
    a.goes_on = goes_on;
    size_t n = (size_t)taps * a.row, wrong = 0;
    float *before = malloc(n * sizeof *before);
    int64_t *sums = malloc(n * sizeof *sums);
    lks_fill_awkward(before, n);
    for (int t = 0; t < n_tables; t++) {
        a.out = lks_guarded_alloc(n);
        memcpy(a.out, before, n * sizeof *before);
        for (size_t i = 0; i < n; i++)
            sums[i] = (int64_t)i << 20;
        a.sums = exact ? sums : NULL;
        bool ok = tables[t]->wgrad(&a), refused = false;
        for (int i = 0; i < (int)n; i++) {
            int o = i % (int)a.row;
            wanted want = {before[i], (int64_t)i << 20, true, false};
            if (o < c->filters)
                want = expected_sum(c, g, &a, first + i / (int)a.row, o, want);
            refused |= want.refused;
            wrong += exact ? sums[i] != want.sum && !want.refused
                           : lks_differing_bits(&a.out[i], &want.value, 1);
            wrong += !want.within;
        }
        wrong += exact && ok == refused;
        CU_ASSERT(lks_guarded_free(a.out, n));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(before);
    free(sums);
}

static void check_wgrad(const conv_case *c, const gradients *g) {
    int elements = c->taps * c->channels, most = elements < 40 ? elements : 40;
    for (int taps = 1; taps <= most; taps += taps < 14 ? 1 : 7) {
        int first = lks_random_int(0, elements - taps);
        check_wgrad_way(c, g, first, taps, false, false, false);
        check_wgrad_way(c, g, first, taps, false, true, false);
        check_wgrad_way(c, g, first, taps, false, false, true);
        check_wgrad_way(c, g, first, taps, true, false, false);
        check_wgrad_way(c, g, first, taps, true, true, false);
    }
}

/* Partials that are not finite or too large are refused, whatever stands around them. */
static void test_wgrad_refuses(void) {
    static const float bad[] = {NAN, INFINITY, -INFINITY, 2097152.0f, -3e6f};
    lks_random_seed(31);
    for (int b = 0; b < 5; b++)
        for (int t = 0; t < n_tables; t++) {
            conv_case c = conv_case_new((const int[]){1, 1}, false, 1, 1, 1);
            gradients g = gradients_new(&c, false, 1);
            int64_t *sums = calloc((size_t)c.filters, sizeof *sums);
            lks_wgrad_args a = wgrad_args(&c, &g);
            a.taps = a.chunk = 1;
            a.fresh = true;
            a.tap_offset = c.element_offset;
            a.row = (size_t)c.filters;
            a.sums = sums;
            for (int o = 0; o < c.filters; o++)
                g.dy[o] = 1;
            c.x[c.pixels[0] + c.element_offset[0]] = 1;
            CU_ASSERT(tables[t]->wgrad(&a));
            g.dy[lks_random_int(0, c.filters - 1)] = bad[b];
            CU_ASSERT_FALSE(tables[t]->wgrad(&a));
            free(sums);
            gradients_free(&g);
            conv_case_free(&c);
        }
}

/* Lists and gather over all samples against the dense kernel, for one filter: equal as numbers. */
static void check_sparse_is_dense(const lks_kernels *table, const conv_case *c,
                                  const gradients *g) {
    int filter = lks_random_int(0, c->filters - 1), wrong = 0;
    size_t n = (size_t)c->taps * c->pixel_stride;
    float *dw = calloc(n, sizeof *dw), out[80];
    for (int s = 0; s < c->samples; s++) {
        lists l = expected_lists(c, g, s);
        const lks_lists one = lists_of(c, g, &l, filter, 1);
        table->gather(dw, c->x + s * c->in_size, &one);
        lists_free(&l);
    }
    for (int e = 0; e < c->taps * c->channels; e++) {
        lks_wgrad_args a = wgrad_args(c, g);
        a.taps = 1;
        a.chunk = c->samples;
        a.fresh = true;
        a.tap_offset = c->element_offset + e;
        a.row = (size_t)c->filters;
        a.out = out;
        table->wgrad(&a);
        wrong += out[filter] != dw[e / c->channels * c->pixel_stride + e % c->channels];
    }
    CU_ASSERT_EQUAL(wrong, 0);
    free(dw);
}

static void check_bias(const conv_case *c, const gradients *g) {
    float before[80];
    lks_fill_awkward(before, (size_t)c->filters);
    for (int t = 0; t < n_tables; t++) {
        float *db = lks_guarded_alloc((size_t)c->filters);
        memcpy(db, before, sizeof *db * (size_t)c->filters);
        tables[t]->bias(db, g->dy, (size_t)g->cells, c->filters);
        size_t wrong = 0;
        for (int o = 0; o < c->filters; o++) {
            chain want = chain_start(before[o]);
            for (int i = 0; i < g->cells; i++)
                chain_add(&want, 1.0f, g->dy[i * c->filters + o]);
            wrong += lks_differing_bits(&db[o], &want.value, 1) + !chain_within(&want, db[o]);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(lks_guarded_free(db, (size_t)c->filters));
    }
}

/* The first product of a window's row is a tiny negative number, which rounds to -0, the second
 * is +0: their sum is +0, but would be -0 if the rounding in between were optimised away. */
static void test_rounds_every_product(void) {
    static const float x[4] = {0.5f, -0x1p-30f, 0.0f, -0x1p-30f}; /* places 1 and 3 are last */
    static const int32_t pixels[4] = {0, 1, 2, 3}, swapped[4] = {1, 0, 3, 2}, tap = 0;
    for (int t = 0; t < n_tables; t++)
        for (uint8_t place = 0; place < 4; place++)
            for (int swap = 0; swap < 2; swap++) {
                float dy[LKS_BLOCK], out[LKS_BLOCK], want = 0;
                uint8_t argmax[LKS_BLOCK];
                const int32_t *offset = swap ? swapped : pixels;
                for (int o = 0; o < LKS_BLOCK; o++)
                    dy[o] = 0x1p-130f;
                memset(argmax, place, sizeof argmax);
                for (int k = 0; k < 4; k++)
                    want = fmaf(x[offset[k]], k == place ? dy[0] : 0.0f, want);
                const lks_wgrad_args a = {.x = x,
                                          .dy = dy,
                                          .argmax = argmax,
                                          .samples = 1,
                                          .rows = 2,
                                          .columns = 2,
                                          .pixel_offset = offset,
                                          .channels = LKS_BLOCK,
                                          .taps = 1,
                                          .tap_offset = &tap,
                                          .chunk = 1,
                                          .fresh = true,
                                          .row = LKS_BLOCK,
                                          .out = out};
                tables[t]->wgrad(&a);
                size_t wrong = 0;
                for (int o = 0; o < LKS_BLOCK; o++)
                    wrong += lks_differing_bits(&out[o], &want, 1);
                CU_ASSERT_EQUAL(wrong, 0);
            }
}

/* Calls @p check on cases of every kernel size, with and without windows and ReLU, from nearly
 * empty to full gradients. */
static void for_cases(void (*check)(const conv_case *c, const gradients *g), bool unpadded_too) {
    static const int kernels[][2] = {{1, 1}, {2, 3}, {3, 3},  {5, 5}, {7, 7}, {1, 2},
                                     {2, 2}, {2, 5}, {1, 11}, {3, 4}, {13, 1}};
    lks_random_seed(7);
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        for (int draw = 0; draw < 4; draw++) {
            bool pooled = draw & 1;
            bool padded = !unpadded_too || lks_random_int(0, 1);
            conv_case c = conv_case_draw(kernels[k], padded, pooled, 3);
            static const double density[] = {0.07, 0.5, 1};
            gradients g = gradients_new(&c, pooled, density[lks_random_int(0, 2)]);
            check(&c, &g);
            gradients_free(&g);
            conv_case_free(&c);
        }
}

static void check_sparse_is_dense_everywhere(const conv_case *c, const gradients *g) {
    for (int t = 0; t < n_tables; t++)
        check_sparse_is_dense(tables[t], c, g);
}

static void test_list(void) {
    for_cases(check_list, true);
}

/* Rows of many words of bits. */
static void test_list_long_rows(void) {
    lks_random_seed(9);
    for (int columns = 250; columns < 270; columns += 4) {
        conv_case c = conv_case_new((const int[]){1, 1}, true, 4, columns, 1);
        gradients g = gradients_new(&c, true, 0.5);
        check_list(&c, &g);
        gradients_free(&g);
        conv_case_free(&c);
    }
}

/* A NaN that was left out would be a fault that nobody hears of. */
static void test_list_keeps_nan(void) {
    lks_random_seed(8);
    conv_case c = conv_case_new((const int[]){3, 3}, true, 4, 4, 1);
    gradients g = gradients_new(&c, true, 0.5);
    for (int o = 0; o < c.filters; o += 3)
        g.dy[lks_random_int(0, g.cells - 1) * c.filters + o] = NAN;
    expand(&g, &c);
    check_list(&c, &g);
    gradients_free(&g);
    conv_case_free(&c);
}

static void test_scatter(void) {
    for_cases(check_scatter, false);
}

static void test_gather(void) {
    for_cases(check_gather, false);
}

static void test_wgrad(void) {
    for_cases(check_wgrad, true);
}

static void test_sparse_is_dense(void) {
    for_cases(check_sparse_is_dense_everywhere, false);
}

static void test_bias(void) {
    for_cases(check_bias, true);
}

int main(void) {
    static const lks_test tests[] = {{"list", test_list},
                                     {"list of long rows", test_list_long_rows},
                                     {"list keeps NaN", test_list_keeps_nan},
                                     {"scatter", test_scatter},
                                     {"gather", test_gather},
                                     {"weight gradients", test_wgrad},
                                     {"weight gradients refused", test_wgrad_refuses},
                                     {"rounded after every product", test_rounds_every_product},
                                     {"sparse and dense agree", test_sparse_is_dense},
                                     {"bias", test_bias},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("backward kernels", tests);
}
