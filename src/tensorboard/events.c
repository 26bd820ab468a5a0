#include "tensorboard/events.h"

#include <math.h>
#include <stdint.h>

#include "base/text.h"
#include "base/timer.h"
#include "files/publish.h"
#include "lockstep/log.h"
#include "tensorboard/confusion.h"
#include "tensorboard/event.h"

static lks_event_at now_at(int64_t step) {
    return (lks_event_at){lks_wall(), step};
}

/* --- the history ------------------------------------------------------------------------------ */

static lks_status put_step(FILE *to, const lks_step_record *r, lks_error *err) {
    const lks_scalar scalars[] = {{LKS_TAG_STEP, r->loss},
                                  {"train/accuracy", r->accuracy},
                                  {"train/learning_rate", r->lr},
                                  {"train/gradient_norm", r->gradient_norm},
                                  {"train/gradient_variance", r->gradient_variance},
                                  {"train/gradient_square", r->gradient_square}};
    return lks_event_scalars(to, now_at(r->step), scalars, sizeof scalars / sizeof *scalars, err);
}

static lks_status put_epoch(FILE *to, const lks_epoch_record *r, lks_error *err) {
    const lks_scalar scalars[] = {{LKS_TAG_EPOCH, r->train_loss},
                                  {"epoch/train_accuracy", r->train_accuracy},
                                  {"epoch/validation_loss", r->validation_loss},
                                  {"epoch/validation_accuracy", r->validation_accuracy},
                                  {"epoch/test_loss", r->test_loss},
                                  {"epoch/test_accuracy", r->test_accuracy},
                                  {"epoch/learning_rate", r->lr},
                                  {"epoch/noise_scale", r->noise_scale},
                                  {"epoch/energy_joules", r->energy_joules},
                                  {"speed/images_per_second", r->images_per_second},
                                  {"speed/seconds", r->seconds},
                                  {"speed/comm_seconds", r->comm_seconds}};
    return lks_event_scalars(to, now_at(r->step), scalars, sizeof scalars / sizeof *scalars, err);
}

/* Steps from number `s` on, and epochs from `e` on, in the order in which they came. */
static lks_status put_history(FILE *to, const lks_history *h, size_t s, size_t e, lks_error *err) {
    while (s < h->n_steps || e < h->n_epochs) {
        const bool step =
            s < h->n_steps && (e == h->n_epochs || h->steps[s].step <= h->epochs[e].step);
        LKS_TRY(step ? put_step(to, &h->steps[s], err) : put_epoch(to, &h->epochs[e], err));
        s += step;
        e += !step;
    }
    return LKS_OK;
}

/* The history behind what was carried over. */
static lks_status put_missing(FILE *to, const lks_history *h, const lks_event_carried *carried,
                              lks_error *err) {
    size_t s = 0, e = 0;
    while (s < h->n_steps && h->steps[s].step <= carried->step)
        s++;
    while (e < h->n_epochs && h->epochs[e].step <= carried->epoch_step)
        e++;
    return put_history(to, h, s, e, err);
}

/* --- the file --------------------------------------------------------------------------------- */

/* What readers have seen of an earlier file is told anew: they drop all from step 0 on. */
static lks_status put_all(FILE *to, const lks_events *e, long long newest, lks_error *err) {
    lks_event_carried carried;
    LKS_TRY(lks_event_start(to, now_at(0), err));
    LKS_TRY(lks_event_settings(to, now_at(0), e->config, err));
    LKS_TRY(lks_event_folder_carry(e->folder, newest, e->limit, to, &carried, err));
    return put_missing(to, e->history, &carried, err);
}

static lks_status make_text(const void *context, char **text, size_t *size, lks_error *err) {
    const lks_events *e = context;
    long long newest;
    lks_text t;
    LKS_TRY(lks_publish_folder(e->folder, err));
    LKS_TRY(lks_event_folder_newest(e->folder, &newest, err));
    LKS_TRY(lks_text_open(&t, e->account.path, err));
    const lks_status status = put_all(t.f, e, newest, err);
    if (status != LKS_OK) {
        lks_text_drop(&t);
        return status;
    }
    LKS_TRY(lks_text_close(&t, e->account.path, err));
    *text = t.bytes;
    *size = t.size;
    return LKS_OK;
}

/* Two files would tell of steps twice. */
static lks_status remove_older(const lks_events *e, long long number, lks_error *err) {
    const lks_status status = lks_event_folder_remove(e->folder, number, err);
    if (status == LKS_OK || status == LKS_ERR_BUSY)
        return status;
    lks_warn("%s; TensorBoard shows some steps twice until the next start", err->text);
    return LKS_OK;
}

/* Under the number behind the newest: TensorBoard, which may be watching, goes on from file to file and never back. */
static lks_status restart(lks_events *e, lks_error *err) {
    long long newest = 0;
    lks_error why;
    if (lks_event_folder_newest(e->folder, &newest, &why) != LKS_OK)
        newest = 0; /* a folder that cannot be listed cannot be written either, which is told */
    LKS_TRY(
        lks_event_folder_path(e->folder, newest + 1, e->account.path, sizeof e->account.path, err));
    LKS_TRY(lks_account_start(&e->account, make_text, e, err));
    if (!e->account.file)
        return LKS_OK;
    e->limit = INT64_MAX;
    e->steps = e->history->n_steps;
    e->epochs = e->history->n_epochs;
    return remove_older(e, newest + 1, err);
}

lks_status lks_events_open(lks_events *e, const char *folder, const lks_config *config,
                           const lks_history *history, int64_t step, lks_error *err) {
    *e = (lks_events){.config = config, .history = history, .limit = step};
    lks_folder_path(folder, LKS_FOLDER_TENSORBOARD, e->folder);
    return restart(e, err);
}

lks_status lks_events_remove(const char *folder, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    return lks_event_folder_remove(lks_folder_path(folder, LKS_FOLDER_TENSORBOARD, path), INT64_MAX,
                                   err);
}

/* --- as it goes on ---------------------------------------------------------------------------- */

/* Notes a lack of memory, as of the disk. */
static void note(lks_events *e, lks_status status) {
    e->account.cut |= status != LKS_OK;
}

static void put_newest(lks_events *e) {
    lks_error err;
    note(e, put_history(e->account.file, e->history, e->steps, e->epochs, &err));
    e->steps = e->history->n_steps;
    e->epochs = e->history->n_epochs;
}

/* Behind what was lost nothing more is written: what is carried over ends there, and all that follows is made anew. */
static bool has_lost(const lks_events *e) {
    return e->account.cut || ferror(e->account.file);
}

void lks_events_add_steps(lks_events *e) {
    if (!e->account.file || has_lost(e))
        return;
    put_newest(e);
    fflush(e->account.file); /* a failure stays noted in the stream */
}

static lks_status put_confusion(FILE *to, lks_event_at at, const char *tag,
                                const lks_counts *counts, lks_error *err) {
    lks_sheet sheet;
    LKS_TRY(lks_confusion_draw(&sheet, counts, err));
    const lks_status status = lks_event_picture(to, at, tag, &sheet, err);
    lks_sheet_free(&sheet);
    return status;
}

static lks_status put_histogram(FILE *to, lks_event_at at, const char *group, const char *tensor,
                                const lks_histogram *h, lks_error *err) {
    char tag[LKS_TENSOR_NAME_MAX + 16];
    snprintf(tag, sizeof tag, "%s/%s", group, tensor);
    return h->least <= h->most ? lks_event_histogram(to, at, tag, h, err) : LKS_OK;
}

static lks_status put_seen(FILE *to, int64_t step, const lks_events_epoch *seen, lks_error *err) {
    const lks_event_at at = now_at(step);
    if (seen->counts->total > 0)
        LKS_TRY(put_confusion(to, at, "epoch/confusion", seen->counts, err));
    for (int i = 0; i < seen->n_tensors; i++) {
        const lks_tensor_histograms *t = &seen->tensors[i];
        LKS_TRY(put_histogram(to, at, "weights", t->name, &t->weights, err));
        LKS_TRY(put_histogram(to, at, "gradients", t->name, &t->gradients, err));
    }
    return LKS_OK;
}

/* Whether there is a file to append to, which may be made anew for that. */
static lks_status make_ready(lks_events *e, bool *ready, lks_error *err) {
    *ready = false;
    if (!e->history)
        return LKS_OK;
    if (!lks_account_is_whole(&e->account))
        LKS_TRY(restart(e, err));
    *ready = e->account.file != NULL;
    if (*ready)
        put_newest(e);
    return LKS_OK;
}

lks_status lks_events_add_epoch(lks_events *e, const lks_events_epoch *seen, lks_error *err) {
    bool ready;
    lks_error why;
    LKS_TRY(make_ready(e, &ready, err));
    if (!ready)
        return LKS_OK;
    note(e, put_seen(e->account.file, e->history->epochs[e->epochs - 1].step, seen, &why));
    lks_account_is_whole(&e->account);
    return LKS_OK;
}

static lks_status put_result(FILE *to, const lks_events_result *r, lks_error *err) {
    const lks_event_at at = now_at(r->tested->step);
    const lks_scalar scalars[] = {
        {LKS_TAGS_RESULT "test_loss", lks_mean_loss(r->test)},
        {LKS_TAGS_RESULT "test_accuracy", lks_accuracy(r->test)},
        {LKS_TAGS_RESULT "validation_loss", r->tested->validation_loss},
        {LKS_TAGS_RESULT "validation_accuracy", r->tested->validation_accuracy}};
    LKS_TRY(lks_event_scalars(to, at, scalars, sizeof scalars / sizeof *scalars, err));
    if (r->test->total > 0)
        LKS_TRY(put_confusion(to, at, LKS_TAGS_RESULT "confusion", r->test, err));
    if (r->wrong)
        LKS_TRY(lks_event_picture(to, at, LKS_TAGS_RESULT "wrong", r->wrong, err));
    return lks_event_end(to, at, err);
}

lks_status lks_events_finish(lks_events *e, const lks_events_result *result, lks_error *err) {
    bool done = false, ready = true;
    lks_error why;
    for (int try = 0; try < 2 && ready && !done; try++) {
        LKS_TRY(make_ready(e, &ready, err));
        if (ready && result)
            note(e, put_result(e->account.file, result, &why));
        done = ready && lks_account_is_whole(&e->account);
    }
    return LKS_OK;
}

void lks_events_close(lks_events *e) {
    lks_account_close(&e->account);
}
