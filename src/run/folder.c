#include "lockstep/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lockstep/json.h"

static const char *const names[LKS_FOLDER_FILES] = {
    [LKS_FOLDER_CONFIG] = "config.yaml",
    [LKS_FOLDER_METRICS] = "metrics.jsonl",
    [LKS_FOLDER_SUMMARY] = "summary.json",
    [LKS_FOLDER_HISTORY] = "history.h5",
    [LKS_FOLDER_REPORT] = "report.html",
    [LKS_FOLDER_COMPARISON] = "comparison.html",
    [LKS_FOLDER_LIVES] = "lives",
    [LKS_FOLDER_CHECKPOINTS] = "checkpoints",
    [LKS_FOLDER_LAST] = "checkpoints/last.h5",
    [LKS_FOLDER_BEST] = "checkpoints/best.h5",
    [LKS_FOLDER_FAULTS] = "faults.jsonl",
};

const char *lks_folder_path(const char *folder, lks_folder_file file,
                            char path[LKS_FOLDER_PATH_MAX]) {
    snprintf(path, LKS_FOLDER_PATH_MAX, "%.*s/%s", LKS_PATH_MAX, folder, names[file]);
    return path;
}

bool lks_folder_has(const char *folder, lks_folder_file file) {
    char path[LKS_FOLDER_PATH_MAX];
    struct stat s;
    /* what cannot be looked at may be there: who opens it is told why it cannot be read */
    return stat(lks_folder_path(folder, file, path), &s) == 0 ||
           (errno != ENOENT && errno != ENOTDIR);
}

bool lks_folder_is_run(const char *path) {
    return lks_folder_has(path, LKS_FOLDER_CONFIG) || lks_folder_has(path, LKS_FOLDER_LAST);
}

/* --- what its files say ----------------------------------------------------------------------- */

lks_status lks_folder_summary(const char *folder, char **text, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    size_t size;
    *text = NULL;
    if (!lks_folder_has(folder, LKS_FOLDER_SUMMARY))
        return LKS_OK;
    return lks_config_read_file(lks_folder_path(folder, LKS_FOLDER_SUMMARY, path), text, &size,
                                err);
}

/* Whether the summary, which may be NULL, is of a run whose test figures are those of best.h5. */
static bool summary_tests_best(const char *summary) {
    char word[16];
    return summary && lks_json_get_text(summary, "test_weights", word, sizeof word) &&
           strcmp(word, "best") == 0;
}

static lks_status read_yaml(const char *folder, const lks_checkpoint *checkpoint, char **yaml,
                            size_t *size, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    if (lks_folder_has(folder, LKS_FOLDER_CONFIG))
        return lks_config_read_file(lks_folder_path(folder, LKS_FOLDER_CONFIG, path), yaml, size,
                                    err);
    if (!checkpoint)
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s has no config.yaml, and no checkpoint that tells one", folder);
    *yaml = strdup(checkpoint->config_yaml);
    *size = *yaml ? strlen(*yaml) : 0;
    return *yaml ? LKS_OK : lks_fail(err, LKS_ERR_MEMORY, "out of memory for a configuration");
}

lks_status lks_folder_config(const char *folder, const lks_checkpoint *checkpoint,
                             lks_config *config, char **yaml, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    size_t size;
    LKS_TRY(read_yaml(folder, checkpoint, yaml, &size, err));
    lks_status status = lks_config_parse(
        config, *yaml, size, lks_folder_path(folder, LKS_FOLDER_CONFIG, path), NULL, 0, err);
    if (status != LKS_OK) {
        free(*yaml);
        *yaml = NULL;
    }
    return status;
}

/* --- which checkpoint ------------------------------------------------------------------------- */

static lks_status config_tests_best(const char *folder, bool *best, lks_error *err) {
    lks_config config;
    char *yaml;
    if (!lks_folder_has(folder, LKS_FOLDER_CONFIG))
        return LKS_OK; /* checkpoints alone: the newest one */
    LKS_TRY(lks_folder_config(folder, NULL, &config, &yaml, err));
    *best = config.eval.test_weights == LKS_TEST_BEST;
    lks_config_free(&config);
    free(yaml);
    return LKS_OK;
}

static lks_status tests_best(const char *folder, bool *best, lks_error *err) {
    char *summary;
    *best = false;
    LKS_TRY(lks_folder_summary(folder, &summary, err));
    if (summary) {
        *best = summary_tests_best(summary);
        free(summary);
        return LKS_OK;
    }
    return lks_folder_has(folder, LKS_FOLDER_BEST) ? config_tests_best(folder, best, err) : LKS_OK;
}

lks_status lks_folder_checkpoint(const char *path, char found[LKS_FOLDER_PATH_MAX],
                                 lks_error *err) {
    struct stat s;
    bool best;
    if (strlen(path) >= LKS_PATH_MAX)
        return lks_fail(err, LKS_ERR_IO, "%.60s...: a path of %zu bytes; at most %d are possible",
                        path, strlen(path), LKS_PATH_MAX - 1);
    snprintf(found, LKS_FOLDER_PATH_MAX, "%s", path);
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode))
        return LKS_OK;
    LKS_TRY(tests_best(path, &best, err));
    const lks_folder_file file = best ? LKS_FOLDER_BEST : LKS_FOLDER_LAST;
    lks_folder_path(path, file, found);
    if (lks_folder_has(path, file))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "%s: a folder without %s; name a run folder or a checkpoint",
                    path, names[file]);
}
