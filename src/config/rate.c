/* What the learning rate and the warm-up are for the size of the batch. */
#include "lockstep/config.h"

#include <math.h>
#include <stdio.h>

static int64_t samples_per_step(const lks_train_config *t) {
    return (int64_t)t->global_batch * t->accumulate;
}

static double factor(const lks_train_config *t) {
    if (t->optimizer.lr_scale == LKS_LR_AS_GIVEN)
        return 1;
    const double times = (double)samples_per_step(t) / t->optimizer.lr_batch;
    return t->optimizer.lr_scale == LKS_LR_LINEAR ? times : sqrt(times);
}

double lks_scaled_rate(const lks_train_config *config) {
    return config->optimizer.lr * factor(config);
}

int64_t lks_warmup_steps(const lks_train_config *config) {
    const int64_t samples = config->schedule.warmup_samples, step = samples_per_step(config);
    if (samples == 0)
        return config->schedule.warmup_steps;
    return samples / step + (samples % step > 0);
}

char *lks_config_rate_remark(const lks_config *config, char *out) {
    const lks_train_config *t = &config->train;
    const char *warm_up = t->schedule.warmup_samples > 0 ? "; warm-up of " : "";
    char steps[48] = "";
    if (*warm_up)
        snprintf(steps, sizeof steps, "%lld steps", (long long)lks_warmup_steps(t));
    out[0] = '\0';
    if (t->optimizer.lr_scale != LKS_LR_AS_GIVEN)
        snprintf(out, LKS_REMARK_MAX,
                 "%.6g: lr %g for batches of %d, times %.6g (lr_scale: %s) for %lld samples a step"
                 "%s%s",
                 lks_scaled_rate(t), t->optimizer.lr, t->optimizer.lr_batch, factor(t),
                 t->optimizer.lr_scale == LKS_LR_LINEAR ? "linear" : "sqrt",
                 (long long)samples_per_step(t), warm_up, steps);
    else if (*warm_up)
        snprintf(out, LKS_REMARK_MAX, "%g%s%s", t->optimizer.lr, warm_up, steps);
    return out;
}
