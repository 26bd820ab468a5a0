#include "io/diff_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- values ----------------------------------------------------------------------------------- */

uint32_t lks_diff_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static bool is_nan(float x) {
    return (lks_diff_bits(x) & 0x7fffffffu) > 0x7f800000u;
}

/** Floats in order of size as consecutive integers; both zeros are 0. */
static int64_t rank_of(float x) {
    int64_t magnitude = lks_diff_bits(x) & 0x7fffffffu;
    return lks_diff_bits(x) >> 31 ? -magnitude : magnitude;
}

uint64_t lks_diff_ulp(float a, float b) {
    int64_t distance = rank_of(a) - rank_of(b);
    return (uint64_t)(distance < 0 ? -distance : distance);
}

static void note_pair(lks_difference *d, size_t at, float a, float b) {
    if (d->differing++ == 0)
        d->first = at;
    if (is_nan(a) || is_nan(b)) {
        d->nans++;
        return;
    }
    uint64_t distance = lks_diff_ulp(a, b);
    const double gap = fabs((double)a - (double)b);
    d->most = gap > d->most ? gap : d->most;
    if (distance > d->most_ulp || d->differing - d->nans == 1) {
        d->most_ulp = distance;
        d->most_at = at;
    }
}

lks_difference lks_diff_values(const float *a, const float *b, size_t count) {
    lks_difference d = {0};
    for (size_t i = 0; i < count; i++)
        if (lks_diff_bits(a[i]) != lks_diff_bits(b[i]))
            note_pair(&d, i, a[i], b[i]);
    return d;
}

/* --- names ------------------------------------------------------------------------------------ */

const lks_flat *lks_diff_flat(const lks_checkpoint *c, const char *group) {
    for (int i = 0; i < c->n_flats; i++)
        if (strcmp(c->flats[i].group, group) == 0)
            return &c->flats[i];
    return NULL;
}

const lks_tensor *lks_diff_tensor(const lks_flat *flat, const char *name) {
    for (int i = 0; i < flat->n_tensors; i++)
        if (strcmp(flat->tensors[i].name, name) == 0)
            return &flat->tensors[i];
    return NULL;
}

/** The model's tensors are called by their names alone. */
void lks_diff_label(char label[160], const lks_flat *flat, const lks_tensor *t) {
    if (strcmp(flat->group, "model") == 0)
        snprintf(label, 160, "%s", t->name);
    else
        snprintf(label, 160, "%s/%s", flat->group, t->name);
}

void lks_diff_shape(char text[128], const lks_tensor *t) {
    int length = 0;
    for (int i = 0; i < t->ndim; i++)
        length += snprintf(text + length, (size_t)(128 - length), "[%" PRId64 "]", t->shape[i]);
}

/** "[0][2][0][17]" for element @p at in row-major order. */
void lks_diff_index(char text[128], const lks_tensor *t, size_t at) {
    lks_tensor index = {.ndim = t->ndim};
    for (int i = t->ndim - 1; i >= 0; i--) {
        index.shape[i] = (int64_t)(at % (size_t)t->shape[i]);
        at /= (size_t)t->shape[i];
    }
    lks_diff_shape(text, &index);
}

bool lks_diff_same_shape(const lks_tensor *a, const lks_tensor *b) {
    return a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) == 0;
}

/* --- what else differs ------------------------------------------------------------------------ */

bool lks_diff_field(const lks_comparison *c, const lks_field *f) {
    const char *a = (const char *)c->a + f->offset, *b = (const char *)c->b + f->offset;
    const bool same = f->type == LKS_H5_TEXT ? strcmp(a, b) == 0 : memcmp(a, b, f->size) == 0;
    return !same && !strstr(f->name, "_sha256") && strcmp(f->name, "time") != 0;
}

int lks_diff_line(const char *texts[2], size_t lengths[2]) {
    for (int line = 1; *texts[0] || *texts[1]; line++) {
        for (int k = 0; k < 2; k++)
            lengths[k] = strcspn(texts[k], "\n");
        if (lengths[0] != lengths[1] || memcmp(texts[0], texts[1], lengths[0]) != 0)
            return line;
        for (int k = 0; k < 2; k++)
            texts[k] += lengths[k] + (texts[k][lengths[k]] != 0);
    }
    return 0;
}
