/* A second run, which holds images out, tells how sure the first may be. */
#include "train/calibrate.h"

#include <stdio.h>
#include <string.h>

#include "job/lease.h"
#include "lockstep/log.h"
#include "lockstep/model.h"
#include "run/run_folder.h"

/* The folder of the second run, in that of the first. */
#define SECOND "calibration"

typedef struct calibration {
    const char *folder;
    char config[LKS_FOLDER_PATH_MAX], second[LKS_FOLDER_PATH_MAX + sizeof SECOND];
    lks_init_source init_from;   /* of the first run */
    char digest[LKS_SHA256_HEX]; /* of its data */
} calibration;

/* --- what may differ ---------------------------------------------------------------------------- */

/* Where the data lie, how long it takes, and what it writes meanwhile. */
static bool may_differ(const char *set) {
    static const char *const keys[] = {
        "data.dir=",        "data.train_images=", "data.train_labels=", "train.epochs=",
        "train.max_steps=", "threads=",           "checkpoint.",        "eval.",
        "metrics."};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(set, keys[i], strlen(keys[i])) == 0)
            return true;
    return false;
}

/* All ranks have the same options. */
static lks_status check_sets(const lks_train_options *o, lks_error *err) {
    for (int i = 0; i < o->n_sets; i++)
        if (!may_differ(o->sets[i]))
            return lks_fail(
                err, LKS_ERR_USAGE,
                "--set %s: the second run must be trained as the first was, or it tells "
                "nothing of it; only the data's files, train.epochs, train.max_steps, "
                "threads, checkpoint.*, eval.* and metrics.* may differ",
                o->sets[i]);
    return LKS_OK;
}

/* --- the first run ---------------------------------------------------------------------------- */

/* Rank 0: the right to write into the first run's folder. */
static lks_status claim(const calibration *c, lks_lease **lease, lks_error *err) {
    char lives[LKS_FOLDER_PATH_MAX];
    const lks_lease_terms terms = {false, 0};
    lks_folder_path(c->folder, LKS_FOLDER_LIVES, lives);
    return lks_lease_claim(lease, lives, &terms, err);
}

/* Rank 0: what the second run needs to know of the first, and whether its folder can be written to: that would be late
 * to learn after the second run. */
static lks_status look(calibration *c, lks_error *err) {
    lks_chosen s;
    lks_lease *lease = NULL;
    LKS_TRY(lks_folder_read(c->folder, &s, err));
    const lks_temperature t = s.checkpoint.temperature;
    c->init_from = s.checkpoint.provenance.init_from;
    memcpy(c->digest, s.checkpoint.data.digest, sizeof c->digest);
    lks_checkpoint_free(&s.checkpoint);
    if (t.images > 0 && !t.second_run)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s is calibrated already, by %lld images of its own validation split",
                        s.path, (long long)t.images);
    LKS_TRY(claim(c, &lease, err));
    lks_lease_release(lease, false);
    return LKS_OK;
}

static lks_status find(calibration *c, lks_comm *comm, lks_error *err) {
    lks_status status = comm->rank == 0 ? look(c, err) : LKS_OK;
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, &c->init_from, sizeof c->init_from, 0);
    return lks_comm_check(comm, err);
}

/* --- the second ------------------------------------------------------------------------------- */

/* The test set tells nothing here, and is not looked at. */
static lks_status train_second(calibration *c, lks_comm *comm, const lks_train_options *given,
                               bool *stopped, lks_error *err) {
    static const lks_key_value values[] = {{"data.validation", "0.1"},
                                           {"data.test_images", ""},
                                           {"data.test_labels", ""},
                                           {"eval.test_weights", "last"}};
    lks_train_options o = *given;
    o.config = lks_folder_path(c->folder, LKS_FOLDER_CONFIG, c->config);
    o.out = c->second;
    o.values = values;
    o.n_values = sizeof values / sizeof *values;
    o.init_from = c->init_from.path[0] ? c->init_from.path : NULL;
    lks_info("calibration by a second run, in %s, with a tenth of the training images held out",
             c->second);
    return lks_train(comm, &o, stopped, err);
}

/* --- what it says ----------------------------------------------------------------------------- */

/* Rank 0. */
static lks_status read_temperature(const calibration *c, lks_temperature *t, lks_error *err) {
    lks_chosen s;
    LKS_TRY(lks_folder_read(c->second, &s, err));
    const bool same = strcmp(s.checkpoint.data.digest, c->digest) == 0;
    *t = s.checkpoint.temperature;
    lks_checkpoint_free(&s.checkpoint);
    if (!same)
        return lks_fail(err, LKS_ERR_MISMATCH, "%s was trained on other data than %s", c->second,
                        c->folder);
    if (t->images == 0)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "%s ended without an evaluation: train.max_steps cut it short", c->second);
    t->second_run = 1;
    return LKS_OK;
}

/* The file of its step, and what leads there. */
static lks_status write_into(const char *folder, lks_checkpoint *c, lks_error *err) {
    static const char *const links[] = {"last.h5", "best.h5"};
    char checkpoints[LKS_FOLDER_PATH_MAX], path[LKS_PATH_MAX + 64];
    bool leads[2];
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    lks_checkpoint_path(checkpoints, c->cursor.step, path);
    for (int i = 0; i < 2; i++)
        leads[i] = lks_checkpoint_leads(checkpoints, links[i], c->cursor.step);
    LKS_TRY(lks_checkpoint_write(path, c, err));
    for (int i = 0; i < 2; i++)
        if (leads[i])
            LKS_TRY(lks_checkpoint_link(checkpoints, links[i], c->cursor.step, err));
    lks_info("%s: temperature %.4f, by %lld images that the second run held out", path,
             c->temperature.value, (long long)c->temperature.images);
    return LKS_OK;
}

/* Rank 0, in its own right to write there. */
static lks_status put_temperature(const calibration *c, lks_error *err) {
    lks_chosen s;
    lks_temperature t;
    lks_lease *lease = NULL;
    LKS_TRY(read_temperature(c, &t, err));
    LKS_TRY(claim(c, &lease, err));
    lks_status status = lks_folder_read(c->folder, &s, err);
    if (status == LKS_OK) {
        s.checkpoint.temperature = t;
        status = write_into(c->folder, &s.checkpoint, err);
        lks_checkpoint_free(&s.checkpoint);
    }
    lks_lease_release(lease, false);
    return status;
}

lks_status lks_calibrate_folder(lks_comm *comm, const char *folder,
                                const lks_train_options *options, bool *stopped, lks_error *err) {
    calibration c = {.folder = folder};
    *stopped = false;
    const int n = snprintf(c.second, sizeof c.second, "%s/" SECOND, folder);
    if (n >= LKS_PATH_MAX)
        return lks_fail(err, LKS_ERR_USAGE, "the path of the run folder is too long");
    LKS_TRY(check_sets(options, err));
    LKS_TRY(find(&c, comm, err));
    LKS_TRY(train_second(&c, comm, options, stopped, err));
    if (*stopped)
        return LKS_OK;
    return lks_comm_agree(comm, comm->rank == 0 ? put_temperature(&c, err) : LKS_OK, err);
}
