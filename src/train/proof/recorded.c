#include "train/proof/recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lockstep/model.h"
#include "train/proof/links.h"

/* --- checkpoints ------------------------------------------------------------------------------ */

static void note(lks_recorded *r, lks_saved *s, const char *path, const lks_checkpoint *c) {
    snprintf(s->path, sizeof s->path, "%s", path);
    s->cursor = c->cursor;
    s->best = c->best;
    s->temperature = c->temperature;
    memcpy(s->state_sha256, c->state_sha256, sizeof s->state_sha256);
    r->init_from = c->provenance.init_from;
    memcpy(r->data_digest, c->data.digest, sizeof r->data_digest);
}

/* Visits the files, oldest first. */
static lks_status visit(lks_recorded *r, char **paths, int n,
                        lks_status (*look)(lks_recorded *r, int i, const char *path,
                                           lks_checkpoint *c, lks_error *err),
                        lks_error *err) {
    for (int i = 0; i < n; i++) {
        lks_checkpoint c;
        const char *path = paths[n - 1 - i];
        LKS_TRY(lks_checkpoint_read(path, LKS_NUMERICS, &c, err));
        const lks_status status = look(r, i, path, &c, err);
        lks_checkpoint_free(&c);
        LKS_TRY(status);
    }
    return LKS_OK;
}

/* The newest has the history of a run that has not ended or could not write history.h5. */
static lks_status take_saved(lks_recorded *r, int i, const char *path, lks_checkpoint *c,
                             lks_error *err) {
    (void)err;
    note(r, &r->saved[i], path, c);
    const lks_chain *now = &r->history.chain;
    const bool known = now->n > 0 && (r->summary || lks_chain_last(now) >= c->cursor.step);
    if (c->history.chain.n == 0 || (known && !r->from_saved))
        return LKS_OK;
    lks_history_free(&r->history);
    r->history = c->history;
    c->history = (lks_history){0};
    r->from_saved = true;
    return LKS_OK;
}

static lks_status check_saved(lks_recorded *r, int i, const char *path, lks_checkpoint *c,
                              lks_error *err) {
    (void)i;
    return lks_recorded_check_saved(r, path, c, err);
}

/* --- the whole -------------------------------------------------------------------------------- */

static lks_status read_history(lks_recorded *r, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    if (!lks_folder_has(r->folder, LKS_FOLDER_HISTORY))
        return LKS_OK;
    lks_folder_path(r->folder, LKS_FOLDER_HISTORY, path);
    return lks_history_read(path, &r->history, &r->test, err);
}

static lks_status read_summary(lks_recorded *r, lks_error *err) {
    char remark[LKS_REMARK_ROOM] = "";
    lks_folder_summary(r->folder, &r->summary, remark);
    return remark[0] ? lks_fail(err, LKS_ERR_MISMATCH, "%s", remark) : LKS_OK;
}

/* What the first link has to be. */
static lks_status find_origin(lks_recorded *r, const lks_config *config, lks_error *err) {
    const lks_chain *chain = &r->history.chain;
    char *origin = lks_links_origin(config, r->data_digest, &r->init_from, err);
    if (!origin)
        return err->status;
    const lks_status status =
        lks_chain_origin(r->origin, origin, (const char(*)[LKS_TENSOR_NAME_MAX])chain->layers,
                         chain->n_layers, chain->first, err);
    free(origin);
    return status;
}

static lks_status read_all(lks_recorded *r, char **paths, int n, const lks_config *config,
                           lks_error *err) {
    LKS_TRY(read_summary(r, err));
    LKS_TRY(read_history(r, err));
    r->n_saved = n;
    r->saved = lks_alloc((size_t)n, sizeof *r->saved, "a list of checkpoints", err);
    if (!r->saved)
        return err->status;
    LKS_TRY(visit(r, paths, n, take_saved, err));
    if (r->history.chain.n == 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s has no chain: its run was trained by an earlier version, or has no "
                        "checkpoint yet",
                        r->folder);
    LKS_TRY(find_origin(r, config, err));
    LKS_TRY(lks_recorded_check(r, err));
    return visit(r, paths, n, check_saved, err);
}

lks_status lks_recorded_read(lks_recorded *r, const char *folder, const lks_config *config,
                             lks_error *err) {
    char checkpoints[LKS_FOLDER_PATH_MAX], **paths = NULL;
    int n = 0;
    *r = (lks_recorded){.folder = folder};
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    LKS_TRY(lks_checkpoint_list(checkpoints, false, &paths, &n, err));
    const lks_status status = read_all(r, paths, n, config, err);
    free(paths);
    return status;
}

void lks_recorded_free(lks_recorded *r) {
    free(r->summary);
    lks_history_free(&r->history);
    lks_predictions_free(&r->test);
    lks_free(r->saved);
    *r = (lks_recorded){0};
}
