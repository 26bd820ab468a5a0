#include "lockstep/log.h"
#include "io/checkpoint_format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** How two tensors of one shape differ, bit for bit. */
typedef struct difference {
    size_t differing, first;
    uint64_t most_ulp; /**< over pairs without a NaN */
    size_t most_at;
    double most; /**< largest difference of values, wherever; ulp tell nothing around zero */
    size_t nans; /**< differing pairs with a NaN in them: no distance */
} difference;

/** Two checkpoints and what was found so far. */
typedef struct comparison {
    const char *path_a, *path_b;
    const lks_checkpoint *a, *b;
    bool values; /**< some differ */
    bool state;  /**< the cursor or whole groups differ */
} comparison;

/* --- values ----------------------------------------------------------------------------------- */

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static bool is_nan(float x) {
    return (bits_of(x) & 0x7fffffffu) > 0x7f800000u;
}

/** Floats in order of size as consecutive integers; both zeros are 0. */
static int64_t rank_of(float x) {
    int64_t magnitude = bits_of(x) & 0x7fffffffu;
    return bits_of(x) >> 31 ? -magnitude : magnitude;
}

static uint64_t ulp_distance(float a, float b) {
    int64_t distance = rank_of(a) - rank_of(b);
    return (uint64_t)(distance < 0 ? -distance : distance);
}

static void note_pair(difference *d, size_t at, float a, float b) {
    if (d->differing++ == 0)
        d->first = at;
    if (is_nan(a) || is_nan(b)) {
        d->nans++;
        return;
    }
    uint64_t distance = ulp_distance(a, b);
    const double gap = fabs((double)a - (double)b);
    d->most = gap > d->most ? gap : d->most;
    if (distance > d->most_ulp || d->differing - d->nans == 1) {
        d->most_ulp = distance;
        d->most_at = at;
    }
}

static difference compare_values(const float *a, const float *b, size_t count) {
    difference d = {0};
    for (size_t i = 0; i < count; i++)
        if (bits_of(a[i]) != bits_of(b[i]))
            note_pair(&d, i, a[i], b[i]);
    return d;
}

/* --- names ------------------------------------------------------------------------------------ */

static const lks_flat *find_flat(const lks_checkpoint *c, const char *group) {
    for (int i = 0; i < c->n_flats; i++)
        if (strcmp(c->flats[i].group, group) == 0)
            return &c->flats[i];
    return NULL;
}

static const lks_tensor *find_tensor(const lks_flat *flat, const char *name) {
    for (int i = 0; i < flat->n_tensors; i++)
        if (strcmp(flat->tensors[i].name, name) == 0)
            return &flat->tensors[i];
    return NULL;
}

/** The model's tensors are called by their names alone. */
static void label_tensor(char label[160], const lks_flat *flat, const lks_tensor *t) {
    if (strcmp(flat->group, "model") == 0)
        snprintf(label, 160, "%s", t->name);
    else
        snprintf(label, 160, "%s/%s", flat->group, t->name);
}

static void format_shape(char text[128], const lks_tensor *t) {
    int length = 0;
    for (int i = 0; i < t->ndim; i++)
        length += snprintf(text + length, (size_t)(128 - length), "[%" PRId64 "]", t->shape[i]);
}

/** "[0][2][0][17]" for element @p at in row-major order. */
static void format_index(char text[128], const lks_tensor *t, size_t at) {
    lks_tensor index = {.ndim = t->ndim};
    for (int i = t->ndim - 1; i >= 0; i--) {
        index.shape[i] = (int64_t)(at % (size_t)t->shape[i]);
        at /= (size_t)t->shape[i];
    }
    format_shape(text, &index);
}

static bool same_shape(const lks_tensor *a, const lks_tensor *b) {
    return a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) == 0;
}

/* --- layout ----------------------------------------------------------------------------------- */

/** Says where names or shapes of two groups differ; true if they do not. */
static bool same_layout(const comparison *c, const lks_flat *a, const lks_flat *b) {
    bool same = true;
    char label[160], shape_a[128], shape_b[128];
    for (int i = 0; i < a->n_tensors; i++) {
        const lks_tensor *t = &a->tensors[i], *other = find_tensor(b, t->name);
        if (other && same_shape(t, other))
            continue;
        same = false;
        label_tensor(label, a, t);
        format_shape(shape_a, t);
        if (other)
            format_shape(shape_b, other);
        if (other)
            lks_print(stdout, "%s: shape %s against %s\n", label, shape_a, shape_b);
        else
            lks_print(stdout, "%s%s: only in %s\n", label, shape_a, c->path_a);
    }
    for (int i = 0; i < b->n_tensors; i++) {
        if (find_tensor(a, b->tensors[i].name))
            continue;
        same = false;
        label_tensor(label, b, &b->tensors[i]);
        format_shape(shape_b, &b->tensors[i]);
        lks_print(stdout, "%s%s: only in %s\n", label, shape_b, c->path_b);
    }
    return same;
}

static lks_status compare_layouts(const comparison *c, lks_error *err) {
    bool same = true;
    for (int i = 0; i < c->a->n_flats; i++) {
        const lks_flat *other = find_flat(c->b, c->a->flats[i].group);
        if (other && !same_layout(c, &c->a->flats[i], other))
            same = false;
    }
    if (same)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_MISMATCH, "%s and %s hold different networks", c->path_a,
                    c->path_b);
}

/* --- the report ------------------------------------------------------------------------------- */

static void print_first(const lks_flat *flat, const lks_tensor *t, const float *a, const float *b,
                        const difference *d) {
    char label[160], index[128];
    float x = a[d->first], y = b[d->first];
    label_tensor(label, flat, t);
    format_index(index, t, d->first);
    lks_print(stdout, "first difference: %s%s: %.9g against %.9g", label, index, (double)x,
              (double)y);
    if (is_nan(x) || is_nan(y))
        lks_print(stdout, ", bits %08" PRIx32 " against %08" PRIx32 "\n", bits_of(x), bits_of(y));
    else if (ulp_distance(x, y) == 0)
        lks_print(stdout, ", the sign of a zero\n");
    else
        lks_print(stdout, ", %" PRIu64 " ulp\n", ulp_distance(x, y));
}

static void print_tensor(const lks_flat *flat, const lks_tensor *t, const difference *d) {
    char label[160], index[128];
    label_tensor(label, flat, t);
    lks_print(stdout, "%-30s  ", label);
    if (d->differing == 0) {
        lks_print(stdout, "identical\n");
        return;
    }
    lks_print(stdout, "%zu of %zu differ", d->differing, t->count);
    format_index(index, t, d->most_at);
    if (d->differing > d->nans)
        lks_print(stdout, ", at most %" PRIu64 " ulp (at %s), in value %.2g", d->most_ulp, index,
                  d->most);
    if (d->nans > 0)
        lks_print(stdout, ", %zu with NaN", d->nans);
    lks_print(stdout, "\n");
}

/** One pass over all tensors of both. The first pass ends at the first difference and prints it;
 * the second prints a line a tensor. */
static void compare_tensors(comparison *c, bool lines) {
    for (int i = 0; i < c->a->n_flats; i++) {
        const lks_flat *a = &c->a->flats[i], *b = find_flat(c->b, a->group);
        for (int k = 0; b && k < a->n_tensors; k++) {
            const lks_tensor *t = &a->tensors[k], *other = find_tensor(b, t->name);
            const float *x = a->values + t->offset, *y = b->values + other->offset;
            difference d = compare_values(x, y, t->count);
            c->values = c->values || d.differing > 0;
            if (lines)
                print_tensor(a, t, &d);
            else if (d.differing > 0) {
                print_first(a, t, x, y, &d);
                return;
            }
        }
    }
}

static void compare_groups(comparison *c) {
    for (int i = 0; i < c->a->n_flats; i++)
        if (!find_flat(c->b, c->a->flats[i].group)) {
            lks_print(stdout, "%s: only in %s\n", c->a->flats[i].group, c->path_a);
            c->state = true;
        }
    for (int i = 0; i < c->b->n_flats; i++)
        if (!find_flat(c->a, c->b->flats[i].group)) {
            lks_print(stdout, "%s: only in %s\n", c->b->flats[i].group, c->path_b);
            c->state = true;
        }
}

static void print_field(const lks_field *f, const void *a, const void *b) {
    /* "/cursor" + "step" reads "cursor/step"; members of the root have no group. */
    const char *group = f->object + 1;
    lks_print(stdout, "%s%s%s: ", group, *group ? "/" : "", f->name);
    if (f->type == LKS_H5_TEXT)
        lks_print(stdout, "%s against %s\n", (const char *)a, (const char *)b);
    else if (f->type == LKS_H5_U64)
        lks_print(stdout, "%" PRIu64 " against %" PRIu64 "\n", *(const uint64_t *)a,
                  *(const uint64_t *)b);
    else if (f->type == LKS_H5_F64)
        lks_print(stdout, "%.17g against %.17g\n", *(const double *)a, *(const double *)b);
    else if (f->type == LKS_H5_I64)
        lks_print(stdout, "%" PRId64 " against %" PRId64 "\n", *(const int64_t *)a,
                  *(const int64_t *)b);
    else
        lks_print(stdout, "%" PRId32 " against %" PRId32 "\n", *(const int32_t *)a,
                  *(const int32_t *)b);
}

/** The cursor is state; best result, seed, data and provenance are told because they explain
 * differences. */
static void compare_fields(comparison *c) {
    for (int i = 0; i < lks_n_checkpoint_fields; i++) {
        const lks_field *f = &lks_checkpoint_fields[i];
        const char *a = (const char *)c->a + f->offset, *b = (const char *)c->b + f->offset;
        bool text = f->type == LKS_H5_TEXT;
        if (text ? strcmp(a, b) == 0 : memcmp(a, b, f->size) == 0)
            continue;
        if (strstr(f->name, "_sha256") || strcmp(f->name, "time") == 0)
            continue;
        print_field(f, a, b);
        if (strcmp(f->object, "/cursor") == 0)
            c->state = true;
    }
}

/** Says the first line where the configurations differ. */
static void compare_configs(const comparison *c) {
    const char *a = c->a->config_yaml, *b = c->b->config_yaml;
    for (int line = 1; *a || *b; line++) {
        size_t length_a = strcspn(a, "\n"), length_b = strcspn(b, "\n");
        if (length_a != length_b || memcmp(a, b, length_a) != 0) {
            lks_print(stdout, "config: line %d: \"%.*s\" against \"%.*s\"\n", line, (int)length_a,
                      a, (int)length_b, b);
            return;
        }
        a += length_a + (a[length_a] != 0);
        b += length_b + (b[length_b] != 0);
    }
}

static void print_identical(const char *what, const lks_flat *flats, int n) {
    size_t values = 0;
    int tensors = 0;
    for (int i = 0; i < n; i++) {
        values += flats[i].count;
        tensors += flats[i].n_tensors;
    }
    lks_print(stdout, "%s: %zu values in %d tensors", what, values, tensors);
}

static void print_verdict(const comparison *c, bool same) {
    const lks_checkpoint *a = c->a;
    if (same) {
        print_identical("identical", a->flats, a->n_flats);
        lks_print(stdout, ", weights_sha256 %s, state_sha256 %s\n", a->weights_sha256,
                  a->state_sha256);
    } else if (strcmp(a->weights_sha256, c->b->weights_sha256) == 0) {
        print_identical("weights identical", a->flats, 1);
        lks_print(stdout, ", weights_sha256 %s\n", a->weights_sha256);
    }
}

static lks_status compare(comparison *c, bool *same, lks_error *err) {
    LKS_TRY(compare_layouts(c, err));
    compare_tensors(c, false);
    if (c->values)
        compare_tensors(c, true);
    compare_groups(c);
    compare_fields(c);
    compare_configs(c);
    *same = !c->values && !c->state;
    print_verdict(c, *same);
    return LKS_OK;
}

/** Of a copy, which owns nothing: the weights that evaluations use, and nothing else. */
static lks_checkpoint answering(const lks_checkpoint *c) {
    lks_checkpoint only = *c;
    only.flats[0] = *lks_checkpoint_evaluated(c);
    snprintf(only.flats[0].group, sizeof only.flats[0].group, "model");
    only.n_flats = 1;
    return only;
}

static lks_status compare_weights(const comparison *whole, bool *same, lks_error *err) {
    const lks_checkpoint a = answering(whole->a), b = answering(whole->b);
    char digest[LKS_SHA256_HEX];
    comparison c = {.path_a = whole->path_a, .path_b = whole->path_b, .a = &a, .b = &b};
    LKS_TRY(compare_layouts(&c, err));
    LKS_TRY(lks_checkpoint_evaluated_digest(&a, digest, err));
    compare_tensors(&c, false);
    if (c.values)
        compare_tensors(&c, true);
    *same = !c.values;
    if (*same) {
        print_identical("weights identical", a.flats, 1);
        lks_print(stdout, ", SHA-256 %s\n", digest);
    }
    return LKS_OK;
}

lks_status lks_checkpoint_diff(const char *path_a, const char *path_b, int numerics, bool weights,
                               bool *same, lks_error *err) {
    lks_checkpoint a, b;
    *same = false;
    LKS_TRY(lks_checkpoint_read(path_a, numerics, &a, err));
    lks_status status = lks_checkpoint_read(path_b, numerics, &b, err);
    if (status == LKS_OK) {
        comparison c = {.path_a = path_a, .path_b = path_b, .a = &a, .b = &b};
        status = weights ? compare_weights(&c, same, err) : compare(&c, same, err);
        lks_checkpoint_free(&b);
    }
    lks_checkpoint_free(&a);
    return status;
}
