#include "train/proof/windows.h"

#include <stdlib.h>

#include "base/digest.h"
#include "lockstep/log.h"
#include "base/memory.h"

/* --- one range ---------------------------------------------------------------------------------- */

/* The newest place to begin at that is not behind step `most`. */
static lks_status find_start(lks_window *w, const lks_recorded *r, int64_t most, lks_error *err) {
    const lks_chain *chain = &r->history.chain;
    *w = (lks_window){.start = chain->first == 0 ? 0 : -1, .saved = -1};
    for (int i = 0; i < r->n_saved; i++) {
        const int64_t step = r->saved[i].cursor.step;
        if (step >= chain->first && step <= most && step > w->start) {
            w->start = step;
            w->saved = i;
        }
    }
    return w->start >= 0 ? LKS_OK
                         : lks_fail(err, LKS_ERR_CONFIG,
                                    "the chain begins at step %lld, and there is no checkpoint "
                                    "from there to step %lld to begin at",
                                    (long long)chain->first, (long long)most);
}

static lks_status choose_range(lks_windows *w, const lks_replay_options *o, const lks_recorded *r,
                               int64_t steps_per_epoch, lks_error *err) {
    const lks_chain *chain = &r->history.chain;
    const int64_t end = lks_chain_last(chain);
    int64_t first = o->first ? o->first : chain->first + 1, last = o->last ? o->last : end;
    if (o->epoch) {
        first = (o->epoch - 1) * steps_per_epoch + 1;
        last = first + steps_per_epoch - 1 < end ? first + steps_per_epoch - 1 : end;
    }
    if (first > end || last > end || first > last)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s has %lld steps, in epochs of %lld: there is none "
                        "of those to replay",
                        r->folder, (long long)end, (long long)steps_per_epoch);
    LKS_TRY(find_start(&w->of[0], r, first - 1, err));
    w->of[0].until = last;
    w->n = 1;
    return LKS_OK;
}

/* --- an audit ----------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b) {
    const lks_window *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* All places where a window can begin. */
static void list_starts(lks_windows *w, const lks_recorded *r, int64_t length) {
    const lks_chain *chain = &r->history.chain;
    const int64_t end = lks_chain_last(chain);
    w->n = 0;
    if (chain->first == 0 && end > 0)
        w->of[w->n++] = (lks_window){.saved = -1};
    for (int i = 0; i < r->n_saved; i++)
        if (r->saved[i].cursor.step >= chain->first && r->saved[i].cursor.step < end)
            w->of[w->n++] = (lks_window){.start = r->saved[i].cursor.step, .saved = i};
    for (int64_t i = 0; i < w->n; i++)
        w->of[i].until = w->of[i].start + length < end ? w->of[i].start + length : end;
}

/* The first of them become `n` that the seed draws, each set as likely as any other. */
static void draw(lks_windows *w, int64_t n, uint64_t seed) {
    for (int64_t i = 0; i < n; i++) {
        const uint64_t random = lks_hash64(lks_hash64(seed) ^ (uint64_t)i);
        const int64_t k = i + (int64_t)(random % (uint64_t)(w->n - i));
        const lks_window drawn = w->of[k];
        w->of[k] = w->of[i];
        w->of[i] = drawn;
    }
    w->n = n;
    qsort(w->of, (size_t)n, sizeof *w->of, by_start);
}

static lks_status choose_audit(lks_windows *w, const lks_replay_options *o, const lks_recorded *r,
                               int64_t steps_per_epoch, lks_error *err) {
    list_starts(w, r, o->window ? o->window : steps_per_epoch);
    if (w->n == 0)
        return lks_fail(err, LKS_ERR_CONFIG, "%s has no checkpoint that a window could begin at",
                        r->folder);
    if (o->audit > w->n)
        lks_warn("--audit %lld: there are %lld places to begin at, the start and each checkpoint "
                 "but the last; all are taken",
                 (long long)o->audit, (long long)w->n);
    draw(w, o->audit < w->n ? o->audit : w->n, o->seed);
    return LKS_OK;
}

lks_status lks_windows_choose(lks_windows *w, const lks_replay_options *o, const lks_recorded *r,
                              int64_t steps_per_epoch, lks_error *err) {
    *w = (lks_windows){.of = lks_alloc((size_t)r->n_saved + 1, sizeof *w->of, "windows", err)};
    if (!w->of)
        return err->status;
    return (o->audit ? choose_audit : choose_range)(w, o, r, steps_per_epoch, err);
}

int64_t lks_windows_cover(const lks_windows *w) {
    int64_t covered = 0, end = 0;
    for (int64_t i = 0; i < w->n; i++) {
        const int64_t from = w->of[i].start > end ? w->of[i].start : end;
        if (w->of[i].until > from)
            covered += w->of[i].until - from;
        if (w->of[i].until > end)
            end = w->of[i].until;
    }
    return covered;
}
