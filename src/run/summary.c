#include "run/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lockstep/json.h"
#include "lockstep/phase_times.h"
#include "lockstep/publish.h"
#include "lockstep/run_folder.h"

typedef struct json {
    FILE *f;
    bool first;
} json;

static void key(json *j, const char *name) {
    fprintf(j->f, "%s\n  \"%s\": ", j->first ? "" : ",", name);
    j->first = false;
}

static void put_text(json *j, const char *name, const char *value) {
    key(j, name);
    lks_json_text(j->f, value);
}

static void put_text_or_null(json *j, const char *name, const char *value) {
    if (value[0]) {
        put_text(j, name, value);
    } else {
        key(j, name);
        fputs("null", j->f);
    }
}

static void put_number(json *j, const char *name, double value) {
    char text[32];
    key(j, name);
    fputs(lks_json_number(value, text), j->f);
}

static void put_integer(json *j, const char *name, int64_t value) {
    key(j, name);
    fprintf(j->f, "%lld", (long long)value);
}

static void put_bool(json *j, const char *name, bool value) {
    key(j, name);
    fputs(value ? "true" : "false", j->f);
}

/* What belongs to the weights that the test figures are of, whatever the last ones are. */
static void put_tested(json *j, const lks_tested *t) {
    put_text(j, "test_weights", t->best ? "best" : "last");
    put_integer(j, "test_step", t->step);
    put_integer(j, "test_epoch", t->epoch);
    put_text(j, "evaluated", t->average ? LKS_AVERAGE : "model");
    put_text_or_null(j, "test_weights_sha256", t->weights_sha256);
    put_number(j, "test_validation_accuracy", t->validation_accuracy);
    put_number(j, "test_validation_loss", t->validation_loss);
}

static void put_results(json *j, const lks_summary_results *r) {
    const lks_counts *t = r->test;
    double low, high;
    lks_class_metrics macro = lks_macro_metrics(t);
    lks_wilson(t->correct, t->total, &low, &high);
    put_number(j, "test_accuracy", lks_accuracy(t));
    put_integer(j, "test_correct", t->correct);
    put_integer(j, "test_total", t->total);
    put_number(j, "test_loss", lks_mean_loss(t));
    put_number(j, "test_accuracy_low", t->total ? low : NAN);
    put_number(j, "test_accuracy_high", t->total ? high : NAN);
    put_number(j, "test_top3", t->total ? (double)t->top3 / (double)t->total : NAN);
    put_number(j, "test_macro_precision", t->total ? macro.precision : NAN);
    put_number(j, "test_macro_recall", t->total ? macro.recall : NAN);
    put_number(j, "test_macro_f1", t->total ? macro.f1 : NAN);
    put_tested(j, &r->tested);
    put_number(j, "validation_accuracy", lks_accuracy(r->validation));
    put_number(j, "validation_loss", lks_mean_loss(r->validation));
}

static void put_work(json *j, const lks_summary_work *w, const lks_cursor *c) {
    put_integer(j, "epochs", c->epoch);
    put_integer(j, "steps", c->step);
    put_bool(j, "stopped_early", w->stopped_early);
    put_integer(j, "samples_seen", c->samples_seen);
    put_integer(j, "parameters", w->parameters);
    put_number(j, "train_seconds", w->train_seconds);
    put_number(j, "images_per_second", w->images_per_second);
    put_number(j, "comm_seconds", w->comm_seconds);
    key(j, "phases");
    lks_phase_times_put(j->f, &w->phases);
    key(j, "peak_rss_mib");
    lks_resident_put(j->f, w->resident);
}

/* An object, or null for a run that started from initial weights. */
static void put_init_from(json *j, const lks_init_source *s) {
    if (!s->path[0]) {
        put_text_or_null(j, "init_from", "");
        return;
    }
    key(j, "init_from");
    fputs("{\"path\": ", j->f);
    lks_json_text(j->f, s->path);
    fputs(", \"weights_sha256\": ", j->f);
    lks_json_text(j->f, s->weights_sha256);
    fputs(", \"weights\": ", j->f);
    lks_json_text(j->f, s->flat);
    fputc('}', j->f);
}

static void put_origin(json *j, const lks_checkpoint *c, const char *resumed_from) {
    const lks_provenance *p = &c->provenance;
    put_text(j, "weights_sha256", c->weights_sha256);
    put_text(j, "state_sha256", c->state_sha256);
    put_text(j, "data_digest", c->data.digest);
    put_integer(j, "numerics", c->numerics);
    key(j, "seed");
    fprintf(j->f, "%llu", (unsigned long long)c->seed);
    put_integer(j, "world_size", p->ranks);
    put_integer(j, "threads_per_rank", p->threads);
    put_text(j, "isa", p->isa);
    put_text(j, "hosts", p->hosts);
    put_text(j, "mpi", p->mpi);
    put_text(j, "version", p->version);
    put_text(j, "revision", p->revision);
    put_text_or_null(j, "resumed_from", resumed_from);
    put_init_from(j, &p->init_from);
}

static lks_status to_text(const lks_summary *s, const char *path, lks_text *text, lks_error *err) {
    LKS_TRY(lks_text_open(text, path, err));
    json j = {text->f, true};
    fputc('{', j.f);
    put_text(&j, "status", s->status);
    put_results(&j, &s->results);
    put_work(&j, &s->work, &s->state->cursor);
    put_origin(&j, s->state, s->resumed_from);
    fputs("\n}\n", j.f);
    return lks_text_close(text, path, err);
}

/* --- the file --------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b, const char *name) {
    char x[LKS_SHA256_HEX], y[LKS_SHA256_HEX];
    return lks_json_get_text(a, name, x, sizeof x) && lks_json_get_text(b, name, y, sizeof y) &&
           strcmp(x, y) == 0;
}

static bool same_number(const char *a, const char *b, const char *name) {
    const double x = lks_json_get_number(a, name), y = lks_json_get_number(b, name);
    return x == y || (isnan(x) && isnan(y));
}

/* Whether two summaries tell of the same weights and the same test. */
static bool same_outcome(const char *a, const char *b) {
    return same_text(a, b, "state_sha256") && same_text(a, b, "test_weights") &&
           same_number(a, b, "test_step") && same_number(a, b, "test_total") &&
           same_number(a, b, "test_correct") && same_number(a, b, "test_loss");
}

static bool is_there(const char *folder, const char *text) {
    char *there;
    lks_error unread;
    if (lks_folder_summary(folder, &there, &unread) != LKS_OK || !there)
        return false;
    const bool same = same_outcome(there, text);
    free(there);
    return same;
}

lks_status lks_summary_write(const char *folder, const lks_summary *s, bool worked,
                             lks_error *err) {
    lks_text text;
    char path[LKS_FOLDER_PATH_MAX];
    lks_folder_path(folder, LKS_FOLDER_SUMMARY, path);
    LKS_TRY(to_text(s, path, &text, err));
    lks_status status = LKS_OK;
    if (worked || !is_there(folder, text.bytes))
        status = lks_publish_text(path, text.bytes, text.size, err);
    free(text.bytes);
    return status;
}
