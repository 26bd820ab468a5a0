/* Muon: momentum made orthogonal (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/). Of a tensor of weights
 * with at least two sides, as the matrix [outputs][all others], with its mean gradient g:
 *
 *     m = momentum * m + g;  u = g + momentum * m (m without nesterov)
 *     w -= lr * weight_decay * w;  w -= lr * sqrt(max(1, outputs / others)) * orthogonal(u)
 *
 * orthogonal() is in matrices.c. All other tensors, and the last layer's weights unless adam_last is false, go by AdamW
 * with a rate of their own. In a matrix's place state v keeps u, then orthogonal(u) times its factor: so it is hashed
 * and shared as all states are. */
#include "base/math.h"
#include "base/memory.h"
#include "optim/class.h"
#include "optim/matrices.h"

static const lks_option momentum =
    LKS_OWN_SHARE(momentum, "0.95", "share of the last update that is kept");
static const lks_option nesterov = {LKS_OWN_KEY(nesterov), .meaning = "Nesterov's form of momentum",
                                    .type = LKS_OPT_BOOL, .preset = "true"};
static const lks_option adam_lr = {
    LKS_OWN_KEY(adam_lr),
    .meaning = "rate of all that goes by AdamW, while that of the others is lr: schedules change "
               "both by the same factor",
    .type = LKS_OPT_DOUBLE,
    .max = INFINITY,
    .min_open = true,
    .preset = "0.003"};
static const lks_option adam_last = {LKS_OWN_KEY(adam_last),
                                     .meaning = "the last layer with weights goes by AdamW",
                                     .type = LKS_OPT_BOOL, .preset = "true"};
static const lks_option epsilon = LKS_OWN_EPSILON("1e-8");
static const lks_option *const options[] = {&momentum,      &nesterov,      &adam_lr, &adam_last,
                                            &lks_key_beta1, &lks_key_beta2, &epsilon, NULL};

enum { MOMENT, DIRECTION };

static lks_update scalars(const lks_optimizer_config *c, double lr, int64_t step) {
    const double rate = lr / c->lr * c->adam_lr;
    lks_update s = lks_optimizer_adamw.scalars(c, rate, step);
    s.momentum = (float)c->momentum;
    s.nesterov = c->nesterov;
    return s;
}

/* The last layer with weights has the last of them. */
static int last_weights(const lks_tensor *tensors, int n) {
    int t = n - 1;
    while (t >= 0 && tensors[t].role != LKS_ROLE_WEIGHT)
        t--;
    return t;
}

static lks_status open_matrices(lks_optimizer *o, const lks_tensor *tensors, lks_error *err) {
    bool *chosen = lks_alloc((size_t)o->n_tensors, sizeof *chosen, "the optimizer's matrices", err);
    if (!chosen)
        return err->status;
    for (int t = 0; t < o->n_tensors; t++)
        chosen[t] =
            tensors[t].trained && tensors[t].role == LKS_ROLE_WEIGHT && tensors[t].ndim >= 2;
    const int last = last_weights(tensors, o->n_tensors);
    if (last >= 0 && o->config.adam_last)
        chosen[last] = false;
    lks_status status = lks_matrices_create(o, tensors, chosen, err);
    lks_free(chosen);
    return status;
}

static void update_moment(float *restrict m, float *restrict u, const float *restrict g, int n,
                          lks_update k) {
    for (int i = 0; i < n; i++) {
        m[i] = lks_flush_tiny(k.momentum * m[i] + g[i]);
        u[i] = k.nesterov ? lks_flush_tiny(g[i] + k.momentum * m[i]) : m[i];
    }
}

static bool prepare(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    float g[LKS_WEIGHT_BLOCK], *u = o->slot[DIRECTION] + b->first;
    if (!b->matrix)
        return lks_pass_elementwise(o, work, block);
    lks_block_gradient(o, work, b, g);
    update_moment(o->slot[MOMENT] + b->first, u, g, b->count, work->scalars);
    o->squares[block][0] = lks_sum_of_squares(u, b->count);
    return true;
}

static void make_orthogonal(lks_optimizer *o, const lks_optimizer_work *work) {
    lks_matrices_orthogonalise(o, DIRECTION, work->threads);
}

static bool apply(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    const float *restrict u = o->slot[DIRECTION] + b->first;
    float *restrict w = work->weights + b->first;
    const float lr = (float)work->lr, decay = (float)(work->lr * o->config.weight_decay);
    bool finite = true;
    for (int i = 0; b->matrix && i < b->count; i++) {
        w[i] -= decay * w[i];
        w[i] -= lr * u[i];
        finite &= fabsf(w[i]) <= 3.402823466e38f;
    }
    return finite;
}

const lks_optimizer_class lks_optimizer_muon = {
    .keys = {"Muon: in matrices of weights momentum made orthogonal, and decoupled decay; all else "
             "by AdamW (Jordan et al. 2024)",
             options, NULL},
    .states = {[MOMENT] = "optimizer/m", [DIRECTION] = "optimizer/v"},
    .open = open_matrices,
    .scalars = scalars,
    .passes = {prepare, apply},
    .between = make_orthogonal,
    .rule = LKS_UPDATE_ADAMW};
