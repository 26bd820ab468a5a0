/* LARS: You, Gitman and Ginsburg, "Large batch training of convolutional networks", arXiv 1708.03888, 2017, algorithm 1.
 * Each tensor, with its mean gradient g, has a rate of its own:
 *
 *     ratio = trust_coefficient * |w| / (|g| + weight_decay * |w|)
 *     v = momentum * v + lr * ratio * (g + weight_decay * w);  w -= v
 *
 * As there the rate is inside the velocity, and each tensor has its ratio, biases and batchnorm's parameters too. Where
 * |w| or the divisor is 0 the ratio is trust_coefficient, so that biases that begin at 0 take steps as large as others
 * whose gradient has the norm of the weights. */
#include "optim/class.h"

static const lks_option momentum =
    LKS_OWN_SHARE(momentum, "0.9", "share of the last update that is kept");
static const lks_option trust_coefficient = {
    LKS_OWN_KEY(trust_coefficient),
    .meaning = "norm of a tensor's update against that of its weights, at an lr of 1 and without "
               "momentum",
    .type = LKS_OPT_DOUBLE,
    .max = INFINITY,
    .min_open = true,
    .preset = "0.001"};
static const lks_option *const options[] = {&momentum, &trust_coefficient, NULL};

enum { VELOCITY };

static lks_update scalars(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    (void)lr; /* enters with the ratio */
    return (lks_update){.momentum = (float)c->momentum, .weight_decay = (float)c->weight_decay};
}

static bool take_norms(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    float g[LKS_WEIGHT_BLOCK];
    lks_block_gradient(o, work, b, g);
    o->squares[block][0] = lks_sum_of_squares(g, b->count);
    o->squares[block][1] = lks_sum_of_squares(work->weights + b->first, b->count);
    return true;
}

static double ratio_of(const lks_optimizer_config *c, const lks_norms *norms, bool decays) {
    const double w = norms->weight;
    const double divisor = norms->gradient + (decays ? c->weight_decay : 0) * w;
    return w > 0 && divisor > 0 ? c->trust_coefficient * w / divisor : c->trust_coefficient;
}

static bool update(float *restrict w, float *restrict v, const float *restrict g, int n, float rate,
                   float keep, float decay) {
    bool finite = true;
    for (int i = 0; i < n; i++) {
        v[i] = lks_flush_tiny(keep * v[i] + rate * (g[i] + decay * w[i]));
        w[i] -= v[i];
        finite &= fabsf(w[i]) <= 3.402823466e38f;
    }
    return finite;
}

/* Makes the gradient again: that costs less than an array of the size of the weights. */
static bool apply(lks_optimizer *o, const lks_optimizer_work *work, int block) {
    const lks_weight_block *b = &o->blocks[block];
    const double ratio = ratio_of(&o->config, &o->norms[b->tensor], b->decays);
    float g[LKS_WEIGHT_BLOCK];
    lks_block_gradient(o, work, b, g);
    return update(work->weights + b->first, o->slot[VELOCITY] + b->first, g, b->count,
                  (float)(work->lr * ratio), work->scalars.momentum,
                  b->decays ? work->scalars.weight_decay : 0);
}

const lks_optimizer_class lks_optimizer_lars = {
    .keys = {"LARS, for large batches: momentum, each tensor's update scaled to the norm of its "
             "weights (You et al. 2017)",
             options, NULL},
    .states = {[VELOCITY] = "optimizer/velocity"},
    .scalars = scalars,
    .passes = {take_norms, apply}};
