/* A run folder, for people; for programs: run_rows.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "job/lease.h"
#include "run/fault.h"
#include "tool/describe/run_read.h"
#include "io/checkpoint.h"
#include "base/json/json.h"
#include "lockstep/log.h"
#include "measure/phase_times.h"
#include "run/run_folder.h"

/* --- printing --------------------------------------------------------------------------------- */

/* Of a run without a summary. */
static void print_unended(const lks_told_run *r, bool at_work) {
    char path[LKS_FOLDER_PATH_MAX];
    struct stat s;
    if (lks_told_imported(r))
        lks_print(
            stdout,
            "status         imported, not trained here: `lockstep eval %s` tests it, `lockstep "
            "train CONFIG --init-from %s` trains it further\n",
            r->path, r->path);
    else if (stat(lks_folder_path(r->path, LKS_FOLDER_METRICS, path), &s) != 0)
        lks_print(stdout, "status         %s: no figures yet\n", at_work ? "at work" : "not ended");
    else if (at_work)
        printf("status         at work; the last figures came %lld s ago\n",
               (long long)(time(NULL) - s.st_mtime));
    else
        lks_print(stdout, "status         not ended: stopped, or failed; the command that began it "
                          "goes on\n");
}

static void print_status(const lks_told_run *r) {
    char path[LKS_FOLDER_PATH_MAX], status[32], life[LKS_LEASE_TEXT];
    char faults[LKS_FAULTS_TOLD];
    lks_print(stdout, "run folder     %s\n", r->path);
    const bool at_work = lks_lease_tell(lks_folder_path(r->path, LKS_FOLDER_LIVES, path), life);
    if (life[0])
        lks_print(stdout, "worked on by   %s\n", life);
    lks_folder_tell_faults(r->path, faults);
    if (faults[0])
        lks_print(stdout, "faults         %s\n", faults);
    if (!r->summary) {
        print_unended(r, at_work);
        return;
    }
    lks_json_get_text(r->summary, "status", status, sizeof status);
    lks_print(stdout, "status         %s%s\n", status,
              strstr(r->summary, "\"stopped_early\": true") ? ", stopped early" : "");
}

static void print_config(const lks_told_run *r) {
    const lks_config *c = &r->config;
    if (!r->has_config)
        return;
    lks_print(stdout, "configuration  %s: %d epoch%s, global batch %d, %s, %s, seed %llu\n",
              c->name, c->train.epochs, c->train.epochs == 1 ? "" : "s", c->train.global_batch,
              lks_precision_word(c->train.precision),
              c->train.reduce == LKS_REDUCE_EXACT ? "exact sums" : "float sums",
              (unsigned long long)c->seed);
}

static lks_status print_network(const lks_told_run *r, lks_error *err) {
    const lks_config *c = &r->config;
    const lks_data_identity *d = &r->last.data;
    char pixels[LKS_PIXELS_TEXT];
    if (!r->has_last) {
        if (r->has_config)
            lks_print(stdout, "data           %s\n", c->data.dir);
        return LKS_OK;
    }
    lks_print(stdout,
              "data           %s: %lld training images of %dx%dx%d, %d classes, digest %.16s\n",
              c->data.dir, (long long)d->n_train, d->rows, d->columns, d->channels, d->classes,
              d->digest);
    lks_print(stdout, "pixels         %s\n", lks_pixels_text(d, pixels));
    int64_t parameters;
    LKS_TRY(lks_told_parameters(r, &parameters, err));
    lks_print(stdout, "network        %lld parameters in %d layers\n", (long long)parameters,
              c->n_layers);
    return LKS_OK;
}

static void print_figure(int width, int digits, double value) {
    if (isnan(value))
        lks_print(stdout, " %*s", width, "-");
    else
        lks_print(stdout, " %*.*f", width, digits, value);
}

static void print_pair(bool shown, double loss, double accuracy) {
    if (!shown)
        return;
    print_figure(11, 4, loss);
    print_figure(7, 2, 100 * accuracy);
}

static void print_epochs(const lks_told_run *r) {
    const lks_history *h = &r->history;
    bool validation = false, test = false;
    for (size_t i = 0; i < h->n_epochs; i++) {
        validation = validation || !isnan(h->epochs[i].validation_loss);
        test = test || !isnan(h->epochs[i].test_loss);
    }
    if (h->n_epochs == 0) {
        if (!lks_told_imported(r))
            lks_print(stdout, "\nno epoch is complete\n");
        return;
    }
    lks_print(stdout, "\nepoch         lr  train loss   acc %%%s%s  images/s   seconds\n",
              validation ? "  valid loss   acc %" : "", test ? "   test loss   acc %" : "");
    for (size_t i = 0; i < h->n_epochs; i++) {
        const lks_epoch_record *e = &h->epochs[i];
        lks_print(stdout, "%5d %10.3g", e->epoch, e->lr);
        print_pair(true, e->train_loss, e->train_accuracy);
        print_pair(validation, e->validation_loss, e->validation_accuracy);
        print_pair(test, e->test_loss, e->test_accuracy);
        print_figure(9, 0, e->images_per_second);
        print_figure(9, 1, e->seconds);
        lks_print(stdout, "\n");
    }
}

/* Epochs that an earlier version trained have no times. */
static void print_phases(const lks_told_run *r) {
    const lks_history *h = &r->history;
    lks_phase_times sum;
    const size_t n = lks_told_phases(h, &sum);
    char title[160];
    if (n == 0)
        return;
    snprintf(
        title, sizeof title,
        "\ntime per phase, seconds, sums over %zu epoch%s: least, mean and most of all ranks, and "
        "the rank that took the most in most epochs",
        n, n == 1 ? "" : "s");
    lks_phase_times_print(stdout, title, &sum);
}

static void print_best(const lks_told_run *r) {
    const lks_best *b = &r->last.best;
    if (!r->has_last || b->step == 0)
        return;
    int epoch = 0;
    for (size_t i = 0; i < r->history.n_epochs; i++)
        if (r->history.epochs[i].step == b->step)
            epoch = r->history.epochs[i].epoch;
    lks_print(stdout,
              "best           after epoch %d: %lld of %lld validation images right (%.2f %%)\n",
              epoch, (long long)b->correct, (long long)b->total,
              100.0 * (double)b->correct / (double)b->total);
}

static lks_status print_checkpoints(const lks_told_run *r, lks_error *err) {
    char folder[LKS_FOLDER_PATH_MAX], **paths = NULL;
    int n = 0;
    lks_folder_path(r->path, LKS_FOLDER_CHECKPOINTS, folder);
    LKS_TRY(lks_checkpoint_list(folder, false, &paths, &n, err));
    if (n == 0)
        lks_print(stdout, "checkpoints    none\n");
    for (int i = n - 1; i >= 0; i--) { /* oldest first, like the epochs */
        struct stat s;
        if (stat(paths[i], &s) != 0)
            continue; /* removed meanwhile */
        printf("%-14s %s  %.2f MiB%s%s\n", i == n - 1 ? "checkpoints" : "",
               strrchr(paths[i], '/') + 1, (double)s.st_size / 1048576,
               lks_told_leads(r, LKS_FOLDER_BEST, &s) ? "  best" : "",
               lks_told_leads(r, LKS_FOLDER_LAST, &s) ? "  last" : "");
    }
    free(paths);
    return LKS_OK;
}

/* Of which weights the test figures are, where they are not simply the last ones. Summaries of earlier
 * versions do not say all of it. */
static void print_tested(const lks_told_run *r) {
    char which[16], digest[LKS_SHA256_HEX], evaluated[32];
    const double validation = lks_json_get_number(r->summary, "test_validation_accuracy");
    if (!lks_json_get_text(r->summary, "test_weights_sha256", digest, sizeof digest))
        return;
    lks_json_get_text(r->summary, "test_weights", which, sizeof which);
    lks_json_get_text(r->summary, "evaluated", evaluated, sizeof evaluated);
    if (strcmp(which, "best") != 0 && strcmp(evaluated, LKS_AVERAGE) != 0)
        return;
    lks_print(stdout, "tested         %s%s weights, step %.0f", which,
              strcmp(evaluated, LKS_AVERAGE) == 0 ? " averaged" : "",
              lks_json_get_number(r->summary, "test_step"));
    if (!isnan(validation))
        lks_print(stdout, ", validation %.2f %%", 100 * validation);
    lks_print(stdout, ": %s\n", digest);
}

static void print_results(const lks_told_run *r) {
    if (!r->summary)
        return;
    double total = lks_json_get_number(r->summary, "test_total");
    if (!(total > 0))
        return;
    lks_print(stdout,
              "test           accuracy %.2f %% (%.0f of %.0f; 95 %% interval %.2f..%.2f %%), loss "
              "%.5f\n",
              100 * lks_json_get_number(r->summary, "test_accuracy"),
              lks_json_get_number(r->summary, "test_correct"), total,
              100 * lks_json_get_number(r->summary, "test_accuracy_low"),
              100 * lks_json_get_number(r->summary, "test_accuracy_high"),
              lks_json_get_number(r->summary, "test_loss"));
    print_tested(r);
}

/* Which of the checkpoints the folder stands for, where that is not the newest. */
static void print_standing(lks_told_run *r) {
    lks_error err;
    lks_chosen s;
    if (lks_folder_read(r->path, &s, &err) != LKS_OK) {
        lks_print(stdout, "tested with    %s\n", err.text);
        return;
    }
    lks_folder_remark(r->remark, "%s", s.remark);
    if (s.checkpoint.cursor.step != r->last.cursor.step) {
        printf("tested with    step %lld, the best by validation: what eval, predict, diff and "
               "report take\n",
               (long long)s.checkpoint.cursor.step);
        lks_print(stdout, "its weights    %s\n", s.checkpoint.weights_sha256);
    }
    lks_checkpoint_free(&s.checkpoint);
}

static void print_last(lks_told_run *r) {
    const lks_checkpoint *c = &r->last;
    if (!r->has_last)
        return;
    print_standing(r);
    lks_print(
        stdout,
        "newest         step %lld, %lld epoch%s and %lld batch%s, %lld samples seen; numerics "
        "%d\n",
        (long long)c->cursor.step, (long long)c->cursor.epoch, c->cursor.epoch == 1 ? "" : "s",
        (long long)c->cursor.batch, c->cursor.batch == 1 ? "" : "es",
        (long long)c->cursor.samples_seen, c->numerics);
    lks_print_digests(c);
    lks_print_origin(c);
}

static lks_status print_run(lks_told_run *r, lks_error *err) {
    print_status(r);
    print_config(r);
    LKS_TRY(print_network(r, err));
    print_epochs(r);
    print_phases(r);
    lks_print(stdout, "\n");
    print_best(r);
    print_results(r);
    LKS_TRY(print_checkpoints(r, err));
    print_last(r);
    return LKS_OK;
}

static lks_status tell(lks_told_run *r, const lks_describe_options *o, lks_error *err) {
    LKS_TRY(lks_told_read(r, err));
    LKS_TRY(o->format == LKS_FORMAT_TEXT ? print_run(r, err)
                                         : lks_print_run_rows(r, o->format, o->steps, err));
    if (r->remark[0])
        lks_warn("%s", r->remark);
    return LKS_OK;
}

lks_status lks_describe_run(const lks_describe_options *o, lks_error *err) {
    lks_told_run *r = lks_alloc(1, sizeof *r, "the run", err);
    if (!r)
        return err->status;
    r->path = o->path;
    const lks_status status = tell(r, o, err);
    lks_told_free(r);
    lks_free(r);
    return status;
}
