/* Optimizers whose update has the norm of the weights, in their first steps, from the papers: LARS and LAMB. */
#include "support/test.h"

#include <string.h>

#include "optim/optim.h"

#define SAMPLES 37

static const lks_tensor parts[] = {{"a", 1, {4}, 0, 4, LKS_ROLE_WEIGHT, true},
                                   {"b", 1, {2}, 4, 2, LKS_ROLE_BIAS, true},
                                   {"c", 1, {2}, 6, 2, LKS_ROLE_WEIGHT, true}};

static lks_optimizer create(const lks_optimizer_config *c) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    lks_optimizer o;
    lks_error err;
    const int n = lks_kernels_usable(tables);
    if (lks_optimizer_create(&o, c, parts, 3, tables[n - 1], &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    return o;
}

static bool step_plain(lks_optimizer *o, float *w, const float *sums, double lr, int step,
                       int threads) {
    const lks_gradient g = {.plain = sums, .samples = SAMPLES};
    return lks_optimizer_step(o, w, &g, 1, lr, step, threads);
}

/* LARS's first step, from the paper: a tensor moves against its gradient by lr times the coefficient times |w|; where
 * it is 0, by lr times the coefficient times the gradient; not at all without a gradient. The velocity is the step, so
 * without a gradient the next one is `momentum` times as long. */
static void test_lars_first_steps(void) {
    const float sums[8] = {3 * SAMPLES, -4 * SAMPLES, 0, 0, 5 * SAMPLES, -6 * SAMPLES, 0, 0};
    const float start[8] = {6, 6, 6, -6, 0, 0, 1, 1}, none[8] = {0};
    const double moved[8] = {-0.36, 0.48, 0, 0, -0.25, 0.3, 0, 0}; /* 0.1 * 0.5 * 12 * g / 5 */
    const lks_optimizer_config c = {.name = LKS_LARS, .trust_coefficient = 0.5, .momentum = 0.9};
    lks_optimizer o = create(&c);
    float w[8];
    memcpy(w, start, sizeof w);
    CU_ASSERT(step_plain(&o, w, sums, 0.1, 0, 2));
    for (int i = 0; i < 8; i++)
        CU_ASSERT_DOUBLE_EQUAL(w[i], start[i] + moved[i], 1e-5);
    CU_ASSERT(step_plain(&o, w, none, 100, 1, 2));
    for (int i = 0; i < 8; i++)
        CU_ASSERT_DOUBLE_EQUAL(w[i], start[i] + 1.9 * moved[i], 1e-5);
    lks_optimizer_free(&o);
}

/* LAMB's first step, from the paper: each weight's r is the sign of its gradient, so a tensor of n
 * weights moves by lr |w| / sqrt(n) each; by lr where the tensor is 0; not at all without a
 * gradient. */
static void test_lamb_first_step(void) {
    const float sums[8] = {74, -37, 370, -3.7f, 5, -6, 0, 0};
    const float start[8] = {6, 6, 6, -6, 0, 0, 1, 1};
    const double want[8] = {5.4, 6.6, 5.4, -5.4, -0.1, 0.1, 1, 1};
    const lks_optimizer_config c = {
        .name = LKS_LAMB, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-6};
    lks_optimizer o = create(&c);
    float w[8];
    memcpy(w, start, sizeof w);
    CU_ASSERT(step_plain(&o, w, sums, 0.1, 0, 2));
    for (int i = 0; i < 8; i++)
        CU_ASSERT_DOUBLE_EQUAL(w[i], want[i], 1e-5);
    lks_optimizer_free(&o);
}

int main(void) {
    static const lks_test tests[] = {
        {"LARS", test_lars_first_steps}, {"LAMB", test_lamb_first_step}, {NULL, NULL}};
    return lks_test_main("optimizers by norms", tests);
}
