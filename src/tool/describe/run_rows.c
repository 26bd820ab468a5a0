/* A run folder for programs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json/rows.h"
#include "job/lease.h"
#include "measure/phase_times.h"
#include "run/fault.h"
#include "tool/describe/run_read.h"

/* --- tables ------------------------------------------------------------------------------------ */

/* Columns have the names of metrics.jsonl; of phases the mean over the ranks. */
static void put_epoch(lks_rows *r, const lks_epoch_record *e) {
    lks_row_begin(r);
    lks_row_integer(r, "epoch", e->epoch);
    lks_row_integer(r, "step", e->step);
    lks_row_number(r, "lr", e->lr);
    lks_row_number(r, "train_loss", e->train_loss);
    lks_row_number(r, "train_accuracy", e->train_accuracy);
    lks_row_number(r, "validation_loss", e->validation_loss);
    lks_row_number(r, "validation_accuracy", e->validation_accuracy);
    lks_row_number(r, "test_loss", e->test_loss);
    lks_row_number(r, "test_accuracy", e->test_accuracy);
    lks_row_number(r, "images_per_second", e->images_per_second);
    lks_row_number(r, "seconds", e->seconds);
    lks_row_number(r, "comm_seconds", e->comm_seconds);
    lks_row_number(r, "noise_scale", e->noise_scale);
    lks_row_number(r, "energy_joules", e->energy_joules);
    for (int p = 0; p < LKS_PHASES; p++) {
        char name[LKS_PHASE_NAME_MAX + 16];
        snprintf(name, sizeof name, "phase_%.*s", LKS_PHASE_NAME_MAX, lks_phase_names[p]);
        lks_row_number(r, name, e->phases.of[p].avg);
    }
    lks_row_end(r);
}

static void put_epochs(FILE *f, const lks_history *h, lks_format format) {
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_epoch(&rows, &(lks_epoch_record){0});
    for (size_t i = 0; i < h->n_epochs; i++)
        put_epoch(&rows, &h->epochs[i]);
    lks_rows_end(&rows);
}

static void put_norms(lks_rows *r, const lks_history *h, const float (*norms)[2]) {
    static const char *const what[] = {"gradient_norm", "weight_norm"};
    for (size_t t = 0; t < h->n_norms; t++)
        for (int k = 0; k < 2; k++) {
            char name[LKS_TENSOR_NAME_MAX + 16];
            snprintf(name, sizeof name, "%s %s", what[k], h->norm_names[t]);
            lks_row_float(r, name, norms ? norms[t][k] : NAN);
        }
}

static void put_step(lks_rows *r, const lks_history *h, const lks_step_record *s,
                     const float (*norms)[2]) {
    lks_row_begin(r);
    lks_row_integer(r, "step", s->step);
    lks_row_integer(r, "epoch", s->epoch);
    lks_row_number(r, "loss", s->loss);
    lks_row_number(r, "accuracy", s->accuracy);
    lks_row_number(r, "lr", s->lr);
    lks_row_number(r, "gradient_norm", s->gradient_norm);
    lks_row_number(r, "gradient_variance", s->gradient_variance);
    lks_row_number(r, "gradient_square", s->gradient_square);
    put_norms(r, h, norms);
    lks_row_end(r);
}

static void put_steps(FILE *f, const lks_history *h, lks_format format) {
    lks_rows rows = lks_rows_begin(f, format);
    lks_rows_head(&rows);
    put_step(&rows, h, &(lks_step_record){0}, NULL);
    for (size_t i = 0; i < h->n_steps; i++)
        put_step(&rows, h, &h->steps[i],
                 h->n_norms ? (const float(*)[2])h->norms + i * h->n_norms : NULL);
    lks_rows_end(&rows);
}

static lks_status put_checkpoints(FILE *f, const lks_told_run *r, lks_error *err) {
    char folder[LKS_FOLDER_PATH_MAX], **paths = NULL;
    int n = 0;
    lks_folder_path(r->path, LKS_FOLDER_CHECKPOINTS, folder);
    LKS_TRY(lks_checkpoint_list(folder, false, &paths, &n, err));
    lks_rows rows = lks_rows_begin(f, LKS_FORMAT_JSON);
    for (int i = n - 1; i >= 0; i--) { /* oldest first, like the epochs */
        struct stat s;
        if (stat(paths[i], &s) != 0)
            continue; /* removed meanwhile */
        lks_row_begin(&rows);
        lks_row_text(&rows, "file", strrchr(paths[i], '/') + 1);
        lks_row_integer(&rows, "bytes", s.st_size);
        lks_row_truth(&rows, "best", lks_told_leads(r, LKS_FOLDER_BEST, &s));
        lks_row_truth(&rows, "last", lks_told_leads(r, LKS_FOLDER_LAST, &s));
        lks_row_end(&rows);
    }
    lks_rows_end(&rows);
    free(paths);
    return LKS_OK;
}

/* --- the object -------------------------------------------------------------------------------- */

static void put_status(lks_json_object *o, const lks_told_run *r) {
    char path[LKS_FOLDER_PATH_MAX], status[32] = "", life[LKS_LEASE_TEXT], faults[LKS_FAULTS_TOLD];
    lks_lease_tell(lks_folder_path(r->path, LKS_FOLDER_LIVES, path), life);
    lks_folder_tell_faults(r->path, faults);
    if (r->summary)
        lks_json_get_text(r->summary, "status", status, sizeof status);
    lks_json_put_text(o, "folder", r->path);
    lks_json_put_text_or_null(o, "worked_on_by", life);
    lks_json_put_text_or_null(o, "faults", faults);
    lks_json_put_bool(o, "ended", r->summary != NULL);
    lks_json_put_text_or_null(o, "status", status);
    lks_json_put_bool(o, "stopped_early",
                      r->summary && strstr(r->summary, "\"stopped_early\": true"));
}

static void put_configuration(lks_json_object *o, const lks_config *c) {
    lks_json_put_text(o, "name", c->name);
    lks_json_key(o, "seed");
    fprintf(o->f, "%llu", (unsigned long long)c->seed);
    lks_json_put_integer(o, "epochs_wanted", c->train.epochs);
    lks_json_put_integer(o, "global_batch", c->train.global_batch);
    lks_json_put_text(o, "precision", lks_precision_word(c->train.precision));
    lks_json_put_text(o, "reduce", c->train.reduce == LKS_REDUCE_EXACT ? "exact" : "fp32");
    lks_json_put_text(o, "data", c->data.dir);
}

/* Of summary.json what tells of the results; a summary may be anybody's, so its members are read and written anew. */
static void put_results(lks_json_object *o, const char *summary) {
    static const char *const numbers[] = {
        "test_accuracy",       "test_correct",       "test_total",        "test_loss",
        "test_accuracy_low",   "test_accuracy_high", "test_step",         "validation_accuracy",
        "validation_loss",     "train_seconds",      "images_per_second", "comm_seconds",
        "sent_bytes_per_step", "energy_joules"};
    static const char *const texts[] = {"test_weights", "evaluated", "test_weights_sha256"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        lks_json_put_number(o, numbers[i], lks_json_get_number(summary, numbers[i]));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[LKS_SHA256_HEX];
        lks_json_get_text(summary, texts[i], text, sizeof text);
        lks_json_put_text_or_null(o, texts[i], text);
    }
}

static void put_best(lks_json_object *o, const lks_told_run *r) {
    const lks_best *b = &r->last.best;
    const bool known = r->has_last && b->step > 0;
    lks_json_put_number(o, "best_step", known ? (double)b->step : NAN);
    lks_json_put_number(o, "best_correct", known ? (double)b->correct : NAN);
    lks_json_put_number(o, "best_total", known ? (double)b->total : NAN);
}

/* The newest checkpoint, and which one the folder stands for where that is another. */
static lks_status put_newest(lks_json_object *o, lks_told_run *r, lks_error *err) {
    lks_chosen s;
    lks_error why;
    int64_t parameters;
    LKS_TRY(lks_told_parameters(r, &parameters, err));
    lks_json_put_integer(o, "parameters", parameters);
    lks_json_key(o, "newest");
    lks_json_object newest = lks_json_begin(o->f, "\n    ");
    lks_put_checkpoint(&newest, &r->last);
    lks_json_end(&newest, "");
    if (lks_folder_read(r->path, &s, &why) == LKS_OK) {
        lks_folder_remark(r->remark, "%s", s.remark);
        lks_json_put_integer(o, "tested_with_step", s.checkpoint.cursor.step);
        lks_json_put_text(o, "tested_with_sha256", s.checkpoint.weights_sha256);
        lks_checkpoint_free(&s.checkpoint);
    }
    return LKS_OK;
}

static lks_status put_run(lks_json_object *o, lks_told_run *r, bool steps, lks_error *err) {
    lks_phase_times phases;
    put_status(o, r);
    if (r->has_config)
        put_configuration(o, &r->config);
    if (r->summary)
        put_results(o, r->summary);
    put_best(o, r);
    if (r->has_last)
        LKS_TRY(put_newest(o, r, err));
    lks_json_key(o, "checkpoints");
    LKS_TRY(put_checkpoints(o->f, r, err));
    if (lks_told_phases(&r->history, &phases) > 0) {
        lks_json_key(o, "phases");
        lks_phase_times_put(o->f, &phases);
    }
    lks_json_key(o, "epochs");
    put_epochs(o->f, &r->history, LKS_FORMAT_JSON);
    if (steps) {
        lks_json_key(o, "steps");
        put_steps(o->f, &r->history, LKS_FORMAT_JSON);
    }
    lks_json_put_text_or_null(o, "remark", r->remark);
    return LKS_OK;
}

lks_status lks_print_run_rows(lks_told_run *r, lks_format format, bool steps, lks_error *err) {
    lks_json_page page;
    if (format == LKS_FORMAT_CSV) {
        (steps ? put_steps : put_epochs)(stdout, &r->history, format);
        return LKS_OK;
    }
    LKS_TRY(lks_json_page_open(&page, err));
    return lks_json_page_close(&page, put_run(&page.object, r, steps, err), err);
}
