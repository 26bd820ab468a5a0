#include "io/checkpoint.h"

#include <string.h>

static void add_flat(lks_sha256 *digest, const lks_flat *flat) {
    const uint64_t count = flat->count;
    lks_sha256_add(digest, &count, sizeof count);
    lks_sha256_add(digest, flat->values, flat->count * sizeof *flat->values);
}

/* Hosts are little-endian (others are refused), so memory has the documented byte order. */
static void add_position(lks_sha256 *digest, const lks_checkpoint *c) {
    const lks_cursor *k = &c->cursor;
    const int64_t numbers[] = {k->step,         k->epoch,         k->batch,
                               k->samples_seen, k->loss.hi,       k->loss.lo,
                               k->correct,      k->epoch_samples, (int64_t)k->epoch_hash};
    lks_sha256_add(digest, numbers, sizeof numbers);
}

/* Rules that are not in use leave no trace, so that they move nobody else's digests. */
static void add_watch(lks_sha256 *digest, int64_t which, const lks_watch_state *w) {
    int64_t best;
    memcpy(&best, &w->best, sizeof best);
    const int64_t numbers[] = {which,  w->evaluations, w->best_epoch, best,
                               w->bad, w->cooldown,    w->reductions};
    if (w->evaluations > 0)
        lks_sha256_add(digest, numbers, sizeof numbers);
}

lks_status lks_checkpoint_digest(lks_checkpoint *c, lks_error *err) {
    LKS_TRY(lks_sha256_buffer(c->flats[0].values, c->flats[0].count * sizeof(float),
                              c->weights_sha256, err));
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return LKS_ERR_MEMORY;
    for (int i = 0; i < c->n_flats; i++)
        add_flat(digest, &c->flats[i]);
    add_position(digest, c);
    add_watch(digest, 1, &c->cursor.plateau);
    add_watch(digest, 2, &c->cursor.early_stop);
    lks_sha256_finish(digest, c->state_sha256);
    return LKS_OK;
}

lks_status lks_flat_same(const lks_flat *a, const lks_flat *b, lks_error *err) {
    if (strcmp(a->group, b->group) != 0 || a->count != b->count || a->n_tensors != b->n_tensors)
        return lks_fail(err, LKS_ERR_MISMATCH, "its %s has %zu values, this network's %s %zu",
                        a->group, a->count, b->group, b->count);
    for (int t = 0; t < a->n_tensors; t++)
        if (strcmp(a->tensors[t].name, b->tensors[t].name) != 0 ||
            memcmp(a->tensors[t].shape, b->tensors[t].shape, sizeof a->tensors[t].shape) != 0)
            return lks_fail(err, LKS_ERR_MISMATCH, "its tensor %s is not this network's %s",
                            a->tensors[t].name, b->tensors[t].name);
    return LKS_OK;
}

const lks_flat *lks_checkpoint_evaluated(const lks_checkpoint *c) {
    for (int f = 1; f < c->n_flats; f++)
        if (strcmp(c->flats[f].group, LKS_AVERAGE) == 0)
            return &c->flats[f];
    return &c->flats[0];
}

lks_status lks_checkpoint_evaluated_digest(const lks_checkpoint *c, char digest[LKS_SHA256_HEX],
                                           lks_error *err) {
    const lks_flat *flat = lks_checkpoint_evaluated(c);
    return lks_sha256_buffer(flat->values, flat->count * sizeof *flat->values, digest, err);
}
