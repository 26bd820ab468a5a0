/* Learning-rate schedules: pure functions of the global step (plateau: and of what was seen), the
 * same on every rank and after every resume. */
#include "base/math.h"
#include "optim/optim.h"

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

/* Loshchilov & Hutter, "SGDR", ICLR 2017, without restarts: `t` steps of `total` are done. */
static double cosine(const lks_schedule_config *s, double lr, int64_t t, int64_t total) {
    if (t <= 0)
        return lr;
    return t < total ? anneal(true, lr, s->min_lr, (double)t / (double)total) : s->min_lr;
}

static double plateau(const lks_schedule_config *s, double lr, const lks_watch_state *w) {
    double reduced = lr * lks_powi(s->factor, w ? (uint64_t)w->reductions : 0);
    return reduced > s->min_lr ? reduced : s->min_lr;
}

/* Share of the scheduled rate during the warm-up. */
static double warmup(const lks_train_config *config, int64_t step) {
    const int64_t steps = lks_warmup_steps(config);
    if (step >= steps)
        return 1;
    return anneal(false, config->schedule.warmup_factor, 1, (double)step / (double)steps);
}

static double scheduled(const lks_train_config *config, const lks_watch_state *w, int64_t step,
                        int64_t steps_per_epoch, int64_t total) {
    const lks_schedule_config *s = &config->schedule;
    const int64_t risen = lks_warmup_steps(config), epoch = step / steps_per_epoch;
    const double lr = lks_scaled_rate(config);
    switch (s->name) {
    case LKS_SCHEDULE_CONSTANT:
        break;
    case LKS_SCHEDULE_STEP:
        return lr * lks_powi(s->gamma, (uint64_t)(epoch / s->every_epochs));
    case LKS_SCHEDULE_EXPONENTIAL:
        return lr * lks_powi(s->gamma, (uint64_t)epoch);
    case LKS_SCHEDULE_COSINE:
        return cosine(s, lr, step - risen, total - risen);
    case LKS_SCHEDULE_ONECYCLE:
        return one_cycle(s, lr, step, total);
    case LKS_SCHEDULE_PLATEAU:
        return plateau(s, lr, w);
    }
    return lr;
}

double lks_learning_rate(const lks_train_config *config, const lks_watch_state *plateau_state,
                         int64_t step, int64_t steps_per_epoch, int64_t total_steps) {
    return scheduled(config, plateau_state, step, steps_per_epoch, total_steps) *
           warmup(config, step);
}
