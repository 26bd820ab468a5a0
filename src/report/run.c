#include "report/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "infer/temperature.h"
#include "base/json/json.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "run/run_folder.h"
#include "report/images.h"

/* --- the files of the folder ------------------------------------------------------------------ */

static lks_status check_folder(const lks_report_run *run, lks_error *err) {
    struct stat s;
    if (stat(run->folder, &s) != 0)
        return lks_fail(err, LKS_ERR_IO, "%s: there is no such run folder", run->folder);
    if (!S_ISDIR(s.st_mode))
        return lks_fail(err, LKS_ERR_USAGE, "%s is a file; name a run folder", run->folder);
    if (!lks_folder_is_run(run->folder))
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s is no run folder: it has neither config.yaml nor checkpoints",
                        run->folder);
    return LKS_OK;
}

bool lks_report_imported(const lks_report_run *run) {
    return run->has_checkpoint && !run->summary && lks_checkpoint_imported(&run->checkpoint);
}

double lks_report_number(const lks_report_run *run, const char *key) {
    return run->summary ? lks_json_get_number(run->summary, key) : NAN;
}

/* A checkpoint that cannot be used costs the sections that need weights, not the page. */
static void read_checkpoint(lks_report_run *run) {
    lks_chosen s;
    lks_error err;
    const double step = lks_report_number(run, "test_step");
    if (lks_folder_read(run->folder, &s, &err) != LKS_OK) {
        snprintf(run->problem, sizeof run->problem, "%.500s", err.text);
        return;
    }
    lks_folder_remark(run->remark, "%s", s.remark);
    if (isnan(step) || step == (double)s.checkpoint.cursor.step || s.instead) {
        run->checkpoint = s.checkpoint;
        run->has_checkpoint = true;
        run->instead = s.instead;
        return;
    }
    snprintf(run->problem, sizeof run->problem,
             "%.300s is of step %lld, the results are of step %.0f", s.path,
             (long long)s.checkpoint.cursor.step, step);
    lks_checkpoint_free(&s.checkpoint);
}

/* The curves go on to the newest checkpoint, which need not be the one that is tested. */
static lks_status read_curves(lks_report_run *run, lks_error *err) {
    lks_error unread;
    lks_chosen last;
    const bool has_last = lks_folder_read_newest(run->folder, &last, &unread) == LKS_OK;
    lks_status status =
        lks_folder_curves(run->folder, run->summary, has_last ? &last.checkpoint : NULL,
                          &run->history, &run->test, run->remark, err);
    if (has_last)
        lks_checkpoint_free(&last.checkpoint);
    return status;
}

/* --- what follows from them ------------------------------------------------------------------- */

static lks_status count(lks_report_run *run, lks_error *err) {
    const lks_predictions *p = &run->test;
    run->counts = lks_alloc(1, sizeof *run->counts, "counts", err);
    if (!run->counts)
        return LKS_ERR_MEMORY;
    lks_counts *c = run->counts;
    c->classes = p->classes;
    c->total = p->n;
    if (p->n > 0)
        memcpy(c->confusion, p->confusion,
               (size_t)p->classes * (size_t)p->classes * sizeof *c->confusion);
    for (int k = 0; k < p->classes; k++)
        c->correct += c->confusion[k * p->classes + k];
    return LKS_OK;
}

double lks_report_temperature(const lks_report_run *run) {
    return lks_temperature_value(&run->checkpoint.temperature, run->config.train.label_smoothing,
                                 run->checkpoint.data.classes);
}

lks_shape lks_report_shape(const lks_report_run *run) {
    const lks_data_identity *d = &run->checkpoint.data;
    return (lks_shape){d->rows, d->columns, d->channels};
}

/* Whether config.yaml is that of a run to which the checkpoint belongs: it may have been changed since. */
static lks_status check_config(const lks_report_run *run, lks_error *err) {
    const lks_checkpoint *c = &run->checkpoint;
    lks_config saved;
    LKS_TRY(lks_config_parse(&saved, c->config_yaml, strlen(c->config_yaml), run->folder, NULL, 0,
                             err));
    lks_status status = lks_config_same_run(&saved, &run->config, err);
    lks_config_free(&saved);
    LKS_TRY(status);
    LKS_TRY(lks_class_names_check(&run->config.data, c->data.classes, err));
    return lks_model_shapes(&run->config, lks_report_shape(run), c->data.classes, run->layers, err);
}

/* Where they do not belong together, the checkpoint is not used. */
static lks_status find_layers(lks_report_run *run, lks_error *err) {
    if (!run->has_checkpoint)
        return LKS_OK;
    run->layers = lks_alloc((size_t)run->config.n_layers, sizeof *run->layers, "layers", err);
    if (!run->layers)
        return LKS_ERR_MEMORY;
    lks_error misfit;
    if (check_config(run, &misfit) == LKS_OK)
        return LKS_OK;
    snprintf(run->problem, sizeof run->problem, "config.yaml is not of the checkpoint: %.400s",
             misfit.text);
    lks_checkpoint_free(&run->checkpoint);
    run->has_checkpoint = false;
    lks_free(run->layers);
    run->layers = NULL;
    return LKS_OK;
}

/* One picture must not fill the page. */
#define IMAGE_BYTES_MAX (48 << 10)

bool lks_report_small(lks_shape s) {
    return (int64_t)s.rows * s.columns * s.channels <= IMAGE_BYTES_MAX;
}

static void open_images(lks_report_run *run) {
    lks_error err;
    if (run->test.n == 0 || !run->has_checkpoint)
        return;
    lks_status status = lks_report_images_open(&run->images, &run->config.data, run->test.labels,
                                               run->test.n, &err);
    if (status == LKS_OK)
        status = lks_contested_of_file(&run->contested, &run->images->file, run->test.labels, &err);
    if (status != LKS_OK) {
        snprintf(run->images_problem, sizeof run->images_problem, "%.590s", err.text);
        return;
    }
    const lks_image_file *f = &run->images->file;
    const lks_shape s = lks_report_shape(run);
    run->has_images = f->rows == s.rows && f->columns == s.columns && f->channels == s.channels;
    if (!run->has_images)
        snprintf(run->images_problem, sizeof run->images_problem,
                 "%.500s has images of another shape than the network's", f->path);
    else if (!lks_report_small(s)) {
        run->has_images = false;
        snprintf(run->images_problem, sizeof run->images_problem,
                 "images of %d x %d x %d are too large for this page", s.rows, s.columns,
                 s.channels);
    }
}

lks_status lks_report_image(const lks_report_run *run, int64_t index, uint8_t *pixels,
                            lks_error *err) {
    return lks_report_images_read(run->images, index, pixels, err);
}

const char *lks_report_class(const lks_report_run *run, int k, char text[LKS_NAME_MAX]) {
    if (k < run->config.data.n_class_names)
        snprintf(text, LKS_NAME_MAX, "%s", run->config.data.class_names[k]);
    else
        snprintf(text, LKS_NAME_MAX, "%d", k);
    return text;
}

/* "runs/a/" is called a. */
static void name_run(lks_report_run *run) {
    size_t end = strlen(run->folder);
    while (end > 1 && run->folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && run->folder[start - 1] != '/')
        start--;
    snprintf(run->label, sizeof run->label, "%.*s", (int)(end - start), run->folder + start);
}

static lks_status read_all(lks_report_run *run, const char *data, lks_error *err) {
    LKS_TRY(check_folder(run, err));
    name_run(run);
    lks_folder_summary(run->folder, &run->summary, run->remark);
    read_checkpoint(run);
    LKS_TRY(lks_folder_config(run->folder, run->has_checkpoint ? &run->checkpoint : NULL,
                              &run->config, &run->config_yaml, run->remark, err));
    const lks_key_value folder = {"data.dir", data};
    if (data && lks_config_override(&run->config, &folder, 1, err) != LKS_OK)
        return lks_fail_context(err, "--data");
    LKS_TRY(read_curves(run, err));
    LKS_TRY(count(run, err));
    LKS_TRY(find_layers(run, err));
    open_images(run);
    if (run->remark[0])
        lks_warn("%s", run->remark);
    return LKS_OK;
}

lks_status lks_report_run_read(lks_report_run *run, const char *folder, const char *data,
                               lks_error *err) {
    *run = (lks_report_run){.folder = folder};
    lks_status status = read_all(run, data, err);
    if (status != LKS_OK)
        lks_report_run_free(run);
    return status;
}

void lks_report_run_free(lks_report_run *run) {
    lks_config_free(&run->config);
    free(run->config_yaml);
    free(run->summary);
    lks_history_free(&run->history);
    lks_predictions_free(&run->test);
    lks_free(run->counts);
    lks_checkpoint_free(&run->checkpoint);
    lks_free(run->layers);
    lks_report_images_free(run->images);
    *run = (lks_report_run){0};
}
