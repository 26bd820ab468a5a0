/* Optimizers against closed forms and against the same update in double over 20 steps; the same
 * bits over threads and kernel tables; tiny moments; numbers that are not finite. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/optim.h"
#include "support/random_data.h"

#define N       5003 /* weights: two whole blocks of 2,048 and a part */
#define STEPS   20
#define SAMPLES 37

static const lks_optimizer_config plain = {.name = LKS_SGD, .lr = 0.05};
static const lks_optimizer_config momentum = {.name = LKS_SGD, .lr = 0.05, .momentum = 0.9};
static const lks_optimizer_config nesterov = {
    .name = LKS_SGD, .lr = 0.05, .momentum = 0.8, .nesterov = true, .weight_decay = 0.01};
static const lks_optimizer_config decayed = {.name = LKS_SGD, .lr = 0.05, .weight_decay = 0.1};
static const lks_optimizer_config adam = {
    .name = LKS_ADAM, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
static const lks_optimizer_config adam_decayed = {.name = LKS_ADAM,
                                                  .lr = 0.01,
                                                  .beta1 = 0.7,
                                                  .beta2 = 0.9,
                                                  .epsilon = 1e-5,
                                                  .weight_decay = 0.05};
static const lks_optimizer_config *const configs[] = {&plain,   &momentum, &nesterov,
                                                      &decayed, &adam,     &adam_decayed};
#define N_CONFIGS 6

static const lks_kernels *tables[4];
static int n_tables;

static lks_optimizer create(const lks_optimizer_config *c, size_t n, const lks_kernels *table) {
    lks_optimizer o;
    lks_error err;
    if (lks_optimizer_create(&o, c, n, table, &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    return o;
}

/* Gradient sums of step @p step: a stream of its own, so that every run sees the same. */
static void draw_gradients(int64_t *exact, int step) {
    lks_random_seed(1000 + (uint64_t)step);
    for (size_t i = 0; i < N; i++)
        exact[i] = (int64_t)(lks_random_uniform(-SAMPLES, SAMPLES) * 0x1p30);
}

static void draw_weights(float *w) {
    lks_random_seed(999);
    for (size_t i = 0; i < N; i++)
        w[i] = (float)lks_random_uniform(-1, 1);
}

static double rate(int step) {
    return 0.05 / (1 + 0.1 * step);
}

/* The published updates in double. SGD as in PyTorch: v = mu v + g; w -= lr v, or lr (g + mu v)
 * with Nesterov. Adam: Kingma & Ba 2015, algorithm 1. */
static void step_in_double(const lks_optimizer_config *c, double *w, double *a, double *b,
                           double gradient, double lr, int step) {
    double g = gradient + c->weight_decay * *w;
    if (c->name == LKS_SGD) {
        *a = c->momentum * *a + g;
        *w -= lr * (c->nesterov ? g + c->momentum * *a : *a);
        return;
    }
    *a = c->beta1 * *a + (1 - c->beta1) * g;
    *b = c->beta2 * *b + (1 - c->beta2) * g * g;
    double mean = *a / (1 - pow(c->beta1, step + 1)), square = *b / (1 - pow(c->beta2, step + 1));
    *w -= lr * mean / (sqrt(square) + c->epsilon);
}

static void check_against_double(const lks_optimizer_config *c) {
    static float w[N];
    static double want[N], a[N], b[N];
    static int64_t exact[N];
    lks_optimizer o = create(c, N, tables[n_tables - 1]);
    draw_weights(w);
    for (size_t i = 0; i < N; i++) {
        want[i] = w[i];
        a[i] = b[i] = 0;
    }
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(exact, step);
        CU_ASSERT(lks_optimizer_step(&o, w, exact, NULL, SAMPLES, rate(step), step, 1));
        for (size_t i = 0; i < N; i++)
            step_in_double(c, &want[i], &a[i], &b[i], (double)exact[i] * 0x1p-30 / SAMPLES,
                           rate(step), step);
    }
    /* A step rounds some eight times numbers of size 1 (weights, gradients) to 10 (velocities). */
    size_t wrong = 0;
    for (size_t i = 0; i < N; i++) {
        wrong += !(fabs(w[i] - want[i]) <= STEPS * 8 * 0x1p-24 * (1 + fabs(want[i])));
        wrong += !(fabs(o.state[0][i] - a[i]) <= STEPS * 8 * 0x1p-24 * (1 + fabs(a[i])));
        if (c->name == LKS_ADAM)
            wrong += !(fabs(o.state[1][i] - b[i]) <= STEPS * 8 * 0x1p-24 * b[i]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_optimizer_free(&o);
}

static void test_against_double(void) {
    for (int i = 0; i < N_CONFIGS; i++)
        check_against_double(configs[i]);
}

/* Weights and states after 20 steps. */
static float *run(const lks_optimizer_config *c, const lks_kernels *table, int threads) {
    static int64_t exact[N];
    lks_optimizer o = create(c, N, table);
    float *all = calloc(3 * N, sizeof *all);
    draw_weights(all);
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(exact, step);
        lks_optimizer_step(&o, all, exact, NULL, SAMPLES, rate(step), step, threads);
    }
    for (int s = 0; s < o.n_states; s++)
        memcpy(all + (size_t)(s + 1) * N, o.state[s], N * sizeof *all);
    lks_optimizer_free(&o);
    return all;
}

static void test_same_bits(void) {
    for (int i = 0; i < N_CONFIGS; i++) {
        float *want = run(configs[i], tables[0], 1);
        for (int t = 0; t < n_tables; t++)
            for (int threads = 1; threads <= 3; threads++) {
                float *got = run(configs[i], tables[t], threads);
                CU_ASSERT(memcmp(got, want, 3 * N * sizeof *got) == 0);
                free(got);
            }
        free(want);
    }
}

/* A constant gradient of 1, through plain sums: v_t = (1 - mu^t) / (1 - mu), w_t = w_0 - lr sum v.
 */
static void test_momentum_closed_form(void) {
    lks_optimizer o = create(&momentum, 1, tables[0]);
    float w = 0;
    const float sum = SAMPLES;
    double want = 0;
    for (int t = 1; t <= STEPS; t++) {
        lks_optimizer_step(&o, &w, NULL, &sum, SAMPLES, 0.01, t - 1, 1);
        double v = (1 - pow(0.9, t)) / (1 - 0.9);
        want -= 0.01 * v;
        CU_ASSERT_DOUBLE_EQUAL(o.state[0][0], v, 1e-5);
        CU_ASSERT_DOUBLE_EQUAL(w, want, 1e-6);
    }
    lks_optimizer_free(&o);
}

/* No gradient: decay alone shrinks a weight by 1 - lr * decay a step. */
static void test_decay_closed_form(void) {
    lks_optimizer o = create(&decayed, 1, tables[0]);
    float w = 2;
    const int64_t none = 0;
    for (int t = 1; t <= STEPS; t++)
        lks_optimizer_step(&o, &w, &none, NULL, SAMPLES, 0.5, t - 1, 1);
    CU_ASSERT_DOUBLE_EQUAL(w, 2 * pow(1 - 0.5 * 0.1, STEPS), 1e-6);
    lks_optimizer_free(&o);
}

/* Adam under a constant gradient g: the corrections make mean g and square g^2 at every step, so a
 * weight moves by lr * g / (|g| + epsilon), whatever the gradient's size. */
static void test_adam_closed_form(void) {
    static const double gradients[] = {1e-4, -1, 100, -3e-6};
    for (int i = 0; i < 4; i++) {
        lks_optimizer o = create(&adam, 1, tables[0]);
        double g = gradients[i];
        float w = 0, sum = (float)(g * SAMPLES);
        for (int t = 1; t <= STEPS; t++) {
            lks_optimizer_step(&o, &w, NULL, &sum, SAMPLES, 0.01, t - 1, 1);
            CU_ASSERT_DOUBLE_EQUAL(w, -t * 0.01 * g / (fabs(g) + 1e-8), 2e-5 * 0.01 * t);
        }
        lks_optimizer_free(&o);
    }
}

/* Both kinds of gradient mean the same: the sum, divided once by the number of samples. */
static void test_exact_and_plain(void) {
    static int64_t exact[N];
    static float sums[N], we[N], wp[N];
    lks_optimizer oe = create(&adam, N, tables[0]), op = create(&adam, N, tables[0]);
    draw_gradients(exact, 0);
    for (size_t i = 0; i < N; i++) {
        exact[i] -= exact[i] % (1 << 24); /* now a float holds it too */
        sums[i] = (float)exact[i] * 0x1p-30f;
    }
    draw_weights(we);
    draw_weights(wp);
    lks_optimizer_step(&oe, we, exact, NULL, SAMPLES, 0.01, 0, 2);
    lks_optimizer_step(&op, wp, NULL, sums, SAMPLES, 0.01, 0, 2);
    CU_ASSERT_EQUAL(lks_differing_bits(we, wp, N), 0);
    CU_ASSERT_EQUAL(lks_differing_bits(oe.state[1], op.state[1], N), 0);
    lks_optimizer_free(&oe);
    lks_optimizer_free(&op);
}

/* Moments fade to +0 below 2^-100 and stay there; just above they are kept. */
static void test_tiny_moments(void) {
    const int64_t none[4] = {0};
    for (int t = 0; t < n_tables; t++)
        for (int i = 0; i < 2; i++) {
            lks_optimizer o = create(i ? &adam : &momentum, 4, tables[t]);
            float w[4] = {0};
            const float start[4] = {0x1.2p-100f, -0x1.2p-100f, 0x1.0p-100f, -0x1p-149f};
            memcpy(o.state[0], start, sizeof start); /* times 0.9: the first two stay above */
            if (i)
                o.state[1][0] = 0x1.0p-100f;
            lks_optimizer_step(&o, w, none, NULL, SAMPLES, 0.01, 5, 1);
            const float zero = 0, *m = o.state[0];
            CU_ASSERT(m[0] > 0x1p-100f && m[1] < -0x1p-100f);
            CU_ASSERT(lks_differing_bits(&m[2], &zero, 1) == 0);
            CU_ASSERT(lks_differing_bits(&m[3], &zero, 1) == 0);
            if (i)
                CU_ASSERT(lks_differing_bits(&o.state[1][0], &zero, 1) == 0);
            for (int step = 6; step < 200; step++)
                lks_optimizer_step(&o, w, none, NULL, SAMPLES, 0.01, step, 1);
            CU_ASSERT(lks_differing_bits(&m[0], &zero, 1) == 0);
            CU_ASSERT(lks_differing_bits(&m[1], &zero, 1) == 0);
            lks_optimizer_free(&o);
        }
}

/* One weight that leaves the finite numbers is reported, in any block, on any number of threads. */
static void test_not_finite(void) {
    static const size_t places[] = {0, 1, 2047, 2048, 4100, N - 1};
    static float w[N], sums[N];
    int missed = 0, wrong = 0;
    for (int c = 0; c < N_CONFIGS; c++)
        for (int threads = 1; threads <= 3; threads++) {
            lks_optimizer o = create(configs[c], N, tables[n_tables - 1]);
            memset(w, 0, sizeof w);
            memset(sums, 0, sizeof sums);
            wrong += !lks_optimizer_step(&o, w, NULL, sums, SAMPLES, 0.01, 0, threads);
            for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
                w[places[p]] = p % 2 ? NAN : -INFINITY;
                missed += lks_optimizer_step(&o, w, NULL, sums, SAMPLES, 0.01, 1, threads);
                w[places[p]] = 0;
                sums[places[p]] = NAN;
                missed += lks_optimizer_step(&o, w, NULL, sums, SAMPLES, 0.01, 2, threads);
                w[places[p]] = sums[places[p]] = 0;
                for (int s = 0; s < o.n_states; s++)
                    o.state[s][places[p]] = 0;
            }
            wrong += !lks_optimizer_step(&o, w, NULL, sums, SAMPLES, 0.01, 3, threads);
            lks_optimizer_free(&o);
        }
    CU_ASSERT_EQUAL(missed, 0);
    CU_ASSERT_EQUAL(wrong, 0);
}

/* The state starts at 0 under the names that checkpoints use; freeing twice is harmless. */
static void test_state(void) {
    lks_optimizer o = create(&adam, 3, tables[0]);
    CU_ASSERT_EQUAL(o.n_states, 2);
    CU_ASSERT_STRING_EQUAL(o.names[0], "optimizer/m");
    CU_ASSERT_STRING_EQUAL(o.names[1], "optimizer/v");
    CU_ASSERT(o.state[0][2] == 0 && o.state[1][0] == 0);
    lks_optimizer_free(&o);
    lks_optimizer_free(&o);
    o = create(&plain, 3, tables[0]);
    CU_ASSERT_EQUAL(o.n_states, 1);
    CU_ASSERT_STRING_EQUAL(o.names[0], "optimizer/velocity");
    lks_optimizer_free(&o);
}

int main(void) {
    static const lks_test tests[] = {{"20 steps against double", test_against_double},
                                     {"threads and tables", test_same_bits},
                                     {"momentum", test_momentum_closed_form},
                                     {"weight decay", test_decay_closed_form},
                                     {"Adam", test_adam_closed_form},
                                     {"exact and plain sums", test_exact_and_plain},
                                     {"tiny moments", test_tiny_moments},
                                     {"not finite", test_not_finite},
                                     {"state", test_state},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("optimizers", tests);
}
