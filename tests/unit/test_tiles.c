/* The tile unit, on AMX where this machine has it and on models of its tiles: what the shapes of test_products.c are too
 * small for, and the instruction itself. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "products_case.h"
#include "support/random_data.h"

static const lks_products *units[16];
static int n_units;

static void check_product(const product_choice *choice) {
    product_case c = product_case_new(choice);
    for (int u = 0; u < n_units; u++)
        CU_ASSERT_EQUAL(product_case_wrong(&c, units[u], 1), 0);
    product_case_free(&c);
}

/* Rows of tiles are images, 16 at a time, or pixels of one where images are few. */
static void test_rows(void) {
    static const int images[] = {1, 2, 3, 5, 8, 15, 16, 17, 20, 32, 33};
    lks_random_seed(1);
    for (int i = 0; i < 11; i++)
        for (int pooled = 0; pooled < 2; pooled++) {
            const int most = images[i] < 8 ? 20 : 6;
            check_product(
                &(product_choice){.kernel = {2, 1 + i % 3},
                                  .padded = i % 2,
                                  .pooled = pooled,
                                  .images = images[i],
                                  .size = {2 * lks_random_int(1, 2), 2 * lks_random_int(1, most)}});
        }
}

/* Sums that are one block: short runs, many of them and long ones, tiles of pixels or windows that are full, and not; a
 * hint at some of the runs, which are one there. */
static void test_one_block(void) {
    static const int kernels[][2] = {{3, 3}, {5, 5}, {10, 3}, {2, 8}, {2, 4}, {1, 15}};
    lks_random_seed(7);
    for (int k = 0; k < 6; k++)
        for (int draw = 0; draw < 6; draw++)
            check_product(&(product_choice){.kernel = {kernels[k][0], kernels[k][1]},
                                            .pooled = draw % 2,
                                            .border = draw > 3,
                                            .images = draw / 2 == 1 ? 17 : 1,
                                            .size = {8, 2 * lks_random_int(7, 12)}});
}

static void check_gradient(const gradient_choice *choice) {
    gradient_case c = gradient_case_new(choice);
    for (int u = 0; u < n_units; u++)
        for (int how = 0; how < 2; how++)
            CU_ASSERT_EQUAL(gradient_case_wrong(&c, units[u], how, how), 0);
    gradient_case_free(&c);
}

/* More than is held at once: rows of a chunk, those of one that takes several groups of images, such groups. */
static void test_bands(void) {
    lks_random_seed(2);
    check_gradient(&(gradient_choice){.kernel = {2, 2},
                                      .stride = {1, 1},
                                      .padded = true,
                                      .density = 0.5,
                                      .samples = 16,
                                      .chunk = 16,
                                      .size = {27, 21},
                                      .channels = {40, 16}});
    check_gradient(&(gradient_choice){.kernel = {3, 1},
                                      .stride = {2, 1},
                                      .padded = true,
                                      .density = 0.5,
                                      .samples = 20,
                                      .chunk = 18,
                                      .size = {23, 15},
                                      .channels = {33, 10}});
    check_gradient(&(gradient_choice){.kernel = {1, 1},
                                      .stride = {1, 1},
                                      .padded = true,
                                      .density = 0.5,
                                      .samples = 32,
                                      .chunk = 32,
                                      .size = {21, 15},
                                      .channels = {40, 16}});
}

/* Few channels of images so large that lines of x are made for some rows at a time, and rows that end within a block. */
static void test_few_channels(void) {
    lks_random_seed(5);
    for (int windows = 0; windows < 2; windows++)
        check_gradient(&(gradient_choice){.kernel = {3, 5},
                                          .stride = {2 - windows, 1 + windows},
                                          .padded = false,
                                          .density = 0.5,
                                          .windows = windows,
                                          .samples = 12,
                                          .chunk = 9,
                                          .size = {windows ? 13 : 26, 23},
                                          .channels = {3, 40}});
}

/* Outputs of one pixel: chunks of several groups of images and of less than one, tiles and pairs of them that are not
 * full, more chunks than stay in memory. */
static void test_one_pixel(void) {
    static const int chunks[][2] = {{16, 40}, {18, 33}, {5, 12}, {1, 3}, {16, 16}};
    lks_random_seed(6);
    for (int i = 0; i < 5; i++)
        for (int wide = 0; wide < 2; wide++)
            check_gradient(&(gradient_choice){.kernel = {1 + wide, 1 + 2 * wide},
                                              .stride = {1, 1},
                                              .padded = true,
                                              .density = 0.5,
                                              .samples = chunks[i][1],
                                              .chunk = chunks[i][0],
                                              .size = {1, 1},
                                              .channels = {wide ? 57 : 10, 33 + 16 * i}});
    check_gradient(&(gradient_choice){.kernel = {1, 1},
                                      .stride = {1, 1},
                                      .padded = true,
                                      .density = 0.5,
                                      .samples = 70,
                                      .chunk = 20,
                                      .size = {1, 1},
                                      .channels = {1600, 20}});
}

/* More taps than go together, and more phases of strides than there are columns. */
static void test_many_taps(void) {
    lks_random_seed(3);
    check_gradient(&(gradient_choice){.kernel = {9, 8},
                                      .stride = {1, 1},
                                      .padded = false,
                                      .density = 1,
                                      .samples = 3,
                                      .chunk = 2,
                                      .size = {2, 5}});
    check_gradient(&(gradient_choice){.kernel = {8, 8},
                                      .stride = {5, 3},
                                      .padded = false,
                                      .density = 1,
                                      .samples = 16,
                                      .chunk = 16,
                                      .size = {2, 2}});
}

/* Memory for a layer's gradients is enough for parts of it, though more of their images are held at once: a chunk, or
 * the batch of a dense layer, outputs of all counts. */
static void check_parts(lks_gradient_args a, int most_blocks) {
    enum { GUARD = 1 << 20 };
    const size_t n = (size_t)a.taps * a.channels * most_blocks * 16;
    const size_t x = (a.samples + 1) * a.x_stride, dy = (a.samples + 1) * (size_t)most_blocks * 16;
    for (int u = 0; u < n_units; u++) {
        a.blocks = most_blocks;
        const size_t bytes = units[u]->gradient_scratch(&a), all = bytes + GUARD;
        char *scratch = aligned_alloc(64, (all + 63) / 64 * 64);
        a.x = calloc(x + LKS_PLANE_SLACK, sizeof(float));
        a.dy = calloc(dy * a.rows * a.columns + LKS_PLANE_SLACK, sizeof(float));
        a.out = calloc(n, sizeof *a.out);
        a.scratch = scratch;
        memset(scratch, 0xff, all);
        for (a.blocks = 1; a.blocks < most_blocks; a.blocks += 1 + a.blocks / 4) {
            units[u]->gradient(&a);
            size_t wrong = 0;
            for (size_t i = bytes; i < all; i++)
                wrong += scratch[i] != (char)0xff;
            CU_ASSERT_EQUAL(wrong, 0);
        }
        free(scratch);
        free((void *)a.x);
        free((void *)a.dy);
        free(a.out);
    }
}

static void test_parts(void) {
    static const int32_t none = 0;
    lks_gradient_args a = {.samples = 128,
                           .chunk = 16,
                           .group = 16,
                           .rows = 1,
                           .columns = 1,
                           .taps = 1,
                           .tap_offset = &none,
                           .channels = 32,
                           .x_stride = 32,
                           .x_row = 32,
                           .x_column = 32,
                           .dy_stride = (size_t)126 * 16,
                           .dy_row = 126 * 16,
                           .dy_column = 126 * 16,
                           .row = (size_t)126 * 16,
                           .fresh = true};
    check_parts(a, 126);
    a.samples = 16;
    a.rows = a.columns = 8;
    a.x_column = 32;
    a.x_row = 8 * 32;
    a.x_stride = (size_t)64 * 32;
    a.dy_row = 8 * a.dy_column;
    a.dy_stride = (size_t)8 * a.dy_row;
    check_parts(a, 126);
}

/* --- TDPBF16PS: 16 images of 3 blocks, 16 outputs */

#define BLOCKS 3
#define LENGTH (32 * BLOCKS)

/* Magnitudes from `low` on over `octaves` powers of two, of 8 bits, so that sums round, and tie. */
static float draw(int low, int octaves) {
    if (lks_random_int(0, 6) == 0)
        return 0.0f;
    double significand = 1 + lks_random_int(0, 127) / 128.0;
    return (float)ldexp(lks_random_int(0, 1) ? -significand : significand,
                        low + lks_random_int(0, octaves));
}

static void draw_all(float *v, size_t n, size_t step, int low, int octaves) {
    for (size_t i = 0; i < n; i++) {
        v[i] = draw(low, octaves);
        if (i >= 2 * step && lks_random_int(0, 2) == 0)
            v[i] = -v[i - 2 * step]; /* the same chain: cancels where the other operand is equal */
    }
}

static float expected(const float *x, const float *w) {
    float c = 0.0f;
    for (int b = 0; b < BLOCKS; b++) {
        float e = 0.0f, o = 0.0f;
        for (int k = 32 * b; k < 32 * b + 32; k += 2) {
            e = fmaf(x[k], w[(size_t)k * 16], e);
            o = fmaf(x[k + 1], w[(size_t)(k + 1) * 16], o);
        }
        c = c + (e + o);
    }
    return c;
}

static size_t wrong_results(const lks_products *unit, const float *x, const float *w) {
    static _Alignas(64) char plane[(16 * LENGTH + LKS_PLANE_SLACK) * sizeof(float)];
    static _Alignas(64) char weights[LENGTH * 16 * sizeof(float)];
    static _Alignas(64) float out[16][16];
    const int32_t zero = 0;
    CU_ASSERT(unit->packed_bytes(1, LENGTH, 1, false) <= sizeof weights);
    CU_ASSERT(unit->narrow(&(lks_narrow_args){
        .x = x, .rows = 16, .columns = 1, .channels = LENGTH, .out_row = LENGTH, .out = plane}));
    unit->pack(&(lks_pack_args){.w = w,
                                .n_runs = 1,
                                .run_taps = 1,
                                .tap = &zero,
                                .channels = LENGTH,
                                .logical_channels = LENGTH,
                                .outputs = 16,
                                .channel_step = 16,
                                .output_step = 1,
                                .out = weights},
               0, 1);
    unit->product(&(lks_product_args){.x = plane,
                                      .x_stride = LENGTH,
                                      .images = 16,
                                      .n_pixels = 1,
                                      .pixel_offset = &zero,
                                      .n_runs = 1,
                                      .run_length = LENGTH,
                                      .run_offset = &zero,
                                      .blocks = 1,
                                      .weights = weights,
                                      .out = out[0],
                                      .out_stride = 16});
    size_t wrong = 0;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            const float want = expected(x + (size_t)i * LENGTH, w + j);
            wrong += lks_differing_bits(&out[i][j], &want, 1);
        }
    return wrong;
}

static void test_instruction(void) {
    static const int range[][2] = {{-50, 0}, {-50, 1}, {-50, 8}, {-50, 100},
                                   {0, 1},   {-8, 16}, {40, 20}};
    static float x[16 * LENGTH], w[LENGTH * 16];
    lks_random_seed(4);
    for (int round = 0; round < 140; round++) {
        const int *r = range[round % 7];
        draw_all(x, sizeof x / sizeof *x, 1, r[0], r[1]);
        draw_all(w, sizeof w / sizeof *w, 16, r[0], r[1]);
        for (int u = 0; u < n_units; u++)
            CU_ASSERT_EQUAL(wrong_results(units[u], x, w), 0);
    }
}

int main(void) {
    const lks_products *all[16];
    const int n = products_units(all);
    for (int u = 0; u < n; u++)
        if (strcmp(all[u]->unit, "amx") == 0)
            units[n_units++] = all[u];
    return lks_test_main("tiles", (const lks_test[]){{"instruction", test_instruction},
                                                     {"rows", test_rows},
                                                     {"one block", test_one_block},
                                                     {"bands", test_bands},
                                                     {"few channels", test_few_channels},
                                                     {"one pixel", test_one_pixel},
                                                     {"many taps", test_many_taps},
                                                     {"parts", test_parts},
                                                     {NULL, NULL}});
}
