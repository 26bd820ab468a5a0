#include "lockstep/log.h"
#include "io/diff_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- layout ----------------------------------------------------------------------------------- */

/** Says where names or shapes of two groups differ; true if they do not. */
static bool same_layout(const lks_comparison *c, const lks_flat *a, const lks_flat *b) {
    bool same = true;
    char label[160], shape_a[128], shape_b[128];
    for (int i = 0; i < a->n_tensors; i++) {
        const lks_tensor *t = &a->tensors[i], *other = lks_diff_tensor(b, t->name);
        if (other && lks_diff_same_shape(t, other))
            continue;
        same = false;
        lks_diff_label(label, a, t);
        lks_diff_shape(shape_a, t);
        if (other)
            lks_diff_shape(shape_b, other);
        if (other)
            lks_print(stdout, "%s: shape %s against %s\n", label, shape_a, shape_b);
        else
            lks_print(stdout, "%s%s: only in %s\n", label, shape_a, c->path_a);
    }
    for (int i = 0; i < b->n_tensors; i++) {
        if (lks_diff_tensor(a, b->tensors[i].name))
            continue;
        same = false;
        lks_diff_label(label, b, &b->tensors[i]);
        lks_diff_shape(shape_b, &b->tensors[i]);
        lks_print(stdout, "%s%s: only in %s\n", label, shape_b, c->path_b);
    }
    return same;
}

static lks_status compare_layouts(const lks_comparison *c, lks_error *err) {
    bool same = true;
    for (int i = 0; i < c->a->n_flats; i++) {
        const lks_flat *other = lks_diff_flat(c->b, c->a->flats[i].group);
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
                        const lks_difference *d) {
    char label[160], index[128];
    float x = a[d->first], y = b[d->first];
    lks_diff_label(label, flat, t);
    lks_diff_index(index, t, d->first);
    lks_print(stdout, "first difference: %s%s: %.9g against %.9g", label, index, (double)x,
              (double)y);
    if (isnan(x) || isnan(y))
        lks_print(stdout, ", bits %08" PRIx32 " against %08" PRIx32 "\n", lks_diff_bits(x),
                  lks_diff_bits(y));
    else if (lks_diff_ulp(x, y) == 0)
        lks_print(stdout, ", the sign of a zero\n");
    else
        lks_print(stdout, ", %" PRIu64 " ulp\n", lks_diff_ulp(x, y));
}

static void print_tensor(const lks_flat *flat, const lks_tensor *t, const lks_difference *d) {
    char label[160], index[128];
    lks_diff_label(label, flat, t);
    lks_print(stdout, "%-30s  ", label);
    if (d->differing == 0) {
        lks_print(stdout, "identical\n");
        return;
    }
    lks_print(stdout, "%zu of %zu differ", d->differing, t->count);
    lks_diff_index(index, t, d->most_at);
    if (d->differing > d->nans)
        lks_print(stdout, ", at most %" PRIu64 " ulp (at %s), in value %.2g", d->most_ulp, index,
                  d->most);
    if (d->nans > 0)
        lks_print(stdout, ", %zu with NaN", d->nans);
    lks_print(stdout, "\n");
}

/** One pass over all tensors of both. The first pass ends at the first difference and prints it;
 * the second prints a line a tensor. */
static void compare_tensors(lks_comparison *c, bool lines) {
    for (int i = 0; i < c->a->n_flats; i++) {
        const lks_flat *a = &c->a->flats[i], *b = lks_diff_flat(c->b, a->group);
        for (int k = 0; b && k < a->n_tensors; k++) {
            const lks_tensor *t = &a->tensors[k], *other = lks_diff_tensor(b, t->name);
            const float *x = a->values + t->offset, *y = b->values + other->offset;
            lks_difference d = lks_diff_values(x, y, t->count);
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

static void compare_groups(lks_comparison *c) {
    for (int i = 0; i < c->a->n_flats; i++)
        if (!lks_diff_flat(c->b, c->a->flats[i].group)) {
            lks_print(stdout, "%s: only in %s\n", c->a->flats[i].group, c->path_a);
            c->state = true;
        }
    for (int i = 0; i < c->b->n_flats; i++)
        if (!lks_diff_flat(c->a, c->b->flats[i].group)) {
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
static void compare_fields(lks_comparison *c) {
    for (int i = 0; i < lks_n_checkpoint_fields; i++) {
        const lks_field *f = &lks_checkpoint_fields[i];
        if (!lks_diff_field(c, f))
            continue;
        print_field(f, (const char *)c->a + f->offset, (const char *)c->b + f->offset);
        if (strcmp(f->object, "/cursor") == 0)
            c->state = true;
    }
}

/** Says the first line where the configurations differ. */
static void compare_configs(const lks_comparison *c) {
    const char *texts[] = {c->a->config_yaml, c->b->config_yaml};
    size_t lengths[2];
    const int line = lks_diff_line(texts, lengths);
    if (line > 0)
        lks_print(stdout, "config: line %d: \"%.*s\" against \"%.*s\"\n", line, (int)lengths[0],
                  texts[0], (int)lengths[1], texts[1]);
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

static void print_verdict(const lks_comparison *c, bool same) {
    const lks_checkpoint *a = c->a;
    if (same && !c->weights) {
        print_identical("identical", a->flats, a->n_flats);
        lks_print(stdout, ", weights_sha256 %s, state_sha256 %s\n", a->weights_sha256,
                  a->state_sha256);
    } else if (strcmp(a->weights_sha256, c->b->weights_sha256) == 0) {
        print_identical("weights identical", a->flats, 1);
        lks_print(stdout, ", weights_sha256 %s\n", a->weights_sha256);
    }
}

static lks_status compare(lks_comparison *c, bool *same, lks_error *err) {
    LKS_TRY(compare_layouts(c, err));
    compare_tensors(c, false);
    if (c->values)
        compare_tensors(c, true);
    if (!c->weights) {
        compare_groups(c);
        compare_fields(c);
        compare_configs(c);
    }
    *same = !c->values && !c->state;
    print_verdict(c, *same);
    return LKS_OK;
}

/** Of a copy, which owns nothing: the weights that evaluations use, and nothing else. */
static lks_status answering(const lks_checkpoint *c, lks_checkpoint *only, lks_error *err) {
    *only = *c;
    only->flats[0] = *lks_checkpoint_evaluated(c);
    snprintf(only->flats[0].group, sizeof only->flats[0].group, "model");
    only->n_flats = 1;
    return lks_checkpoint_evaluated_digest(c, only->weights_sha256, err);
}

static lks_status report(lks_comparison *c, lks_format format, bool *same, lks_error *err) {
    return format == LKS_FORMAT_TEXT ? compare(c, same, err)
                                     : lks_diff_print_rows(c, format, same, err);
}

static lks_status report_weights(const lks_comparison *whole, lks_format format, bool *same,
                                 lks_error *err) {
    lks_checkpoint a, b;
    LKS_TRY(answering(whole->a, &a, err));
    LKS_TRY(answering(whole->b, &b, err));
    lks_comparison c = *whole;
    c.a = &a;
    c.b = &b;
    return report(&c, format, same, err);
}

lks_status lks_checkpoint_diff(const char *const paths[2], int numerics, bool weights,
                               lks_format format, bool *same, lks_error *err) {
    lks_checkpoint a, b;
    *same = false;
    LKS_TRY(lks_checkpoint_read(paths[0], numerics, &a, err));
    lks_status status = lks_checkpoint_read(paths[1], numerics, &b, err);
    if (status == LKS_OK) {
        lks_comparison c = {
            .path_a = paths[0], .path_b = paths[1], .a = &a, .b = &b, .weights = weights};
        status = weights ? report_weights(&c, format, same, err) : report(&c, format, same, err);
        lks_checkpoint_free(&b);
    }
    lks_checkpoint_free(&a);
    return status;
}
