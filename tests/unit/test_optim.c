/* Optimizers against closed forms and against the same update in double over 20 steps; the same
 * bits over threads, kernel tables and cuts into tensors; what must not be touched; norms and
 * clipping; tiny moments; numbers that are not finite. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim/optim.h"
#include "support/random_data.h"

#define STEPS   20
#define SAMPLES 37

/* Tensors of every role, frozen ones too, smaller and larger than a block of 4,096. */
#define FROZEN  5022
#define MOMENT  5088
#define TENSORS 8
#define N       13336
static const lks_tensor tensors[TENSORS] = {
    {"a/weight", 4, {1, 1, 1, 5003}, 0, 5003, LKS_ROLE_WEIGHT, true},
    {"a/bias", 1, {19}, 5003, 19, LKS_ROLE_BIAS, true},
    {"frozen/weight", 2, {3, 11}, FROZEN, 33, LKS_ROLE_WEIGHT, false},
    {"bn/weight", 1, {33}, 5055, 33, LKS_ROLE_NORM, true},
    {"bn/running_mean", 1, {33}, MOMENT, 33, LKS_ROLE_MOMENT, false},
    {"b/weight", 4, {2, 2, 16, 64}, 5121, 4096, LKS_ROLE_WEIGHT, true},
    {"b/bias", 1, {22}, 9217, 22, LKS_ROLE_BIAS, true},
    {"c/weight", 2, {17, 241}, 9239, 4097, LKS_ROLE_WEIGHT, true},
};

/* The tensor of weight i. */
static const lks_tensor *tensor_of(size_t i) {
    int t = 0;
    while (i >= tensors[t].offset + tensors[t].count)
        t++;
    return &tensors[t];
}

#define SGD      .name = LKS_SGD, .lr = 0.05
#define ADAM     .name = LKS_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8
#define RMSPROP  .name = LKS_RMSPROP, .alpha = 0.9, .epsilon = 1e-4
#define ADADELTA .name = LKS_ADADELTA, .rho = 0.9, .epsilon = 1e-6
#define LAMB     .name = LKS_LAMB, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-6
#define LARS     .name = LKS_LARS, .lr = 1, .trust_coefficient = 0.5
#define MUON                                                                                       \
    .name = LKS_MUON, .lr = 0.05, .adam_lr = 0.05, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-5
#define DECAY .decay_bias_and_norm = true, .weight_decay
static const lks_optimizer_config plain = {SGD};
static const lks_optimizer_config momentum = {SGD, .momentum = 0.9};
static const lks_optimizer_config decayed = {SGD, DECAY = 0.1};
static const lks_optimizer_config adam = {ADAM};
static const lks_optimizer_config configs[] = {
    {SGD},
    {SGD, .momentum = 0.9},
    {SGD, .momentum = 0.8, .nesterov = true, DECAY = 0.01},
    {SGD, DECAY = 0.1},
    {ADAM},
    {.name = LKS_ADAM, .beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-5, DECAY = 0.05},
    {.name = LKS_ADAMW, .beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-5, DECAY = 0.3},
    {.name = LKS_ADAMW, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-5, .weight_decay = 0.3},
    {RMSPROP},
    {RMSPROP, .momentum = 0.9, DECAY = 0.05},
    {RMSPROP, .centered = true, .weight_decay = 0.05},
    {RMSPROP, .momentum = 0.5, .centered = true},
    {ADADELTA},
    {ADADELTA, .weight_decay = 0.05},
    {LARS},
    {LARS, .momentum = 0.9, DECAY = 0.3},
    {LARS, .momentum = 0.7, .weight_decay = 0.3},
    {LAMB},
    {LAMB, DECAY = 0.05},
    {MUON, .momentum = 0.9},
    {MUON, .momentum = 0.95, .nesterov = true, .adam_last = true, .weight_decay = 0.3},
    {.name = LKS_LAMB, .beta1 = 0.7, .beta2 = 0.9, .epsilon = 1e-4, .weight_decay = 0.3},
};
#define N_CONFIGS ((int)(sizeof configs / sizeof *configs))

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

static lks_optimizer create_for(const lks_optimizer_config *c, const lks_tensor *list, int n,
                                const lks_kernels *table) {
    lks_optimizer o;
    lks_error err;
    if (lks_optimizer_create(&o, c, list, n, table, &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    return o;
}

/* For one tensor of n weights. */
static lks_optimizer create(const lks_optimizer_config *c, size_t n, const lks_kernels *table) {
    const lks_tensor one = {"w", 1, {(int64_t)n}, 0, n, LKS_ROLE_WEIGHT, true};
    return create_for(c, &one, 1, table);
}

static bool step_exact(lks_optimizer *o, float *w, const int64_t *sums, double lr, int step,
                       int threads) {
    const lks_gradient g = {.exact = sums, .samples = SAMPLES};
    return lks_optimizer_step(o, w, &g, 1, lr, step, threads);
}

static bool step_plain(lks_optimizer *o, float *w, const float *sums, double lr, int step,
                       int threads) {
    const lks_gradient g = {.plain = sums, .samples = SAMPLES};
    return lks_optimizer_step(o, w, &g, 1, lr, step, threads);
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

/* --- against the published updates in double ------------------------------------------------- */

/* A weight and what its optimizer keeps, in the order of lks_optimizer.state. */
typedef struct weight {
    double w, state[LKS_UPDATE_STATES];
} weight;

/* SGD as in PyTorch: v = mu v + g; w -= lr v, or lr (g + mu v) with Nesterov. Adam: Kingma & Ba
 * 2015, algorithm 1; AdamW as in PyTorch: decay first. */
static void sgd_in_double(const lks_optimizer_config *c, weight *x, double g, double lr) {
    double *v = &x->state[0];
    *v = c->momentum * *v + g;
    x->w -= lr * (c->nesterov ? g + c->momentum * *v : *v);
}

static void adam_in_double(const lks_optimizer_config *c, weight *x, double g, double lr,
                           int step) {
    double *m = &x->state[0], *v = &x->state[1];
    *m = c->beta1 * *m + (1 - c->beta1) * g;
    *v = c->beta2 * *v + (1 - c->beta2) * g * g;
    double mean = *m / (1 - pow(c->beta1, step + 1)), square = *v / (1 - pow(c->beta2, step + 1));
    x->w -= lr * mean / (sqrt(square) + c->epsilon);
}

/* RMSprop and Adadelta as in PyTorch's documentation of the two. */
static void rmsprop_in_double(const lks_optimizer_config *c, weight *x, double g, double lr) {
    double *v = &x->state[0], *b = c->momentum > 0 ? &x->state[1] : NULL;
    double *mean = c->centered ? &x->state[b ? 2 : 1] : NULL, variance;
    variance = *v = c->alpha * *v + (1 - c->alpha) * g * g;
    if (mean) {
        *mean = c->alpha * *mean + (1 - c->alpha) * g;
        variance -= *mean * *mean;
    }
    double d = g / (sqrt(variance) + c->epsilon);
    if (b)
        *b = d = c->momentum * *b + d;
    x->w -= lr * d;
}

static void adadelta_in_double(const lks_optimizer_config *c, weight *x, double g, double lr) {
    double *v = &x->state[0], *u = &x->state[1];
    *v = c->rho * *v + (1 - c->rho) * g * g;
    double d = sqrt(*u + c->epsilon) / sqrt(*v + c->epsilon) * g;
    *u = c->rho * *u + (1 - c->rho) * d * d;
    x->w -= lr * d;
}

static double decay_of(const lks_optimizer_config *c, const lks_tensor *tensor) {
    return tensor->role == LKS_ROLE_WEIGHT || c->decay_bias_and_norm ? c->weight_decay : 0;
}

/* LARS, You et al. 2017, algorithm 1: a tensor's n weights move together, as LAMB's do. */
static void lars_in_double(const lks_optimizer_config *c, weight *x, const lks_tensor *tensor,
                           const int64_t *exact, double lr, int step) {
    (void)step;
    const double decay = decay_of(c, tensor);
    double weights = 0, gradients = 0;
    for (size_t i = 0; i < tensor->count; i++) {
        const double g = (double)exact[i] * 0x1p-30 / SAMPLES;
        weights += x[i].w * x[i].w;
        gradients += g * g;
    }
    const double local =
        c->trust_coefficient * sqrt(weights) / (sqrt(gradients) + decay * sqrt(weights));
    for (size_t i = 0; i < tensor->count; i++) {
        const double g = (double)exact[i] * 0x1p-30 / SAMPLES;
        x[i].state[0] = c->momentum * x[i].state[0] + lr * local * (g + decay * x[i].w);
        x[i].w -= x[i].state[0];
    }
}

/* LAMB, You et al. 2020, algorithm 2. */
static void lamb_in_double(const lks_optimizer_config *c, weight *x, const lks_tensor *tensor,
                           const int64_t *exact, double lr, int step) {
    static double r[N];
    double weights = 0, update = 0;
    for (size_t i = 0; i < tensor->count; i++) {
        double *m = &x[i].state[0], *v = &x[i].state[1], g = (double)exact[i] * 0x1p-30 / SAMPLES;
        *m = c->beta1 * *m + (1 - c->beta1) * g;
        *v = c->beta2 * *v + (1 - c->beta2) * g * g;
        double mean = *m / (1 - pow(c->beta1, step + 1));
        double square = *v / (1 - pow(c->beta2, step + 1));
        r[i] = mean / (sqrt(square) + c->epsilon) + decay_of(c, tensor) * x[i].w;
        weights += x[i].w * x[i].w;
        update += r[i] * r[i];
    }
    double ratio = weights > 0 && update > 0 ? sqrt(weights / update) : 1;
    for (size_t i = 0; i < tensor->count; i++)
        x[i].w -= lr * ratio * r[i];
}

static void step_in_double(const lks_optimizer_config *c, weight *x, const lks_tensor *tensor,
                           double g, double lr, int step) {
    double decay = decay_of(c, tensor);
    if (!tensor->trained)
        return;
    if (c->name == LKS_ADAMW)
        x->w -= lr * decay * x->w;
    else
        g += decay * x->w;
    if (c->name == LKS_SGD)
        sgd_in_double(c, x, g, lr);
    else if (c->name == LKS_RMSPROP)
        rmsprop_in_double(c, x, g, lr);
    else if (c->name == LKS_ADADELTA)
        adadelta_in_double(c, x, g, lr);
    else
        adam_in_double(c, x, g, lr, step);
}

/* Norms of whole tensors enter. */
static bool by_tensors(const lks_optimizer_config *c) {
    return c->name == LKS_LAMB || c->name == LKS_LARS;
}

static void check_against_double(const lks_optimizer_config *c) {
    static float w[N];
    static weight want[N];
    static int64_t exact[N];
    lks_optimizer o = create_for(c, tensors, TENSORS, tables[n_tables - 1]);
    draw_weights(w);
    memset(want, 0, sizeof want);
    for (size_t i = 0; i < N; i++)
        want[i].w = w[i];
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(exact, step);
        CU_ASSERT(step_exact(&o, w, exact, rate(step), step, 1));
        for (int t = 0; t < TENSORS && by_tensors(c); t++)
            if (tensors[t].trained)
                (c->name == LKS_LARS ? lars_in_double
                                     : lamb_in_double)(c, want + tensors[t].offset, &tensors[t],
                                                       exact + tensors[t].offset, rate(step), step);
        for (size_t i = 0; i < N && !by_tensors(c); i++)
            step_in_double(c, &want[i], tensor_of(i), (double)exact[i] * 0x1p-30 / SAMPLES,
                           rate(step), step);
    }
    /* A step rounds some eight times numbers of size 1 (weights, gradients) to 10 (velocities). A
     * root of a small mean square magnifies what its gradient lost. */
    double allowed = STEPS * 8 * 0x1p-24 * (c->name == LKS_RMSPROP ? 8 : 1);
    size_t wrong = 0;
    for (size_t i = 0; i < N; i++) {
        wrong += !(fabs(w[i] - want[i].w) <= allowed * (1 + fabs(want[i].w)));
        for (int s = 0; s < o.n_states; s++)
            wrong +=
                !(fabs(o.state[s][i] - want[i].state[s]) <= allowed * (1 + fabs(want[i].state[s])));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    lks_optimizer_free(&o);
}

static void test_against_double(void) {
    for (int i = 0; i < N_CONFIGS; i++)
        if (configs[i].name != LKS_MUON) /* test_muon.c */
            check_against_double(&configs[i]);
}

/* --- the same bits --------------------------------------------------------------------------- */

/* Weights and states after 20 steps. */
static float *run(const lks_optimizer_config *c, const lks_tensor *list, int n,
                  const lks_kernels *table, int threads) {
    static int64_t exact[N];
    lks_optimizer o = create_for(c, list, n, table);
    float *all = calloc((1 + LKS_UPDATE_STATES) * N, sizeof *all);
    draw_weights(all);
    for (int step = 0; step < STEPS; step++) {
        draw_gradients(exact, step);
        step_exact(&o, all, exact, rate(step), step, threads);
    }
    for (int s = 0; s < o.n_states; s++)
        memcpy(all + (size_t)(s + 1) * N, o.state[s], N * sizeof *all);
    lks_optimizer_free(&o);
    return all;
}

static bool same_runs(float *got, const float *want) {
    bool same = memcmp(got, want, (1 + LKS_UPDATE_STATES) * N * sizeof *got) == 0;
    free(got);
    return same;
}

static void test_same_bits(void) {
    for (int i = 0; i < N_CONFIGS; i++) {
        float *want = run(&configs[i], tensors, TENSORS, tables[0], 1);
        for (int t = 0; t < n_tables; t++)
            for (int threads = 1; threads <= 3; threads++)
                CU_ASSERT(same_runs(run(&configs[i], tensors, TENSORS, tables[t], threads), want));
        free(want);
    }
}

/* However the flat array is cut into tensors, and these into blocks, a weight is updated by
 * itself; not by LARS and LAMB, and not by Muon where a piece has two sides. */
static void test_cuts(void) {
    static lks_tensor pieces[N];
    const lks_tensor one = {"w", 1, {N}, 0, N, LKS_ROLE_WEIGHT, true};
    for (int i = 0; i < N_CONFIGS; i++) {
        if (by_tensors(&configs[i]))
            continue;
        float *want = run(&configs[i], &one, 1, tables[n_tables - 1], 1);
        int n = 0;
        for (size_t at = 0; at < N; at += pieces[n++].count) {
            size_t count = (size_t)lks_random_int(1, n % 3 ? 40 : 4200);
            count = count < N - at ? count : N - at;
            pieces[n] = (lks_tensor){"w", 1, {(int64_t)count}, at, count, LKS_ROLE_WEIGHT, true};
        }
        CU_ASSERT(same_runs(run(&configs[i], pieces, n, tables[n_tables - 1], 2), want));
        free(want);
    }
}

/* Gradients of weights that are not trained, whatever they are, change nothing and stop nobody. */
static void test_untouched(void) {
    static float sums[N], w[N], before[N];
    for (int c = 0; c < N_CONFIGS; c++) {
        lks_optimizer o = create_for(&configs[c], tensors, TENSORS, tables[n_tables - 1]);
        draw_weights(w);
        w[FROZEN + 1] = -0.0f;
        w[MOMENT + 1] = INFINITY;
        memcpy(before, w, sizeof w);
        for (size_t i = 0; i < N; i++)
            sums[i] = tensor_of(i)->trained ? 1.0f : i % 2 ? NAN : 5.0f;
        for (int step = 0; step < 3; step++)
            CU_ASSERT(step_plain(&o, w, sums, 0.1, step, 2));
        size_t touched = 0, unmoved = 0;
        for (size_t i = 0; i < N; i++) {
            bool moved = memcmp(&w[i], &before[i], sizeof w[i]) != 0;
            touched += !tensor_of(i)->trained && moved;
            unmoved += tensor_of(i)->trained && !moved;
            for (int s = 0; s < o.n_states; s++)
                touched += !tensor_of(i)->trained && o.state[s][i] != 0;
        }
        CU_ASSERT_EQUAL(touched, 0);
        CU_ASSERT_EQUAL(unmoved, 0);
        lks_optimizer_free(&o);
    }
}

/* Without gradients only decay moves a weight: biases and batchnorm's parameters where they are
 * not spared, everything else always. */
static void test_spared(void) {
    static const int64_t none[N];
    static float w[N];
    for (int k = 0; k < 2 * LKS_OPTIMIZER_COUNT; k++) {
        const lks_optimizer_config c = {.name = (lks_optimizer_name)(k / 2),
                                        .lr = 0.5,
                                        .adam_lr = 0.5,
                                        .trust_coefficient = 0.5,
                                        .alpha = 0.9,
                                        .rho = 0.9,
                                        .epsilon = 1e-8,
                                        .weight_decay = 0.1,
                                        .decay_bias_and_norm = k % 2};
        lks_optimizer o = create_for(&c, tensors, TENSORS, tables[n_tables - 1]);
        for (size_t i = 0; i < N; i++)
            w[i] = 2;
        CU_ASSERT(step_exact(&o, w, none, 0.5, 0, 1));
        size_t wrong = 0;
        for (size_t i = 0; i < N; i++) {
            const lks_tensor *t = tensor_of(i);
            bool decays = t->trained && (t->role == LKS_ROLE_WEIGHT || k % 2);
            wrong += decays ? !(w[i] < 2) : w[i] != 2;
        }
        CU_ASSERT_EQUAL(wrong, 0);
        lks_optimizer_free(&o);
    }
}

/* --- closed forms ---------------------------------------------------------------------------- */

/* A constant gradient of 1, through plain sums: v_t = (1 - mu^t) / (1 - mu), w_t = w_0 - lr sum v.
 */
static void test_momentum_closed_form(void) {
    lks_optimizer o = create(&momentum, 1, tables[0]);
    float w = 0;
    const float sum = SAMPLES;
    double want = 0;
    for (int t = 1; t <= STEPS; t++) {
        step_plain(&o, &w, &sum, 0.01, t - 1, 1);
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
        step_exact(&o, &w, &none, 0.5, t - 1, 1);
    CU_ASSERT_DOUBLE_EQUAL(w, 2 * pow(1 - 0.5 * 0.1, STEPS), 1e-6);
    lks_optimizer_free(&o);
}

/* AdamW: the same, whatever the moments, which no decay enters. */
static void test_decoupled_decay(void) {
    const lks_optimizer_config c = {
        .name = LKS_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1};
    lks_optimizer o = create(&c, 1, tables[0]);
    float w = 2;
    const int64_t none = 0;
    for (int t = 1; t <= STEPS; t++)
        step_exact(&o, &w, &none, 0.5, t - 1, 1);
    CU_ASSERT_DOUBLE_EQUAL(w, 2 * pow(1 - 0.5 * 0.1, STEPS), 1e-6);
    CU_ASSERT(o.state[0][0] == 0 && o.state[1][0] == 0);
    lks_optimizer_free(&o);
}

/* RMSprop from rest: a constant gradient's mean square is (1 - alpha^t) g^2 at step t. */
static void test_rmsprop_closed_form(void) {
    const lks_optimizer_config c = {.name = LKS_RMSPROP, .alpha = 0.9, .epsilon = 1e-12};
    lks_optimizer o = create(&c, 1, tables[0]);
    float w = 0, sum = -3.0f * SAMPLES;
    double want = 0;
    for (int t = 1; t <= STEPS; t++) {
        step_plain(&o, &w, &sum, 0.01, t - 1, 1);
        want += 0.01 / sqrt(1 - pow(0.9, t));
        CU_ASSERT_DOUBLE_EQUAL(w, want, 1e-6);
    }
    lks_optimizer_free(&o);
}

/* Where centered, a constant gradient from the start has a variance that fades: what rounding
 * leaves of it may be below 0, and must not become NaN. */
static void test_centered_constant(void) {
    static float w[N], sums[N];
    const lks_optimizer_config c = {
        .name = LKS_RMSPROP, .alpha = 0.5, .epsilon = 1, .centered = true};
    lks_optimizer o = create(&c, N, tables[n_tables - 1]);
    memset(w, 0, sizeof w);
    for (int i = 0; i < N; i++)
        sums[i] = (float)(1 + i % 97) * 0.37f;
    for (int step = 0; step < 200; step++)
        CU_ASSERT(step_plain(&o, w, sums, 0.01, step, 1));
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
            step_plain(&o, &w, &sum, 0.01, t - 1, 1);
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
    step_exact(&oe, we, exact, 0.01, 0, 2);
    step_plain(&op, wp, sums, 0.01, 0, 2);
    CU_ASSERT_EQUAL(lks_differing_bits(we, wp, N), 0);
    CU_ASSERT_EQUAL(lks_differing_bits(oe.state[1], op.state[1], N), 0);
    lks_optimizer_free(&oe);
    lks_optimizer_free(&op);
}

/* --- norms and clipping ---------------------------------------------------------------------- */

static double norm_of(const float *x, const lks_tensor *t) {
    double sum = 0;
    for (size_t i = t->offset; i < t->offset + t->count; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

static void test_norms(void) {
    static float w[N], sums[N], mean[N];
    static int64_t exact[N];
    lks_norms norms[TENSORS], again[TENSORS];
    draw_weights(w);
    draw_gradients(exact, 3);
    for (int i = 0; i < N; i++) {
        mean[i] = (float)((double)exact[i] * 0x1p-30 / SAMPLES);
        sums[i] = mean[i] * SAMPLES;
    }
    const lks_gradient ge = {exact, NULL, SAMPLES}, gp = {NULL, sums, SAMPLES};
    lks_optimizer o = create_for(&adam, tensors, TENSORS, tables[0]);
    double total = lks_optimizer_norms(&o, w, &ge, norms, 1), square = 0;
    for (int t = 0; t < TENSORS; t++) {
        bool trained = tensors[t].trained;
        double g = trained ? norm_of(mean, &tensors[t]) : 0;
        CU_ASSERT_DOUBLE_EQUAL(norms[t].gradient, g, 1e-13 * g);
        CU_ASSERT_DOUBLE_EQUAL(norms[t].weight, trained ? norm_of(w, &tensors[t]) : 0, 1e-11);
        square += g * g;
    }
    CU_ASSERT_DOUBLE_EQUAL(total, sqrt(square), 1e-13 * total);
    CU_ASSERT_DOUBLE_EQUAL(lks_optimizer_norms(&o, w, &gp, NULL, 1), total, 1e-7 * total);
    lks_optimizer_free(&o);
    for (int t = 0; t < n_tables; t++)
        for (int threads = 1; threads <= 3; threads++) {
            o = create_for(&plain, tensors, TENSORS, tables[t]);
            CU_ASSERT_EQUAL(lks_optimizer_norms(&o, w, &ge, again, threads), total);
            CU_ASSERT(memcmp(again, norms, sizeof norms) == 0);
            lks_optimizer_free(&o);
        }
}

static void test_clip_factor(void) {
    CU_ASSERT_EQUAL(lks_clip_factor(1e30, 0), 1);
    CU_ASSERT_EQUAL(lks_clip_factor(0, 0.5), 1);
    CU_ASSERT_EQUAL(lks_clip_factor(0.5, 0.5), 1);
    CU_ASSERT_DOUBLE_EQUAL(lks_clip_factor(8, 0.5), 0.0625, 1e-8);
    CU_ASSERT(lks_clip_factor(8, 0.5) < 0.0625);
    CU_ASSERT_DOUBLE_EQUAL(lks_clip_factor(3e-6, 1e-6), 0.25, 1e-12);
}

/* One step of plain SGD with rate 1 takes the whole gradient away: no more than the limit. */
static void test_clipped_step(void) {
    static float w[N];
    static int64_t exact[N];
    draw_gradients(exact, 4);
    memset(w, 0, sizeof w);
    lks_optimizer o = create_for(&plain, tensors, TENSORS, tables[n_tables - 1]);
    const lks_gradient g = {exact, NULL, SAMPLES};
    double norm = lks_optimizer_norms(&o, w, &g, NULL, 2), moved = 0;
    CU_ASSERT(norm > 10);
    lks_optimizer_step(&o, w, &g, lks_clip_factor(norm, 0.25), 1, 0, 2);
    size_t turned = 0;
    for (size_t i = 0; i < N; i++) {
        moved += (double)w[i] * w[i];
        if (tensor_of(i)->trained)
            turned += fabs(w[i] + (double)exact[i] * 0x1p-30 / SAMPLES * 0.25 / norm) > 1e-8;
    }
    CU_ASSERT_DOUBLE_EQUAL(sqrt(moved), 0.25, 1e-6);
    CU_ASSERT_EQUAL(turned, 0);
    lks_optimizer_free(&o);
}

/* --- edges ----------------------------------------------------------------------------------- */

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
            step_exact(&o, w, none, 0.01, 5, 1);
            const float zero = 0, *m = o.state[0];
            CU_ASSERT(m[0] > 0x1p-100f && m[1] < -0x1p-100f);
            CU_ASSERT(lks_differing_bits(&m[2], &zero, 1) == 0);
            CU_ASSERT(lks_differing_bits(&m[3], &zero, 1) == 0);
            if (i)
                CU_ASSERT(lks_differing_bits(&o.state[1][0], &zero, 1) == 0);
            for (int step = 6; step < 200; step++)
                step_exact(&o, w, none, 0.01, step, 1);
            CU_ASSERT(lks_differing_bits(&m[0], &zero, 1) == 0);
            CU_ASSERT(lks_differing_bits(&m[1], &zero, 1) == 0);
            lks_optimizer_free(&o);
        }
}

/* One weight that leaves the finite numbers is reported, in any block, on any number of threads. */
static void test_not_finite(void) {
    static const size_t places[] = {0, 1, 4095, 4096, 8200, N - 1};
    static float w[N], sums[N];
    int missed = 0, wrong = 0;
    for (int c = 0; c < N_CONFIGS; c++)
        for (int threads = 1; threads <= 3; threads++) {
            lks_optimizer o = create(&configs[c], N, tables[n_tables - 1]);
            memset(w, 0, sizeof w);
            memset(sums, 0, sizeof sums);
            wrong += !step_plain(&o, w, sums, 0.01, 0, threads);
            for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
                w[places[p]] = p % 2 ? NAN : -INFINITY;
                missed += step_plain(&o, w, sums, 0.01, 1, threads);
                memset(w, 0, sizeof w); /* LARS and LAMB spread it over the tensor */
                sums[places[p]] = NAN;
                missed += step_plain(&o, w, sums, 0.01, 2, threads);
                memset(w, 0, sizeof w);
                sums[places[p]] = 0;
                for (int s = 0; s < o.n_states; s++)
                    memset(o.state[s], 0, N * sizeof *o.state[s]);
            }
            wrong += !step_plain(&o, w, sums, 0.01, 3, threads);
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
    for (int i = 0; i < N_CONFIGS; i++) {
        o = create(&configs[i], 3, tables[0]);
        CU_ASSERT_EQUAL(o.n_states, lks_optimizer_states(&configs[i]));
        lks_optimizer_free(&o);
    }
    o = create(&plain, 3, tables[0]);
    CU_ASSERT_EQUAL(o.n_states, 1);
    CU_ASSERT_STRING_EQUAL(o.names[0], "optimizer/velocity");
    lks_optimizer_free(&o);
    const lks_optimizer_config centered = {RMSPROP, .centered = true};
    o = create(&centered, 3, tables[0]);
    CU_ASSERT_EQUAL(o.n_states, 2);
    CU_ASSERT_STRING_EQUAL(o.names[0], "optimizer/square");
    CU_ASSERT_STRING_EQUAL(o.names[1], "optimizer/mean");
    lks_optimizer_free(&o);
}

int main(void) {
    static const lks_test tests[] = {{"20 steps against double", test_against_double},
                                     {"threads and tables", test_same_bits},
                                     {"cuts into tensors", test_cuts},
                                     {"what is not trained", test_untouched},
                                     {"what does not decay", test_spared},
                                     {"norms", test_norms},
                                     {"clipping: factor", test_clip_factor},
                                     {"clipping: step", test_clipped_step},
                                     {"momentum", test_momentum_closed_form},
                                     {"weight decay", test_decay_closed_form},
                                     {"decoupled decay", test_decoupled_decay},
                                     {"RMSprop", test_rmsprop_closed_form},
                                     {"RMSprop: no variance", test_centered_constant},
                                     {"Adam", test_adam_closed_form},
                                     {"exact and plain sums", test_exact_and_plain},
                                     {"tiny moments", test_tiny_moments},
                                     {"not finite", test_not_finite},
                                     {"state", test_state},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("optimizers", tests);
}
