/* The transforms of Winograd's F(2x2, 3x3): bit for bit the matrices of Lavin & Gray applied in the
 * documented order, on awkward floats, by every table; and together, in double, the convolution and
 * the gradient of its weights. */
#include "support/test.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "support/random_data.h"

#define TILES    5
#define CHANNELS 48
#define PIXELS   40
#define STRIDE   (TILES * CHANNELS + 7) /* from position to position */

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

/* One row of a transform: up to four terms of +-1, added from the first on. */
typedef struct row {
    int n, from[4], sign[4];
} row;

static const row input_rows[4] = {
    {2, {0, 2}, {1, -1}}, {2, {1, 2}, {1, 1}}, {2, {2, 1}, {1, -1}}, {2, {1, 3}, {1, -1}}};
static const row output_rows[2] = {{3, {0, 1, 2}, {1, 1, 1}}, {3, {1, 2, 3}, {1, -1, -1}}};
/* the last one is 0 - d[1] */
static const row gradient_rows[4] = {
    {1, {0}, {1}}, {2, {0, 1}, {1, 1}}, {2, {0, 1}, {1, -1}}, {1, {1}, {-1}}};

static float apply(const row *r, const float *x, int step) {
    float sum = x[r->from[0] * step];
    if (r->sign[0] < 0)
        sum = 0.0f - sum;
    for (int k = 1; k < r->n; k++)
        sum = r->sign[k] > 0 ? sum + x[r->from[k] * step] : sum - x[r->from[k] * step];
    return sum;
}

/* out [n][n] = M x M^T of x [m][m]: columns first. */
static void both_sides(const row *rows, int n, int m, const float *x, float *out) {
    float t[4][4];
    for (int j = 0; j < m; j++)
        for (int i = 0; i < n; i++)
            t[i][j] = apply(&rows[i], x + j, m);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            out[i * n + j] = apply(&rows[j], t[i], 1);
}

/* Pixels of a tile anywhere in an image, some beyond it. */
static void draw_offsets(int32_t *offset, int n) {
    for (int i = 0; i < n; i++)
        offset[i] = lks_random_int(0, 5) ? lks_random_int(0, PIXELS - 1) * CHANNELS : -1;
}

static float pixel_of(const float *x, int32_t offset, int c) {
    return offset < 0 ? 0.0f : x[offset + c];
}

static size_t wrong_inputs(const lks_kernels *k) {
    static float x[PIXELS * CHANNELS], out[16 * STRIDE];
    int32_t offset[TILES * 16];
    lks_fill_awkward(x, PIXELS * CHANNELS);
    draw_offsets(offset, TILES * 16);
    const lks_winograd_input_args a = {x, TILES, offset, CHANNELS, out, STRIDE};
    k->winograd_input(&a);
    size_t wrong = 0;
    for (int t = 0; t < TILES; t++)
        for (int c = 0; c < CHANNELS; c++) {
            float d[16], want[16];
            for (int p = 0; p < 16; p++)
                d[p] = pixel_of(x, offset[16 * t + p], c);
            both_sides(input_rows, 4, 4, d, want);
            for (int p = 0; p < 16; p++)
                wrong += lks_differing_bits(&want[p], out + p * STRIDE + t * CHANNELS + c, 1);
        }
    return wrong;
}

static void test_input(void) {
    for (int k = 0; k < n_tables; k++) {
        lks_random_seed(1);
        CU_ASSERT_EQUAL(wrong_inputs(tables[k]), 0);
    }
}

static size_t wrong_gradients(const lks_kernels *k) {
    static float dy[PIXELS * CHANNELS], out[16 * STRIDE];
    int32_t offset[TILES * 4];
    lks_fill_awkward(dy, PIXELS * CHANNELS);
    draw_offsets(offset, TILES * 4);
    const lks_winograd_gradient_args a = {dy, TILES, offset, CHANNELS, out, STRIDE};
    k->winograd_gradient(&a);
    size_t wrong = 0;
    for (int t = 0; t < TILES; t++)
        for (int c = 0; c < CHANNELS; c++) {
            float d[4], want[16];
            for (int p = 0; p < 4; p++)
                d[p] = pixel_of(dy, offset[4 * t + p], c);
            both_sides(gradient_rows, 4, 2, d, want);
            for (int p = 0; p < 16; p++)
                wrong += lks_differing_bits(&want[p], out + p * STRIDE + t * CHANNELS + c, 1);
        }
    return wrong;
}

static void test_gradient(void) {
    for (int k = 0; k < n_tables; k++) {
        lks_random_seed(2);
        CU_ASSERT_EQUAL(wrong_gradients(tables[k]), 0);
    }
}

/* The halves of A^T m A: columns, of products that are chains of fused multiply-adds. */
static size_t wrong_products(const lks_kernels *k) {
    enum { MANY = 17, INPUTS = 19, PADDED = 32, BLOCKS = 3, OUTPUTS = BLOCKS * LKS_BLOCK };
    enum { V = MANY * PADDED + 5, U = OUTPUTS * INPUTS + 3, T = MANY * OUTPUTS + 9 };
    static float v[16 * V], u[16 * U], t[8 * T];
    lks_fill_awkward(v, 16 * V);
    lks_fill_awkward(u, 16 * U);
    const lks_winograd_multiply_args a = {v, V, MANY, PADDED, INPUTS, u, U, BLOCKS, t, T};
    k->winograd_multiply(&a);
    size_t wrong = 0;
    for (int i = 0; i < MANY; i++)
        for (int o = 0; o < OUTPUTS; o++) {
            float m[16] = {0};
            for (int p = 0; p < 16; p++)
                for (int e = 0; e < INPUTS; e++)
                    m[p] = fmaf(v[p * V + i * PADDED + e],
                                u[p * U + (o / LKS_BLOCK * INPUTS + e) * LKS_BLOCK + o % LKS_BLOCK],
                                m[p]);
            for (int h = 0; h < 8; h++) {
                float want = apply(&output_rows[h / 4], m + h % 4, 4);
                wrong += lks_differing_bits(&want, &t[h * T + i * OUTPUTS + o], 1);
            }
        }
    return wrong;
}

static void test_products(void) {
    for (int k = 0; k < n_tables; k++) {
        lks_random_seed(11);
        CU_ASSERT_EQUAL(wrong_products(tables[k]), 0);
    }
}

static float relu_of(float x, bool relu) {
    return relu && x <= 0.0f ? 0.0f : x;
}

static size_t wrong_outputs(const lks_kernels *k, bool bias, bool relu, bool pool) {
    static float half[8 * STRIDE], b[CHANNELS], out[4 * TILES * CHANNELS];
    static uint8_t argmax[4 * TILES * CHANNELS];
    int32_t offset[TILES * 4];
    lks_fill_awkward(half, 8 * STRIDE);
    lks_fill_awkward(b, CHANNELS);
    for (int i = 0; i < TILES * 4; i++) /* every place once; some are not wanted */
        offset[i] = !pool && lks_random_int(0, 4) == 0 ? -1 : (i * 7 % (TILES * 4)) * CHANNELS;
    for (int i = 0; i < 4 * TILES * CHANNELS; i++)
        out[i] = -77;
    const lks_winograd_output_args a = {.t = half,
                                        .t_stride = STRIDE,
                                        .tiles = TILES,
                                        .channels = CHANNELS,
                                        .bias = bias ? b : NULL,
                                        .relu = relu,
                                        .offset = offset,
                                        .out = out,
                                        .argmax = pool ? argmax : NULL};
    k->winograd_output(&a);
    size_t wrong = 0, written = 0;
    for (int t = 0; t < TILES; t++)
        for (int c = 0; c < CHANNELS; c++) {
            float y[4];
            for (int p = 0; p < 4; p++)
                y[p] = apply(&output_rows[p % 2],
                             half + (size_t)(p / 2 * 4) * STRIDE + t * CHANNELS + c, STRIDE);
            int best = 0;
            for (int p = 0; p < 4; p++) {
                y[p] += bias ? b[c] : 0.0f;
                if (y[p] > y[best])
                    best = p;
            }
            for (int p = 0; p < (pool ? 1 : 4); p++) {
                int32_t at = offset[4 * t + p] + c;
                if (offset[4 * t + p] < 0)
                    continue;
                float want = relu_of(pool ? y[best] : y[p], relu);
                wrong += lks_differing_bits(&want, &out[at], 1);
                wrong += pool && argmax[at] != best;
                written++;
            }
        }
    for (int i = 0; i < 4 * TILES * CHANNELS; i++)
        written -= out[i] != -77; /* what is not wanted stays as it was */
    return wrong + written;
}

static void test_output(void) {
    for (int k = 0; k < n_tables; k++)
        for (int mode = 0; mode < 8; mode++) {
            lks_random_seed(3 + (uint64_t)mode);
            CU_ASSERT_EQUAL(wrong_outputs(tables[k], mode & 1, mode & 2, mode & 4), 0);
        }
}

/* G g G^T and G^T u G: halves of sums, the outer (or the two middle) terms first. */
static void weight_four(const float *g, int step, float u[4]) {
    float outer = g[0] + g[2 * step];
    u[0] = g[0];
    u[1] = 0.5f * (outer + g[step]);
    u[2] = 0.5f * (outer - g[step]);
    u[3] = g[2 * step];
}

static void weight_three(const float *u, int step, float g[3]) {
    float both = 0.5f * (u[step] + u[2 * step]);
    g[0] = u[0] + both;
    g[1] = 0.5f * (u[step] - u[2 * step]);
    g[2] = both + u[3 * step];
}

static void weights_of(const float g[9], float u[16]) {
    float t[3][4], rows[4][3];
    for (int j = 0; j < 3; j++) {
        weight_four(g + j, 3, t[j]);
        for (int i = 0; i < 4; i++)
            rows[i][j] = t[j][i];
    }
    for (int i = 0; i < 4; i++)
        weight_four(rows[i], 1, u + 4 * i);
}

static void weight_gradient_of(const float u[16], float g[9]) {
    float t[3], rows[3][4];
    for (int j = 0; j < 4; j++) {
        weight_three(u + j, 4, t);
        for (int i = 0; i < 3; i++)
            rows[i][j] = t[i];
    }
    for (int i = 0; i < 3; i++)
        weight_three(rows[i], 1, g + 3 * i);
}

static void test_weights(void) {
    enum { N = 48, U = N + 5 };
    static float w[9][LKS_BLOCK], u[16 * (LKS_BLOCK + 3)], du[16 * U], dw[9 * N];
    for (int k = 0; k < n_tables; k++) {
        size_t wrong = 0;
        lks_random_seed(20);
        lks_fill_awkward(&w[0][0], 9 * LKS_BLOCK);
        lks_fill_awkward(du, 16 * U);
        tables[k]->winograd_weights(u, LKS_BLOCK + 3, (const float(*)[LKS_BLOCK])w);
        tables[k]->winograd_weight_gradients(dw, du, U, N);
        for (int l = 0; l < LKS_BLOCK; l++) {
            float g[9], want[16];
            for (int t = 0; t < 9; t++)
                g[t] = w[t][l];
            weights_of(g, want);
            for (int p = 0; p < 16; p++)
                wrong += lks_differing_bits(&want[p], &u[p * (LKS_BLOCK + 3) + l], 1);
        }
        for (int i = 0; i < N; i++) {
            float d[16], want[9];
            for (int p = 0; p < 16; p++)
                d[p] = du[p * U + i];
            weight_gradient_of(d, want);
            for (int t = 0; t < 9; t++)
                wrong += lks_differing_bits(&want[t], &dw[t * N + i], 1);
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* All transforms together give the sums that they are for, from small whole numbers without any
 * rounding. */
static void test_identity(void) {
    float d[16], g[9], dy[4], u[16], v[16], z[16], m[16], y[4], dw[9];
    lks_random_seed(30);
    for (int draw = 0; draw < 50; draw++) {
        for (int i = 0; i < 16; i++)
            d[i] = (float)lks_random_int(-9, 9);
        for (int i = 0; i < 9; i++)
            g[i] = (float)lks_random_int(-9, 9);
        for (int i = 0; i < 4; i++)
            dy[i] = (float)lks_random_int(-9, 9);
        weights_of(g, u);
        both_sides(input_rows, 4, 4, d, v);
        both_sides(gradient_rows, 4, 2, dy, z);
        for (int p = 0; p < 16; p++)
            m[p] = u[p] * v[p];
        both_sides(output_rows, 2, 4, m, y);
        for (int p = 0; p < 16; p++)
            m[p] = v[p] * z[p];
        weight_gradient_of(m, dw);
        for (int o = 0; o < 4; o++)
            for (int t = 0; t < 9; t++)
                y[o] -= g[t] * d[(o / 2 + t / 3) * 4 + o % 2 + t % 3];
        for (int t = 0; t < 9; t++)
            for (int o = 0; o < 4; o++)
                dw[t] -= dy[o] * d[(o / 2 + t / 3) * 4 + o % 2 + t % 3];
        for (int o = 0; o < 4; o++)
            CU_ASSERT_EQUAL(y[o], 0);
        for (int t = 0; t < 9; t++)
            CU_ASSERT_EQUAL(dw[t], 0);
    }
}

int main(void) {
    static const lks_test tests[] = {{"input tiles", test_input},
                                     {"output gradients", test_gradient},
                                     {"products", test_products},
                                     {"output tiles", test_output},
                                     {"weights and their gradients", test_weights},
                                     {"the convolution", test_identity},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("Winograd transforms", tests);
}
