/* The curves of a run so far, from wherever they are newest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/system_error.h"
#include "files/whole_file.h"
#include "base/json/json.h"
#include "run/run_folder.h"
#include "run/metrics_read.h"

static lks_status read_metrics(FILE *f, const char *path, lks_history *h, int *damaged,
                               lks_error *err) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    lks_status status = LKS_OK;
    while (status == LKS_OK && (length = lks_read_line(f, &line, &size)) > 0)
        status = lks_metrics_take(h, line, (size_t)length, damaged, err);
    if (status == LKS_OK && !feof(f))
        status = length < -1 ? lks_fail(err, LKS_ERR_IO, "%s has a line that is too long", path)
                             : lks_fail_system(err, "read", path);
    free(line);
    return status;
}

static lks_status copy(lks_history *to, const lks_history *from, lks_error *err) {
    if (from->n_norms > 0)
        LKS_TRY(lks_history_name_norms(to, (const char(*)[LKS_TENSOR_NAME_MAX])from->norm_names,
                                       from->n_norms, err));
    for (size_t i = 0; i < from->n_steps; i++) {
        const float(*norms)[2] = (const float(*)[2])from->norms + i * from->n_norms;
        LKS_TRY(lks_history_add_step(to, &from->steps[i], from->n_norms ? norms : NULL, err));
    }
    for (size_t i = 0; i < from->n_epochs; i++)
        LKS_TRY(lks_history_add_epoch(to, &from->epochs[i], err));
    return LKS_OK;
}

static int64_t last_step(const lks_history *h) {
    const int64_t step = h->n_steps ? h->steps[h->n_steps - 1].step : 0;
    const int64_t epoch = h->n_epochs ? h->epochs[h->n_epochs - 1].step : 0;
    return step > epoch ? step : epoch;
}

static lks_status open_metrics(const char *folder, lks_history *h, char remark[LKS_REMARK_ROOM],
                               lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    int damaged = 0;
    FILE *f = lks_open_regular(lks_folder_path(folder, LKS_FOLDER_METRICS, path));
    if (!f)
        return errno == ENOENT ? LKS_OK : lks_fail_system(err, "read", path);
    const lks_status status = read_metrics(f, path, h, &damaged, err);
    fclose(f); /* nothing was written */
    if (damaged)
        lks_folder_remark(remark, "%s: %d damaged line%s passed over", path, damaged,
                          damaged == 1 ? "" : "s");
    return status;
}

/* metrics.jsonl is ahead of the newest checkpoint, unless it could not be written. */
static lks_status so_far(const char *folder, const lks_checkpoint *newest, lks_history *h,
                         char remark[LKS_REMARK_ROOM], lks_error *err) {
    lks_status status = open_metrics(folder, h, remark, err);
    if (status == LKS_ERR_IO && newest) {
        lks_folder_remark(remark, "%s", err->text);
        status = LKS_OK;
    }
    if (status == LKS_OK && newest && last_step(&newest->history) > last_step(h)) {
        if (last_step(h) > 0)
            lks_folder_remark(
                remark,
                "metrics.jsonl ends at step %lld, before the newest checkpoint, whose "
                "curves are taken",
                (long long)last_step(h));
        lks_history_free(h);
        status = copy(h, &newest->history, err);
    }
    if (status != LKS_OK)
        lks_history_free(h);
    return status;
}

/* --- of a run that has ended ------------------------------------------------------------------ */

static int64_t correct_of(const lks_predictions *p) {
    int64_t correct = 0;
    for (int k = 0; k < p->classes && p->n > 0; k++)
        correct += p->confusion[k * p->classes + k];
    return correct;
}

/* Whether they are of the run that the summary tells of, and not left by an earlier life. */
static bool belong(const lks_history *h, const lks_predictions *p, const char *summary) {
    return (double)h->n_epochs == lks_json_get_number(summary, "epochs") &&
           p->n == lks_json_get_integer(summary, "test_total", INT64_MAX, 0) &&
           correct_of(p) == lks_json_get_integer(summary, "test_correct", INT64_MAX, 0);
}

static bool read_history(const char *folder, const char *summary, lks_history *h,
                         lks_predictions *test, char remark[LKS_REMARK_ROOM]) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_error err;
    if (!lks_folder_has(folder, LKS_FOLDER_HISTORY))
        return false;
    lks_folder_path(folder, LKS_FOLDER_HISTORY, path);
    if (lks_history_read(path, h, test, &err) != LKS_OK) {
        lks_folder_remark(remark, "%s; nothing of it is used", err.text);
        return false;
    }
    if (belong(h, test, summary))
        return true;
    lks_folder_remark(
        remark, "%s is not of the run that summary.json tells of; nothing of it is used", path);
    lks_history_free(h);
    lks_predictions_free(test);
    return false;
}

lks_status lks_folder_curves(const char *folder, const char *summary, const lks_checkpoint *newest,
                             lks_history *history, lks_predictions *test,
                             char remark[LKS_REMARK_ROOM], lks_error *err) {
    *history = (lks_history){0};
    *test = (lks_predictions){0};
    if (summary && read_history(folder, summary, history, test, remark))
        return LKS_OK;
    return so_far(folder, newest, history, remark, err);
}
