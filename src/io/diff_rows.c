#include "io/diff_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json/rows.h"

/* --- tensors ----------------------------------------------------------------------------------- */

/** A tensor that both have, and its values. */
typedef struct pair {
    const lks_flat *flat;
    const lks_tensor *tensor;
    const float *a, *b;
    lks_difference d;
} pair;

static void put_tensor(lks_rows *r, const pair *p) {
    const lks_difference *d = &p->d;
    const bool measured = d->differing > d->nans;
    char label[160], at[128];
    lks_diff_label(label, p->flat, p->tensor);
    lks_diff_index(at, p->tensor, d->most_at);
    lks_row_begin(r);
    lks_row_text(r, "tensor", label);
    lks_row_integer(r, "values", (int64_t)p->tensor->count);
    lks_row_integer(r, "differing", (int64_t)d->differing);
    lks_row_integer(r, "with_nan", (int64_t)d->nans);
    lks_row_number(r, "most_ulp", measured ? (double)d->most_ulp : NAN);
    lks_row_text(r, "most_ulp_at", measured ? at : NULL);
    lks_row_number(r, "most_in_value", measured ? d->most : NAN);
    lks_row_end(r);
}

/** Visits all tensors of both. */
static void each_pair(const lks_comparison *c, void (*visit)(void *context, const pair *p),
                      void *context) {
    for (int i = 0; i < c->a->n_flats; i++) {
        const lks_flat *a = &c->a->flats[i], *b = lks_diff_flat(c->b, a->group);
        for (int k = 0; b && k < a->n_tensors; k++) {
            const lks_tensor *t = &a->tensors[k], *other = lks_diff_tensor(b, t->name);
            pair p = {a, t, a->values + t->offset, b->values + other->offset, {0}};
            p.d = lks_diff_values(p.a, p.b, t->count);
            visit(context, &p);
        }
    }
}

static void visit_tensor(void *rows, const pair *p) {
    put_tensor(rows, p);
}

static void put_tensors(FILE *f, const lks_comparison *c, lks_format format) {
    static const lks_flat flat = {.group = "model"};
    static const lks_tensor tensor = {.name = ""};
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_tensor(&rows, &(pair){.flat = &flat, .tensor = &tensor});
    each_pair(c, visit_tensor, &rows);
    lks_rows_end(&rows);
}

static void put_value(lks_json_object *o, const char *name, float x) {
    char text[32];
    lks_json_key(o, name);
    fputs(lks_json_float(x, text), o->f);
}

/** The first pair of values that differ. */
static void put_first(lks_json_object *o, const pair *p) {
    char label[160], index[128];
    const float a = p->a[p->d.first], b = p->b[p->d.first];
    lks_diff_label(label, p->flat, p->tensor);
    lks_diff_index(index, p->tensor, p->d.first);
    lks_json_key(o, "first");
    lks_json_object first = lks_json_begin(o->f, "");
    lks_json_put_text(&first, "tensor", label);
    lks_json_put_text(&first, "index", index);
    put_value(&first, "a", a);
    put_value(&first, "b", b);
    lks_json_put_number(&first, "ulp", isnan(a) || isnan(b) ? NAN : (double)lks_diff_ulp(a, b));
    lks_json_end(&first, "");
}

typedef struct search {
    lks_json_object *o;
    bool found;
} search;

static void visit_first(void *context, const pair *p) {
    search *s = context;
    if (!s->found && p->d.differing > 0)
        put_first(s->o, p);
    s->found = s->found || p->d.differing > 0;
}

/* --- what is not in both ----------------------------------------------------------------------- */

static void put_shape(lks_rows *r, const lks_flat *flat, const lks_tensor *a, const lks_tensor *b) {
    char label[160], shape[128];
    lks_diff_label(label, flat, a ? a : b);
    lks_row_begin(r);
    lks_row_text(r, "tensor", label);
    if (a)
        lks_diff_shape(shape, a);
    lks_row_text(r, "a", a ? shape : NULL);
    if (b)
        lks_diff_shape(shape, b);
    lks_row_text(r, "b", b ? shape : NULL);
    lks_row_end(r);
}

/** Of groups that both have; how many tensors are listed. */
static int put_layout(FILE *f, const lks_comparison *c) {
    int n = 0;
    lks_rows rows = lks_rows_begin(f, LKS_FORMAT_JSON);
    for (int i = 0; i < c->a->n_flats; i++) {
        const lks_flat *a = &c->a->flats[i], *b = lks_diff_flat(c->b, a->group);
        for (int k = 0; b && k < a->n_tensors; k++) {
            const lks_tensor *other = lks_diff_tensor(b, a->tensors[k].name);
            if (!other || !lks_diff_same_shape(&a->tensors[k], other)) {
                put_shape(&rows, a, &a->tensors[k], other);
                n++;
            }
        }
        for (int k = 0; b && k < b->n_tensors; k++)
            if (!lks_diff_tensor(a, b->tensors[k].name)) {
                put_shape(&rows, b, NULL, &b->tensors[k]);
                n++;
            }
    }
    lks_rows_end(&rows);
    return n;
}

/** Groups that `a` has and `b` has not; whether there are some. */
static bool put_groups(lks_json_object *o, const char *name, const lks_checkpoint *a,
                       const lks_checkpoint *b) {
    bool any = false;
    lks_json_key(o, name);
    putc('[', o->f);
    for (int i = 0; i < a->n_flats; i++)
        if (!lks_diff_flat(b, a->flats[i].group)) {
            fputs(any ? ", " : "", o->f);
            lks_json_text(o->f, a->flats[i].group);
            any = true;
        }
    putc(']', o->f);
    return any;
}

/* --- fields ------------------------------------------------------------------------------------ */

static const char *field_text(const lks_field *f, const void *value, char text[32]) {
    if (f->type == LKS_H5_TEXT)
        return value;
    if (f->type == LKS_H5_F64)
        return lks_json_number(*(const double *)value, text);
    if (f->type == LKS_H5_U64)
        snprintf(text, 32, "%" PRIu64, *(const uint64_t *)value);
    else if (f->type == LKS_H5_I64)
        snprintf(text, 32, "%" PRId64, *(const int64_t *)value);
    else
        snprintf(text, 32, "%" PRId32, *(const int32_t *)value);
    return text;
}

/** Values as texts, so that none of 64 bits loses some; the cursor's are state. */
static void put_fields(FILE *to, lks_comparison *c) {
    lks_rows rows = lks_rows_begin(to, LKS_FORMAT_JSON);
    for (int i = 0; i < lks_n_checkpoint_fields; i++) {
        const lks_field *f = &lks_checkpoint_fields[i];
        const char *group = f->object + 1;
        char name[160], text[2][32];
        if (!lks_diff_field(c, f))
            continue;
        c->state = c->state || strcmp(f->object, "/cursor") == 0;
        snprintf(name, sizeof name, "%s%s%s", group, *group ? "/" : "", f->name);
        lks_row_begin(&rows);
        lks_row_text(&rows, "field", name);
        lks_row_text(&rows, "a", field_text(f, (const char *)c->a + f->offset, text[0]));
        lks_row_text(&rows, "b", field_text(f, (const char *)c->b + f->offset, text[1]));
        lks_row_end(&rows);
    }
    lks_rows_end(&rows);
}

static void put_config(lks_json_object *o, const lks_comparison *c) {
    const char *texts[] = {c->a->config_yaml, c->b->config_yaml};
    size_t lengths[2];
    const int line = lks_diff_line(texts, lengths);
    lks_json_put_number(o, "config_line", line ? line : NAN);
}

/* --- the object -------------------------------------------------------------------------------- */

static void put_digests(lks_json_object *o, const lks_comparison *c) {
    lks_json_put_text(o, "a", c->path_a);
    lks_json_put_text(o, "b", c->path_b);
    lks_json_put_text(o, "a_weights_sha256", c->a->weights_sha256);
    lks_json_put_text(o, "b_weights_sha256", c->b->weights_sha256);
    if (c->weights)
        return;
    lks_json_put_text(o, "a_state_sha256", c->a->state_sha256);
    lks_json_put_text(o, "b_state_sha256", c->b->state_sha256);
}

static void put_differences(lks_json_object *o, lks_comparison *c) {
    search s = {o, false};
    each_pair(c, visit_first, &s);
    c->values = s.found;
    if (!s.found)
        lks_json_put_text_or_null(o, "first", NULL);
    lks_json_key(o, "tensors");
    put_tensors(o->f, c, LKS_FORMAT_JSON);
    if (c->weights)
        return;
    c->state = put_groups(o, "only_in_a", c->a, c->b);
    c->state = put_groups(o, "only_in_b", c->b, c->a) || c->state;
    lks_json_key(o, "fields");
    put_fields(o->f, c);
    put_config(o, c);
}

/** Whether both hold the same network. */
static bool put_object(lks_json_object *o, lks_comparison *c, bool *same) {
    put_digests(o, c);
    lks_json_key(o, "layout");
    const bool comparable = put_layout(o->f, c) == 0;
    if (comparable)
        put_differences(o, c);
    *same = comparable && !c->values && !c->state;
    lks_json_put_bool(o, "identical", *same);
    return comparable;
}

lks_status lks_diff_print_rows(lks_comparison *c, lks_format format, bool *same, lks_error *err) {
    lks_json_page page;
    LKS_TRY(lks_json_page_open(&page, err));
    const bool comparable = put_object(&page.object, c, same);
    if (format == LKS_FORMAT_JSON)
        LKS_TRY(lks_json_page_close(&page, LKS_OK, err));
    else
        lks_text_drop(&page.text);
    if (!comparable)
        return lks_fail(err, LKS_ERR_MISMATCH, "%s and %s hold different networks", c->path_a,
                        c->path_b);
    if (format == LKS_FORMAT_CSV)
        put_tensors(stdout, c, format);
    return LKS_OK;
}
