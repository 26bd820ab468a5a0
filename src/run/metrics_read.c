#include "run/metrics_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json/json.h"
#include "files/system_error.h"
#include "files/whole_file.h"
#include "measure/phase_times.h"
#include "run/metrics.h"

/* --- a line ----------------------------------------------------------------------------------- */

static lks_status add_step(lks_history *h, const char *line, int64_t step, int32_t epoch,
                           lks_error *err) {
    const lks_step_record r = {.step = step,
                               .epoch = epoch,
                               .loss = lks_json_get_number(line, "loss"),
                               .accuracy = lks_json_get_number(line, "accuracy"),
                               .lr = lks_json_get_number(line, "lr"),
                               .gradient_norm = lks_json_get_number(line, "gradient_norm"),
                               .gradient_variance = lks_json_get_number(line, "gradient_variance"),
                               .gradient_square = lks_json_get_number(line, "gradient_square")};
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
                                .noise_scale = lks_json_get_number(line, "noise_scale"),
                                .energy_joules = lks_json_get_number(line, "energy_joules"),
                                .phases = lks_phase_times_get(line)};
    return lks_history_add_epoch(h, &r, err);
}

/* Whether it is a whole line, with the check that lockstep wrote. Lines of earlier versions have none. */
static bool is_sound(const char *line, size_t length) {
    if (length < 3 || line[0] != '{' || strcmp(line + length - 2, "}\n") != 0)
        return false;
    return lks_metrics_check_line(line, length);
}

lks_status lks_metrics_take(lks_history *h, const char *line, size_t length, int *damaged,
                            lks_error *err) {
    char type[16];
    if (!is_sound(line, length)) {
        *damaged += line[length - 1] == '\n';
        return LKS_OK;
    }
    if (!lks_json_get_text(line, "type", type, sizeof type))
        return LKS_OK;
    const int64_t step = lks_json_get_integer(line, "step", INT64_MAX, -1);
    const int32_t epoch = (int32_t)lks_json_get_integer(line, "epoch", INT32_MAX, -1);
    if (step < 0 || epoch < 0)
        return LKS_OK;
    if (strcmp(type, "step") == 0)
        return add_step(h, line, step, epoch, err);
    return strcmp(type, "epoch") == 0 ? add_epoch(h, line, step, epoch, err) : LKS_OK;
}

/* --- a file that grows ------------------------------------------------------------------------ */

void lks_metrics_tail_close(lks_metrics_tail *t) {
    if (t->file)
        fclose(t->file); /* nothing was written */
    lks_history_free(&t->history);
    *t = (lks_metrics_tail){0};
}

/* Whether the open file is still the one of that name, and has what was read of it. */
static bool is_same(const lks_metrics_tail *t, const char *path) {
    struct stat own, there;
    return fstat(fileno(t->file), &own) == 0 && stat(path, &there) == 0 &&
           own.st_dev == there.st_dev && own.st_ino == there.st_ino && there.st_size >= t->at;
}

static lks_status open_file(lks_metrics_tail *t, const char *path, lks_error *err) {
    if (t->file && is_same(t, path))
        return LKS_OK;
    lks_metrics_tail_close(t);
    t->file = lks_open_regular(path);
    return t->file || errno == ENOENT ? LKS_OK : lks_fail_system(err, "read", path);
}

lks_status lks_metrics_tail_read(lks_metrics_tail *t, const char *folder, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX], *line = NULL;
    size_t size = 0;
    ssize_t length;
    lks_folder_path(folder, LKS_FOLDER_METRICS, path);
    LKS_TRY(open_file(t, path, err));
    if (!t->file)
        return LKS_OK;
    clearerr(t->file);
    lks_status status =
        fseek(t->file, t->at, SEEK_SET) == 0 ? LKS_OK : lks_fail_system(err, "read", path);
    while (status == LKS_OK && (length = lks_read_line(t->file, &line, &size)) > 0) {
        if (line[length - 1] != '\n')
            break; /* still on its way */
        t->at += length;
        status = lks_metrics_take(&t->history, line, (size_t)length, &t->damaged, err);
    }
    if (status == LKS_OK && ferror(t->file))
        status = lks_fail_system(err, "read", path);
    free(line);
    return status;
}
