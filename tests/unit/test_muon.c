/* Muon against the iterations of its authors in double: another form of the same, in plain loops. Matrices with known
 * singular values; which tensors go by AdamW; the same bits over threads and kernel tables. */
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim/optim.h"
#include "support/random_data.h"

#define STEPS   8
#define SAMPLES 37

/* More rows than columns, fewer, as many; one column, one row; several blocks of 4,096; what goes by AdamW. */
#define TENSORS 10
#define N       26655
static const lks_tensor tensors[TENSORS] = {
    {"conv1/weight", 4, {5, 5, 1, 24}, 0, 600, LKS_ROLE_WEIGHT, true},
    {"conv1/bias", 1, {24}, 600, 24, LKS_ROLE_BIAS, true},
    {"conv2/weight", 4, {3, 3, 5, 41}, 624, 1845, LKS_ROLE_WEIGHT, true},
    {"frozen/weight", 2, {41, 41}, 2469, 1681, LKS_ROLE_WEIGHT, false},
    {"dense1/weight", 2, {300, 70}, 4150, 21000, LKS_ROLE_WEIGHT, true},
    {"dense2/weight", 2, {7, 45}, 25150, 315, LKS_ROLE_WEIGHT, true},
    {"row/weight", 2, {1, 45}, 25465, 45, LKS_ROLE_WEIGHT, true},
    {"column/weight", 2, {45, 1}, 25510, 45, LKS_ROLE_WEIGHT, true},
    {"square/weight", 2, {32, 32}, 25555, 1024, LKS_ROLE_WEIGHT, true},
    {"last/weight", 2, {19, 4}, 26579, 76, LKS_ROLE_WEIGHT, true},
};

#define MUON                                                                                       \
    .name = LKS_MUON, .lr = 0.1, .adam_lr = 0.02, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-5
static const lks_optimizer_config configs[] = {
    {MUON, .momentum = 0.9, .nesterov = true, .adam_last = true},
    {MUON, .momentum = 0.95, .weight_decay = 0.3, .adam_last = true},
    {MUON, .momentum = 0.6, .nesterov = true, .decay_bias_and_norm = true, .weight_decay = 0.1},
};
#define N_CONFIGS ((int)(sizeof configs / sizeof *configs))

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

static double rate(int step) {
    return 0.1 / (1 + 0.1 * step);
}

static void draw(float *w, size_t n, uint64_t seed) {
    lks_random_seed(seed);
    for (size_t i = 0; i < n; i++)
        w[i] = (float)lks_random_uniform(-1, 1);
}

static lks_optimizer create(const lks_optimizer_config *c, const lks_tensor *list, int n,
                            const lks_kernels *table) {
    lks_optimizer o;
    lks_error err;
    if (lks_optimizer_create(&o, c, list, n, table, &err) != LKS_OK)
        CU_FAIL_FATAL("no memory");
    return o;
}

static void step(lks_optimizer *o, float *w, const float *g, int number, int threads) {
    const lks_gradient sums = {.plain = g, .samples = SAMPLES};
    CU_ASSERT(lks_optimizer_step(o, w, &sums, 1, rate(number), number, threads));
}

/* --- in double ------------------------------------------------------------------------------- */

/* out [rows][columns] = a b, or a b^T, with n summed. */
static void product(double *out, const double *a, const double *b, int rows, int n, int columns,
                    bool turned) {
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i * n + k] * (turned ? b[j * n + k] : b[k * columns + j]);
            out[i * columns + j] = sum;
        }
}

/* The authors' zeropower_via_newtonschulz5(): x [rows][columns], rows <= columns. */
static void newton_schulz(double *x, int rows, int columns) {
    static double gram[300 * 300], square[300 * 300], next[N];
    double norm = 0;
    for (int i = 0; i < rows * columns; i++)
        norm += x[i] * x[i];
    for (int i = 0; i < rows * columns; i++)
        x[i] /= sqrt(norm) + 1e-7;
    for (int round = 0; round < 5; round++) {
        product(gram, x, x, rows, columns, rows, true);
        product(square, gram, gram, rows, rows, rows, false);
        for (int i = 0; i < rows * rows; i++)
            square[i] = -4.7750 * gram[i] + 2.0315 * square[i];
        product(next, square, x, rows, rows, columns, false);
        for (int i = 0; i < rows * columns; i++)
            x[i] = 3.4445 * x[i] + next[i];
    }
}

/* u [others][outputs], as tensors are, becomes its update. */
static void orthogonal(double *u, int others, int outputs) {
    static double x[N];
    const bool wide = outputs <= others;
    for (int i = 0; i < others; i++)
        for (int j = 0; j < outputs; j++)
            x[wide ? j * others + i : i * outputs + j] = u[i * outputs + j];
    newton_schulz(x, wide ? outputs : others, wide ? others : outputs);
    const double scale = sqrt(fmax(1, (double)outputs / others));
    for (int i = 0; i < others; i++)
        for (int j = 0; j < outputs; j++)
            u[i * outputs + j] = scale * x[wide ? j * others + i : i * outputs + j];
}

typedef struct state {
    double w[N], m[N], v[N];
} state;

static void muon_in_double(const lks_optimizer_config *c, state *s, const lks_tensor *t,
                           const float *g, double lr) {
    static double u[N];
    const int outputs = (int)t->shape[t->ndim - 1], others = (int)t->count / outputs;
    for (size_t i = 0; i < t->count; i++) {
        double *m = &s->m[t->offset + i], mean = (double)g[t->offset + i] / SAMPLES;
        *m = c->momentum * *m + mean;
        u[i] = c->nesterov ? mean + c->momentum * *m : *m;
    }
    orthogonal(u, others, outputs);
    for (size_t i = 0; i < t->count; i++) {
        double *w = &s->w[t->offset + i];
        *w = *w * (1 - lr * c->weight_decay) - lr * u[i];
        s->v[t->offset + i] = u[i];
    }
}

static void adamw_in_double(const lks_optimizer_config *c, state *s, const lks_tensor *t,
                            const float *g, double lr, int number) {
    const bool decays = t->role == LKS_ROLE_WEIGHT || c->decay_bias_and_norm;
    for (size_t i = t->offset; i < t->offset + t->count; i++) {
        const double mean = (double)g[i] / SAMPLES;
        s->m[i] = c->beta1 * s->m[i] + (1 - c->beta1) * mean;
        s->v[i] = c->beta2 * s->v[i] + (1 - c->beta2) * mean * mean;
        const double m = s->m[i] / (1 - pow(c->beta1, number + 1));
        const double v = s->v[i] / (1 - pow(c->beta2, number + 1));
        s->w[i] *= 1 - (decays ? lr * c->weight_decay : 0);
        s->w[i] -= lr * m / (sqrt(v) + c->epsilon);
    }
}

static bool by_muon(const lks_optimizer_config *c, int t) {
    return tensors[t].role == LKS_ROLE_WEIGHT && (t < TENSORS - 1 || !c->adam_last);
}

static double difference(const float *got, const double *want, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(got[i] - want[i]) / (1 + fabs(want[i])));
    return most;
}

static void check_against_double(const lks_optimizer_config *c) {
    static float w[N], g[N];
    static state want;
    lks_optimizer o = create(c, tensors, TENSORS, tables[n_tables - 1]);
    memset(&want, 0, sizeof want);
    draw(w, N, 1);
    for (size_t i = 0; i < N; i++)
        want.w[i] = w[i];
    for (int number = 0; number < STEPS; number++) {
        draw(g, N, 100 + (uint64_t)number);
        step(&o, w, g, number, 2);
        for (int t = 0; t < TENSORS; t++)
            if (!tensors[t].trained)
                continue;
            else if (by_muon(c, t))
                muon_in_double(c, &want, &tensors[t], g, rate(number));
            else
                adamw_in_double(c, &want, &tensors[t], g, rate(number) / 0.1 * 0.02, number);
    }
    CU_ASSERT(difference(o.state[0], want.m, N) < 1e-6);
    CU_ASSERT(difference(o.state[1], want.v, N) < 1e-4);
    CU_ASSERT(difference(w, want.w, N) < 2e-5);
    lks_optimizer_free(&o);
}

static void test_against_double(void) {
    for (int i = 0; i < N_CONFIGS; i++)
        check_against_double(&configs[i]);
}

/* --- known singular values ------------------------------------------------------------------- */

/* Row k of an orthogonal matrix of n rows: the cosine transform. */
static double wave(int k, int i, int n) {
    const double pi = 3.14159265358979323846;
    return sqrt((k ? 2.0 : 1.0) / n) * cos(pi * k * (i + 0.5) / n);
}

/* What five rounds make of one singular value. */
static double rounds(double s) {
    for (int i = 0; i < 5; i++)
        s = 3.4445 * s - 4.7750 * s * s * s + 2.0315 * s * s * s * s * s;
    return s;
}

/* u = the sum over k < n of value[k] wave(k) wave(k)^T, rows x columns: singular vectors stay as they are, and each
 * value becomes what the rounds make of it. */
static void check_singular(int rows, int columns, const double *value, int n) {
    static float w[N], g[N];
    const lks_tensor one = {"w", 2, {rows, columns}, 0, (size_t)(rows * columns), LKS_ROLE_WEIGHT,
                            true};
    const lks_optimizer_config c = {MUON, .momentum = 0.9};
    lks_optimizer o = create(&c, &one, 1, tables[n_tables - 1]);
    double norm = 0, worst = 0;
    for (int k = 0; k < n; k++)
        norm += value[k] * value[k];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += value[k] * wave(k, i, rows) * wave(k, j, columns);
            g[i * columns + j] = (float)(sum * SAMPLES);
        }
    memset(w, 0, sizeof w);
    step(&o, w, g, 0, 2);
    const double scale = 0.1 * sqrt(fmax(1, (double)columns / rows));
    for (int k = 0; k < n; k++)
        for (int l = 0; l < n; l++) {
            double sum = 0;
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    sum -= w[i * columns + j] * wave(k, i, rows) * wave(l, j, columns);
            const double got = sum / scale;
            worst = fmax(worst, fabs(got - (k == l ? rounds(value[k] / sqrt(norm)) : 0)));
            CU_ASSERT(k != l || value[k] / sqrt(norm) < 0.0015 || (got > 0.68 && got < 1.21));
        }
    CU_ASSERT(worst < 1e-3); /* what is next to 0 grows 485 times, and so do its errors */
    lks_optimizer_free(&o);
}

static void test_singular(void) {
    static const double same[6] = {2, 2, 2, 2, 2, 2}, fall[6] = {1, 0.3, 0.1, 0.03, 0.01, 0.002};
    check_singular(30, 20, same, 6);
    check_singular(20, 30, same, 6);
    check_singular(100, 33, fall, 6);
    check_singular(33, 100, fall, 6);
    check_singular(6, 6, fall, 6);
    check_singular(64, 64, fall, 1);
}

/* Of diag(3, 4), |U| = 5, 0.6 and 0.8 remain, and the rounds make 0.722876 and 1.119204 of them. */
static void test_two_by_two(void) {
    const lks_tensor one = {"w", 2, {2, 2}, 0, 4, LKS_ROLE_WEIGHT, true};
    const lks_optimizer_config c = {MUON, .momentum = 0.9, .nesterov = true};
    for (int t = 0; t < n_tables; t++) {
        lks_optimizer o = create(&c, &one, 1, tables[t]);
        float w[4] = {1, 2, 3, 4};
        const float g[4] = {3, 0, 0, 4}, none[4] = {0};
        step(&o, w, g, 0, 1);
        CU_ASSERT_DOUBLE_EQUAL(w[0], 1 - 0.0722876, 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(w[3], 4 - 0.1119204, 1e-6);
        CU_ASSERT(w[1] == 2 && w[2] == 3);
        lks_optimizer_free(&o);
        o = create(&c, &one, 1, tables[t]);
        step(&o, w, none, 0, 1);
        CU_ASSERT(w[1] == 2 && w[2] == 3 && o.state[1][0] == 0);
        lks_optimizer_free(&o);
    }
}

/* --- the same bits --------------------------------------------------------------------------- */

static float *run(const lks_optimizer_config *c, const lks_kernels *table, int threads) {
    static float g[N];
    lks_optimizer o = create(c, tensors, TENSORS, table);
    float *all = calloc(3 * N, sizeof *all);
    draw(all, N, 1);
    for (int number = 0; number < STEPS; number++) {
        draw(g, N, 100 + (uint64_t)number);
        step(&o, all, g, number, threads);
    }
    for (int s = 0; s < 2; s++)
        memcpy(all + (s + 1) * N, o.state[s], N * sizeof *all);
    lks_optimizer_free(&o);
    return all;
}

static void test_same_bits(void) {
    for (int i = 0; i < N_CONFIGS; i++) {
        float *want = run(&configs[i], tables[0], 1);
        for (int t = 0; t < n_tables; t++)
            for (int threads = 1; threads <= 3; threads++) {
                float *got = run(&configs[i], tables[t], threads);
                CU_ASSERT(memcmp(got, want, 3 * N * sizeof *got) == 0);
                free(got);
            }
        free(want);
    }
}

int main(void) {
    static const lks_test tests[] = {{"8 steps against double", test_against_double},
                                     {"known singular values", test_singular},
                                     {"two by two", test_two_by_two},
                                     {"threads and tables", test_same_bits},
                                     {NULL, NULL}};
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("Muon", tests);
}
