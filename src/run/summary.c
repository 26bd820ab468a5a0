#include "run/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/json/json.h"
#include "measure/phase_times.h"
#include "files/publish.h"
#include "run/run_folder.h"

/* What belongs to the weights that the test figures are of, whatever the last ones are. */
static void put_tested(lks_json_object *j, const lks_tested *t) {
    lks_json_put_text(j, "test_weights", t->best ? "best" : "last");
    lks_json_put_integer(j, "test_step", t->step);
    lks_json_put_integer(j, "test_epoch", t->epoch);
    lks_json_put_text(j, "evaluated", t->average ? LKS_AVERAGE : "model");
    lks_json_put_text_or_null(j, "test_weights_sha256", t->weights_sha256);
    lks_json_put_number(j, "test_validation_accuracy", t->validation_accuracy);
    lks_json_put_number(j, "test_validation_loss", t->validation_loss);
}

/* How sure they may be, and what that was fitted on; null where nothing was. */
static void put_temperature(lks_json_object *j, const lks_temperature *t) {
    const bool known = t->images > 0;
    lks_json_put_number(j, "temperature", known ? t->value : NAN);
    lks_json_put_number(j, "temperature_images", known ? (double)t->images : NAN);
    lks_json_put_number(j, "temperature_wrong", known ? (double)t->wrong : NAN);
    lks_json_put_number(j, "temperature_nll_before", known ? t->nll_before : NAN);
    lks_json_put_number(j, "temperature_nll_after", known ? t->nll_after : NAN);
}

static void put_results(lks_json_object *j, const lks_summary_results *r) {
    const lks_counts *t = r->test;
    double low, high;
    lks_class_metrics macro = lks_macro_metrics(t);
    lks_wilson(t->correct, t->total, &low, &high);
    lks_json_put_number(j, "test_accuracy", lks_accuracy(t));
    lks_json_put_integer(j, "test_correct", t->correct);
    lks_json_put_integer(j, "test_total", t->total);
    lks_json_put_number(j, "test_loss", lks_mean_loss(t));
    lks_json_put_number(j, "test_accuracy_low", t->total ? low : NAN);
    lks_json_put_number(j, "test_accuracy_high", t->total ? high : NAN);
    lks_json_put_number(j, "test_top3", t->total ? (double)t->top3 / (double)t->total : NAN);
    lks_json_put_number(j, "test_macro_precision", t->total ? macro.precision : NAN);
    lks_json_put_number(j, "test_macro_recall", t->total ? macro.recall : NAN);
    lks_json_put_number(j, "test_macro_f1", t->total ? macro.f1 : NAN);
    lks_json_put_number(j, "test_contested", r->contested ? r->contested : NAN);
    lks_json_put_number(j, "test_contested_wrong", r->contested ? r->contested_wrong : NAN);
    put_tested(j, &r->tested);
    lks_json_put_number(j, "validation_accuracy", lks_accuracy(r->validation));
    lks_json_put_number(j, "validation_loss", lks_mean_loss(r->validation));
    put_temperature(j, &r->tested.temperature);
}

static void put_work(lks_json_object *j, const lks_summary_work *w, const lks_cursor *c) {
    lks_json_put_integer(j, "epochs", c->epoch);
    lks_json_put_integer(j, "steps", c->step);
    lks_json_put_bool(j, "stopped_early", w->stopped_early);
    lks_json_put_integer(j, "samples_seen", c->samples_seen);
    lks_json_put_integer(j, "parameters", w->parameters);
    lks_json_put_number(j, "train_seconds", w->train_seconds);
    lks_json_put_number(j, "images_per_second", w->images_per_second);
    lks_json_put_number(j, "comm_seconds", w->comm_seconds);
    lks_json_put_number(j, "sent_bytes_per_step", w->sent_bytes_per_step);
    lks_json_put_number(j, "energy_joules", w->energy_joules);
    lks_json_key(j, "phases");
    lks_phase_times_put(j->f, &w->phases);
    lks_json_key(j, "peak_rss_mib");
    lks_resident_put(j->f, w->resident);
}

/* An object, or null for a run that started from initial weights. */
static void put_init_from(lks_json_object *j, const lks_init_source *s) {
    if (!s->path[0]) {
        lks_json_put_text_or_null(j, "init_from", "");
        return;
    }
    lks_json_key(j, "init_from");
    fputs("{\"path\": ", j->f);
    lks_json_text(j->f, s->path);
    fputs(", \"weights_sha256\": ", j->f);
    lks_json_text(j->f, s->weights_sha256);
    fputs(", \"weights\": ", j->f);
    lks_json_text(j->f, s->flat);
    fputc('}', j->f);
}

static void put_origin(lks_json_object *j, const lks_checkpoint *c, const char *resumed_from) {
    const lks_provenance *p = &c->provenance;
    lks_json_put_text(j, "weights_sha256", c->weights_sha256);
    lks_json_put_text(j, "state_sha256", c->state_sha256);
    lks_json_put_text_or_null(j, "chain_sha256", c->history.chain.end);
    lks_json_put_text(j, "data_digest", c->data.digest);
    lks_json_put_integer(j, "numerics", c->numerics);
    lks_json_key(j, "seed");
    fprintf(j->f, "%llu", (unsigned long long)c->seed);
    lks_json_put_integer(j, "world_size", p->ranks);
    lks_json_put_integer(j, "threads_per_rank", p->threads);
    lks_json_put_text(j, "isa", p->isa);
    lks_json_put_text(j, "hosts", p->hosts);
    lks_json_put_text(j, "mpi", p->mpi);
    lks_json_put_text(j, "version", p->version);
    lks_json_put_text(j, "revision", p->revision);
    lks_json_put_text_or_null(j, "resumed_from", resumed_from);
    put_init_from(j, &p->init_from);
}

static lks_status to_text(const lks_summary *s, const char *path, lks_text *text, lks_error *err) {
    LKS_TRY(lks_text_open(text, path, err));
    lks_json_object j = lks_json_begin(text->f, "\n  ");
    lks_json_put_text(&j, "status", s->status);
    put_results(&j, &s->results);
    put_work(&j, &s->work, &s->state->cursor);
    put_origin(&j, s->state, s->resumed_from);
    lks_json_put_text(&j, "precision", s->precision);
    lks_json_put_text(&j, "products", s->unit);
    lks_json_put_text(&j, "exchange", s->exchange);
    fputs(",\n", j.f);
    char digest[LKS_SHA256_HEX] = "";
    const lks_status status =
        fflush(j.f) == 0 ? lks_sha256_buffer(text->bytes, text->size, digest, err) : LKS_OK;
    fprintf(j.f, LKS_SUMMARY_SEAL "%s" LKS_SUMMARY_SEAL_END, digest);
    LKS_TRY(lks_text_close(text, path, err)); /* tells of a lack of memory */
    if (status != LKS_OK)
        free(text->bytes);
    return status;
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
    lks_folder_summary(folder, &there, NULL);
    if (!there)
        return false;
    const bool same = same_outcome(there, text);
    free(there);
    return same;
}

lks_status lks_summary_text(const lks_summary *s, char **text, lks_error *err) {
    lks_text t;
    LKS_TRY(to_text(s, "summary.json", &t, err));
    *text = t.bytes;
    return LKS_OK;
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
