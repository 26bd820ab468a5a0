/* An imported network as Lockstep's own: a checkpoint at step 0, alone or in a run folder. */
#include "import/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/shell.h"
#include "files/publish.h"
#include "io/checkpoint.h"
#include "lockstep/log.h"
#include "run/run_folder.h"

static bool ends_in(const char *out, const char *ending) {
    const size_t n = strlen(out), length = strlen(ending);
    return n > length && strcmp(out + n - length, ending) == 0;
}

static bool is_file(const char *out) {
    return ends_in(out, ".h5");
}

/* Nobody means a folder by a name like these. */
static const char *foreign_ending(const char *out) {
    static const char *const endings[] = {".safetensors", ".npz", ".onnx", ".keras",
                                          ".hdf5",        ".pt",  ".pth",  ".weights.h5"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_in(out, endings[i]))
            return endings[i];
    return NULL;
}

lks_status lks_import_out_check(const lks_import_options *o, lks_error *err) {
    struct stat info;
    if (strlen(o->out) >= LKS_PATH_MAX - 64)
        return lks_fail(err, LKS_ERR_USAGE, "--out: the path is too long");
    if (foreign_ending(o->out))
        return lks_fail(
            err, LKS_ERR_USAGE,
            "--out %s: import makes a run folder, DIR, or a checkpoint, FILE.h5, and no %s file; "
            "`lockstep export` does",
            o->out, foreign_ending(o->out));
    if (!is_file(o->out))
        return lks_folder_is_run(o->out)
                   ? lks_fail(err, LKS_ERR_USAGE,
                              "%s: is a run folder already; --out DIR names a new one", o->out)
                   : LKS_OK;
    if (lstat(o->out, &info) != 0)
        return LKS_OK;
    if (S_ISDIR(info.st_mode))
        return lks_fail(err, LKS_ERR_USAGE, "%s: is a folder where a file belongs", o->out);
    return o->force
               ? LKS_OK
               : lks_fail(err, LKS_ERR_USAGE,
                          "%s: is there already; --force replaces it, --out names another", o->out);
}

/* --- the checkpoint --------------------------------------------------------------------------- */

/* Where it comes from is kept as for a run that started from another's weights. */
static void note(lks_init_source *from, const lks_import_options *o, const char *reader,
                 const char *digest) {
    const size_t length = strlen(o->file), room = sizeof from->path - 4;
    snprintf(from->path, sizeof from->path, "%s%s", length > room ? "..." : "",
             length > room ? o->file + (length - room) : o->file);
    snprintf(from->weights_sha256, sizeof from->weights_sha256, "%s", digest);
    snprintf(from->flat, sizeof from->flat, "%s", reader);
}

static lks_status fill(lks_checkpoint *c, const lks_import_options *o, const lks_import_result *r,
                       lks_error *err) {
    const lks_model_view *v = r->view;
    c->numerics = LKS_NUMERICS;
    c->seed = r->config->seed;
    c->data = *r->data;
    c->provenance = *r->provenance;
    c->temperature = *r->temperature;
    c->flats[0] = (lks_flat){"model", v->weights, v->n_weights, v->tensors, v->n_tensors};
    c->n_flats = 1;
    LKS_TRY(lks_checkpoint_digest(c, err));
    note(&c->provenance.init_from, o, r->reader, c->weights_sha256);
    if (r->exported && strcmp(r->exported, c->weights_sha256) != 0)
        lks_warn("%s has other weights than it says: %.16s, not %.16s; was it changed since it was "
                 "exported?",
                 o->file, c->weights_sha256, r->exported);
    LKS_TRY(lks_checkpoint_check(o->file, c, err));
    return lks_checkpoint_check_values(o->file, c, err);
}

/* Names of classes may have come from the file. */
static lks_status check_yaml(const char *yaml, const lks_import_options *o, lks_error *err) {
    lks_config config;
    if (lks_config_parse(&config, yaml, strlen(yaml), o->config, NULL, 0, err) != LKS_OK)
        return lks_fail_context(err, "with the classes of %s", o->file);
    lks_config_free(&config);
    return LKS_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

/* What a run folder needs for its checkpoint to be found. */
static lks_status fill_folder(const char *folder, const char *checkpoints, const lks_checkpoint *c,
                              lks_error *err) {
    char path[LKS_PATH_MAX + 64];
    lks_checkpoint_path(checkpoints, 0, path);
    LKS_TRY(lks_publish_folder(checkpoints, err));
    LKS_TRY(lks_folder_write_config(folder, c->config_yaml, err));
    LKS_TRY(lks_checkpoint_write(path, c, err));
    return lks_checkpoint_link(checkpoints, "last.h5", 0, err);
}

/* Nothing stays of a folder that could not be filled. */
static void empty_folder(const char *folder, const char *checkpoints, size_t there) {
    char path[LKS_FOLDER_PATH_MAX];
    lks_error ignored;
    lks_publish_remove(lks_folder_path(folder, LKS_FOLDER_LAST, path), &ignored);
    lks_checkpoint_path(checkpoints, 0, path);
    lks_publish_remove(path, &ignored);
    lks_publish_remove(lks_folder_path(folder, LKS_FOLDER_CONFIG, path), &ignored);
    lks_publish_unfolder(checkpoints, there);
}

static lks_status write_folder(const char *folder, const lks_checkpoint *c, lks_error *err) {
    char checkpoints[LKS_FOLDER_PATH_MAX];
    lks_folder_path(folder, LKS_FOLDER_CHECKPOINTS, checkpoints);
    const size_t there = lks_publish_there(checkpoints);
    const lks_status status = fill_folder(folder, checkpoints, c, err);
    if (status != LKS_OK)
        empty_folder(folder, checkpoints, there);
    return status;
}

static void tell_more(const lks_import_options *o) {
    char *out = lks_shell_word(o->out), *config = lks_shell_word(o->config);
    if (out && config)
        lks_info("next: `lockstep eval %s` tests it, `lockstep train %s --init-from %s --out DIR` "
                 "trains it "
                 "further",
                 out, config, out);
    free(out);
    free(config);
}

lks_status lks_import_write(const lks_import_options *o, const lks_import_result *r,
                            lks_error *err) {
    lks_checkpoint c = {0};
    c.config_yaml = lks_config_to_yaml(r->config, err);
    if (!c.config_yaml)
        return err->status;
    lks_status status = check_yaml(c.config_yaml, o, err);
    if (status == LKS_OK)
        status = fill(&c, o, r, err);
    if (status == LKS_OK)
        status =
            is_file(o->out) ? lks_checkpoint_write(o->out, &c, err) : write_folder(o->out, &c, err);
    if (status == LKS_OK) {
        lks_info("%s: %zu values in %d tensors, weights %s", o->out, c.flats[0].count,
                 c.flats[0].n_tensors, c.weights_sha256);
        tell_more(o);
    }
    free(c.config_yaml);
    return status;
}
