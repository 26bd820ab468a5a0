#include "infer/eval_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json/rows.h"
#include "lockstep/log.h"

/* --- for people -------------------------------------------------------------------------------- */

static void print_counts(const lks_eval_found *f) {
    const lks_ensemble *e = f->networks;
    char title[96];
    const int side = 2 * e->shifts + 1;
    for (int k = 0; k < e->n; k++) {
        const lks_network *m = &e->members[k];
        lks_info("%s: network %s after %lld step%s (%lld epoch%s), weights %.16s%s", m->path,
                 m->config.name, (long long)m->cursor.step, m->cursor.step == 1 ? "" : "s",
                 (long long)m->cursor.epoch, m->cursor.epoch == 1 ? "" : "s", m->weights_sha256,
                 m->averaged ? ", evaluated with their average" : "");
    }
    snprintf(title, sizeof title, "%s", f->part);
    if (e->n > 1)
        snprintf(title, sizeof title, "%s, mean of %d networks", f->part, e->n);
    if (e->shifts)
        snprintf(title + strlen(title), sizeof title - strlen(title), "%s %d shifts",
                 e->n > 1 ? " and" : ", mean of", side * side);
    lks_counts_print(f->counts, &e->members[0].config.data, title, stdout);
}

static void print_contested(const lks_eval_found *f) {
    const lks_contested *c = f->contested;
    const lks_counts *counts = f->counts;
    const int64_t others = counts->total - c->n, errors = counts->total - counts->correct;
    const int among = f->contested_wrong;
    printf(
        "\nhuman raters contest the labels of %d of these images (%s): %d of the %lld errors are "
        "among them, accuracy without them %.2f %% (%lld of %lld)\n",
        c->n, c->source, among, (long long)errors,
        100 * (double)(others - errors + among) / (double)others,
        (long long)(others - errors + among), (long long)others);
    fflush(stdout);
}

void lks_eval_print(const lks_eval_found *f) {
    print_counts(f);
    if (f->contested)
        print_contested(f);
    if (f->n_worst == 0)
        return;
    printf("\nthe %d of %lld %s images with the highest loss, by their number in %s\n", f->n_worst,
           (long long)f->counts->total, f->part, f->path);
    lks_worst_print(f->worst, f->n_worst, &f->networks->members[0].config.data, f->contested);
}

/* --- tables ------------------------------------------------------------------------------------ */

static const char *class_name(const lks_eval_found *f, int k) {
    const lks_data_config *data = &f->networks->members[0].config.data;
    return k < data->n_class_names ? data->class_names[k] : "";
}

/* A row of the confusion matrix is part of the class's. */
static void put_class(lks_rows *r, const lks_eval_found *f, int k) {
    const lks_counts *c = f->counts;
    const lks_class_metrics m = lks_class_metrics_of(c, k);
    lks_row_begin(r);
    lks_row_integer(r, "class", k);
    lks_row_text(r, "name", class_name(f, k));
    lks_row_integer(r, "images", m.support);
    lks_row_number(r, "precision", m.precision);
    lks_row_number(r, "recall", m.recall);
    lks_row_number(r, "f1", m.f1);
    for (int answer = 0; answer < c->classes; answer++) {
        char name[32];
        snprintf(name, sizeof name, "answered_%d", answer);
        lks_row_integer(r, name, c->confusion[k * c->classes + answer]);
    }
    lks_row_end(r);
}

static void put_classes(FILE *to, const lks_eval_found *f, lks_format format) {
    lks_rows rows = lks_rows_begin(to, format);
    lks_rows_head(&rows);
    put_class(&rows, f, 0);
    for (int k = 0; k < f->counts->classes; k++)
        put_class(&rows, f, k);
    lks_rows_end(&rows);
}

static void put_image(lks_rows *r, const lks_eval_found *f, const lks_worst *w) {
    lks_row_begin(r);
    lks_row_integer(r, "image", w->id);
    lks_row_integer(r, "label", w->label);
    lks_row_text(r, "label_name", class_name(f, w->label));
    lks_row_integer(r, "answer", w->answer);
    lks_row_text(r, "answer_name", class_name(f, w->answer));
    lks_row_float(r, "probability", w->probability);
    lks_row_number(r, "loss", w->loss);
    lks_row_truth(r, "contested", lks_contested_has(f->contested, w->id));
    lks_row_end(r);
}

static void put_images(FILE *to, const lks_eval_found *f, lks_format format) {
    lks_rows rows = lks_rows_begin(to, format);
    lks_rows_head(&rows);
    put_image(&rows, f, &(lks_worst){0});
    for (int i = 0; i < f->n_worst; i++)
        put_image(&rows, f, &f->worst[i]);
    lks_rows_end(&rows);
}

static void put_networks(FILE *to, const lks_ensemble *e) {
    lks_rows rows = lks_rows_begin(to, LKS_FORMAT_JSON);
    for (int k = 0; k < e->n; k++) {
        const lks_network *m = &e->members[k];
        lks_row_begin(&rows);
        lks_row_text(&rows, "path", m->path);
        lks_row_text(&rows, "name", m->config.name);
        lks_row_integer(&rows, "step", m->cursor.step);
        lks_row_integer(&rows, "epoch", m->cursor.epoch);
        lks_row_text(&rows, "weights_sha256", m->weights_sha256);
        lks_row_truth(&rows, "averaged", m->averaged);
        lks_row_end(&rows);
    }
    lks_rows_end(&rows);
}

/* --- the object -------------------------------------------------------------------------------- */

static void put_figures(lks_json_object *o, const lks_counts *c) {
    const lks_class_metrics macro = lks_macro_metrics(c);
    double low, high;
    lks_wilson(c->correct, c->total, &low, &high);
    lks_json_put_integer(o, "total", c->total);
    lks_json_put_integer(o, "correct", c->correct);
    lks_json_put_number(o, "accuracy", lks_accuracy(c));
    lks_json_put_number(o, "accuracy_low", c->total ? low : NAN);
    lks_json_put_number(o, "accuracy_high", c->total ? high : NAN);
    lks_json_put_number(o, "top3", c->total ? (double)c->top3 / (double)c->total : NAN);
    lks_json_put_number(o, "loss", lks_mean_loss(c));
    lks_json_put_number(o, "macro_precision", macro.precision);
    lks_json_put_number(o, "macro_recall", macro.recall);
    lks_json_put_number(o, "macro_f1", macro.f1);
}

static void put_found(lks_json_object *o, const lks_eval_found *f) {
    lks_json_key(o, "networks");
    put_networks(o->f, f->networks);
    lks_json_put_integer(o, "shifts", f->networks->shifts);
    lks_json_put_text(o, "part", f->part);
    lks_json_put_text(o, "path", f->path);
    put_figures(o, f->counts);
    lks_json_put_number(o, "contested", f->contested ? f->contested->n : NAN);
    lks_json_put_number(o, "contested_wrong", f->contested ? f->contested_wrong : NAN);
    lks_json_key(o, "classes");
    put_classes(o->f, f, LKS_FORMAT_JSON);
    if (f->n_worst == 0)
        return;
    lks_json_key(o, "worst");
    put_images(o->f, f, LKS_FORMAT_JSON);
}

lks_status lks_eval_print_rows(const lks_eval_found *found, lks_format format, lks_error *err) {
    lks_json_page page;
    if (format == LKS_FORMAT_CSV) {
        (found->n_worst ? put_images : put_classes)(stdout, found, format);
        return LKS_OK;
    }
    LKS_TRY(lks_json_page_open(&page, err));
    put_found(&page.object, found);
    return lks_json_page_close(&page, LKS_OK, err);
}
