/* The curves of a run so far, from wherever they are newest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/system_error.h"
#include "lockstep/json.h"
#include "lockstep/phase_times.h"
#include "lockstep/run_folder.h"

static lks_status add_step(lks_history *h, const char *line, int64_t step, int32_t epoch,
                           lks_error *err) {
    const lks_step_record r = {.step = step,
                               .epoch = epoch,
                               .loss = lks_json_get_number(line, "loss"),
                               .accuracy = lks_json_get_number(line, "accuracy"),
                               .lr = lks_json_get_number(line, "lr"),
                               .gradient_norm = lks_json_get_number(line, "gradient_norm")};
    return lks_history_add_step(h, &r, NULL, err);
}

static lks_status add_epoch(lks_history *h, const char *line, int64_t step, int32_t epoch,
                            lks_error *err) {
    const lks_epoch_record r = {.epoch = epoch,
                                .step = step,
                                .lr = lks_json_get_number(line, "lr"),
                                .train_loss = lks_json_get_number(line, "train_loss"),
                                .train_accuracy = lks_json_get_number(line, "train_accuracy"),
                                .validation_loss = lks_json_get_number(line, "validation_loss"),
                                .validation_accuracy =
                                    lks_json_get_number(line, "validation_accuracy"),
                                .test_loss = lks_json_get_number(line, "test_loss"),
                                .test_accuracy = lks_json_get_number(line, "test_accuracy"),
                                .images_per_second = lks_json_get_number(line, "images_per_second"),
                                .seconds = lks_json_get_number(line, "seconds"),
                                .comm_seconds = lks_json_get_number(line, "comm_seconds"),
                                .phases = lks_phase_times_get(line)};
    return lks_history_add_epoch(h, &r, err);
}

/* A line that is still being written is passed over. */
static lks_status add_line(lks_history *h, const char *line, lks_error *err) {
    char type[16];
    const size_t length = strlen(line);
    if (length < 2 || strcmp(line + length - 2, "}\n") != 0 ||
        !lks_json_get_text(line, "type", type, sizeof type))
        return LKS_OK;
    const int64_t step = lks_json_get_integer(line, "step", INT64_MAX, -1);
    const int32_t epoch = (int32_t)lks_json_get_integer(line, "epoch", INT32_MAX, -1);
    if (step < 0 || epoch < 0)
        return LKS_OK;
    if (strcmp(type, "step") == 0)
        return add_step(h, line, step, epoch, err);
    return strcmp(type, "epoch") == 0 ? add_epoch(h, line, step, epoch, err) : LKS_OK;
}

static lks_status read_metrics(FILE *f, const char *path, lks_history *h, lks_error *err) {
    char *line = NULL;
    size_t size = 0;
    lks_status status = LKS_OK;
    while (status == LKS_OK && getline(&line, &size, f) > 0)
        status = add_line(h, line, err);
    if (status == LKS_OK && !feof(f))
        status = lks_fail_system(err, "read", path);
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

/* metrics.jsonl is ahead of the newest checkpoint. */
static lks_status so_far(const char *folder, const lks_checkpoint *newest, lks_history *h,
                         lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_status status = LKS_OK;
    FILE *f = fopen(lks_folder_path(folder, LKS_FOLDER_METRICS, path), "r");
    if (f) {
        status = read_metrics(f, path, h, err);
        fclose(f); /* nothing was written */
    } else if (errno != ENOENT) {
        status = lks_fail_system(err, "read", path);
    } else if (newest) {
        status = copy(h, &newest->history, err);
    }
    if (status != LKS_OK)
        lks_history_free(h);
    return status;
}

lks_status lks_folder_curves(const char *folder, bool ended, const lks_checkpoint *newest,
                             lks_history *history, lks_predictions *test, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    *history = (lks_history){0};
    *test = (lks_predictions){0};
    if (ended && lks_folder_has(folder, LKS_FOLDER_HISTORY))
        return lks_history_read(lks_folder_path(folder, LKS_FOLDER_HISTORY, path), history, test,
                                err);
    return so_far(folder, newest, history, err);
}
