/* Ten updates by each optimizer against PyTorch (tests/golden/make-torch.py), with learning rates
 * that change, weight decay with and without biases and norms, a frozen tensor, clipping. */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optim/optim.h"
#include "config_text.h"
#include "support/golden.h"

/* The golden values are true to 7 digits. Lockstep rounds each of a handful of operations a step,
 * on weights of size 1 to 2, to 6e-8; updates are smaller. The worst weight of all cases is off by
 * 6e-7 of the largest. */
#define TOLERANCE 2e-6

#define N       14
#define TENSORS 4
#define SAMPLES 8 /* a power of two: sums of gradients are exact */

static const lks_tensor tensors[TENSORS] = {
    {"a/weight", 2, {2, 3}, 0, 6, LKS_ROLE_WEIGHT, true},
    {"frozen/weight", 1, {2}, 6, 2, LKS_ROLE_WEIGHT, false},
    {"a/bias", 1, {3}, 8, 3, LKS_ROLE_BIAS, true},
    {"bn/weight", 1, {3}, 11, 3, LKS_ROLE_NORM, true},
};

static lks_optimizer optimizer_of(const lks_config *config) {
    const lks_kernels *tables[LKS_MAX_TABLES];
    lks_optimizer o;
    lks_error err;
    if (lks_optimizer_create(&o, &config->train.optimizer, tensors, TENSORS,
                             tables[lks_kernels_usable(tables) - 1], &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    return o;
}

/* One step as training takes it: norm, clipping, update. */
static void step(lks_optimizer *o, const lks_config *config, float *w, const double *gradient,
                 double share, int number) {
    float sums[N];
    for (int i = 0; i < N; i++)
        sums[i] = (float)(gradient[i] * SAMPLES);
    const lks_gradient g = {.plain = sums, .samples = SAMPLES};
    double factor =
        lks_clip_factor(lks_optimizer_norms(o, w, &g, NULL, 1), config->train.clip_norm);
    CU_ASSERT(lks_optimizer_step(o, w, &g, factor, config->train.optimizer.lr * share, number, 1));
}

static void compare(const lks_golden_case *c, const float *w, int steps, const double *want,
                    double scale) {
    int wrong = 0;
    for (int i = 0; i < N; i++)
        if (!(fabs(w[i] - want[i]) <= TOLERANCE * scale) && wrong++ == 0)
            printf("\n  %s, weight %d after %d steps: %.9g, PyTorch has %.9g\n", c->name, i, steps,
                   (double)w[i], want[i]);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check(const lks_golden_case *start, const lks_golden_case *c) {
    const lks_golden_tensor *weights = lks_golden_tensor_of(start, "weights");
    const lks_golden_tensor *gradients = lks_golden_tensor_of(start, "gradients");
    const lks_golden_tensor *shares = lks_golden_tensor_of(start, "shares");
    const lks_golden_tensor *shown = lks_golden_tensor_of(start, "shown");
    const lks_golden_tensor *after = lks_golden_tensor_of(c, "after");
    CU_ASSERT_FATAL(weights->count == N && gradients->count == N * shares->count);
    CU_ASSERT_FATAL(after->count == N * shown->count);
    lks_config config = golden_config(c);
    lks_optimizer o = optimizer_of(&config);
    float w[N];
    for (int i = 0; i < N; i++)
        w[i] = (float)weights->values[i];
    size_t row = 0;
    for (int t = 0; t < (int)shares->count; t++) {
        step(&o, &config, w, gradients->values + t * N, shares->values[t], t);
        if (row < shown->count && shown->values[row] == t + 1)
            compare(c, w, t + 1, after->values + N * row++, lks_golden_scale(after));
    }
    CU_ASSERT_EQUAL(row, shown->count);
    lks_optimizer_free(&o);
    lks_config_free(&config);
}

static void test_updates(void) {
    lks_golden g = lks_golden_read("torch-optimizers.txt");
    CU_ASSERT_FATAL(g.n_cases > 1);
    for (int i = 1; i < g.n_cases; i++)
        check(&g.cases[0], &g.cases[i]);
    lks_golden_free(&g);
}

int main(void) {
    static const lks_test tests[] = {{"updates", test_updates}, {NULL, NULL}};
    return lks_test_main("optimizers of PyTorch", tests);
}
