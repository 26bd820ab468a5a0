#include "run/run_folder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "files/publish.h"

static const char *const names[LKS_FOLDER_FILES] = {
    [LKS_FOLDER_CONFIG] = "config.yaml",
    [LKS_FOLDER_METRICS] = "metrics.jsonl",
    [LKS_FOLDER_SUMMARY] = "summary.json",
    [LKS_FOLDER_HISTORY] = "history.h5",
    [LKS_FOLDER_REPORT] = "report.html",
    [LKS_FOLDER_COMPARISON] = "comparison.html",
    [LKS_FOLDER_LIVES] = "lives",
    [LKS_FOLDER_CHECKPOINTS] = "checkpoints",
    [LKS_FOLDER_TENSORBOARD] = "tensorboard",
    [LKS_FOLDER_LAST] = "checkpoints/last.h5",
    [LKS_FOLDER_BEST] = "checkpoints/best.h5",
    [LKS_FOLDER_WORK] = "work.json",
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

bool lks_folder_has_checkpoints(const char *folder) {
    char checkpoints[LKS_FOLDER_PATH_MAX], **paths;
    int n;
    lks_error err;
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    if (lks_folder_has(folder, LKS_FOLDER_LAST))
        return true;
    if (lks_checkpoint_list(checkpoints, false, &paths, &n, &err) != LKS_OK)
        return false;
    free(paths);
    return n > 0;
}

bool lks_folder_is_run(const char *path) {
    return lks_folder_has(path, LKS_FOLDER_CONFIG) || lks_folder_has_checkpoints(path);
}

/* --- what its files say ----------------------------------------------------------------------- */

void lks_folder_remark(char remark[LKS_REMARK_ROOM], const char *format, ...) {
    char text[LKS_REMARK_ROOM / 2];
    va_list args;
    if (!remark)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const size_t used = strlen(remark);
    if (!strstr(remark, text)) /* said once */
        snprintf(remark + used, LKS_REMARK_ROOM - used, "%s%s", used ? "; " : "", text);
}

void lks_folder_summary(const char *folder, char **text, char remark[LKS_REMARK_ROOM]) {
    char path[LKS_FOLDER_PATH_MAX];
    size_t size;
    lks_error err;
    *text = NULL;
    if (!lks_folder_has(folder, LKS_FOLDER_SUMMARY))
        return;
    if (lks_config_read_file(lks_folder_path(folder, LKS_FOLDER_SUMMARY, path), text, &size,
                             &err) != LKS_OK) {
        lks_folder_remark(remark, "%s; nothing of it is used", err.text);
        return;
    }
    const lks_seal seal = lks_seal_of_text(*text, LKS_SUMMARY_SEAL, LKS_SUMMARY_SEAL_END, &size);
    if (seal == LKS_SEAL_NONE)
        lks_folder_remark(
            remark, "%s has no SHA-256 of itself: it was changed, or is of an earlier version",
            path);
    if (seal != LKS_SEAL_BROKEN)
        return;
    lks_folder_remark(
        remark, "%s was changed since it was written: damaged, or edited; nothing of it is used",
        path);
    free(*text);
    *text = NULL;
}

/* The text of config.yaml without its seal. LKS_ERR_FORMAT: it was changed. */
static lks_status read_sealed(const char *path, char **yaml, lks_seal *seal, lks_error *err) {
    size_t size;
    LKS_TRY(lks_config_read_file(path, yaml, &size, err));
    *seal = lks_seal_of_text(*yaml, LKS_CONFIG_SEAL, "\n", &size);
    if (*seal != LKS_SEAL_BROKEN) {
        (*yaml)[size] = '\0';
        return LKS_OK;
    }
    free(*yaml);
    *yaml = NULL;
    return lks_fail(
        err, LKS_ERR_FORMAT,
        "%s was changed since it was written: damaged, or edited, and then its line that "
        "begins with \"%s\" has to go",
        path, LKS_CONFIG_SEAL);
}

static lks_status parse(const char *path, char **yaml, lks_config *config, lks_error *err) {
    const lks_status status = lks_config_parse(config, *yaml, strlen(*yaml), path, NULL, 0, err);
    if (status != LKS_OK) {
        free(*yaml);
        *yaml = NULL;
    }
    return status;
}

static lks_status use_file(const char *path, const lks_checkpoint *checkpoint, lks_config *config,
                           char **yaml, char remark[LKS_REMARK_ROOM], lks_error *err) {
    lks_seal seal;
    LKS_TRY(read_sealed(path, yaml, &seal, err));
    LKS_TRY(parse(path, yaml, config, err));
    if (seal == LKS_SEAL_NONE && checkpoint && strcmp(*yaml, checkpoint->config_yaml) != 0)
        lks_folder_remark(remark,
                          "%s has no SHA-256 of itself and is not the configuration of the "
                          "checkpoint: it was changed",
                          path);
    return LKS_OK;
}

static lks_status use_checkpoint(const char *path, const lks_checkpoint *checkpoint,
                                 lks_config *config, char **yaml, lks_error *err) {
    *yaml = strdup(checkpoint->config_yaml);
    if (!*yaml)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for a configuration");
    return parse(path, yaml, config, err);
}

lks_status lks_folder_config(const char *folder, const lks_checkpoint *checkpoint,
                             lks_config *config, char **yaml, char remark[LKS_REMARK_ROOM],
                             lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX];
    const bool there = lks_folder_has(folder, LKS_FOLDER_CONFIG);
    *yaml = NULL;
    lks_folder_path(folder, LKS_FOLDER_CONFIG, path);
    if (!there && !checkpoint)
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s has no config.yaml, and no checkpoint that tells one", folder);
    if (there) {
        const lks_status status = use_file(path, checkpoint, config, yaml, remark, err);
        if (status == LKS_OK || !checkpoint)
            return status;
        lks_folder_remark(remark, "%s; the checkpoint's configuration is taken instead", err->text);
    }
    return use_checkpoint(path, checkpoint, config, yaml, err);
}

lks_status lks_folder_write_config(const char *folder, const char *yaml, lks_error *err) {
    char path[LKS_FOLDER_PATH_MAX], digest[LKS_SHA256_HEX];
    lks_text text;
    lks_folder_path(folder, LKS_FOLDER_CONFIG, path);
    LKS_TRY(lks_sha256_buffer(yaml, strlen(yaml), digest, err));
    LKS_TRY(lks_text_open(&text, path, err));
    fprintf(text.f, "%s" LKS_CONFIG_SEAL "%s\n", yaml, digest);
    LKS_TRY(lks_text_close(&text, path, err));
    const lks_status status = lks_publish_text(path, text.bytes, text.size, err);
    free(text.bytes);
    return status;
}
