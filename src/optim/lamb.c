/* LAMB: You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR
 * 2020, algorithm 2. With m and v Adam's moments,
 *
 *     r = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) + weight_decay * w
 *     w -= lr * ratio * r,  ratio = |w| / |r|
 *
 * Of the variants in use this one corrects the bias, adds the decay to the update, takes the norms
 * of each tensor (biases and batchnorm's parameters too) with phi(x) = x, without bounds, and the
 * ratio 1 where a norm is 0. */
#include "optim/class.h"

#include "base/math.h"

static const lks_option epsilon = LKS_OWN_EPSILON("1e-6");
static const lks_option *const options[] = {&lks_key_beta1, &lks_key_beta2, &epsilon, NULL};

enum { MOMENT, SQUARE };

/* Both corrections are in the denominator: m / (sqrt(v) * scale + epsilon). */
static lks_update scalars(const lks_optimizer_config *c, double lr, int64_t step) {
    uint64_t t = (uint64_t)step + 1;
    double correction1 = 1.0 - lks_powi(c->beta1, t), correction2 = 1.0 - lks_powi(c->beta2, t);
    (void)lr; /* enters with the ratio */
    return (lks_update){.weight_decay = (float)c->weight_decay,
                        .beta1 = (float)c->beta1,
                        .one_minus_beta1 = (float)(1.0 - c->beta1),
                        .beta2 = (float)c->beta2,
                        .one_minus_beta2 = (float)(1.0 - c->beta2),
                        .scale = (float)(correction1 / sqrt(correction2)),
                        .epsilon = (float)(correction1 * c->epsilon)};
}

static void update_moments(float *restrict m, float *restrict v, const float *restrict g, int n,
                           lks_update k) {
    for (int i = 0; i < n; i++) {
        m[i] = lks_flush_tiny(k.beta1 * m[i] + k.one_minus_beta1 * g[i]);
        v[i] = lks_flush_tiny(k.beta2 * v[i] + k.one_minus_beta2 * (g[i] * g[i]));
    }
}

/* The update r of a block before its ratio. */
static void direction(float *restrict r, const lks_optimizer *o, const lks_weight_block *b,
                      const float *restrict weights, lks_update k) {
    const float *restrict m = o->slot[MOMENT] + b->first, *restrict v = o->slot[SQUARE] + b->first;
    const float *restrict w = weights + b->first;
    const float decay = b->decays ? k.weight_decay : 0;
    for (int i = 0; i < b->count; i++)
        r[i] = m[i] / (sqrtf(v[i]) * k.scale + k.epsilon) + decay * w[i];
}

static bool apply(float *restrict w, const float *restrict r, int n, float rate) {
    bool finite = true;
    for (int i = 0; i < n; i++) {
        w[i] -= rate * r[i];
        finite &= fabsf(w[i]) <= 3.402823466e38f;
    }
    return finite;
}

static bool take_norms(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    float x[LKS_WEIGHT_BLOCK];
    lks_block_gradient(o, work, b, x);
    update_moments(o->slot[MOMENT] + b->first, o->slot[SQUARE] + b->first, x, b->count,
                   work->scalars);
    direction(x, o, b, work->weights, work->scalars);
    o->squares[block][0] = lks_sum_of_squares(x, b->count);
    o->squares[block][1] = lks_sum_of_squares(work->weights + b->first, b->count);
    return true;
}

/* Computes r again from the new moments: that costs less than an array of the size of the weights. */
static bool scale(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    const double r = o->norms[b->tensor].gradient, w = o->norms[b->tensor].weight;
    const double ratio = r > 0 && w > 0 ? w / r : 1;
    float x[LKS_WEIGHT_BLOCK];
    direction(x, o, b, work->weights, work->scalars);
    return apply(work->weights + b->first, x, b->count, (float)(work->lr * ratio));
}

const lks_optimizer_class lks_optimizer_lamb = {
    .keys = {"LAMB, for large batches: Adam's update plus weight_decay * weight, scaled in each "
             "tensor to the norm of the weights, times lr (You et al. 2020)",
             options, NULL},
    .states = {[MOMENT] = "optimizer/m", [SQUARE] = "optimizer/v"},
    .scalars = scalars,
    .passes = {take_norms, scale}};
