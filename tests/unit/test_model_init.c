/* Initial weights: each element a pure function of the seed, its tensor and its place, of the
 * documented spread and distribution. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "lockstep/philox.h"
#include "net_case.h"

/* Fan-in 54 and 2,304, fan-out 576 and 30; tensor 0 and 1 belong to the convolution. */
static const net_case wide_enough = {
    "initial weights",
    "[{conv2d: {filters: 64, kernel: 3}}, relu, flatten, {dense: 30}]",
    {8, 8, 6},
    30,
    4,
    4,
    21};

static const struct {
    const char *set;
    lks_init init;
    bool normal;
} inits[] = {{"init=glorot_uniform", LKS_INIT_GLOROT_UNIFORM, false},
             {"init=glorot_normal", LKS_INIT_GLOROT_NORMAL, true},
             {"init=he_uniform", LKS_INIT_HE_UNIFORM, false},
             {"init=he_normal", LKS_INIT_HE_NORMAL, true},
             {"init=fan_in_uniform", LKS_INIT_FAN_IN_UNIFORM, false}};
#define N_INITS 5

/* Glorot & Bengio 2010: variance 2 / (in + out); He et al. 2015: 2 / in; a uniform distribution of
 * half-width a has the variance a^2 / 3. PyTorch's default: half-width 1 / sqrt(in). */
static double standard_deviation(lks_init init, double in, double out) {
    switch (init) {
    case LKS_INIT_GLOROT_UNIFORM:
    case LKS_INIT_GLOROT_NORMAL:
        return sqrt(2 / (in + out));
    case LKS_INIT_HE_UNIFORM:
    case LKS_INIT_HE_NORMAL:
        return sqrt(2 / in);
    case LKS_INIT_FAN_IN_UNIFORM:
        break;
    }
    return sqrt(1 / (3 * in));
}

/* Mean, variance and the weight of the middle, each within 5 standard errors. */
static void check_distribution(const float *w, size_t n, double sigma, bool normal) {
    double sum = 0, squares = 0, largest = 0, count = (double)n;
    size_t inner = 0;
    for (size_t i = 0; i < n; i++) {
        sum += w[i];
        squares += (double)w[i] * w[i];
        inner += fabsf(w[i]) < sigma;
        largest = fmax(largest, fabs(w[i]));
    }
    double kurtosis = normal ? 3 : 1.8, share = normal ? 0.682689 : 1 / sqrt(3);
    CU_ASSERT(fabs(sum / count) < 5 * sigma / sqrt(count));
    CU_ASSERT(fabs(squares / count / (sigma * sigma) - 1) < 5 * sqrt((kurtosis - 1) / count));
    CU_ASSERT(fabs((double)inner / count - share) < 5 * sqrt(share * (1 - share) / count));
    CU_ASSERT(largest < sigma * (normal ? 6.67 : sqrt(3) * (1 + 1e-6)));
    CU_ASSERT(largest > sigma * (normal ? 2.8 : 0.99 * sqrt(3)));
}

static void test_distribution(void) {
    for (int i = 0; i < N_INITS; i++) {
        net n = net_open(&wide_enough, inits[i].set);
        lks_model *m = net_model(&n, net_kernels(), 1);
        lks_model_view v = lks_model_look(m);
        CU_ASSERT_EQUAL_FATAL(v.n_tensors, 4);
        const double in[] = {54, 54, 2304, 2304}, out[] = {576, 576, 30, 30};
        for (int t = 0; t < 4; t++) {
            const float *w = v.weights + v.tensors[t].offset;
            double sigma = standard_deviation(inits[i].init, in[t], out[t]);
            if (t % 2 == 0) {
                check_distribution(w, v.tensors[t].count, sigma, inits[i].normal);
                continue;
            }
            size_t zeros = 0, within = 0;
            for (size_t e = 0; e < v.tensors[t].count; e++) {
                zeros += w[e] == 0;
                within += fabs(w[e]) <= sigma * sqrt(3) * (1 + 1e-6);
            }
            bool drawn = inits[i].init == LKS_INIT_FAN_IN_UNIFORM;
            CU_ASSERT_EQUAL(zeros, drawn ? 0 : v.tensors[t].count);
            CU_ASSERT_EQUAL(within, v.tensors[t].count);
        }
        lks_model_free(m);
        net_close(&n);
    }
}

/* A uniform weight is made of one word: word e % 4 of counter {e / 4, 0, 0, purpose 1 and tensor}.
 */
static void test_every_element(void) {
    const uint64_t seed = UINT64_C(0xfedcba9876543210);
    net n = net_open(&wide_enough, "init=he_uniform");
    lks_model *m = net_model(&n, net_kernels(), 1);
    lks_model_view v = lks_model_look(m);
    lks_model_init(m, seed);
    const uint32_t key[2] = {0x76543210, 0xfedcba98};
    size_t wrong = 0;
    for (int t = 0; t < v.n_tensors; t += 2) {
        double width = sqrt(6 / (t ? 2304.0 : 54.0));
        for (size_t e = 0; e < v.tensors[t].count; e++) {
            const uint32_t counter[4] = {(uint32_t)(e / 4), 0, 0, UINT32_C(1) << 24 | (uint32_t)t};
            uint32_t words[4];
            lks_philox4x32_10(counter, key, words);
            double u = 2 * (words[e % 4] * 0x1p-32) - 1;
            wrong += v.weights[v.tensors[t].offset + e] != (float)(u * width);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_model_free(m);
    net_close(&n);
}

/* Neither threads, tables, earlier weights nor the layers behind matter; the seed does. */
static void test_seed_alone(void) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    int n_tables = lks_kernels_usable(tables);
    for (int i = 0; i < N_INITS; i++) {
        net n = net_open(&wide_enough, inits[i].set);
        lks_model *a = net_model(&n, tables[0], 1), *b = net_model(&n, tables[n_tables - 1], 3);
        lks_model_view va = lks_model_look(a), vb = lks_model_look(b);
        size_t bytes = va.n_weights * sizeof(float), equal = 0;
        memset(vb.weights, 0x7f, bytes);
        lks_model_init(b, n.config.seed);
        CU_ASSERT(memcmp(va.weights, vb.weights, bytes) == 0);
        lks_model_init(b, n.config.seed + 1);
        for (size_t w = 0; w < va.tensors[0].count; w++)
            equal += va.weights[w] == vb.weights[w];
        CU_ASSERT(equal < 5);
        lks_model_free(a);
        lks_model_free(b);
        net_close(&n);
    }
}

/* Initial weights are in force at once, as if they had been written and announced. */
static void test_in_force(void) {
    net n = net_open(&wide_enough, NULL);
    lks_model *a = net_model(&n, net_kernels(), 2), *b = net_model(&n, net_kernels(), 2);
    lks_model_view va = lks_model_look(a), vb = lks_model_look(b);
    float pa[4 * 30], pb[4 * 30];
    lks_model_init(b, 99);
    memcpy(vb.weights, va.weights, va.n_weights * sizeof(float));
    lks_model_evaluate(a, &n.batch, NULL, pa);
    lks_model_evaluate(b, &n.batch, NULL, pb);
    CU_ASSERT(memcmp(pa, pb, sizeof pa) != 0);
    lks_model_weights_changed(b);
    lks_model_evaluate(b, &n.batch, NULL, pb);
    CU_ASSERT(memcmp(pa, pb, sizeof pa) == 0);
    lks_model_free(a);
    lks_model_free(b);
    net_close(&n);
}

int main(void) {
    static const lks_test tests[] = {{"distribution", test_distribution},
                                     {"every element", test_every_element},
                                     {"the seed alone", test_seed_alone},
                                     {"in force at once", test_in_force},
                                     {NULL, NULL}};
    return lks_test_main("initial weights", tests);
}
