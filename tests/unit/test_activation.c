/* The activation functions: every table gives the same bits for every kind of number; values and
 * gradients against double precision, over a dense scan of all floats. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "net_case.h"
#include "nn/op.h" /* padded channels */
#include "support/random_data.h"

#define KINDS 7
#define SLOPE 0.125f
#define MANY  4096

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

static const char *const names[KINDS] = {"relu", "leaky",     "tanh", "sigmoid",
                                         "gelu", "gelu tanh", "silu"};

static double sigmoid(double x) {
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

/* Twice the argument of the tanh in GELU's approximation. */
static double tanh_form(double x) {
    return 2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
}

static double value_of(lks_activation_kind kind, double x) {
    switch (kind) {
    case LKS_ACT_RELU:
        return x > 0 ? x : 0;
    case LKS_ACT_LEAKY:
        return x > 0 ? x : (double)SLOPE * x;
    case LKS_ACT_TANH:
        return tanh(x);
    case LKS_ACT_SIGMOID:
        return sigmoid(x);
    case LKS_ACT_GELU:
        return x * (0.5 * erfc(-x * M_SQRT1_2));
    case LKS_ACT_GELU_TANH:
        return x * sigmoid(tanh_form(x));
    case LKS_ACT_SILU:
        return x * sigmoid(x);
    }
    return NAN;
}

/* Of every sort: any bits at all, numbers of usual size, and the awkward ones. */
static void fill(float *x, size_t n) {
    static const float special[] = {0.0f,      -0.0f,      INFINITY,  -INFINITY,  NAN,
                                    0x1p-149f, -0x1p-149f, 0x1p-126f, -0x1p-127f, 3.4e38f,
                                    -3.4e38f,  87.0f,      -87.0f,    -87.01f,    0.625f,
                                    -0.625f,   14.0f,      -13.2f};
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)lks_random_bits();
        int sort = lks_random_int(0, 3);
        if (sort == 0)
            memcpy(&x[i], &bits, sizeof bits);
        else if (sort == 1)
            x[i] = (float)lks_random_uniform(-15, 15);
        else
            x[i] = sort == 2 ? lks_random_awkward()
                             : special[bits % (sizeof special / sizeof *special)];
    }
}

/* All lengths of tail, nothing written beyond. */
static size_t differing(const lks_kernels *table, lks_activation_kind kind, size_t n) {
    float x[MANY], dy[MANY], want[MANY], want_dx[MANY];
    fill(x, n);
    fill(dy, n);
    tables[0]->activate(kind, want, x, n, SLOPE);
    tables[0]->activate_backward(kind, want_dx, dy, x, want, n, SLOPE);
    float *y = lks_guarded_alloc(n), *dx = lks_guarded_alloc(n);
    table->activate(kind, y, x, n, SLOPE);
    table->activate_backward(kind, dx, dy, x, want, n, SLOPE);
    size_t wrong = lks_differing_bits(y, want, n) + lks_differing_bits(dx, want_dx, n);
    wrong += !lks_guarded_free(y, n);
    return wrong + !lks_guarded_free(dx, n);
}

static void test_tables_agree(void) {
    lks_random_seed(1);
    for (int t = 0; t < n_tables; t++)
        for (int kind = 0; kind < KINDS; kind++) {
            size_t wrong = differing(tables[t], (lks_activation_kind)kind, MANY);
            for (size_t n = 0; n <= 70; n++)
                wrong += differing(tables[t], (lks_activation_kind)kind, n);
            CU_ASSERT_EQUAL(wrong, 0);
        }
}

static void test_special_values(void) {
    static const struct {
        lks_activation_kind kind;
        float x, y, slope;
    } cases[] = {{LKS_ACT_RELU, -0.0f, 0, 0},
                 {LKS_ACT_RELU, -INFINITY, 0, 0},
                 {LKS_ACT_LEAKY, 0, 0, SLOPE},
                 {LKS_ACT_LEAKY, -INFINITY, -INFINITY, SLOPE},
                 {LKS_ACT_LEAKY, -8, -1, SLOPE},
                 {LKS_ACT_LEAKY, INFINITY, INFINITY, 1},
                 {LKS_ACT_TANH, -0.0f, -0.0f, 1},
                 {LKS_ACT_TANH, 0x1p-149f, 0x1p-149f, 1},
                 {LKS_ACT_TANH, INFINITY, 1, 0},
                 {LKS_ACT_TANH, -INFINITY, -1, 0},
                 {LKS_ACT_TANH, -3e38f, -1, 0},
                 {LKS_ACT_TANH, -0x1p-20f, -0x1p-20f, 1},
                 {LKS_ACT_SIGMOID, 0, 0.5f, 0.25f},
                 {LKS_ACT_SIGMOID, INFINITY, 1, 0},
                 {LKS_ACT_SIGMOID, -3e38f, 0, 0},
                 {LKS_ACT_SIGMOID, -INFINITY, 0, 0},
                 {LKS_ACT_GELU, 0, 0, 0.5f},
                 {LKS_ACT_GELU, 0x1p-100f, 0x1p-101f, 0.5f},
                 {LKS_ACT_GELU, -3e38f, 0, 0},
                 {LKS_ACT_GELU, -INFINITY, 0, 0},
                 {LKS_ACT_GELU, 3e38f, 3e38f, 1},
                 {LKS_ACT_GELU, INFINITY, INFINITY, 1},
                 {LKS_ACT_GELU_TANH, 0, 0, 0.5f},
                 {LKS_ACT_GELU_TANH, -0x1p-100f, -0x1p-101f, 0.5f},
                 {LKS_ACT_GELU_TANH, -3e38f, 0, 0},
                 {LKS_ACT_GELU_TANH, -INFINITY, 0, 0},
                 {LKS_ACT_GELU_TANH, 3e38f, 3e38f, 1},
                 {LKS_ACT_SILU, 0, 0, 0.5f},
                 {LKS_ACT_SILU, -0x1p-100f, -0x1p-101f, 0.5f},
                 {LKS_ACT_SILU, -3e38f, 0, 0},
                 {LKS_ACT_SILU, -INFINITY, 0, 0},
                 {LKS_ACT_SILU, 3e38f, 3e38f, 1},
                 {LKS_ACT_SILU, INFINITY, INFINITY, 1}};
    const float one = 1;
    for (int t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            float y, dx;
            tables[t]->activate(cases[i].kind, &y, &cases[i].x, 1, SLOPE);
            tables[t]->activate_backward(cases[i].kind, &dx, &one, &cases[i].x, &y, 1, SLOPE);
            bool right = y == cases[i].y && dx == cases[i].slope;
            CU_ASSERT(right);
            if (!right)
                printf("\n  %s(%g) = %g, slope %g", names[cases[i].kind], cases[i].x, y, dx);
        }
        for (int kind = 0; kind < KINDS; kind++) {
            const float nan = NAN;
            float y;
            tables[t]->activate((lks_activation_kind)kind, &y, &nan, 1, SLOPE);
            CU_ASSERT(isnan(y));
        }
    }
}

/* The last place of y as a float. */
static double place_of(double y) {
    int exponent;
    frexp(fmax(fabs(y), 0x1p-126), &exponent);
    return ldexp(1, exponent - 24);
}

/* What the largest errors may be, in last places of the result. The argument of the exponential in
 * GELU's tanh form is rounded a few times: its size multiplies that. */
static double places_allowed(lks_activation_kind kind, double x) {
    static const double allowed[KINDS] = {0, 0.5, 1.5, 2.5, 6.5, 3, 3.5};
    return allowed[kind] + (kind == LKS_ACT_GELU_TANH ? 3 * fabs(tanh_form(fmin(x, 0))) : 0);
}

typedef struct worst {
    double by, x;
} worst;

static void look_at(lks_activation_kind kind, float x, float y, worst *relative, worst *absolute) {
    double want = value_of(kind, (double)x);
    double error = isnan(y) ? INFINITY : fabs((double)y - want);
    double places = error / place_of(want) / places_allowed(kind, (double)x);
    double of_one = error / (0x1p-23 * fmax(1, fabs((double)x)));
    /* what is below exp(-87) is 0, of SiLU below 87 exp(-87) */
    const double least = kind == LKS_ACT_SILU ? 1.5e-36 : 2e-37;
    if (fabs(want) > least || fabs((double)x) < 1 || kind < LKS_ACT_TANH)
        *relative = error > 0 && !(places <= relative->by) ? (worst){places, (double)x} : *relative;
    *absolute = !(of_one <= absolute->by) ? (worst){of_one, (double)x} : *absolute;
}

/* Every 4001st float of both signs, to infinity. */
static void test_accuracy(void) {
    const lks_kernels *fastest = tables[n_tables - 1];
    for (int k = 0; k < KINDS; k++) {
        lks_activation_kind kind = (lks_activation_kind)k;
        worst relative = {0, 0}, absolute = {0, 0};
        float x[MANY], y[MANY];
        for (uint64_t bits = 0; bits < UINT64_C(0x7f800000);) {
            size_t n = 0;
            for (; n < MANY && bits < UINT64_C(0x7f800000); bits += 4001, n += 2) {
                uint32_t plus = (uint32_t)bits, minus = plus | UINT32_C(0x80000000);
                memcpy(&x[n], &plus, sizeof plus);
                memcpy(&x[n + 1], &minus, sizeof minus);
            }
            fastest->activate(kind, y, x, n, SLOPE);
            for (size_t i = 0; i < n; i++)
                look_at(kind, x[i], y[i], &relative, &absolute);
        }
        CU_ASSERT(relative.by <= 1);
        CU_ASSERT(absolute.by <= 1);
        if (relative.by > 1 || absolute.by > 1)
            printf("\n  %s: %g of what is allowed at %g, absolute %g at %g", names[k], relative.by,
                   relative.x, absolute.by, absolute.x);
    }
}

/* Gradients against central differences in double: 3 * 2^-24, and what the differences lose. */
static void test_gradients(void) {
    const double step = 1e-5;
    const lks_kernels *fastest = tables[n_tables - 1];
    static float x[MANY], y[MANY], dx[MANY], one[MANY];
    lks_random_seed(4);
    for (int k = 0; k < KINDS; k++) {
        lks_activation_kind kind = (lks_activation_kind)k;
        size_t wrong = 0;
        for (int i = 0; i < MANY; i++) {
            x[i] = (float)lks_random_uniform(-16, 16);
            if (i % 2)
                x[i] *= 0x1p-4f;
            if (fabsf(x[i]) < 2e-5f) /* the kink of the first two */
                x[i] = 1;
            one[i] = 1;
        }
        fastest->activate(kind, y, x, MANY, SLOPE);
        fastest->activate_backward(kind, dx, one, x, y, MANY, SLOPE);
        for (int i = 0; i < MANY; i++) {
            double at = (double)x[i];
            double want = (value_of(kind, at + step) - value_of(kind, at - step)) / (2 * step);
            if (!(fabs((double)dx[i] - want) <= 3 * 0x1p-24 + 1e-9) && wrong++ == 0)
                printf("\n  %s: slope %.9g at %g, not %.9g", names[k], dx[i], at, want);
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* The slope does not depend on dy, which is multiplied last. */
static void test_gradients_are_linear(void) {
    static float x[MANY], y[MANY], slope[MANY], dx[MANY], dy[MANY], one[MANY];
    lks_random_seed(5);
    for (int i = 0; i < MANY; i++) {
        x[i] = (float)lks_random_uniform(-6, 6);
        dy[i] = (float)lks_random_uniform(-100, 100);
        one[i] = 1;
    }
    for (int k = 0; k < KINDS; k++) {
        lks_activation_kind kind = (lks_activation_kind)k;
        tables[0]->activate(kind, y, x, MANY, SLOPE);
        tables[0]->activate_backward(kind, slope, one, x, y, MANY, SLOPE);
        tables[0]->activate_backward(kind, dx, dy, x, y, MANY, SLOPE);
        for (int i = 0; i < MANY; i++)
            slope[i] *= dy[i];
        CU_ASSERT_EQUAL(lks_differing_numbers(dx, slope, MANY), 0);
    }
}

/* In a network five channels are padded to sixteen, and the padding stays 0, forward and backward. */
static void test_padding_stays_zero(void) {
    static const char *const layers[] = {"leaky_relu", "tanh", "sigmoid",
                                         "gelu",       "silu", "{gelu: {tanh_form: true}}"};
    for (int k = 0; k < 6; k++) {
        char model[128];
        snprintf(model, sizeof model,
                 "[{conv2d: {filters: 5, kernel: 2}}, %s, flatten, {dense: 2}]", layers[k]);
        const net_case c = {layers[k], model, {4, 5, 1}, 2, 6, 8, 1};
        net n = net_open(&c, NULL);
        lks_model *m = net_model(&n, net_kernels(), 1);
        lks_model_train(m, &n.batch);
        const lks_activation *out = m->ops[2]->out;
        const lks_worker *w = m->workers[0]; /* its memory has the only chunk */
        const float *y = lks_value(out, w, 0), *dy = lks_gradient(out, w, 0);
        const float *dx = lks_sample(m->ops[2]->dx, w, 0);
        size_t wrong = 0, used = 0;
        for (size_t i = 0; i < 6 * out->size; i++) {
            bool padded = (int)(i % (size_t)out->stride) >= 5;
            used += !padded && y[i] != 0 && dy[i] != 0;
            wrong += padded && (y[i] != 0 || dx[i] != 0);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT(used > 300);
        lks_model_free(m);
        net_close(&n);
    }
}

int main(void) {
    static const lks_test tests[] = {{"tables agree", test_tables_agree},
                                     {"special values", test_special_values},
                                     {"accuracy", test_accuracy},
                                     {"gradients", test_gradients},
                                     {"gradients are linear", test_gradients_are_linear},
                                     {"padding stays 0", test_padding_stays_zero},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("activation", tests);
}
