/* Rounding to bfloat16 by every unit that this machine runs. LOCKSTEP_TEST_FULL=1 (tests/run.sh --full): all 2^32
 * floats; else every upper half with the lower halves that matter. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "products_case.h"
#include "support/random_data.h"

#define HALF 65536

static const lks_products *units[16];
static int n_units;

static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* The upper half of r(v) for a float of these two halves, from the layout of floats. */
static uint32_t expected_half(uint32_t upper, uint32_t lower) {
    const uint32_t size = upper & 0x7fff;
    if (size >= 0x7f80) /* all ones in the exponent: infinity if nothing follows, else NaN */
        return size == 0x7f80 && lower == 0 ? upper : upper | 0x40;
    if (size < 0x2680) /* the upper half of 2^-50 */
        return 0;
    if (lower == 0x8000)
        return upper % 2 ? upper + 1 : upper; /* a tie: the even one */
    return lower > 0x8000 ? upper + 1 : upper;
}

/* Values of a plane as a unit stores them, as bits of floats. */
static void read_elements(const lks_products *unit, const void *plane, uint32_t *bits, size_t n) {
    if (unit->element == sizeof(float))
        memcpy(bits, plane, n * sizeof *bits);
    else
        for (size_t i = 0; i < n; i++)
            bits[i] = (uint32_t)((const uint16_t *)plane)[i] << 16;
}

/* One upper half with n lower ones. */
static size_t wrong_half(const lks_products *unit, uint32_t upper, const uint16_t *lower, int n) {
    static float x[HALF];
    static uint32_t got[HALF];
    static _Alignas(64) char plane[HALF * sizeof(float)];
    uint32_t wrong = 0, largest = 0;
    for (int i = 0; i < n; i++)
        x[i] = float_of(upper << 16 | lower[i]);
    bool finite = unit->narrow(&(lks_narrow_args){
        .x = x, .rows = 1, .columns = n, .channels = 1, .out_row = (size_t)n, .out = plane});
    read_elements(unit, plane, got, (size_t)n);
    for (int i = 0; i < n; i++) {
        uint32_t want = expected_half(upper, lower[i]);
        uint32_t size = want & 0x7fff;
        wrong += got[i] != want << 16;
        largest = size > largest ? size : largest;
    }
    return wrong + (finite != (largest < 0x7f80));
}

static void test_rounding(void) {
    static uint16_t lower[HALF] = {0,      1,      2,      0x3fff, 0x7ffe, 0x7fff,
                                   0x8000, 0x8001, 0x8002, 0xc000, 0xfffe, 0xffff};
    const bool all = getenv("LOCKSTEP_TEST_FULL") != NULL;
    int n = all ? HALF : 19;
    lks_random_seed(1);
    for (int i = all ? 0 : 12; i < n; i++)
        lower[i] = (uint16_t)(all ? i : lks_random_int(0, HALF - 1));
    for (int u = 0; u < n_units; u++) {
        size_t wrong = 0;
        for (uint32_t upper = 0; upper < HALF; upper++)
            wrong += wrong_half(units[u], upper, lower, n);
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* What the other tests round with, by another way. */
static void test_reference(void) {
    lks_random_seed(2);
    size_t wrong = 0;
    for (int i = 0; i < 200000; i++) {
        uint32_t u = (uint32_t)lks_random_bits();
        u = i % 3 ? u : (u & 0xffff0000) | 0x8000;
        float got = products_round(float_of(u));
        float want = float_of(expected_half(u >> 16, u & 0xffff) << 16);
        wrong += bits_of(got) != bits_of(want) && !(isnan(got) && isnan(want));
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* One image with everything that narrow() may be given. */
typedef struct image {
    int rows, columns, channels;
    size_t n, row, size; /* of x; of the plane */
    float *x, *relu;
    uint8_t *argmax;
    float *plane, *sums; /* expected; NaN where nothing is written */
    bool finite;
} image;

static void expect(image *m, bool pooled) {
    for (size_t i = 0; i < m->size; i++)
        m->plane[i] = NAN;
    for (int i = 0; i < m->channels; i++)
        m->sums[i] = (float)i - 2.5f;
    m->finite = true;
    for (size_t i = 0; i < m->n; i++) {
        const size_t channel = i % (size_t)m->channels, pixel = i / (size_t)m->channels;
        const size_t r = pixel / (size_t)m->columns, c = pixel % (size_t)m->columns;
        const float v = m->relu && !(m->relu[i] > 0) ? 0.0f : products_round(m->x[i]);
        m->sums[channel] = m->sums[channel] + v;
        m->finite &= isfinite(v);
        if (!pooled)
            m->plane[r * m->row + c * m->channels + channel] = v;
        for (size_t k = 0; pooled && k < 4; k++)
            m->plane[(2 * r + k / 2) * m->row + (2 * c + k % 2) * m->channels + channel] =
                m->argmax[i] == k ? v : 0.0f;
    }
}

static image draw_image(bool relu, bool pooled) {
    image m = {.rows = lks_random_int(1, 4), .columns = lks_random_int(1, 5)};
    m.channels = lks_random_int(0, 1) ? 16 * lks_random_int(1, 9) : lks_random_int(1, 40);
    m.n = (size_t)m.rows * m.columns * m.channels;
    m.row = (size_t)((pooled ? 2 : 1) * m.columns * m.channels + lks_random_int(0, 20));
    m.size = m.row * m.rows * (pooled ? 2 : 1);
    m.x = lks_guarded_alloc(m.n);
    m.relu = relu ? lks_guarded_alloc(m.n) : NULL;
    m.argmax = malloc(m.n);
    m.plane = malloc(m.size * sizeof *m.plane);
    m.sums = malloc((size_t)m.channels * sizeof *m.sums);
    lks_fill_awkward(m.x, m.n);
    if (relu)
        lks_fill_awkward(m.relu, m.n);
    for (size_t i = 0; i < m.n; i++)
        m.argmax[i] = (uint8_t)lks_random_int(0, 3);
    if (lks_random_int(0, 3) == 0) /* may stand where ReLU stops it */
        m.x[lks_random_bits() % m.n] = lks_random_int(0, 1) ? NAN : INFINITY;
    if (relu && lks_random_int(0, 3) == 0)
        m.relu[lks_random_bits() % m.n] = NAN;
    expect(&m, pooled);
    return m;
}

static void free_image(image *m) {
    lks_guarded_free(m->x, m->n);
    if (m->relu)
        lks_guarded_free(m->relu, m->n);
    free(m->argmax);
    free(m->plane);
    free(m->sums);
}

static size_t wrong_image(const image *m, const lks_products *unit, bool pooled, bool sums) {
    const size_t floats = m->size * unit->element / sizeof(float) + 1;
    float *plane = lks_guarded_alloc(floats), *sum = lks_guarded_alloc((size_t)m->channels);
    uint32_t *got = malloc(m->size * sizeof *got);
    for (size_t i = 0; i < floats; i++)
        plane[i] = NAN; /* 0x7fc00000: neither half is a number's that narrow() gives */
    for (int i = 0; i < m->channels; i++)
        sum[i] = (float)i - 2.5f;
    bool finite = unit->narrow(&(lks_narrow_args){.x = m->x,
                                                  .relu = m->relu,
                                                  .argmax = pooled ? m->argmax : NULL,
                                                  .rows = m->rows,
                                                  .columns = m->columns,
                                                  .channels = m->channels,
                                                  .out_row = m->row,
                                                  .out = plane,
                                                  .sums = sums ? sum : NULL});
    size_t wrong = finite != m->finite;
    read_elements(unit, plane, got, m->size);
    for (size_t i = 0; i < m->size; i++) {
        float value = float_of(got[i]);
        bool untouched = unit->element == 4 ? isnan(value) : isnan(value) || got[i] == 0;
        wrong += isnan(m->plane[i]) ? !untouched : got[i] != bits_of(m->plane[i]);
    }
    if (sums)
        wrong += lks_differing_bits(sum, m->sums, (size_t)m->channels);
    wrong += !lks_guarded_free(plane, floats);
    wrong += !lks_guarded_free(sum, (size_t)m->channels);
    free(got);
    return wrong;
}

static void test_images(void) {
    lks_random_seed(3);
    for (int draw = 0; draw < 400; draw++) {
        const bool pooled = draw & 2;
        image m = draw_image(draw & 1, pooled);
        for (int u = 0; u < n_units; u++)
            CU_ASSERT_EQUAL(wrong_image(&m, units[u], pooled, draw & 4), 0);
        free_image(&m);
    }
}

int main(void) {
    n_units = products_units(units);
    return lks_test_main("products_narrow", (const lks_test[]){{"rounding", test_rounding},
                                                               {"the tests' own", test_reference},
                                                               {"images", test_images},
                                                               {NULL, NULL}});
}
