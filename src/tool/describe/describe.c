/* Describes what a path is: a configuration, a checkpoint, a run folder or a data set. No MPI. */
#include "tool/describe/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "augment/augment.h"
#include "feed/packed/packed.h"
#include "files/kind/file_kind.h"
#include "io/checkpoint.h"
#include "data/data.h"
#include "feed/image_file.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "optim/optim.h"
#include "run/run_folder.h"
#include "tool/describe/parts.h"
#include "tool/view/preview.h"

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* --- configurations ------------------------------------------------------------------------------ */

static lks_status print_resolved(const lks_config *c, lks_error *err) {
    char *yaml = lks_config_to_yaml(c, err);
    if (!yaml)
        return err->status;
    fputs(yaml, stdout);
    free(yaml);
    return LKS_OK;
}

static lks_status write_preview(const lks_config *c, const char *path, lks_error *err) {
    LKS_TRY(lks_view_write_preview(c, path, err));
    lks_print(stdout,
              "%s: a row for each image: as it is in the file, and as epochs 1 to %d show it%s\n",
              path, LKS_PREVIEW_EPOCHS,
              lks_augment_is_on(&c->augment) ? "" : "; nothing changes them (augment)");
    return LKS_OK;
}

static lks_status describe_config(const lks_describe_options *o, lks_error *err) {
    char *text;
    size_t size;
    lks_config c;
    LKS_TRY(lks_config_read_file(o->path, &text, &size, err));
    lks_config_check_seal(o->path, text, size);
    lks_status status = lks_config_parse(&c, text, size, o->path, o->sets, o->n_sets, err);
    free(text);
    LKS_TRY(status);
    status = lks_packed_take(&c, NULL, err);
    if (status == LKS_OK)
        status = o->preview    ? write_preview(&c, o->preview, err)
                 : o->resolved ? print_resolved(&c, err)
                               : lks_tell_config(&c, o->format, err);
    lks_config_free(&c);
    return status;
}

/* --- which it is ------------------------------------------------------------------------------ */

/* What has been done or is no configuration is told as it is. */
static lks_status describe_fixed(const lks_describe_options *o, bool run, lks_error *err) {
    if (o->n_sets > 0)
        return lks_fail(err, LKS_ERR_USAGE,
                        "--set %s: it has no effect on %s; give a configuration or a checkpoint",
                        o->sets[0], o->path);
    return run ? lks_describe_run(o, err) : lks_describe_data(o, err);
}

/* By its configuration, as `describe` does. */
static lks_status describe_run_by(lks_status (*describe)(const lks_describe_options *, lks_error *),
                                  const lks_describe_options *o, lks_error *err) {
    char path[LKS_PATH_MAX];
    lks_describe_options of_config = *o;
    LKS_TRY(lks_data_path(path, o->path, "config.yaml", err));
    of_config.path = path;
    return describe(&of_config, err);
}

/* Text, or what only the reader of configurations can tell what is wrong with. */
static bool may_be_config(const lks_file_kind *kind) {
    return kind->family == LKS_FILE_CONFIG || kind->family == LKS_FILE_TEXT ||
           kind->family == LKS_FILE_UNKNOWN;
}

lks_status lks_describe(const lks_describe_options *o, lks_error *err) {
    struct stat status;
    const bool folder = stat(o->path, &status) == 0 && S_ISDIR(status.st_mode);
    const bool hdf5 = ends_with(o->path, ".h5") || ends_with(o->path, ".hdf5");
    const bool run = folder && lks_folder_is_run(o->path), about_data = o->data || o->sheet;
    const lks_file_kind *kind = folder ? NULL : lks_file_kind_at(o->path);
    const bool config = !folder && !hdf5 && (!kind || may_be_config(kind));
    if (o->steps && (!run || about_data || o->preview))
        return lks_fail(err, LKS_ERR_USAGE, "--steps: %s is no run folder", o->path);
    if (o->resolved && !config)
        return lks_fail(err, LKS_ERR_USAGE, "--resolved: %s is no configuration", o->path);
    if (o->preview && !config && !run)
        return lks_fail(err, LKS_ERR_USAGE, "--preview: %s is no configuration and no run folder",
                        o->path);
    if (run && o->preview)
        return describe_run_by(describe_config, o, err);
    if (run && about_data)
        return describe_run_by(lks_describe_configured_data, o, err);
    if (folder || ends_with(o->path, "ubyte") || ends_with(o->path, ".gz") ||
        (kind && kind->family == LKS_FILE_SET) || (hdf5 && kind && kind->family == LKS_FILE_HDF5))
        return describe_fixed(o, run, err);
    if (about_data)
        return lks_describe_configured_data(o, err);
    if (hdf5 || (kind && kind->family == LKS_FILE_OWN))
        return lks_describe_checkpoint(o, err);
    return !kind || may_be_config(kind) ? describe_config(o, err)
                                        : lks_fail_file_kind(err, o->path, kind, LKS_WANTED_ANY);
}
