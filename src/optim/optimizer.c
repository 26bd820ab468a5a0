/* Optimizers: the mean gradient of a block of weights is made from the sums, then the block is
 * updated while it is in the cache. */
#include "lockstep/optim.h"

#include <math.h>
#include <string.h>

#include "lockstep/math.h"
#include "lockstep/memory.h"

#define BLOCK 2048 /* weights: gradient, weights and two moments in 32 KB */

lks_status lks_optimizer_create(lks_optimizer *o, const lks_optimizer_config *config, size_t n,
                                const lks_kernels *kernels, lks_error *err) {
    *o = (lks_optimizer){.config = *config, .kernels = kernels, .n = n};
    if (config->name == LKS_ADAM) {
        o->n_states = 2;
        o->names[0] = "optimizer/m";
        o->names[1] = "optimizer/v";
    } else {
        o->n_states = 1;
        o->names[0] = "optimizer/velocity";
    }
    for (int s = 0; s < o->n_states; s++) {
        o->state[s] = lks_alloc(n, sizeof(float), "optimizer state", err);
        if (!o->state[s]) {
            lks_optimizer_free(o);
            return LKS_ERR_MEMORY;
        }
    }
    return LKS_OK;
}

void lks_optimizer_free(lks_optimizer *o) {
    for (int s = 0; s < o->n_states; s++)
        lks_free(o->state[s]);
    memset(o, 0, sizeof *o);
}

/* Scalars are computed in double and rounded once. */
static lks_adam_step adam_step(const lks_optimizer_config *c, double lr, int64_t step) {
    uint64_t t = (uint64_t)step + 1;
    double correction1 = 1.0 - lks_powi(c->beta1, t), correction2 = 1.0 - lks_powi(c->beta2, t);
    return (lks_adam_step){.beta1 = (float)c->beta1,
                           .one_minus_beta1 = (float)(1.0 - c->beta1),
                           .beta2 = (float)c->beta2,
                           .one_minus_beta2 = (float)(1.0 - c->beta2),
                           .step_size = (float)(lr / correction1),
                           .denom_scale = (float)(1.0 / sqrt(correction2)),
                           .epsilon = (float)c->epsilon,
                           .weight_decay = (float)c->weight_decay};
}

bool lks_optimizer_step(lks_optimizer *o, float *weights, const int64_t *exact, const float *plain,
                        int64_t samples, double lr, int64_t step, int threads) {
    const lks_optimizer_config *c = &o->config;
    const lks_adam_step adam = c->name == LKS_ADAM ? adam_step(c, lr, step) : (lks_adam_step){0};
    const lks_sgd_step sgd = {(float)lr, (float)c->momentum, (float)c->weight_decay, c->nesterov};
    int blocks = (int)((o->n + BLOCK - 1) / BLOCK), bad = 0;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int b = 0; b < blocks; b++) {
        float g[BLOCK];
        size_t at = (size_t)b * BLOCK, n = o->n - at < BLOCK ? o->n - at : BLOCK;
        if (exact)
            o->kernels->dequantise(g, exact + at, n, samples);
        else
            for (size_t i = 0; i < n; i++)
                g[i] = (float)((double)plain[at + i] / (double)samples);
        bool ok = c->name == LKS_ADAM ? o->kernels->adam(weights + at, o->state[0] + at,
                                                         o->state[1] + at, g, n, &adam)
                                      : o->kernels->sgd(weights + at, o->state[0] + at, g, n, &sgd);
        if (!ok) {
#pragma omp atomic write
            bad = 1;
        }
    }
    return !bad;
}
