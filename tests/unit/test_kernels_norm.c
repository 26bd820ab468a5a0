/* The kernels of batch normalisation, on every instruction set this machine runs: bit for bit the
 * scalar definitions below, with ReLU and without, NaN and signed zeros included. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "support/random_data.h"

#define CHANNELS 112
#define PIXELS   600 /* more than one tile of any shape below */

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

/* One call of every kernel on the same data. */
typedef struct norm_case {
    lks_norm_args a;
    float *x, *dy;
    float centre[CHANNELS], scale[CHANNELS], shift[CHANNELS], slope[CHANNELS], constant[CHANNELS];
    double mean[CHANNELS], factor[CHANNELS], sum[CHANNELS], second[CHANNELS];
} norm_case;

static float any_value(void) {
    static const float special[] = {NAN, INFINITY, -INFINITY};
    return lks_random_int(0, 2000) ? lks_random_awkward() : special[lks_random_int(0, 2)];
}

/* Where shift is a zero and x the centre, ReLU gets a zero, of either sign. */
static void fill(norm_case *n) {
    for (int c = 0; c < n->a.channels; c++) {
        n->centre[c] = lks_random_awkward();
        n->scale[c] = lks_random_awkward();
        n->shift[c] = lks_random_awkward();
        n->slope[c] = lks_random_awkward();
        n->constant[c] = lks_random_awkward();
        n->mean[c] = lks_random_uniform(-1, 1);
        n->factor[c] = lks_random_uniform(0, 4);
        n->sum[c] = lks_random_uniform(-1, 1);
        n->second[c] = lks_random_uniform(-1, 1);
    }
    for (size_t i = 0; i < n->a.pixels * (size_t)n->a.channels; i++) {
        n->x[i] = lks_random_int(0, 9) ? any_value() : n->centre[i % (size_t)n->a.channels];
        n->dy[i] = any_value();
    }
}

static float y_of(const norm_case *n, size_t i) {
    size_t c = i % (size_t)n->a.channels;
    float y = (n->x[i] - n->centre[c]) * n->scale[c] + n->shift[c];
    return n->a.relu && y <= 0 ? 0.0f : y;
}

static float g_of(const norm_case *n, size_t i) {
    return !n->a.relu || y_of(n, i) > 0 ? n->dy[i] : 0.0f;
}

static float dx_of(const norm_case *n, size_t i) {
    size_t c = i % (size_t)n->a.channels;
    return g_of(n, i) * n->scale[c] + ((n->x[i] - n->centre[c]) * n->slope[c] + n->constant[c]);
}

static size_t differing_doubles(const double *a, const double *b, int n) {
    size_t wrong = 0;
    for (int i = 0; i < n; i++)
        wrong += memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]));
    return wrong;
}

static size_t wrong_sums(const norm_case *n, const lks_kernels *k, bool backward) {
    double sum[CHANNELS], second[CHANNELS], got_sum[CHANNELS], got_second[CHANNELS];
    memcpy(sum, n->sum, sizeof sum);
    memcpy(second, n->second, sizeof second);
    memcpy(got_sum, n->sum, sizeof sum);
    memcpy(got_second, n->second, sizeof second);
    for (size_t i = 0; i < n->a.pixels * (size_t)n->a.channels; i++) {
        size_t c = i % (size_t)n->a.channels;
        double x = n->x[i], g = g_of(n, i);
        sum[c] += backward ? g : x;
        second[c] += backward ? g * ((x - n->mean[c]) * n->factor[c]) : x * x;
    }
    if (backward)
        k->norm.gradient_moments(got_sum, got_second, n->dy, n->mean, n->factor, &n->a);
    else
        k->norm.moments(got_sum, got_second, n->x, n->a.pixels, n->a.channels);
    return differing_doubles(got_sum, sum, n->a.channels) +
           differing_doubles(got_second, second, n->a.channels);
}

static size_t wrong_values(norm_case *n, const lks_kernels *k) {
    size_t size = n->a.pixels * (size_t)n->a.channels, wrong = 0;
    float *want = lks_guarded_alloc(size), *got = lks_guarded_alloc(size);
    for (size_t i = 0; i < size; i++)
        want[i] = y_of(n, i);
    k->norm.normalise(got, &n->a);
    wrong += lks_differing_bits(got, want, size);
    for (size_t i = 0; i < size; i++)
        want[i] = dx_of(n, i);
    k->norm.normalise_backward(got, n->dy, n->slope, n->constant, &n->a);
    wrong += lks_differing_bits(got, want, size);
    memcpy(got, n->dy, size * sizeof *got);
    k->norm.normalise_backward(got, got, n->slope, n->constant, &n->a);
    wrong += lks_differing_bits(got, want, size);
    wrong += !lks_guarded_free(want, size);
    return wrong + !lks_guarded_free(got, size);
}

static void test_kernels(void) {
    static const int channels[] = {16, 32, 48, CHANNELS}, pixels[] = {1, 5, PIXELS};
    norm_case n = {.a = {.centre = n.centre, .scale = n.scale, .shift = n.shift}};
    lks_random_seed(1);
    for (int i = 0; i < 24; i++) {
        n.a.channels = channels[i % 4];
        n.a.pixels = (size_t)pixels[i / 4 % 3];
        n.a.relu = i >= 12;
        size_t size = n.a.pixels * (size_t)n.a.channels, wrong = 0;
        n.a.x = n.x = lks_guarded_alloc(size);
        n.dy = lks_guarded_alloc(size);
        fill(&n);
        for (int t = 0; t < n_tables; t++)
            wrong += wrong_sums(&n, tables[t], false) + wrong_sums(&n, tables[t], true) +
                     wrong_values(&n, tables[t]);
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(lks_guarded_free(n.x, size));
        CU_ASSERT(lks_guarded_free(n.dy, size));
    }
}

int main(void) {
    static const lks_test tests[] = {{"sums and values", test_kernels}, {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("batchnorm kernels", tests);
}
