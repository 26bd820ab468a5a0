/* --refit: once a run with a validation split has told how many epochs are best, the same is trained afresh on
 * all training images for as many. */
#include "train/begin/refit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/whole_file.h"
#include "io/checkpoint.h"
#include "job/job.h"
#include "lockstep/log.h"
#include "lockstep/model.h"
#include "run/run_folder.h"

/* What the run to repeat says; filled by rank 0, then sent to all. */
typedef struct found {
    int64_t epoch;
    lks_best best;
    char init_from[LKS_PROVENANCE_TEXT_MAX];
    bool finished;
} found;

/* The best epoch, by the newest checkpoint; an older one may know a worse epoch only. */
static lks_status read_best_step(const char *folder, found *f, lks_error *err) {
    lks_chosen s;
    LKS_TRY(lks_folder_read_newest(folder, &s, err));
    f->best = s.checkpoint.best;
    lks_checkpoint_free(&s.checkpoint);
    if (s.instead)
        return lks_fail(err, LKS_ERR_FORMAT, "--refit %s: %s", folder, s.remark);
    if (f->best.step > 0)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_CONFIG,
                    "--refit %s: there is no best checkpoint; only a run with data.validation "
                    "has a best epoch",
                    folder);
}

/* Nobody has named its config.yaml: one that was changed is not used. */
static lks_status check_config(const char *folder, lks_error *err) {
    lks_config config;
    char *yaml;
    LKS_TRY(lks_folder_config(folder, NULL, &config, &yaml, NULL, err));
    lks_config_free(&config);
    free(yaml);
    return LKS_OK;
}

static lks_status read_best(const char *folder, found *f, lks_error *err) {
    lks_chosen s;
    f->finished = lks_folder_has(folder, LKS_FOLDER_SUMMARY);
    LKS_TRY(check_config(folder, err));
    LKS_TRY(read_best_step(folder, f, err));
    LKS_TRY(lks_folder_read_best(folder, f->best.step, &s, err));
    f->epoch = s.checkpoint.cursor.epoch;
    memcpy(f->init_from, s.checkpoint.provenance.init_from.path, sizeof f->init_from);
    lks_checkpoint_free(&s.checkpoint);
    return LKS_OK;
}

/* A schedule that watches validation cannot do without. */
static lks_status check_schedule(const lks_refit *r, lks_comm *comm, lks_error *err) {
    lks_config c;
    LKS_TRY(lks_config_load(comm, r->config, NULL, 0, &c, err));
    bool watches = c.train.schedule.name == LKS_SCHEDULE_PLATEAU;
    lks_config_free(&c);
    if (watches)
        return lks_fail(
            err, LKS_ERR_CONFIG,
            "--refit %s: its schedule (train.schedule.name: plateau) needs a validation "
            "split, and a refit has none",
            r->options.refit);
    return LKS_OK;
}

static lks_status same_start(const lks_refit *r, const found *f, lks_error *err) {
    if (!f->init_from[0] || r->options.init_from)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_CONFIG,
        "--refit %s: that run started from the weights of %s; give --init-from FILE, the "
        "same one or another",
        r->options.refit, f->init_from);
}

/* Whether a KEY=VALUE is of the key `key`, or of a section that it is in. */
static bool speaks_of(const char *set, const char *key) {
    const size_t length = strcspn(set, "=");
    return strncmp(set, key, length) == 0 && (key[length] == '.' || key[length] == 0);
}

/* The values that make a refit; the user's settings may not speak of their keys. */
static lks_status make_values(lks_refit *r, int64_t epoch, const lks_train_options *given,
                              lks_error *err) {
    snprintf(r->epochs, sizeof r->epochs, "%lld", (long long)epoch);
    const lks_key_value values[LKS_REFIT_VALUES] = {{"train.epochs", r->epochs},
                                                    {"data.validation", "0"},
                                                    {"train.early_stop.patience", "0"},
                                                    {"eval.test_weights", "last"},
                                                    {"train.max_steps", "0"}};
    for (int v = 0; v < LKS_REFIT_VALUES; v++)
        for (int i = 0; i < given->n_sets; i++)
            if (speaks_of(given->sets[i], values[v].key))
                return lks_fail(err, LKS_ERR_USAGE,
                                "--set %s: with --refit %s is %s; set other keys one by one",
                                given->sets[i], values[v].key, values[v].value);
    memcpy(r->values, values, sizeof values);
    r->options.values = r->values;
    r->options.n_values = LKS_REFIT_VALUES;
    return LKS_OK;
}

static lks_status name_places(lks_refit *r, const lks_train_options *given, lks_error *err) {
    size_t length = strlen(given->refit);
    while (length > 1 && given->refit[length - 1] == '/')
        length--;
    if (length + sizeof "/config.yaml" > sizeof r->config)
        return lks_fail(err, LKS_ERR_USAGE, "--refit: the path is too long");
    snprintf(r->config, sizeof r->config, "%.*s/config.yaml", (int)length, given->refit);
    snprintf(r->out, sizeof r->out, "%.*s-refit", (int)length, given->refit);
    r->options = *given;
    r->options.config = r->config;
    if (!given->out)
        r->options.out = r->out;
    return LKS_OK;
}

static lks_status prepare(lks_refit *r, lks_comm *comm, const lks_train_options *given, found *f,
                          lks_error *err) {
    LKS_TRY(name_places(r, given, err));
    LKS_TRY(check_schedule(r, comm, err));
    lks_status status = LKS_OK;
    if (comm->rank == 0) {
        status = read_best(given->refit, f, err);
        if (status == LKS_OK && lks_same_file(given->refit, r->options.out))
            status = lks_fail(err, LKS_ERR_USAGE,
                              "--out %s is the run that is to be refitted; name another folder",
                              r->options.out);
    }
    LKS_TRY(lks_comm_agree(comm, status, err));
    lks_comm_broadcast(comm, f, sizeof *f, 0);
    LKS_TRY(lks_comm_check(comm, err));
    LKS_TRY(same_start(r, f, err));
    return make_values(r, f->epoch, given, err);
}

lks_status lks_refit_prepare(lks_refit *r, lks_comm *comm, const lks_train_options *given,
                             lks_error *err) {
    found f = {0};
    memset(r, 0, sizeof *r);
    LKS_TRY(prepare(r, comm, given, &f, err));
    if (!f.finished)
        lks_warn("%s has not ended: its best epoch may still change", given->refit);
    lks_info("refit      of %s: best after %lld epoch%s (%lld of %lld validation images "
             "right); now as many on all images",
             given->refit, (long long)f.epoch, f.epoch == 1 ? "" : "s", (long long)f.best.correct,
             (long long)f.best.total);
    return LKS_OK;
}
