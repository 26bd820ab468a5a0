/** @file optim.h  Learning-rate schedules and optimizers: the same update on every rank. Nothing is
 * collective. */
#ifndef LOCKSTEP_OPTIM_H
#define LOCKSTEP_OPTIM_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/config.h"
#include "lockstep/kernels.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"

/** Learning rate of optimizer step @p step (0-based), a pure function. constant: lr. step: lr *
 * gamma^(epoch / every_epochs), integer division, epoch = step / @p steps_per_epoch. onecycle over
 * @p total_steps as in Smith & Topin 2018 with PyTorch's OneCycleLR parameters: from lr /
 * div_factor up to lr at step warmup_share * total - 1, then down to lr / div_factor /
 * final_div_factor at the last step; cosine or linear. Steps beyond the last keep its value. */
double lks_learning_rate(const lks_train_config *config, int64_t step, int64_t steps_per_epoch,
                         int64_t total_steps);

typedef struct lks_optimizer {
    lks_optimizer_config config;
    const lks_kernels *kernels;
    size_t n;
    int n_states;
    float *state[2];      /**< [n] each, 0 at the start */
    const char *names[2]; /**< "optimizer/m", "optimizer/v"; "optimizer/velocity" */
} lks_optimizer;

/** State for @p n weights; ended by lks_optimizer_free(). */
lks_status lks_optimizer_create(lks_optimizer *o, const lks_optimizer_config *config, size_t n,
                                const lks_kernels *kernels, lks_error *err);
void lks_optimizer_free(lks_optimizer *o);

/** One update: the gradient of weight i is exact[i] * 2^-30 / samples or, where @p exact is NULL,
 * plain[i] / samples. @p step is 0-based (bias correction uses step + 1). Splits over @p threads;
 * every weight is updated by itself. Returns false if a weight is no longer finite. */
bool lks_optimizer_step(lks_optimizer *o, float *weights, const int64_t *exact, const float *plain,
                        int64_t samples, double lr, int64_t step, int threads);

#endif
