/* The run folder's files, apart from checkpoints. Rank 0 only. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lockstep/json.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/phase_times.h"
#include "lockstep/publish.h"
#include "lockstep/report.h"
#include "lockstep/shell.h"
#include "train/run.h"

static void path_of(const lks_run *run, const char *name, char path[LKS_PATH_MAX + 64]) {
    snprintf(path, LKS_PATH_MAX + 64, "%s/%s", run->folder, name);
}

/* ,"norms":{"conv1/weight":[gradient,weights],...} */
static void put_norms(FILE *f, const lks_history *h, size_t step) {
    const float(*norms)[2] = (const float(*)[2])h->norms + step * h->n_norms;
    char gradient[32], weight[32];
    fprintf(f, ",\"norms\":{");
    for (size_t t = 0; t < h->n_norms; t++) {
        fputs(t ? "," : "", f);
        lks_json_text(f, h->norm_names[t]);
        fprintf(f, ":[%s,%s]", lks_json_float(norms[t][0], gradient),
                lks_json_float(norms[t][1], weight));
    }
    fprintf(f, "}");
}

static void put_step(FILE *f, const lks_history *h, size_t step) {
    const lks_step_record *r = &h->steps[step];
    char loss[32], accuracy[32], lr[32], norm[32];
    fprintf(f,
            "{\"type\":\"step\",\"step\":%lld,\"epoch\":%d,\"loss\":%s,\"accuracy\":%s,\"lr\":%s,"
            "\"gradient_norm\":%s",
            (long long)r->step, r->epoch, lks_json_number(r->loss, loss),
            lks_json_number(r->accuracy, accuracy), lks_json_number(r->lr, lr),
            lks_json_number(r->gradient_norm, norm));
    if (!isnan(r->gradient_norm) && h->n_norms > 0)
        put_norms(f, h, step);
    fprintf(f, "}\n");
}

static void put_epoch(FILE *f, const lks_epoch_record *r) {
    const struct {
        const char *name;
        double value;
    } figures[] = {{"lr", r->lr},
                   {"train_loss", r->train_loss},
                   {"train_accuracy", r->train_accuracy},
                   {"validation_loss", r->validation_loss},
                   {"validation_accuracy", r->validation_accuracy},
                   {"test_loss", r->test_loss},
                   {"test_accuracy", r->test_accuracy},
                   {"images_per_second", r->images_per_second},
                   {"seconds", r->seconds},
                   {"comm_seconds", r->comm_seconds}};
    char text[32];
    fprintf(f, "{\"type\":\"epoch\",\"epoch\":%d,\"step\":%lld", r->epoch, (long long)r->step);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        fprintf(f, ",\"%s\":%s", figures[i].name, lks_json_number(figures[i].value, text));
    if (!isnan(r->phases.of[LKS_PHASE_TOTAL].avg)) { /* else of an earlier version */
        fprintf(f, ",\"phases\":");
        lks_phase_times_put(f, &r->phases);
    }
    fprintf(f, "}\n");
}

/* The metrics of the history so far, in the order in which they were written: after a resume
 * nothing after the cursor stays. */
static lks_status rewrite_metrics(lks_run *run, const char *path, lks_error *err) {
    size_t e = 0;
    lks_text text;
    LKS_TRY(lks_text_open(&text, path, err));
    const lks_history *h = &run->history;
    for (size_t s = 0; s <= h->n_steps; s++) {
        int64_t step = s < h->n_steps ? h->steps[s].step : INT64_MAX;
        for (; e < h->n_epochs && h->epochs[e].step < step; e++)
            put_epoch(text.f, &h->epochs[e]);
        if (s < h->n_steps)
            put_step(text.f, h, s);
    }
    LKS_TRY(lks_text_close(&text, path, err));
    lks_status status = lks_publish_text(path, text.bytes, text.size, err);
    free(text.bytes);
    return status;
}

/* The tensors whose norms are recorded: those that are trained. */
static lks_status name_norms(lks_run *run, lks_error *err) {
    const lks_model_view *v = &run->view;
    char(*names)[LKS_TENSOR_NAME_MAX] =
        lks_alloc((size_t)v->n_tensors, sizeof *names, "names of tensors", err);
    if (!names)
        return err->status;
    size_t n = 0;
    for (int t = 0; t < v->n_tensors; t++)
        if (v->tensors[t].trained)
            memcpy(names[n++], v->tensors[t].name, sizeof *names);
    lks_status status = LKS_OK;
    if (n > 0)
        status = lks_history_name_norms(&run->history, (const char(*)[LKS_TENSOR_NAME_MAX])names, n,
                                        err);
    lks_free(names);
    return status;
}

lks_status lks_run_start_output(lks_run *run, lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    LKS_TRY(name_norms(run, err));
    path_of(run, "config.yaml", path);
    LKS_TRY(lks_publish_text(path, run->config_yaml, strlen(run->config_yaml), err));
    path_of(run, "metrics.jsonl", path);
    LKS_TRY(rewrite_metrics(run, path, err));
    run->metrics = fopen(path, "a");
    if (!run->metrics)
        return lks_fail(err, LKS_ERR_IO, "%s: cannot append: %s", path, strerror(errno));
    return LKS_OK;
}

lks_status lks_run_record_step(lks_run *run, lks_error *err) {
    const lks_cursor *c = &run->cursor;
    const lks_step_record r = {.step = c->step,
                               .epoch = (int32_t)c->epoch + 1,
                               .loss = run->step_loss,
                               .accuracy = run->step_accuracy,
                               .lr = run->lr,
                               .gradient_norm = run->gradient_norm};
    for (int t = 0, n = 0; t < run->view.n_tensors; t++)
        if (run->view.tensors[t].trained) {
            run->record[n][0] = (float)run->norms[t].gradient;
            run->record[n++][1] = (float)run->norms[t].weight;
        }
    LKS_TRY(lks_history_add_step(&run->history, &r, (const float(*)[2])run->record, err));
    put_step(run->metrics, &run->history, run->history.n_steps - 1);
    fflush(run->metrics);
    return LKS_OK;
}

lks_status lks_run_check_metrics(lks_run *run, lks_error *err) {
    errno = 0;
    if (fflush(run->metrics) == 0 && !ferror(run->metrics))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "%s/metrics.jsonl: cannot write: %s", run->folder,
                    errno ? strerror(errno) : "an earlier write failed");
}

lks_status lks_run_log_epoch(lks_run *run, const lks_epoch_record *r, lks_error *err) {
    put_epoch(run->metrics, r);
    return lks_run_check_metrics(run, err);
}

lks_status lks_run_end_metrics(lks_run *run, lks_error *err) {
    char loss[32], accuracy[32];
    const lks_counts *t = run->test;
    if (t->total > 0)
        fprintf(run->metrics,
                "{\"type\":\"test\",\"step\":%lld,\"epoch\":%lld,\"weights\":\"%s\",\"evaluated\":"
                "\"%s\","
                "\"weights_sha256\":\"%s\",\"test_loss\":%s,\"test_accuracy\":%s,"
                "\"test_correct\":%lld,\"test_total\":%lld}\n",
                (long long)run->tested.step, (long long)run->tested.epoch,
                lks_run_tests_best(run) ? "best" : "last",
                run->tested.average ? LKS_AVERAGE : "model", run->tested.weights_sha256,
                lks_json_number(lks_mean_loss(t), loss), lks_json_number(lks_accuracy(t), accuracy),
                (long long)t->correct, (long long)t->total);
    return lks_run_check_metrics(run, err);
}

lks_status lks_run_write_history(lks_run *run, const lks_predicted *predicted, lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    path_of(run, "history.h5", path);
    if (!predicted)
        return lks_history_write(path, &run->history, NULL, err);
    const lks_predictions test = {.classes = run->test->classes,
                                  .n = run->test->total,
                                  .confusion = run->test->confusion,
                                  .labels = predicted->labels,
                                  .predicted = predicted->classes,
                                  .probabilities = predicted->probabilities};
    return lks_history_write(path, &run->history, &test, err);
}

void lks_run_write_page(const lks_run *run) {
    char path[LKS_PATH_MAX + 64];
    const char *folder = run->folder;
    lks_error err;
    lks_report_path(run->folder, path);
    if (lks_report_write(&folder, 1, NULL, path, &err) == LKS_OK)
        return;
    char *word = lks_shell_word(folder);
    lks_warn("no report was written; `lockstep report %s` tries again: %s", word ? word : folder,
             err.text);
    free(word);
}

/* --- summary.json ----------------------------------------------------------------------------- */

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

/* What belongs to the weights that the test figures are of, whatever the last ones are. */
static void put_tested(json *j, const lks_run *run) {
    const lks_tested *t = &run->tested;
    const bool scored = t->weights_sha256[0];
    put_integer(j, "test_step", scored ? t->step : run->cursor.step);
    put_integer(j, "test_epoch", scored ? t->epoch : run->cursor.epoch);
    put_text(j, "evaluated", run->average.weights ? LKS_AVERAGE : "model");
    put_text_or_null(j, "test_weights_sha256", t->weights_sha256);
    put_number(j, "test_validation_accuracy", scored ? t->validation_accuracy : NAN);
    put_number(j, "test_validation_loss", scored ? t->validation_loss : NAN);
}

static void put_results(json *j, const lks_run *run) {
    const lks_counts *t = run->test;
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
    put_text(j, "test_weights", lks_run_tests_best(run) ? "best" : "last");
    put_tested(j, run);
    put_number(j, "validation_accuracy", lks_accuracy(run->validation));
    put_number(j, "validation_loss", lks_mean_loss(run->validation));
}

static void put_bool(json *j, const char *name, bool value) {
    key(j, name);
    fputs(value ? "true" : "false", j->f);
}

static void put_work(json *j, const lks_run *run) {
    put_integer(j, "epochs", run->cursor.epoch);
    put_integer(j, "steps", run->cursor.step);
    put_bool(j, "stopped_early",
             lks_early_stop_reached(&run->cursor.early_stop, &run->config.train));
    put_integer(j, "samples_seen", run->cursor.samples_seen);
    put_integer(j, "parameters", (int64_t)run->view.n_parameters);
    put_number(j, "train_seconds", run->train_seconds);
    put_number(j, "images_per_second",
               run->trained_seconds > 0 ? (double)run->trained_samples / run->trained_seconds : 0);
    put_number(j, "comm_seconds", run->trained_comm);
    key(j, "phases");
    lks_phase_times_put(j->f, &run->phase_times);
    key(j, "peak_rss_mib");
    lks_resident_put(j->f, run->resident);
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

static void put_origin(json *j, const lks_run *run, const lks_checkpoint *c) {
    put_text(j, "weights_sha256", c->weights_sha256);
    put_text(j, "state_sha256", c->state_sha256);
    put_text(j, "data_digest", run->data.identity.digest);
    put_integer(j, "numerics", LKS_NUMERICS);
    key(j, "seed");
    fprintf(j->f, "%llu", (unsigned long long)run->config.seed);
    put_integer(j, "world_size", run->comm->size);
    put_integer(j, "threads_per_rank", run->threads);
    put_text(j, "isa", run->kernels->isa);
    put_text(j, "hosts", run->provenance.hosts);
    put_text(j, "mpi", run->provenance.mpi);
    put_text(j, "version", run->provenance.version);
    put_text(j, "revision", run->provenance.revision);
    put_text_or_null(j, "resumed_from", run->resumed_from);
    put_init_from(j, &run->provenance.init_from);
}

/* True where the summary there is of just this state. */
static bool is_summary_of(const char *path, const lks_checkpoint *c) {
    char line[4096];
    bool found = false;
    FILE *f = fopen(path, "r");
    while (f && !found && fgets(line, sizeof line, f))
        found = strstr(line, "\"state_sha256\"") && strstr(line, c->state_sha256);
    if (f)
        fclose(f);
    return found;
}

void lks_run_remove_summary(const lks_run *run) {
    char path[LKS_PATH_MAX + 64];
    path_of(run, "summary.json", path);
    remove(path);
    lks_report_path(run->folder, path);
    remove(path);
}

lks_status lks_run_write_summary(lks_run *run, const char *status, lks_error *err) {
    lks_checkpoint c;
    lks_text text;
    char path[LKS_PATH_MAX + 64];
    lks_run_snapshot(run, &c);
    LKS_TRY(lks_checkpoint_digest(&c, err));
    path_of(run, "summary.json", path);
    /* A finished run that was started again keeps the summary of the work that was done. */
    if (run->cursor.step == run->first_step && is_summary_of(path, &c))
        return LKS_OK;
    LKS_TRY(lks_text_open(&text, path, err));
    json j = {text.f, true};
    fputc('{', j.f);
    put_text(&j, "status", status);
    put_results(&j, run);
    put_work(&j, run);
    put_origin(&j, run, &c);
    fputs("\n}\n", j.f);
    LKS_TRY(lks_text_close(&text, path, err));
    lks_status result = lks_publish_text(path, text.bytes, text.size, err);
    free(text.bytes);
    return result;
}
