#include "train/events/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "infer/worst.h"
#include "lockstep/log.h"

enum { SHOWN = 40 };

lks_status lks_show_open(lks_run *run, lks_error *err) {
    lks_record *r = &run->record;
    if (!run->config.metrics.tensorboard)
        return LKS_OK;
    return lks_events_open(&r->events, run->place.folder, &run->config, &r->history,
                           run->trainer.cursor.step, err);
}

lks_status lks_show_epoch(lks_record *r, lks_error *err) {
    const lks_counts *counts = r->validation->total > 0 ? r->validation : r->test;
    const lks_events_epoch seen = {counts, r->look.tensors, r->look.n};
    return lks_events_add_epoch(&r->events, &seen, err);
}

/* --- wrong answers ---------------------------------------------------------------------------- */

/* Moves those to the front of list [n], in their order. */
static int64_t gather_wrong(lks_worst *list, int64_t n) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++)
        if (list[i].label != list[i].answer)
            list[wrong++] = list[i];
    return wrong;
}

/* Rank 0: the worst of them, *shown of `all`. */
static lks_status list_wrong(const lks_predicted *p, int classes, lks_worst **list, int32_t *shown,
                             lks_error *err) {
    *list = lks_alloc((size_t)p->n, sizeof **list, "wrong answers", err);
    if (!*list)
        return err->status;
    lks_worst_of(*list, p, classes);
    const int64_t wrong = gather_wrong(*list, p->n);
    *shown = wrong < SHOWN ? (int32_t)wrong : SHOWN;
    return LKS_OK;
}

static lks_status draw(const lks_trainer *t, const lks_worst *list, int n, lks_sheet *sheet,
                       lks_error *err) {
    const lks_image_set *set = &t->data.test;
    const lks_shape shape = {set->info.rows, set->info.columns, set->info.channels};
    uint8_t *pixels = lks_alloc((size_t)n, set->image_bytes, "wrong answers", err);
    lks_status status = lks_comm_agree(t->comm, pixels ? LKS_OK : err->status, err);
    if (status == LKS_OK)
        status = lks_worst_images(list, n, set, t->comm, pixels, err);
    if (status == LKS_OK && t->comm->rank == 0)
        status = lks_worst_draw(list, n, pixels, shape, sheet, err);
    lks_free(pixels);
    return lks_comm_agree(t->comm, status, err);
}

static lks_status show_wrong(const lks_trainer *t, const lks_predicted *predicted, lks_sheet *sheet,
                             bool *drawn, lks_error *err) {
    lks_worst *list = NULL;
    int32_t n = 0;
    lks_status status = t->comm->rank == 0
                            ? list_wrong(predicted, t->data.identity.classes, &list, &n, err)
                            : LKS_OK;
    status = lks_comm_agree(t->comm, status, err);
    if (status == LKS_OK) {
        lks_comm_broadcast(t->comm, &n, sizeof n, 0);
        status = lks_comm_check(t->comm, err);
    }
    if (status == LKS_OK && n > 0)
        status = draw(t, list, n, sheet, err);
    *drawn = status == LKS_OK && n > 0;
    if (status != LKS_OK)
        lks_sheet_free(sheet); /* another rank's failure */
    lks_free(list);
    return status;
}

lks_status lks_show_wrong(const lks_run *run, const lks_predicted *predicted, lks_sheet *sheet,
                          bool *drawn, lks_error *err) {
    const lks_trainer *t = &run->trainer;
    *drawn = false;
    if (!run->config.metrics.tensorboard || !t->data.has_test)
        return LKS_OK;
    const lks_status status = show_wrong(t, predicted, sheet, drawn, err);
    if (status == LKS_ERR_MEMORY && lks_comm_check(t->comm, NULL) == LKS_OK) {
        lks_warn("TensorBoard gets no picture of wrong answers: %s", err->text);
        return LKS_OK;
    }
    return status;
}
