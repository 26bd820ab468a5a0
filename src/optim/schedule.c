/* Learning-rate schedules: pure functions of the global step, the same on every rank and after
 * every resume. */
#include "lockstep/math.h"
#include "lockstep/optim.h"

/* From `from` at share 0 to `to` at share 1. */
static double anneal(bool cosine, double from, double to, double share) {
    if (!cosine)
        return from + (to - from) * share;
    return to + (from - to) * 0.5 * (1.0 + lks_cos_2pi(share / 2));
}

static double one_cycle(const lks_schedule_config *s, double peak, int64_t step, int64_t total) {
    double first = peak / s->div_factor, last = first / s->final_div_factor;
    double top = s->warmup_share * (double)total - 1; /* the step at which the peak is reached */
    double end = (double)(total - 1), at = (double)step < end ? (double)step : end;
    if (at <= top && top > 0)
        return anneal(s->cosine, first, peak, at / top);
    if (end <= top)
        return peak;
    return anneal(s->cosine, peak, last, (at - top) / (end - top));
}

double lks_learning_rate(const lks_train_config *config, int64_t step, int64_t steps_per_epoch,
                         int64_t total_steps) {
    const lks_schedule_config *s = &config->schedule;
    double lr = config->optimizer.lr;
    switch (s->name) {
    case LKS_SCHEDULE_CONSTANT:
        return lr;
    case LKS_SCHEDULE_STEP:
        return lr * lks_powi(s->gamma, (uint64_t)(step / steps_per_epoch / s->every_epochs));
    case LKS_SCHEDULE_ONECYCLE:
        return one_cycle(s, lr, step, total_steps);
    }
    return lr;
}
