/* Checkpoints of a run: rank 0 reads and writes, all ranks agree on the outcome. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "lockstep/timer.h"
#include "train/run.h"

/* One more array of the weights' shape. */
static void add_flat(const lks_run *run, lks_checkpoint *c, const char *group, float *values) {
    lks_flat *flat = &c->flats[c->n_flats++];
    *flat = (lks_flat){.values = values,
                       .count = run->view.n_weights,
                       .tensors = run->view.tensors,
                       .n_tensors = run->view.n_tensors};
    snprintf(flat->group, sizeof flat->group, "%s", group);
}

/* The run as a checkpoint that borrows everything. Digests are not filled in. */
void lks_run_snapshot(lks_run *run, lks_checkpoint *c) {
    *c = (lks_checkpoint){.numerics = LKS_NUMERICS,
                          .seed = run->config.seed,
                          .cursor = run->cursor,
                          .best = run->best,
                          .data = run->data.identity,
                          .provenance = run->provenance,
                          .config_yaml = run->config_yaml,
                          .history = run->history};
    add_flat(run, c, "model", run->view.weights);
    for (int s = 0; s < run->optimizer.n_states; s++)
        add_flat(run, c, run->optimizer.names[s], run->optimizer.state[s]);
    if (run->average.weights)
        add_flat(run, c, LKS_AVERAGE, run->average.weights);
}

static lks_status write_files(lks_run *run, bool best, lks_error *err) {
    lks_checkpoint c;
    char path[LKS_PATH_MAX + 64];
    lks_utc(run->provenance.time);
    lks_run_snapshot(run, &c);
    LKS_TRY(lks_checkpoint_digest(&c, err));
    lks_checkpoint_path(run->checkpoints, run->cursor.step, path);
    LKS_TRY(lks_checkpoint_write(path, &c, err));
    LKS_TRY(lks_checkpoint_link(run->checkpoints, "last.h5", run->cursor.step, err));
    if (best)
        LKS_TRY(lks_checkpoint_link(run->checkpoints, "best.h5", run->cursor.step, err));
    return lks_checkpoint_prune(run->checkpoints, run->config.checkpoint.keep, err);
}

static lks_status save(lks_run *run, bool best, lks_error *err) {
    LKS_TRY(lks_run_check_weights(run, err));
    lks_status status = LKS_OK;
    if (run->comm->rank == 0)
        status = write_files(run, best, err);
    run->saved_step = run->cursor.step;
    return lks_comm_agree(run->comm, status, err);
}

lks_status lks_run_save(lks_run *run, bool best, lks_error *err) {
    lks_phase before = lks_phases_enter(&run->phases, LKS_PHASE_CHECKPOINT);
    lks_status status = save(run, best, err);
    lks_phases_enter(&run->phases, before);
    return status;
}

/* --- resume ----------------------------------------------------------------------------------- */

static lks_status same_data(const lks_data_identity *saved, const lks_data_identity *now,
                            lks_error *err) {
    if (saved->rows != now->rows || saved->columns != now->columns ||
        saved->channels != now->channels || saved->classes != now->classes)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "its data are %dx%dx%d with %d classes, these are %dx%dx%d with %d",
                        saved->rows, saved->columns, saved->channels, saved->classes, now->rows,
                        now->columns, now->channels, now->classes);
    if (strcmp(saved->digest, now->digest) != 0)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "it was trained on data with digest %.16s, these have %.16s", saved->digest,
                        now->digest);
    return LKS_OK;
}

static lks_status same_flats(const lks_checkpoint *c, const lks_checkpoint *now, lks_error *err) {
    if (c->n_flats != now->n_flats)
        return lks_fail(err, LKS_ERR_MISMATCH, "it holds %d arrays, this run has %d", c->n_flats,
                        now->n_flats);
    for (int f = 0; f < c->n_flats; f++)
        LKS_TRY(lks_flat_same(&c->flats[f], &now->flats[f], err));
    return LKS_OK;
}

static lks_status check_same(lks_run *run, const lks_checkpoint *saved, lks_error *err) {
    lks_config config;
    lks_checkpoint now;
    LKS_TRY(lks_config_parse(&config, saved->config_yaml, strlen(saved->config_yaml), "config",
                             NULL, 0, err));
    lks_status status = lks_config_same_run(&config, &run->config, err);
    lks_config_free(&config);
    LKS_TRY(status);
    LKS_TRY(same_data(&saved->data, &run->data.identity, err));
    lks_run_snapshot(run, &now);
    return same_flats(saved, &now, err);
}

/* Rank 0 takes everything over from the file. */
static void take_over(lks_run *run, lks_checkpoint *saved) {
    lks_checkpoint now;
    lks_run_snapshot(run, &now);
    for (int f = 0; f < saved->n_flats; f++)
        memcpy(now.flats[f].values, saved->flats[f].values, saved->flats[f].count * sizeof(float));
    run->cursor = saved->cursor;
    run->best = saved->best;
    run->history = saved->history;
    run->provenance.init_from = saved->provenance.init_from;
    memset(&saved->history, 0, sizeof saved->history);
}

static lks_status load(lks_run *run, const char *path, lks_error *err) {
    lks_checkpoint saved;
    lks_status status = lks_checkpoint_read(path, LKS_NUMERICS, &saved, err);
    if (status != LKS_OK)
        return status;
    status = check_same(run, &saved, err);
    if (status == LKS_OK) {
        take_over(run, &saved);
        snprintf(run->resumed_from, sizeof run->resumed_from, "%s", path);
    } else {
        lks_fail_context(err, "cannot go on from %s", path);
    }
    lks_checkpoint_free(&saved);
    return status;
}

/* The newest checkpoint that can be read. One of another network or data set is an error: going on
 * from an older one, or starting afresh, would hide it. */
static lks_status load_newest(lks_run *run, lks_error *err) {
    char **paths = NULL;
    int n = 0;
    LKS_TRY(lks_checkpoint_list(run->checkpoints, !run->options->dry_run, &paths, &n, err));
    lks_status status = LKS_OK;
    for (int i = 0; i < n; i++) {
        status = load(run, paths[i], err);
        if (status == LKS_OK || (status != LKS_ERR_FORMAT && status != LKS_ERR_IO))
            break;
        lks_warn("passing over a checkpoint that cannot be read: %s", err->text);
        status = i + 1 < n
                     ? status
                     : lks_fail(err, status,
                                "none of the %d checkpoints in %s can be read; --resume never "
                                "starts over",
                                n, run->checkpoints);
    }
    free(paths);
    if (status == LKS_ERR_CONFIG || status == LKS_ERR_MISMATCH) {
        size_t used = strlen(err->text);
        snprintf(
            err->text + used, sizeof err->text - used,
            "\n--out DIR trains in another run folder; --resume never starts over in this one");
    }
    return status;
}

/* A given file may lie behind what the run folder holds; going on from there would leave two
 * histories in one folder. */
static lks_status load_file(lks_run *run, const char *path, lks_error *err) {
    char **paths = NULL, newest[LKS_PATH_MAX + 64];
    int n = 0;
    LKS_TRY(load(run, path, err));
    LKS_TRY(lks_checkpoint_list(run->checkpoints, !run->options->dry_run, &paths, &n, err));
    lks_checkpoint_path(run->checkpoints, run->cursor.step, newest);
    bool beyond = n > 0 && strcmp(paths[0], newest) > 0;
    lks_status status = LKS_OK;
    if (beyond)
        status =
            lks_fail(err, LKS_ERR_CONFIG,
                     "%s stands at step %lld, but the run folder holds %s: give another --out, "
                     "or remove the later checkpoints",
                     path, (long long)run->cursor.step, paths[0]);
    free(paths);
    return status;
}

static lks_status remove_old(lks_run *run, lks_error *err) {
    char **paths = NULL;
    int n = 0;
    static const char *const others[] = {"checkpoints/last.h5", "checkpoints/best.h5",
                                         "history.h5",          "metrics.jsonl",
                                         "summary.json",        "report.html"};
    LKS_TRY(lks_checkpoint_list(run->checkpoints, true, &paths, &n, err));
    for (int i = 0; i < n; i++)
        if (remove(paths[i]) != 0 && errno != ENOENT)
            lks_warn("%s: %s", paths[i], strerror(errno));
    if (n)
        lks_info("starting over: %d checkpoint%s of an earlier run removed from %s", n,
                 n == 1 ? "" : "s", run->checkpoints);
    free(paths);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[LKS_PATH_MAX + 64];
        snprintf(path, sizeof path, "%s/%s", run->folder, others[i]);
        remove(path);
    }
    return LKS_OK;
}

lks_status lks_run_resume(lks_run *run, lks_error *err) {
    const char *how = run->options->resume ? run->options->resume : "auto";
    lks_status status = LKS_OK;
    if (run->comm->rank == 0) {
        if (strcmp(how, "never") == 0)
            status = run->options->dry_run ? LKS_OK : remove_old(run, err);
        else if (strcmp(how, "auto") == 0)
            status = load_newest(run, err);
        else
            status = load_file(run, how, err);
    }
    LKS_TRY(lks_comm_agree(run->comm, status, err));
    lks_comm_broadcast(run->comm, &run->cursor, sizeof run->cursor, 0);
    lks_comm_broadcast(run->comm, &run->best, sizeof run->best, 0);
    lks_comm_broadcast(run->comm, run->resumed_from, sizeof run->resumed_from, 0);
    lks_checkpoint now;
    lks_run_snapshot(run, &now);
    for (int f = 0; f < now.n_flats; f++)
        lks_comm_broadcast(run->comm, now.flats[f].values, now.flats[f].count * sizeof(float), 0);
    lks_model_weights_changed(run->model);
    return LKS_OK;
}
