/* Optimizers: the mean gradient of a block of weights is made from the sums, then the block is
 * updated while it is in the cache. */
#include "lockstep/optim.h"

#include <math.h>
#include <string.h>

#include "lockstep/math.h"
#include "lockstep/memory.h"

#define BLOCK 4096 /* weights at most; norms are defined by it */

/* --- the optimizers --------------------------------------------------------------------------- */

/* What an optimizer is: its update, the names of its states and its scalars at 0-based `step`,
 * computed in double and rounded once. */
typedef struct optimizer_class {
    lks_update_rule rule;
    const char *states[LKS_UPDATE_STATES];
    lks_update (*scalars)(const lks_optimizer_config *c, double lr, int64_t step);
} optimizer_class;

static lks_update sgd(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    return (lks_update){.lr = (float)lr,
                        .weight_decay = (float)c->weight_decay,
                        .momentum = (float)c->momentum,
                        .nesterov = c->nesterov};
}

static lks_update adam(const lks_optimizer_config *c, double lr, int64_t step) {
    uint64_t t = (uint64_t)step + 1;
    double correction1 = 1.0 - lks_powi(c->beta1, t), correction2 = 1.0 - lks_powi(c->beta2, t);
    return (lks_update){.lr = (float)(lr / correction1),
                        .weight_decay = (float)c->weight_decay,
                        .beta1 = (float)c->beta1,
                        .one_minus_beta1 = (float)(1.0 - c->beta1),
                        .beta2 = (float)c->beta2,
                        .one_minus_beta2 = (float)(1.0 - c->beta2),
                        .scale = (float)(1.0 / sqrt(correction2)),
                        .epsilon = (float)c->epsilon};
}

static lks_update adamw(const lks_optimizer_config *c, double lr, int64_t step) {
    lks_update s = adam(c, lr, step);
    s.weight_decay = (float)(lr * c->weight_decay);
    return s;
}

static lks_update rmsprop(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    return (lks_update){.lr = (float)lr,
                        .weight_decay = (float)c->weight_decay,
                        .momentum = (float)c->momentum,
                        .beta2 = (float)c->alpha,
                        .one_minus_beta2 = (float)(1.0 - c->alpha),
                        .epsilon = (float)c->epsilon};
}

static lks_update adadelta(const lks_optimizer_config *c, double lr, int64_t step) {
    (void)step;
    return (lks_update){.lr = (float)lr,
                        .weight_decay = (float)c->weight_decay,
                        .beta2 = (float)c->rho,
                        .one_minus_beta2 = (float)(1.0 - c->rho),
                        .epsilon = (float)c->epsilon};
}

static const optimizer_class classes[] = {
    [LKS_SGD] = {LKS_UPDATE_SGD, {"optimizer/velocity"}, sgd},
    [LKS_ADAM] = {LKS_UPDATE_ADAM, {"optimizer/m", "optimizer/v"}, adam},
    [LKS_ADAMW] = {LKS_UPDATE_ADAMW, {"optimizer/m", "optimizer/v"}, adamw},
    [LKS_RMSPROP] = {LKS_UPDATE_RMSPROP,
                     {"optimizer/square", "optimizer/velocity", "optimizer/mean"},
                     rmsprop},
    [LKS_ADADELTA] = {LKS_UPDATE_ADADELTA, {"optimizer/square", "optimizer/update"}, adadelta},
};

/* RMSprop keeps a velocity and a mean only where they are asked for. */
static bool uses_state(const lks_optimizer_config *c, int s) {
    if (c->name == LKS_RMSPROP && s > 0)
        return s == 1 ? c->momentum > 0 : c->centered;
    return classes[c->name].states[s] != NULL;
}

int lks_optimizer_states(const lks_optimizer_config *config) {
    int n = 0;
    for (int s = 0; s < LKS_UPDATE_STATES; s++)
        n += uses_state(config, s);
    return n;
}

/* --- blocks of weights ------------------------------------------------------------------------ */

static bool decays(const lks_optimizer_config *c, lks_role role) {
    return c->decay_bias_and_norm || role == LKS_ROLE_WEIGHT;
}

/* Appends the blocks of tensor `number` where there are any to append to; their count. */
static int cut(const lks_optimizer *o, const lks_tensor *t, int number, lks_weight_block *blocks) {
    if (!t->trained)
        return 0;
    for (size_t at = 0; blocks && at < t->count; at += BLOCK)
        *blocks++ =
            (lks_weight_block){.first = t->offset + at,
                               .count = (int)(t->count - at < BLOCK ? t->count - at : BLOCK),
                               .tensor = number,
                               .decays = decays(&o->config, t->role)};
    return (int)((t->count + BLOCK - 1) / BLOCK);
}

static lks_status cut_tensors(lks_optimizer *o, const lks_tensor *tensors, lks_error *err) {
    int n = 0;
    for (int t = 0; t < o->n_tensors; t++) {
        n += cut(o, &tensors[t], t, NULL);
        o->n += tensors[t].count;
    }
    o->blocks = lks_alloc((size_t)n, sizeof *o->blocks, "the optimizer's blocks", err);
    o->squares = lks_alloc((size_t)n, sizeof *o->squares, "the optimizer's blocks", err);
    if (!o->blocks || !o->squares)
        return LKS_ERR_MEMORY;
    for (int t = 0; t < o->n_tensors; t++)
        o->n_blocks += cut(o, &tensors[t], t, o->blocks + o->n_blocks);
    return LKS_OK;
}

static lks_status add_states(lks_optimizer *o, lks_error *err) {
    for (int s = 0; s < LKS_UPDATE_STATES; s++) {
        if (!uses_state(&o->config, s))
            continue;
        float *state = lks_alloc(o->n, sizeof *state, "optimizer state", err);
        if (!state)
            return LKS_ERR_MEMORY;
        o->names[o->n_states] = classes[o->config.name].states[s];
        o->state[o->n_states++] = o->slot[s] = state;
    }
    return LKS_OK;
}

lks_status lks_optimizer_create(lks_optimizer *o, const lks_optimizer_config *config,
                                const lks_tensor *tensors, int n_tensors,
                                const lks_kernels *kernels, lks_error *err) {
    *o = (lks_optimizer){.config = *config, .kernels = kernels, .n_tensors = n_tensors};
    lks_status status = cut_tensors(o, tensors, err);
    if (status == LKS_OK)
        status = add_states(o, err);
    if (status != LKS_OK)
        lks_optimizer_free(o);
    return status;
}

void lks_optimizer_free(lks_optimizer *o) {
    for (int s = 0; s < o->n_states; s++)
        lks_free(o->state[s]);
    lks_free(o->blocks);
    lks_free(o->squares);
    memset(o, 0, sizeof *o);
}

/* --- gradients -------------------------------------------------------------------------------- */

static void mean_gradient(const lks_optimizer *o, const lks_gradient *from,
                          const lks_weight_block *b, float *g) {
    size_t n = (size_t)b->count;
    if (from->exact)
        o->kernels->dequantise(g, from->exact + b->first, n, from->samples);
    else
        for (size_t i = 0; i < n; i++)
            g[i] = (float)((double)from->plain[b->first + i] / (double)from->samples);
}

static double sum_of_squares(const float *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i]; /* exact products: 48 bits */
    return sum;
}

double lks_optimizer_norms(const lks_optimizer *o, const float *weights, const lks_gradient *g,
                           lks_norms *norms, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int i = 0; i < o->n_blocks; i++) {
        const lks_weight_block *b = &o->blocks[i];
        float mean[BLOCK];
        mean_gradient(o, g, b, mean);
        o->squares[i][0] = sum_of_squares(mean, b->count);
        if (norms)
            o->squares[i][1] = sum_of_squares(weights + b->first, b->count);
    }
    if (norms)
        memset(norms, 0, (size_t)o->n_tensors * sizeof *norms);
    double total = 0;
    for (int i = 0; i < o->n_blocks;) {
        double gradient = 0, weight = 0;
        int tensor = o->blocks[i].tensor;
        for (; i < o->n_blocks && o->blocks[i].tensor == tensor; i++) {
            gradient += o->squares[i][0];
            weight += o->squares[i][1];
        }
        if (norms)
            norms[tensor] = (lks_norms){sqrt(gradient), sqrt(weight)};
        total += gradient;
    }
    return sqrt(total);
}

double lks_clip_factor(double norm, double limit) {
    return limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1.0;
}

/* --- the update ------------------------------------------------------------------------------- */

static bool update_block(const lks_optimizer *o, const lks_weight_block *b, float *weights,
                         float *g, float factor, const lks_update *s) {
    float *state[LKS_UPDATE_STATES];
    for (int k = 0; k < LKS_UPDATE_STATES; k++)
        state[k] = o->slot[k] ? o->slot[k] + b->first : NULL;
    if (factor != 1)
        for (int i = 0; i < b->count; i++)
            g[i] *= factor;
    lks_update own = *s;
    if (!b->decays)
        own.weight_decay = 0;
    lks_update_kernel update = o->kernels->update[classes[o->config.name].rule];
    return update(weights + b->first, state, g, (size_t)b->count, &own);
}

bool lks_optimizer_step(lks_optimizer *o, float *weights, const lks_gradient *g, double factor,
                        double lr, int64_t step, int threads) {
    const lks_update scalars = classes[o->config.name].scalars(&o->config, lr, step);
    int bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int i = 0; i < o->n_blocks; i++) {
        float mean[BLOCK];
        mean_gradient(o, g, &o->blocks[i], mean);
        if (!update_block(o, &o->blocks[i], weights, mean, (float)factor, &scalars)) {
#pragma omp atomic write
            bad = 1;
        }
    }
    return !bad;
}
