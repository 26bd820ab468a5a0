/* Averaged weights against their closed form, the decay's warm-up, what is copied and not averaged,
 * tiny values, and the same bits over threads. */
#include "support/test.h"

#include <math.h>

#include "optim/optim.h"
#include "support/random_data.h"

#define N 9001
static const lks_tensor tensors[] = {
    {"a/weight", 1, {8950}, 0, 8950, LKS_ROLE_WEIGHT, true},
    {"frozen/weight", 1, {20}, 8950, 20, LKS_ROLE_WEIGHT, false},
    {"bn/running_mean", 1, {31}, 8970, 31, LKS_ROLE_MOMENT, false},
};
#define TRAINED 8950

static lks_average create(double decay, bool warmup) {
    const lks_train_config c = {.ema_decay = decay, .ema_warmup = warmup};
    lks_average a;
    lks_error err;
    if (lks_average_create(&a, &c, tensors, 3, &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    return a;
}

static void fill(float *w, float value) {
    for (int i = 0; i < N; i++)
        w[i] = value;
}

/* Weights that stay at w after a start at w0: a_t = w + (w0 - w) d^t. */
static void test_closed_form(void) {
    static float w[N];
    lks_average a = create(0.9, false);
    fill(w, 3);
    lks_average_start(&a, w);
    fill(w, -1);
    for (int t = 0; t < 30; t++) {
        lks_average_update(&a, w, t, 2);
        double wanted = -1 + 4 * pow(0.9, t + 1);
        CU_ASSERT_DOUBLE_EQUAL(a.weights[0], wanted, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(a.weights[TRAINED - 1], wanted, 1e-6);
    }
    lks_average_free(&a);
}

/* With warm-up the decay after update 1, 2, ... is 2/11, 3/12, ..., and never above the one asked
 * for. */
static void test_warmup(void) {
    lks_average a = create(0.5, true), always = create(0.5, false);
    CU_ASSERT_DOUBLE_EQUAL(lks_average_decay(&a, 0), 2.0 / 11, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(lks_average_decay(&a, 1), 3.0 / 12, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(lks_average_decay(&a, 6), 8.0 / 17, 1e-15);
    CU_ASSERT_EQUAL(lks_average_decay(&a, 7), 0.5);
    CU_ASSERT_EQUAL(lks_average_decay(&a, 100000), 0.5);
    CU_ASSERT_EQUAL(lks_average_decay(&always, 0), 0.5);
    lks_average_free(&a);
    lks_average_free(&always);
}

/* An average of equal weights is these weights, to the bit, in all updates. */
static void test_fixed_point(void) {
    static float w[N];
    lks_random_seed(1);
    for (int i = 0; i < N; i++)
        w[i] = (float)lks_random_uniform(-1, 1);
    lks_average a = create(0.999, true);
    lks_average_start(&a, w);
    for (int t = 0; t < 20; t++)
        lks_average_update(&a, w, t, 1);
    CU_ASSERT_EQUAL(lks_differing_bits(a.weights, w, N), 0);
    lks_average_free(&a);
}

/* Moments and frozen weights are those of the network at any time. */
static void test_copied(void) {
    static float w[N];
    lks_average a = create(0.99, false);
    for (int t = 0; t < 3; t++) {
        fill(w, (float)(t + 1));
        lks_average_update(&a, w, t, 1);
        CU_ASSERT_EQUAL(lks_differing_bits(a.weights + TRAINED, w + TRAINED, N - TRAINED), 0);
        CU_ASSERT(a.weights[0] < w[0]);
    }
    lks_average_free(&a);
}

static void test_threads(void) {
    static float w[N];
    lks_average one = create(0.9, true), three = create(0.9, true);
    for (int t = 0; t < 10; t++) {
        lks_random_seed(50 + (uint64_t)t);
        for (int i = 0; i < N; i++)
            w[i] = (float)lks_random_uniform(-1, 1);
        lks_average_update(&one, w, t, 1);
        lks_average_update(&three, w, t, 3);
    }
    CU_ASSERT_EQUAL(lks_differing_bits(one.weights, three.weights, N), 0);
    lks_average_free(&one);
    lks_average_free(&three);
}

/* The average of a weight that died reaches 0 and leaves no denormals. */
static void test_tiny(void) {
    static float w[N];
    lks_average a = create(0.5, false);
    fill(w, 1);
    lks_average_start(&a, w);
    fill(w, 0);
    for (int t = 0; t < 99; t++)
        lks_average_update(&a, w, t, 1);
    CU_ASSERT_EQUAL(a.weights[0], 0x1p-99f);
    for (int t = 99; t < 101; t++)
        lks_average_update(&a, w, t, 1);
    CU_ASSERT_EQUAL(a.weights[0], 0);
    lks_average_free(&a);
}

static void test_none(void) {
    float w[N];
    lks_average a = create(0, true);
    CU_ASSERT_PTR_NULL(a.weights);
    lks_average_start(&a, w);
    lks_average_update(&a, w, 0, 1);
    CU_ASSERT_PTR_NULL(a.weights);
    lks_average_free(&a);
}

int main(void) {
    static const lks_test tests[] = {
        {"closed form", test_closed_form},   {"warm-up", test_warmup},
        {"equal weights", test_fixed_point}, {"what is copied", test_copied},
        {"threads", test_threads},           {"tiny values", test_tiny},
        {"no average", test_none},           {NULL, NULL}};
    return lks_test_main("averaged weights", tests);
}
