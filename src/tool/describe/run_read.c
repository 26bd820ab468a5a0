#include "tool/describe/run_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lockstep/log.h"
#include "lockstep/model.h"

/* --- reading ---------------------------------------------------------------------------------- */

static void read_last(lks_told_run *r) {
    lks_error err;
    lks_chosen s;
    if (!lks_folder_has_checkpoints(r->path))
        return;
    r->has_last = lks_folder_read_newest(r->path, &s, &err) == LKS_OK;
    lks_folder_remark(r->remark, "%s", r->has_last ? s.remark : err.text);
    if (r->has_last)
        r->last = s.checkpoint;
}

static lks_status read_config(lks_told_run *r, lks_error *err) {
    if (!r->has_last && !lks_folder_has(r->path, LKS_FOLDER_CONFIG))
        return LKS_OK;
    LKS_TRY(lks_folder_config(r->path, r->has_last ? &r->last : NULL, &r->config, &r->config_yaml,
                              r->remark, err));
    r->has_config = true;
    return LKS_OK;
}

lks_status lks_told_read(lks_told_run *r, lks_error *err) {
    read_last(r);
    lks_folder_summary(r->path, &r->summary, r->remark);
    LKS_TRY(read_config(r, err));
    return lks_folder_curves(r->path, r->summary, r->has_last ? &r->last : NULL, &r->history,
                             &r->test, r->remark, err);
}

void lks_told_free(lks_told_run *r) {
    if (r->has_last)
        lks_checkpoint_free(&r->last);
    if (r->has_config)
        lks_config_free(&r->config);
    lks_history_free(&r->history);
    lks_predictions_free(&r->test);
    free(r->config_yaml);
    free(r->summary);
}

/* --- what follows from it ---------------------------------------------------------------------- */

static int by_number(const void *a, const void *b) {
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The one that is there most often, the lowest of equals; -1: none is known. Sorts the ranks. */
static int32_t most_frequent(int32_t *ranks, size_t n) {
    int32_t usual = -1;
    size_t most = 0, times = 0;
    qsort(ranks, n, sizeof *ranks, by_number);
    for (size_t i = 0; i < n; i++) {
        times = i > 0 && ranks[i] == ranks[i - 1] ? times + 1 : 1;
        if (ranks[i] >= 0 && times > most) {
            most = times;
            usual = ranks[i];
        }
    }
    return usual;
}

/* The rank that took the most in most of the epochs. */
static int32_t usual_rank(const lks_history *h, int phase) {
    lks_error ignored;
    int32_t *ranks = lks_alloc(h->n_epochs, sizeof *ranks, "ranks", &ignored);
    if (!ranks)
        return -1;
    for (size_t i = 0; i < h->n_epochs; i++)
        ranks[i] = h->epochs[i].phases.of[phase].rank;
    const int32_t usual = most_frequent(ranks, h->n_epochs);
    lks_free(ranks);
    return usual;
}

size_t lks_told_phases(const lks_history *h, lks_phase_times *sum) {
    const size_t n = lks_history_phases(h, sum);
    for (int p = 0; p < LKS_PHASES; p++)
        sum->of[p].rank = n ? usual_rank(h, p) : -1;
    return n;
}

bool lks_told_leads(const lks_told_run *r, lks_folder_file link, const struct stat *file) {
    char path[LKS_FOLDER_PATH_MAX];
    struct stat s;
    return stat(lks_folder_path(r->path, link, path), &s) == 0 && s.st_dev == file->st_dev &&
           s.st_ino == file->st_ino;
}

bool lks_told_imported(const lks_told_run *r) {
    return r->has_last && !r->summary && lks_checkpoint_imported(&r->last);
}

lks_status lks_told_parameters(const lks_told_run *r, int64_t *parameters, lks_error *err) {
    const lks_config *c = &r->config;
    const lks_data_identity *d = &r->last.data;
    const lks_shape input = {d->rows, d->columns, d->channels};
    *parameters = 0;
    lks_layer_info *info = lks_alloc((size_t)c->n_layers, sizeof *info, "the layer table", err);
    if (!info)
        return err->status;
    const lks_status status = lks_model_shapes(c, input, d->classes, info, err);
    for (int i = 0; status == LKS_OK && i < c->n_layers; i++)
        *parameters += info[i].parameters;
    lks_free(info);
    return status;
}
