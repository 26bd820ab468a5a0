/* Which checkpoint a path stands for. The newest whole file says what is newest and what is best; links only say so
 * again, for people and other programs, and may be older than it, or lead nowhere, after a death at the wrong
 * moment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json/json.h"
#include "lockstep/model.h"
#include "run/run_folder.h"

/* --- the newest ------------------------------------------------------------------------------- */

static bool unreadable(lks_status status) {
    return status == LKS_ERR_FORMAT || status == LKS_ERR_IO || status == LKS_ERR_NUMERIC;
}

/* A network whose values are not finite has no answers, and goes on to nothing. */
static lks_status read_file(const char *path, lks_checkpoint *c, lks_error *err) {
    LKS_TRY(lks_checkpoint_read(path, LKS_NUMERICS, c, err));
    const lks_status status = lks_checkpoint_check_values(path, c, err);
    if (status != LKS_OK)
        lks_checkpoint_free(c);
    return status;
}

static lks_status read_last(const char *folder, lks_chosen *s, lks_error *err) {
    lks_folder_path(folder, LKS_FOLDER_LAST, s->path);
    struct stat link;
    const bool leads = lks_folder_has(folder, LKS_FOLDER_LAST);
    if (!leads && lstat(s->path, &link) == 0)
        return lks_fail(err, LKS_ERR_IO,
                        "%s leads to a checkpoint that is not there, and there is no other: copy "
                        "the whole folder checkpoints/, not its links alone",
                        s->path);
    if (!leads)
        return lks_fail(
            err, LKS_ERR_IO,
            "%s: a folder without checkpoints/last.h5; name a run folder or a checkpoint", folder);
    return read_file(s->path, &s->checkpoint, err);
}

/* The first of `paths` that is whole; damaged ones are passed over. */
static lks_status read_first(char **paths, int n, lks_chosen *s, lks_error *err) {
    lks_status status = LKS_OK;
    for (int i = 0; i < n; i++) {
        snprintf(s->path, sizeof s->path, "%s", paths[i]);
        status = read_file(s->path, &s->checkpoint, err);
        if (!unreadable(status))
            return status;
        lks_folder_remark(s->remark, "%s", err->text);
    }
    return n == 1 ? status
                  : lks_fail(err, status, "none of %d checkpoints can be read; the newest: %s", n,
                             s->remark);
}

/* The link's path, where it leads to the checkpoint in `s`, which is the `what` one. */
static void name(const char *folder, lks_folder_file link, const char *what, lks_chosen *s) {
    char checkpoints[LKS_FOLDER_PATH_MAX], path[LKS_FOLDER_PATH_MAX];
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    lks_folder_path(folder, link, path);
    if (strcmp(path, s->path) == 0)
        return;
    if (lks_checkpoint_leads(checkpoints, strrchr(path, '/') + 1, s->checkpoint.cursor.step)) {
        memcpy(s->path, path, sizeof path);
        return;
    }
    lks_folder_remark(s->remark, "%s does not lead to the %s checkpoint, which is %s", path, what,
                      s->path);
}

static lks_status read_newest(const char *folder, lks_chosen *s, lks_error *err) {
    char checkpoints[LKS_FOLDER_PATH_MAX], **paths = NULL;
    int n = 0;
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    LKS_TRY(lks_checkpoint_list(checkpoints, false, &paths, &n, err));
    lks_status status = n > 0 ? read_first(paths, n, s, err) : read_last(folder, s, err);
    free(paths);
    return status;
}

/* --- the best --------------------------------------------------------------------------------- */

lks_status lks_folder_read_best(const char *folder, int64_t step, lks_chosen *s, lks_error *err) {
    char checkpoints[LKS_FOLDER_PATH_MAX];
    struct stat there;
    memset(s, 0, sizeof *s);
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    lks_checkpoint_path(checkpoints, step, s->path);
    if (stat(s->path, &there) == 0 && read_file(s->path, &s->checkpoint, err) == LKS_OK) {
        name(folder, LKS_FOLDER_BEST, "best", s);
        return LKS_OK;
    }
    lks_folder_path(folder, LKS_FOLDER_BEST, s->path);
    LKS_TRY(read_file(s->path, &s->checkpoint, err));
    if (s->checkpoint.cursor.step == step)
        return LKS_OK;
    lks_fail(err, LKS_ERR_MISMATCH, "%s: it stands at step %lld, the best one was %lld", s->path,
             (long long)s->checkpoint.cursor.step, (long long)step);
    lks_checkpoint_free(&s->checkpoint);
    return LKS_ERR_MISMATCH;
}

/* Whether the summary, which may be NULL, is of a run whose test figures are those of best.h5. */
static bool summary_tests_best(const char *summary) {
    char word[16];
    return lks_json_get_text(summary, "test_weights", word, sizeof word) &&
           strcmp(word, "best") == 0;
}

static lks_status tests_best(const char *folder, lks_chosen *s, bool *best, lks_error *err) {
    char *summary, *yaml;
    lks_config config;
    lks_folder_summary(folder, &summary, s->remark);
    if (summary) {
        *best = summary_tests_best(summary);
        free(summary);
        return LKS_OK;
    }
    if (!lks_folder_has(folder, LKS_FOLDER_CONFIG))
        return LKS_OK; /* checkpoints alone: the newest one */
    LKS_TRY(lks_folder_config(folder, &s->checkpoint, &config, &yaml, s->remark, err));
    *best = config.eval.test_weights == LKS_TEST_BEST;
    lks_config_free(&config);
    free(yaml);
    return LKS_OK;
}

/* From the newest checkpoint in `s` to the best one, where it is there. */
static void go_to_best(const char *folder, lks_chosen *s) {
    lks_error err;
    lks_chosen best;
    const int64_t step = s->checkpoint.best.step;
    if (step == s->checkpoint.cursor.step) {
        name(folder, LKS_FOLDER_BEST, "best", s);
        return;
    }
    if (lks_folder_read_best(folder, step, &best, &err) != LKS_OK) {
        lks_folder_remark(s->remark, "%s", err.text);
        name(folder, LKS_FOLDER_LAST, "newest", s);
        s->instead = true;
        return;
    }
    lks_folder_remark(s->remark, "%s", best.remark);
    memcpy(best.remark, s->remark, sizeof best.remark);
    best.instead = s->instead;
    lks_checkpoint_free(&s->checkpoint);
    *s = best;
}

/* --- what is asked for ------------------------------------------------------------------------ */

/* The remark ends with what was done about it. */
static void complete(lks_chosen *s) {
    if (s->instead)
        lks_folder_remark(s->remark, "%s, of step %lld, is taken instead", s->path,
                          (long long)s->checkpoint.cursor.step);
}

static lks_status start(const char *folder, lks_chosen *s, lks_error *err) {
    memset(s, 0, sizeof *s);
    LKS_TRY(read_newest(folder, s, err));
    s->instead = s->remark[0] != 0;
    return LKS_OK;
}

lks_status lks_folder_read_newest(const char *folder, lks_chosen *s, lks_error *err) {
    LKS_TRY(start(folder, s, err));
    name(folder, LKS_FOLDER_LAST, "newest", s);
    complete(s);
    return LKS_OK;
}

static lks_status read_folder(const char *folder, lks_chosen *s, lks_error *err) {
    bool best = false;
    LKS_TRY(start(folder, s, err));
    const lks_status status = tests_best(folder, s, &best, err);
    if (status != LKS_OK) {
        lks_checkpoint_free(&s->checkpoint);
        return status;
    }
    if (best && s->checkpoint.best.step > 0)
        go_to_best(folder, s);
    else
        name(folder, LKS_FOLDER_LAST, "newest", s);
    complete(s);
    return LKS_OK;
}

lks_status lks_folder_read(const char *path, lks_chosen *s, lks_error *err) {
    struct stat info;
    memset(s, 0, sizeof *s);
    if (strlen(path) >= LKS_PATH_MAX)
        return lks_fail(err, LKS_ERR_IO, "%.60s...: a path of %zu bytes; at most %d are possible",
                        path, strlen(path), LKS_PATH_MAX - 1);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return read_folder(path, s, err);
    snprintf(s->path, sizeof s->path, "%s", path);
    return read_file(path, &s->checkpoint, err);
}
