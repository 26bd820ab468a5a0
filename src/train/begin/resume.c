/* Where a run goes on from: rank 0 reads, all ranks agree on the outcome. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/log.h"
#include "files/publish.h"
#include "train/run.h"

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
    if (c->cursor.step == 0 && c->n_flats == 1)
        return lks_fail(err, LKS_ERR_MISMATCH,
                        "it was imported, and has weights but no optimizer's states; --init-from "
                        "begins a new run with them");
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
    LKS_TRY(same_data(&saved->data, &run->trainer.data.identity, err));
    lks_run_snapshot(run, &now);
    return same_flats(saved, &now, err);
}

/* The loop goes on from the cursor, and ends where that reaches the plan's end: it has to lie in it. */
static lks_status check_position(const lks_run *run, const lks_cursor *c, lks_error *err) {
    const lks_plan *plan = &run->trainer.plan;
    const int64_t together = run->config.train.accumulate;
    const int64_t rest = c->batch / together + (c->batch % together > 0);
    if (c->batch > plan->batches || c->epoch > c->step / plan->steps_per_epoch ||
        c->step != c->epoch * plan->steps_per_epoch + rest || c->epoch_samples > c->samples_seen)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "its cursor, step %lld, epoch %lld, batch %lld of %lld, is no place in "
                        "this training: damaged, or made to do harm",
                        (long long)c->step, (long long)c->epoch, (long long)c->batch,
                        (long long)plan->batches);
    return LKS_OK;
}

static bool same_layers(const lks_layers *own, const lks_chain *chain) {
    bool same = own->n == chain->n_layers;
    for (size_t k = 0; same && k < own->n; k++)
        same = strcmp(own->names[k], chain->layers[k]) == 0;
    return same;
}

/* What comes next is added to the chain of the file: it has to be of these layers, and to end where training goes on. */
static lks_status check_chain(const lks_checkpoint *saved, lks_error *err) {
    const lks_chain *chain = &saved->history.chain;
    lks_layers own;
    if (chain->n == 0)
        return LKS_OK; /* of an earlier version */
    lks_status status =
        lks_layers_find(&own, saved->flats[0].tensors, saved->flats[0].n_tensors, err);
    if (status == LKS_OK && !same_layers(&own, chain))
        status = lks_fail(err, LKS_ERR_FORMAT, "its chain is of other layers than its weights");
    lks_layers_free(&own);
    LKS_TRY(status);
    if (lks_chain_last(chain) != saved->cursor.step)
        return lks_fail(err, LKS_ERR_FORMAT, "its chain ends at step %lld, not at step %lld",
                        (long long)lks_chain_last(chain), (long long)saved->cursor.step);
    return lks_chain_check(&saved->history, err);
}

/* Rank 0 takes everything over from the file, and the hashes of what it read. */
static lks_status take_over(lks_run *run, lks_checkpoint *saved, lks_error *err) {
    lks_checkpoint now;
    lks_run_snapshot(run, &now);
    for (int f = 0; f < saved->n_flats; f++)
        memcpy(now.flats[f].values, saved->flats[f].values, saved->flats[f].count * sizeof(float));
    run->trainer.cursor = saved->cursor;
    lks_trainer_wrote(&run->trainer);
    run->record.best = saved->best;
    run->record.temperature = saved->temperature;
    lks_history_free(&run->record.history);
    run->record.history = saved->history;
    run->provenance.init_from = saved->provenance.init_from;
    memset(&saved->history, 0, sizeof saved->history);
    const lks_state_hash written = lks_trainer_written(&run->trainer);
    return lks_state_holds(saved, &written)
               ? LKS_OK
               : lks_fail(err, LKS_ERR_REPLICA,
                          "memory changed while a checkpoint was taken over; start again");
}

static lks_status load(lks_run *run, const char *path, lks_error *err) {
    lks_checkpoint saved;
    lks_status status = lks_checkpoint_read(path, LKS_NUMERICS, &saved, err);
    if (status != LKS_OK)
        return status;
    status = check_same(run, &saved, err);
    if (status == LKS_OK)
        status = check_position(run, &saved.cursor, err);
    if (status == LKS_OK)
        status = check_chain(&saved, err);
    if (status == LKS_OK)
        status = lks_checkpoint_check_values(path, &saved, err);
    if (status == LKS_OK) {
        status = take_over(run, &saved, err);
        snprintf(run->place.resumed_from, sizeof run->place.resumed_from, "%s", path);
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
    LKS_TRY(lks_checkpoint_list(run->place.checkpoints, !run->options->dry_run, &paths, &n, err));
    lks_status status = LKS_OK;
    for (int i = 0; i < n; i++) {
        status = load(run, paths[i], err);
        if (status != LKS_ERR_FORMAT && status != LKS_ERR_IO && status != LKS_ERR_NUMERIC)
            break;
        lks_warn("passing over a checkpoint that cannot be read: %s", err->text);
        status = i + 1 < n
                     ? status
                     : lks_fail(err, status,
                                "none of the %d checkpoints in %s can be read; --resume never "
                                "starts over",
                                n, run->place.checkpoints);
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
    LKS_TRY(lks_checkpoint_list(run->place.checkpoints, !run->options->dry_run, &paths, &n, err));
    lks_checkpoint_path(run->place.checkpoints, run->trainer.cursor.step, newest);
    const size_t length = strlen(newest); /* steps of more digits have longer names */
    bool beyond = n > 0 && (strlen(paths[0]) > length ||
                            (strlen(paths[0]) == length && strcmp(paths[0], newest) > 0));
    lks_status status = LKS_OK;
    if (beyond)
        status =
            lks_fail(err, LKS_ERR_CONFIG,
                     "%s stands at step %lld, but the run folder holds %s: give another --out, "
                     "or remove the later checkpoints",
                     path, (long long)run->trainer.cursor.step, paths[0]);
    free(paths);
    return status;
}

static lks_status remove_files(const lks_place *place, const lks_folder_file *files, size_t n,
                               lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    for (size_t i = 0; i < n; i++)
        LKS_TRY(lks_publish_remove(lks_folder_path(place->folder, files[i], path), err));
    return LKS_OK;
}

/* What stays would be taken for a part of the new run. Results go first: whatever a death on the way leaves is a
 * run that has not ended, and the newest checkpoint is the first to go, after the links to it. */
static lks_status remove_old(const lks_place *place, lks_error *err) {
    static const lks_folder_file others[] = {
        LKS_FOLDER_SUMMARY, LKS_FOLDER_REPORT, LKS_FOLDER_COMPARISON, LKS_FOLDER_HISTORY,
        LKS_FOLDER_METRICS, LKS_FOLDER_LAST,   LKS_FOLDER_BEST};
    char **paths = NULL;
    int n = 0;
    LKS_TRY(lks_checkpoint_list(place->checkpoints, true, &paths, &n, err));
    lks_status status = remove_files(place, others, sizeof others / sizeof *others, err);
    for (int i = 0; i < n && status == LKS_OK; i++)
        status = lks_publish_remove(paths[i], err);
    if (n && status == LKS_OK)
        lks_info("starting over: %d checkpoint%s of an earlier run removed from %s", n,
                 n == 1 ? "" : "s", place->checkpoints);
    free(paths);
    return status;
}

/* A new file of events replaces those of the earlier run, for TensorBoard to see that it starts over. */
static lks_status start_over(const lks_run *run, lks_error *err) {
    LKS_TRY(remove_old(&run->place, err));
    return run->config.metrics.tensorboard ? LKS_OK : lks_events_remove(run->place.folder, err);
}

/* Checkpoints that were copied without the files that links lead to: starting over would replace them. */
static lks_status check_copies(const lks_place *place, lks_error *err) {
    if (place->resumed_from[0] || !lks_folder_has(place->folder, LKS_FOLDER_LAST))
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_CONFIG,
        "%s has a last.h5, but no step-*.h5 that it could be of: --resume %s/last.h5 goes "
        "on from it, --resume never starts over",
        place->checkpoints, place->checkpoints);
}

/* All ranks stand where rank 0 stands; what came to them in other bits shows when they settle. */
static void share(lks_trainer *t, lks_best *best) {
    lks_comm_broadcast(t->comm, &t->cursor, sizeof t->cursor, 0);
    lks_comm_broadcast(t->comm, best, sizeof *best, 0);
    t->exchange.way->spread(t);
    if (t->comm->rank != 0)
        lks_trainer_took(t);
    lks_model_weights_changed(t->model);
}

static lks_status find_start(lks_run *run, lks_error *err) {
    const char *how = run->options->resume ? run->options->resume : "auto";
    if (strcmp(how, "never") == 0)
        return run->options->dry_run ? LKS_OK : start_over(run, err);
    if (strcmp(how, "auto") != 0)
        return load_file(run, how, err);
    LKS_TRY(load_newest(run, err));
    return check_copies(&run->place, err);
}

/* After rank 0 took a checkpoint over, or failed to. */
static lks_status stand(lks_run *run, lks_status status, lks_error *err) {
    lks_comm *comm = run->trainer.comm;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, run->place.resumed_from, sizeof run->place.resumed_from, 0);
    share(&run->trainer, &run->record.best);
    LKS_TRY(lks_comm_check(comm, err));
    return lks_trainer_settle(&run->trainer, LKS_OK, err);
}

lks_status lks_run_resume(lks_run *run, lks_error *err) {
    return stand(run, run->trainer.comm->rank == 0 ? find_start(run, err) : LKS_OK, err);
}

lks_status lks_run_stand(lks_run *run, const char *path, lks_error *err) {
    return stand(run, run->trainer.comm->rank == 0 ? load(run, path, err) : LKS_OK, err);
}
