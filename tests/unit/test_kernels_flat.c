/* The kernels over flat arrays, on every instruction set this machine runs: bit for bit the scalar
 * definitions below, at every length of tail, and limits, ties, NaN and signed zeros. Also the
 * fused multiply-add itself, which portable code emulates, against fmaf(). */
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/exact.h"
#include "kernels/kernels.h"
#include "support/random_data.h"

#define LENGTHS 70 /* arrays of 0 to 70 elements: several vectors and every tail */

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

static void check_accumulate(const lks_kernels *table, int n) {
    float p[LENGTHS];
    int64_t sum[LENGTHS + 1], want[LENGTHS + 1];
    for (int i = 0; i <= n; i++)
        want[i] = sum[i] = (int64_t)(lks_random_bits() >> 4) - (INT64_C(1) << 59);
    for (int i = 0; i < n; i++) {
        p[i] = lks_random_awkward();
        want[i] += llrint((double)p[i] * 0x1p30);
    }
    CU_ASSERT(table->accumulate(sum, p, (size_t)n));
    CU_ASSERT(memcmp(sum, want, sizeof *sum * (size_t)(n + 1)) == 0);
}

static void test_accumulate(void) {
    lks_random_seed(1);
    for (int t = 0; t < n_tables; t++)
        for (int n = 0; n <= LENGTHS; n++)
            check_accumulate(tables[t], n);
}

/* Halves of a unit go to the even neighbour; the largest partial that is accepted is exact. */
static void test_accumulate_rounding(void) {
    static const struct {
        float p;
        int64_t q;
    } cases[] = {{0.5f * 0x1p-30f, 0},
                 {-0.5f * 0x1p-30f, 0},
                 {1.5f * 0x1p-30f, 2},
                 {-1.5f * 0x1p-30f, -2},
                 {2.5f * 0x1p-30f, 2},
                 {-2.5f * 0x1p-30f, -2},
                 {3.5f * 0x1p-30f, 4},
                 {0x1.000002p-31f, 1},
                 {-0x1.000002p-31f, -1},
                 {0x1.7ffffep-30f, 1},
                 {4194303.5f * 0x1p-30f, 4194304},
                 {4194302.5f * 0x1p-30f, 4194302},
                 {FLT_TRUE_MIN, 0},
                 {-0.0f, 0},
                 {0x1.fffffep20f, INT64_C(0x1fffffe) << 26},
                 {-0x1.fffffep20f, -(INT64_C(0x1fffffe) << 26)}};
    for (int t = 0; t < n_tables; t++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int64_t sum = 7;
            CU_ASSERT(tables[t]->accumulate(&sum, &cases[i].p, 1));
            CU_ASSERT_EQUAL(sum, 7 + cases[i].q);
        }
}

/* One partial out of range is seen at any place in an array. */
static void test_accumulate_refuses(void) {
    static const float refused[] = {0x1p21f,    -0x1p21f, 0x1.000002p21f, 0x1.4p23f, -0x1.4p23f,
                                    -0x1.3p23f, FLT_MAX,  -FLT_MAX,       INFINITY,  -INFINITY,
                                    NAN,        -NAN};
    size_t missed = 0;
    for (int t = 0; t < n_tables; t++)
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            for (int at = 0; at < LENGTHS; at++) {
                float p[LENGTHS] = {0};
                int64_t sum[LENGTHS] = {0};
                p[at] = refused[i];
                missed += tables[t]->accumulate(sum, p, LENGTHS);
                missed += at > 0 && sum[0] != 0;
            }
    CU_ASSERT_EQUAL(missed, 0);
}

static void test_dequantise(void) {
    lks_random_seed(2);
    static const int64_t counts[] = {1, 3, 128, 60000, 4096 * 32};
    size_t wrong = 0;
    for (int t = 0; t < n_tables; t++)
        for (int n = 0; n <= LENGTHS; n++) {
            int64_t sum[LENGTHS], count = counts[n % 5];
            float *out = lks_guarded_alloc((size_t)n), want[LENGTHS];
            for (int i = 0; i < n; i++) {
                sum[i] = (int64_t)lks_random_bits() >> lks_random_int(0, 63);
                want[i] = (float)((double)sum[i] * 0x1p-30 / (double)count);
            }
            tables[t]->dequantise(out, sum, (size_t)n, count);
            wrong += lks_differing_bits(out, want, (size_t)n);
            CU_ASSERT(lks_guarded_free(out, (size_t)n));
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_philox(void) {
    const lks_stream stream = {
        .key = {0x01234567, 0x89abcdef}, .item = 59999, .epoch = 13, .tag = 0x04000007};
    static const uint32_t first[] = {0, 1, 17, 1000003, UINT32_MAX - 40};
    for (int t = 0; t < n_tables; t++)
        for (int blocks = 0; blocks <= 40; blocks++) {
            uint32_t out[4 * 41], want[4 * 41], start = first[blocks % 5];
            memset(out, 0xaa, sizeof out);
            memset(want, 0xaa, sizeof want);
            for (int b = 0; b < blocks; b++) {
                const uint32_t counter[4] = {start + (uint32_t)b, stream.item, stream.epoch,
                                             stream.tag};
                lks_philox4x32_10(counter, stream.key, want + 4 * b);
            }
            tables[t]->philox(out, &stream, start, (size_t)blocks);
            CU_ASSERT(memcmp(out, want, sizeof out) == 0);
        }
}

static void check_dropout(const lks_kernels *table, int n, uint32_t threshold) {
    const float scale = (float)(1.0 / 0.7);
    float x[LENGTHS + 1], dy[LENGTHS + 1], want[LENGTHS + 1], want_dx[LENGTHS + 1];
    float *y = lks_guarded_alloc((size_t)n), *dx = lks_guarded_alloc((size_t)n);
    uint32_t words[LENGTHS + 1];
    uint8_t keep[LENGTHS + 1];
    size_t wrong = 0;
    memset(keep, 77, sizeof keep);
    lks_fill_awkward(x, LENGTHS + 1);
    lks_fill_awkward(dy, LENGTHS + 1);
    for (int i = 0; i < n; i++) {
        uint32_t near = threshold + (uint32_t)lks_random_int(-1, 1);
        words[i] = lks_random_int(0, 1) ? near : (uint32_t)lks_random_bits();
        if (i % 5 == 0)
            dy[i] = INFINITY; /* times a zero would be NaN: dropped means +0 */
        want[i] = words[i] >= threshold ? x[i] * scale : 0.0f;
        want_dx[i] = words[i] >= threshold ? dy[i] * scale : 0.0f;
    }
    table->dropout.forward(y, keep, x, words, (size_t)n, threshold, scale);
    table->dropout.backward(dx, dy, keep, (size_t)n, scale);
    for (int i = 0; i < n; i++)
        wrong += keep[i] != (words[i] >= threshold);
    wrong += lks_differing_bits(y, want, (size_t)n) + lks_differing_bits(dx, want_dx, (size_t)n);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(keep[n] == 77 && lks_guarded_free(y, (size_t)n) && lks_guarded_free(dx, (size_t)n));
}

static void test_dropout(void) {
    lks_random_seed(3);
    for (int t = 0; t < n_tables; t++)
        for (int n = 0; n <= LENGTHS; n++) {
            check_dropout(tables[t], n, 0x4ccccccc);
            check_dropout(tables[t], n, 0x80000000); /* signed comparison would go wrong here */
            check_dropout(tables[t], n, 0xfffffffe);
        }
}

/* relu(x) = x <= 0 ? +0 : x, and NaN stays NaN; its gradient passes where y > 0 only. */
static void test_relu(void) {
    lks_random_seed(4);
    size_t wrong = 0;
    for (int t = 0; t < n_tables; t++)
        for (int n = 0; n <= LENGTHS; n++) {
            float x[LENGTHS], dy[LENGTHS], want[LENGTHS], want_dx[LENGTHS];
            float *y = lks_guarded_alloc((size_t)n), *dx = lks_guarded_alloc((size_t)n);
            lks_fill_awkward(x, LENGTHS);
            lks_fill_awkward(dy, LENGTHS);
            for (int i = 0; i < n; i++) {
                if (i % 7 == 3)
                    x[i] = i % 2 ? NAN : -INFINITY;
                want[i] = x[i] <= 0 ? 0.0f : x[i];
                want_dx[i] = want[i] > 0 ? dy[i] : 0.0f;
            }
            tables[t]->activate(LKS_ACT_RELU, y, x, (size_t)n, 0);
            wrong += lks_differing_bits(y, want, (size_t)n);
            tables[t]->relu_backward(dx, dy, want, (size_t)n);
            wrong += lks_differing_bits(dx, want_dx, (size_t)n);
            CU_ASSERT(lks_guarded_free(y, (size_t)n) && lks_guarded_free(dx, (size_t)n));
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_relu_in_place(void) {
    for (int t = 0; t < n_tables; t++) {
        float y[19], dy[19];
        for (int i = 0; i < 19; i++) {
            y[i] = (float)(i % 3 - 1);
            dy[i] = 1;
        }
        tables[t]->relu_backward(dy, dy, y, 19); /* as dense layers call it */
        size_t wrong = 0;
        for (int i = 0; i < 19; i++)
            wrong += dy[i] != (y[i] > 0);
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

static float flushed(float a) {
    return fabsf(a) < 0x1p-100f ? 0.0f : a;
}

/* Gradients and states of all sizes, around the flushing limit too. */
static float any_size(void) {
    int exponent = lks_random_int(-110, 4);
    return (float)ldexp(lks_random_uniform(-1, 1), exponent);
}

/* One weight, as src/kernels/kernels.h says it, every operation rounded to float. */
static void update_one(lks_update_rule rule, float *w, float *const state[LKS_UPDATE_STATES],
                       float g, const lks_update *s) {
    float *a = state[0], *b = state[1], *c = state[2], step;
    if (rule == LKS_UPDATE_ADAMW)
        *w = *w - s->weight_decay * *w;
    else
        g = g + s->weight_decay * *w;
    if (rule == LKS_UPDATE_SGD) {
        *a = flushed(s->momentum * *a + g);
        *w -= s->lr * (s->nesterov ? g + s->momentum * *a : *a);
        return;
    }
    float square = s->one_minus_beta2 * (g * g);
    if (rule == LKS_UPDATE_ADAM || rule == LKS_UPDATE_ADAMW) {
        *a = flushed(s->beta1 * *a + s->one_minus_beta1 * g);
        *b = flushed(s->beta2 * *b + square);
        *w = *w - s->lr * (*a / (sqrtf(*b) * s->scale + s->epsilon));
        return;
    }
    *a = flushed(s->beta2 * *a + square);
    if (rule == LKS_UPDATE_ADADELTA) {
        step = sqrtf(*b + s->epsilon) / sqrtf(*a + s->epsilon) * g;
        *b = flushed(s->beta2 * *b + s->one_minus_beta2 * (step * step));
    } else {
        float variance = *a;
        if (c) {
            *c = flushed(s->beta2 * *c + s->one_minus_beta2 * g);
            variance = fmaxf(variance - *c * *c, 0);
        }
        step = g / (sqrtf(variance) + s->epsilon);
        if (b)
            *b = step = flushed(s->momentum * *b + step);
    }
    *w -= s->lr * step;
}

/* The states a rule keeps; of RMSprop's second and third those in `optional` (1 and 2). */
static bool has_state(lks_update_rule rule, int state, int optional) {
    static const int states[LKS_UPDATE_RULES] = {1, 2, 2, 3, 2};
    if (rule == LKS_UPDATE_RMSPROP && state > 0)
        return optional & state;
    return state < states[rule];
}

static void check_update(const lks_kernels *table, lks_update_rule rule, int n, int optional) {
    const lks_update s = {.lr = 0.01f,
                          .weight_decay = n % 2 ? 0.01f : 0,
                          .momentum = n % 3 ? 0.9f : 0,
                          .beta1 = 0.9f,
                          .one_minus_beta1 = 0.1f,
                          .beta2 = 0.99f,
                          .one_minus_beta2 = 0.01f,
                          .scale = 1.5f,
                          .epsilon = 1e-8f,
                          .nesterov = n % 4 > 1};
    float w[LENGTHS], g[LENGTHS], kept[LKS_UPDATE_STATES][LENGTHS];
    float *wk = lks_guarded_alloc((size_t)n), *state[LKS_UPDATE_STATES] = {NULL};
    for (int k = 0; k < LKS_UPDATE_STATES; k++)
        if (has_state(rule, k, optional))
            state[k] = lks_guarded_alloc((size_t)n);
    for (int i = 0; i < n; i++) {
        float *own[LKS_UPDATE_STATES] = {NULL};
        w[i] = wk[i] = lks_random_awkward();
        g[i] = any_size();
        for (int k = 0; k < LKS_UPDATE_STATES; k++) {
            bool sign = rule == LKS_UPDATE_SGD || (rule == LKS_UPDATE_RMSPROP ? k > 0 : k == 0);
            float value = any_size();
            kept[k][i] = flushed(sign && rule != LKS_UPDATE_ADADELTA ? value : fabsf(value));
            own[k] = state[k] ? &kept[k][i] : NULL;
            if (state[k])
                state[k][i] = kept[k][i];
        }
        update_one(rule, &w[i], own, g[i], &s);
    }
    CU_ASSERT(table->update[rule](wk, state, g, (size_t)n, &s));
    CU_ASSERT_EQUAL(lks_differing_bits(wk, w, (size_t)n), 0);
    CU_ASSERT(lks_guarded_free(wk, (size_t)n));
    for (int k = 0; k < LKS_UPDATE_STATES; k++)
        if (state[k]) {
            CU_ASSERT_EQUAL(lks_differing_bits(state[k], kept[k], (size_t)n), 0);
            CU_ASSERT(lks_guarded_free(state[k], (size_t)n));
        }
}

static void test_updates(void) {
    lks_random_seed(5);
    for (int t = 0; t < n_tables; t++)
        for (int rule = 0; rule < LKS_UPDATE_RULES; rule++)
            for (int n = 0; n <= LENGTHS; n++)
                for (int optional = 0; optional < (rule == LKS_UPDATE_RMSPROP ? 4 : 1); optional++)
                    check_update(tables[t], (lks_update_rule)rule, n, optional);
}

/* A weight that is not finite is reported, wherever it stands; the largest finite one is not. */
static void test_updates_not_finite(void) {
    const lks_update s = {
        .lr = 0.01f, .momentum = 0.9f, .beta1 = 0.9f, .beta2 = 0.9f, .scale = 1, .epsilon = 1e-8f};
    static const float values[] = {NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX};
    size_t wrong = 0;
    for (int t = 0; t < n_tables; t++)
        for (int rule = 0; rule < LKS_UPDATE_RULES; rule++)
            for (int i = 0; i < 5; i++)
                for (int at = 0; at < LENGTHS; at++) {
                    float w[LENGTHS] = {0}, g[LENGTHS] = {0}, a[LENGTHS] = {0}, b[LENGTHS] = {0},
                          c[LENGTHS] = {0};
                    float *const state[LKS_UPDATE_STATES] = {a, b, c};
                    w[at] = values[i];
                    wrong += tables[t]->update[rule](w, state, g, LENGTHS, &s) != (i > 2);
                }
    CU_ASSERT_EQUAL(wrong, 0);
}

#define TRIPLES 1024 /* per value of a */

static float random_float(int low, int high) {
    double mantissa = 1 + (double)(lks_random_bits() >> 41) * 0x1p-23;
    int exponent = lks_random_int(low, high);
    return (float)ldexp(lks_random_int(0, 1) ? mantissa : -mantissa, exponent);
}

/* A summand that makes a * b + c hard: near cancellation, a tie, beyond the precision of double, in
 * the denormals, or at overflow. */
static float adversary(float a, float b) {
    double p = (double)a * b;
    float near = (float)p;
    int exponent = near != 0 && isfinite(near) ? ilogbf(near) : 0;
    if (exponent < -140 && lks_random_int(0, 1)) /* the product is about half of the last place */
        return random_float(lks_random_int(0, 1) ? -149 : -128, -124);
    switch (lks_random_int(0, 9)) {
    case 0: /* leaves only what the product lost */
        return -near;
    case 1:
        return nextafterf(-near, lks_random_int(0, 1) ? INFINITY : -INFINITY);
    case 2: /* the product lies about half a unit above or below c */
        return ldexpf(random_float(23, 26), exponent);
    case 3: /* c is a power of two: half a unit above it is a whole one below */
        exponent += lks_random_int(22, 55);
        return ldexpf(lks_random_int(0, 1) ? 1 : -1, exponent);
    case 4: /* far below the product's last bit */
        return ldexpf(random_float(-100, -24), exponent);
    case 5:
        return random_float(-149, -120);
    case 6:
        return lks_random_int(0, 1) ? FLT_MAX : -FLT_MAX;
    case 7:
        return lks_random_int(0, 1) ? 0.0f : -0.0f;
    case 8:
        return lks_random_awkward();
    default:
        return random_float(-126, 127);
    }
}

static float factor(void) {
    static const float special[] = {0.0f,    -0.0f,   INFINITY,     -INFINITY, NAN,
                                    FLT_MAX, FLT_MIN, FLT_TRUE_MIN, 1.0f,      -1.0f};
    switch (lks_random_int(0, 9)) {
    case 8:
    case 9: { /* barely more than a power of two: see partner() */
        int exponent = lks_random_int(0, 1) ? lks_random_int(-20, 20) : lks_random_int(-85, -65);
        return ldexpf(1 + (float)lks_random_int(0, 255) * 0x1p-23f, exponent);
    }
    case 0:
        return special[lks_random_int(0, 9)];
    case 1: { /* few bits: products that end in exact ties */
        int exponent = lks_random_int(-20, 20);
        return ldexpf((float)lks_random_int(-4095, 4095), exponent);
    }
    case 2:
        return random_float(-140, -60);
    case 3:
        return random_float(50, 75);
    default:
        return random_float(-10, 10);
    }
}

/* Where x is (1 + d) 2^e, (1 - d) times another power of two: the product misses a power of two by
 * d^2, below 2^-30. As half a unit of the sum, it lies so close to the tie that double cannot tell.
 */
static float partner(float x) {
    int e;
    float mantissa = 2 * frexpf(fabsf(x), &e);
    int exponent = lks_random_int(0, 1) ? lks_random_int(-20, 20) : lks_random_int(-152, -145) - e;
    return copysignf(ldexpf(2 - mantissa, exponent), lks_random_int(0, 1) ? 1.0f : -1.0f);
}

/* One tap: out = fma(x, w, bias), so millions of triples go through the forward kernel. Every other
 * round has each triple in all lanes of a small vector, where no neighbour can ask for more care.
 */
static void test_fma(void) {
    lks_random_seed(6);
    static float w[TRIPLES], bias[TRIPLES], want[TRIPLES], out[TRIPLES];
    const int32_t zero = 0;
    size_t wrong[4] = {0};
    for (int round = 0; round < 3000; round++) {
        float x = factor();
        for (int i = 0; i < TRIPLES; i++) {
            if (round % 2 && i % 4 != 0) {
                w[i] = w[i - 1];
                bias[i] = bias[i - 1];
                want[i] = want[i - 1];
                continue;
            }
            w[i] = isfinite(x) && lks_random_int(0, 3) == 0 ? partner(x) : factor();
            bias[i] = adversary(x, w[i]);
            want[i] = fmaf(x, w[i], bias[i]);
        }
        const lks_forward_args a = {.x = &x,
                                    .n_pixels = 1,
                                    .pixel_offset = &zero,
                                    .n_runs = 1,
                                    .run_length = 1,
                                    .run_offset = &zero,
                                    .blocks = TRIPLES / LKS_BLOCK,
                                    .weights = w,
                                    .bias = bias,
                                    .out = out};
        for (int t = 0; t < n_tables; t++) {
            tables[t]->forward(&a);
            wrong[t] += lks_differing_bits(out, want, TRIPLES);
        }
    }
    for (int t = 0; t < n_tables; t++)
        CU_ASSERT_EQUAL(wrong[t], 0);
}

static void test_select(void) {
    const lks_kernels *k = NULL;
    lks_error err = {0};
    CU_ASSERT_STRING_EQUAL(tables[0]->isa, "portable");
    CU_ASSERT(lks_kernels_select(NULL, &k, &err) == LKS_OK && k == tables[n_tables - 1]);
    CU_ASSERT(lks_kernels_select("", &k, &err) == LKS_OK && k == tables[n_tables - 1]);
    for (int t = 0; t < n_tables; t++)
        CU_ASSERT(lks_kernels_select(tables[t]->isa, &k, &err) == LKS_OK && k == tables[t]);
    CU_ASSERT_EQUAL(lks_kernels_select("avx", &k, &err), LKS_ERR_CONFIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "avx"));
    for (int t = 0; t < n_tables; t++)
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, tables[t]->isa));
}

/* A chain of fused multiply-adds in order of k, whatever the tile; nothing beyond it is written. */
static size_t wrong_products(const lks_multiply_args *m) {
    size_t wrong = 0;
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < (int)m->stride; j++) {
            float want = 0;
            for (int k = 0; k < m->n; k++) {
                const size_t row = (size_t)(m->across ? k : i),
                             column = (size_t)(m->across ? i : k);
                want = fmaf(m->a[row * m->stride + column], m->b[(size_t)k * m->stride + (size_t)j],
                            want);
            }
            if (j >= m->columns)
                want = 3;
            wrong += lks_differing_bits(&m->out[(size_t)i * m->stride + (size_t)j], &want, 1) != 0;
        }
    return wrong;
}

static void check_multiply(const lks_kernels *table, int n, int rows, int columns, bool across) {
    enum { STRIDE = 96, ROWS = 270 };
    static float a[ROWS * STRIDE + ROWS], b[ROWS * STRIDE], out[STRIDE * STRIDE];
    const lks_multiply_args m = {a, b, out, STRIDE, n, rows, columns, across};
    lks_fill_awkward(a, sizeof a / sizeof *a);
    lks_fill_awkward(b, sizeof b / sizeof *b);
    for (int i = 0; i < STRIDE * STRIDE; i++)
        out[i] = 3;
    table->multiply(&m);
    CU_ASSERT_EQUAL(wrong_products(&m), 0);
}

static void test_multiply(void) {
    lks_random_seed(11);
    for (int t = 0; t < n_tables; t++)
        for (int columns = 16; columns <= 80; columns += 16) {
            check_multiply(tables[t], 1, 16, columns, false);
            check_multiply(tables[t], 96, 48, columns, false);
            check_multiply(tables[t], 33, 16, columns, true);
            check_multiply(tables[t], 265, 32, columns, true); /* goes on from memory */
        }
}

int main(void) {
    static const lks_test tests[] = {{"accumulate", test_accumulate},
                                     {"accumulate: rounding", test_accumulate_rounding},
                                     {"accumulate: refused", test_accumulate_refuses},
                                     {"dequantise", test_dequantise},
                                     {"philox", test_philox},
                                     {"dropout", test_dropout},
                                     {"relu", test_relu},
                                     {"relu in place", test_relu_in_place},
                                     {"updates of weights", test_updates},
                                     {"updates: not finite", test_updates_not_finite},
                                     {"products of matrices", test_multiply},
                                     {"fused multiply-add", test_fma},
                                     {"choice of a table", test_select},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("flat kernels", tests);
}
