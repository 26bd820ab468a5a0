/* What is told of a run while it goes on. */
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "base/memory.h"
#include "train/run.h"

lks_status lks_record_open(lks_record *r, const lks_trainer *t, lks_error *err) {
    r->norms = lks_alloc((size_t)t->view.n_tensors, sizeof *r->norms, "norms", err);
    r->validation = lks_alloc(1, sizeof *r->validation, "results", err);
    r->test = lks_alloc(1, sizeof *r->test, "results", err);
    if (!r->norms || !r->validation || !r->test)
        return err->status;
    r->validation->classes = r->test->classes = t->data.identity.classes;
    if (t->config->metrics.tensorboard)
        LKS_TRY(lks_look_open(&r->look, t, err));
    return lks_links_open(&r->links, t, err);
}

void lks_record_close(lks_record *r) {
    lks_account_close(&r->metrics);
    lks_events_close(&r->events);
    lks_look_close(&r->look);
    lks_history_free(&r->history);
    lks_links_close(&r->links);
    lks_free(r->norms);
    lks_free(r->validation);
    lks_free(r->test);
}

/* Where metrics.every_steps wants it. */
static lks_status record_figures(lks_record *r, const lks_trainer *t, lks_error *err) {
    const lks_step_record step = {.step = t->cursor.step,
                                  .epoch = (int32_t)t->cursor.epoch + 1,
                                  .loss = t->newest.loss,
                                  .accuracy = t->newest.accuracy,
                                  .lr = t->newest.lr,
                                  .gradient_norm = t->newest.gradient_norm,
                                  .gradient_variance = t->newest.noise.variance,
                                  .gradient_square = t->newest.noise.square};
    for (int i = 0, n = 0; i < t->view.n_tensors; i++)
        if (t->view.tensors[i].trained) {
            r->norms[n][0] = (float)t->norms[i].gradient;
            r->norms[n++][1] = (float)t->norms[i].weight;
        }
    LKS_TRY(lks_history_add_step(&r->history, &step, (const float(*)[2])r->norms, err));
    lks_metrics_add_step(&r->metrics, &r->history);
    lks_events_add_steps(&r->events);
    return LKS_OK;
}

lks_status lks_record_step(lks_record *r, const lks_trainer *t, lks_error *err) {
    const int64_t every = t->config->metrics.every_steps;
    LKS_TRY(lks_links_step(&r->links, t, &r->history.chain, err));
    return every > 0 && t->cursor.step % every == 0 ? record_figures(r, t, err) : LKS_OK;
}

lks_status lks_record_epoch(lks_record *r, const lks_epoch_record *epoch, lks_error *err) {
    LKS_TRY(lks_history_add_epoch(&r->history, epoch, err));
    return lks_metrics_add_epoch(&r->metrics, &r->history, err);
}

/* The tensors whose norms are recorded: those that are trained. */
static lks_status name_norms(lks_history *h, const lks_model_view *v, lks_error *err) {
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
        status = lks_history_name_norms(h, (const char(*)[LKS_TENSOR_NAME_MAX])names, n, err);
    lks_free(names);
    return status;
}

lks_status lks_record_begin(lks_record *r, const lks_trainer *t, const lks_init_source *init_from,
                            lks_error *err) {
    lks_chain *chain = &r->history.chain;
    LKS_TRY(name_norms(&r->history, &t->view, err));
    if (chain->n > 0)
        return LKS_OK;
    if (t->cursor.step > 0)
        lks_warn("the checkpoint of step %lld has no chain: it is of an earlier version, and what "
                 "came before cannot be replayed; the chain begins here",
                 (long long)t->cursor.step);
    return lks_links_begin(&r->links, t, init_from, chain, err);
}

lks_status lks_record_publish(lks_record *r, const char *folder, lks_error *err) {
    return lks_metrics_open(&r->metrics, folder, &r->history, err);
}
