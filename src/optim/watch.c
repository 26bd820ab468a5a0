/* Rules that watch validation results. What they are told is exact and the same on every rank, so
 * what they decide is too. */
#include "optim/optim.h"

/* Notes a result; `least` is what it has to be better than, unless it is the first. */
static void note(lks_watch_state *w, lks_watch watch, double value, double least, int64_t epoch) {
    bool better = watch == LKS_WATCH_LOSS ? value < least : value > least;
    if (w->evaluations++ == 0 || better) {
        w->best = value;
        w->best_epoch = epoch;
        w->bad = 0;
    } else {
        w->bad++;
    }
}

void lks_plateau_watch(lks_watch_state *w, const lks_schedule_config *s, double value,
                       int64_t epoch) {
    double share = s->watch == LKS_WATCH_LOSS ? 1.0 - s->threshold : 1.0 + s->threshold;
    note(w, s->watch, value, w->best * share, epoch);
    if (w->cooldown > 0) {
        w->cooldown--;
        w->bad = 0;
    }
    if (w->bad > s->patience) {
        w->reductions++;
        w->cooldown = s->cooldown;
        w->bad = 0;
    }
}

void lks_early_stop_watch(lks_watch_state *w, const lks_train_config *c, double value,
                          int64_t epoch) {
    double margin = c->stop_watch == LKS_WATCH_LOSS ? -c->stop_threshold : c->stop_threshold;
    note(w, c->stop_watch, value, w->best + margin, epoch);
}

bool lks_early_stop_reached(const lks_watch_state *w, const lks_train_config *c) {
    return c->stop_patience > 0 && w->bad >= c->stop_patience;
}
