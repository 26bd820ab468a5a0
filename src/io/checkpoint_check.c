/* What a checkpoint says is checked before anybody uses it: the seal shows damage, but anybody can make one. */
#include "io/checkpoint_format.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 65536, MAX_IMAGE_BYTES = 1 << 28 }; /* as of data sets (lks_idx_open()) */
#define MAX_COUNT                                                                                  \
    ((int64_t)1 << 53) /* what a double counts exactly: figures are computed in doubles */

static lks_status refuse(const char *path, lks_error *err, const char *what) {
    return lks_fail(err, LKS_ERR_FORMAT, "%s is damaged, or made to do harm: %s", path, what);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool within(int64_t x, int64_t least, int64_t most) {
    return x >= least && x <= most;
}

static bool counts(int64_t x) {
    return within(x, 0, MAX_COUNT);
}

static bool is_digest(const char *text) {
    return strspn(text, "0123456789abcdef") == LKS_SHA256_HEX - 1;
}

static lks_status check_data(const char *path, const lks_data_identity *d, lks_error *err) {
    if (!within(d->classes, 1, LKS_CLASSES_MAX))
        return refuse(path, err, "its number of classes is not within 1..256");
    if (!within(d->channels, 1, LKS_CHANNELS_MAX) || !within(d->rows, 1, MAX_SIDE) ||
        !within(d->columns, 1, MAX_SIDE) ||
        (int64_t)d->channels * d->rows * d->columns > MAX_IMAGE_BYTES)
        return refuse(path, err, "no images have its rows, columns and channels");
    if (!within(d->n_train, 0, UINT32_MAX) || !is_digest(d->digest))
        return refuse(path, err, "its training images cannot be");
    for (int i = 0; i < d->channels; i++)
        if (!isfinite(d->mean[i]) || !isfinite(d->std[i]) || d->std[i] <= 0)
            return refuse(path, err, "its mean or standard deviation of pixels cannot be");
    return LKS_OK;
}

static bool sound_traits(const lks_traits *t) {
    bool sound = counts(t->images) && counts(t->looked) && within(t->centred, 0, t->looked);
    for (int k = 0; k < LKS_TRAITS; k++)
        sound =
            sound && within(t->low[k], 0, t->high[k]) && within(t->high[k], 0, LKS_TRAIT_BINS - 1);
    return sound;
}

static bool sound_temperature(const lks_temperature *t) {
    if (t->images == 0)
        return true;
    return counts(t->images) && within(t->wrong, 0, t->images) &&
           t->value >= LKS_TEMPERATURE_LEAST && t->value <= LKS_TEMPERATURE_MOST &&
           isfinite(t->nll_before) && isfinite(t->nll_after);
}

static bool sound_watch(const lks_watch_state *w) {
    return counts(w->evaluations) && counts(w->best_epoch) && counts(w->bad) &&
           counts(w->cooldown) && within(w->reductions, 0, w->evaluations) && isfinite(w->best);
}

static lks_status check_position(const char *path, const lks_checkpoint *c, lks_error *err) {
    const lks_cursor *k = &c->cursor;
    const lks_best *b = &c->best;
    if (!counts(k->step) || !within(k->epoch, 0, INT32_MAX - 1) || !counts(k->batch) ||
        !counts(k->samples_seen) || !counts(k->epoch_samples) ||
        !within(k->correct, 0, k->epoch_samples))
        return refuse(path, err, "no training stands at its cursor");
    if (!sound_watch(&k->plateau) || !sound_watch(&k->early_stop))
        return refuse(path, err, "what it says of validation results cannot be");
    if (!within(b->step, 0, k->step) || !counts(b->total) || !within(b->correct, 0, b->total) ||
        (b->step > 0 && b->total == 0))
        return refuse(path, err, "its best result cannot be");
    return c->provenance.ranks < 0 || c->provenance.threads < 0
               ? refuse(path, err, "no ranks and threads can have written it")
               : LKS_OK;
}

/* --- arrays ----------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/** Sorted names, in place. */
static bool all_differ(const char **names, int n) {
    qsort(names, (size_t)n, sizeof *names, by_name);
    for (int i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return false;
    return true;
}

static lks_status check_names(const char *path, const lks_flat *flat, lks_error *err) {
    const char **names = malloc((size_t)flat->n_tensors * sizeof *names);
    if (!names)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: %d tensors of %s", flat->n_tensors,
                        path);
    for (int i = 0; i < flat->n_tensors; i++)
        names[i] = flat->tensors[i].name;
    const bool differ = all_differ(names, flat->n_tensors);
    free(names);
    return differ ? LKS_OK : refuse(path, err, "two of its tensors have one name");
}

static lks_status check_model(const char *path, const lks_flat *flat, lks_error *err) {
    if (strcmp(flat->group, "model") != 0)
        return refuse(path, err, "its first array is not the model's");
    if (!within(flat->n_tensors, 1, LKS_TENSORS_MAX))
        return refuse(path, err, "no network has its number of tensors");
    for (int i = 0; i < flat->n_tensors; i++) {
        const lks_tensor *t = &flat->tensors[i];
        if (!t->name[0] || t->count == 0)
            return refuse(path, err, "a tensor has no name or no values");
    }
    return check_names(path, flat, err);
}

static bool same_tensors(const lks_flat *a, const lks_flat *b) {
    bool same = a->n_tensors == b->n_tensors;
    for (int i = 0; same && i < a->n_tensors; i++) {
        const lks_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        same = strcmp(x->name, y->name) == 0 && x->ndim == y->ndim &&
               memcmp(x->shape, y->shape, sizeof x->shape) == 0;
    }
    return same;
}

static lks_status check_flats(const char *path, const lks_checkpoint *c, lks_error *err) {
    const char *groups[LKS_CHECKPOINT_FLATS];
    LKS_TRY(check_model(path, &c->flats[0], err));
    for (int f = 0; f < c->n_flats; f++) {
        groups[f] = c->flats[f].group;
        if (!same_tensors(&c->flats[0], &c->flats[f]))
            return lks_fail(err, LKS_ERR_FORMAT,
                            "%s is damaged, or made to do harm: its %s has other tensors than its "
                            "model",
                            path, c->flats[f].group);
    }
    return all_differ(groups, c->n_flats) ? LKS_OK
                                          : refuse(path, err, "two of its arrays have one name");
}

lks_status lks_checkpoint_check(const char *path, const lks_checkpoint *c, lks_error *err) {
    LKS_TRY(check_data(path, &c->data, err));
    if (!sound_traits(&c->data.traits))
        return refuse(path, err, "its training images cannot have such traits");
    if (!sound_temperature(&c->temperature))
        return refuse(path, err, "its temperature cannot be");
    LKS_TRY(check_position(path, c, err));
    return check_flats(path, c, err);
}

/* --- values ----------------------------------------------------------------------------------- */

static lks_status check_tensor(const char *path, const lks_flat *flat, const lks_tensor *t,
                               lks_error *err) {
    const float *values = flat->values + t->offset;
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite(values[i]))
            return lks_fail(err, LKS_ERR_NUMERIC,
                            "%s: value %zu of %s/%s is %g: such a network has no answers", path, i,
                            flat->group, t->name, (double)values[i]);
    return LKS_OK;
}

lks_status lks_checkpoint_check_values(const char *path, const lks_checkpoint *c, lks_error *err) {
    for (int f = 0; f < c->n_flats; f++)
        for (int t = 0; t < c->flats[f].n_tensors; t++)
            LKS_TRY(check_tensor(path, &c->flats[f], &c->flats[f].tensors[t], err));
    return LKS_OK;
}
