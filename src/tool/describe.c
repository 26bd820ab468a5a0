/* Describes what a path is: a configuration, a checkpoint, a run folder or a data set. No MPI. */
#include "tool/describe.h"

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
#include "tool/describe_parts.h"
#include "tool/view/preview.h"

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* --- networks --------------------------------------------------------------------------------- */

static void print_shape(lks_shape s) {
    char text[48];
    if (s.rows == 1 && s.columns == 1)
        snprintf(text, sizeof text, "%d", s.channels);
    else
        snprintf(text, sizeof text, "%d x %d x %d", s.rows, s.columns, s.channels);
    lks_print(stdout, "%-16s", text);
}

static void print_totals(const lks_config *c, const lks_layer_info *info, const char *products) {
    const lks_layer_info *sum = info;
    int64_t parameters = 0, bytes = 0;
    double flop = 0;
    for (int i = 0; i < c->n_layers; i++) {
        parameters += sum[i].parameters;
        bytes += sum[i].out_bytes;
        flop += sum[i].flop;
    }
    int states = lks_optimizer_states(&c->train.optimizer) + (c->train.ema_decay > 0);
    int chunks = lks_chunks(c->train.global_batch, c->train.chunk);
    lks_print(stdout, "      %-26s %-16s %12lld %10.3f %10.1f\n\n", "total", "",
              (long long)parameters, flop / 1e6, (double)bytes / 1024);
    lks_print(stdout, "weights and optimizer state  %.2f MiB on every %s\n",
              (double)parameters * 4 * (1 + states) / 1048576,
              c->train.exchange == LKS_EXCHANGE_HOST ? "host" : "rank");
    bool exact = c->train.reduce == LKS_REDUCE_EXACT;
    lks_print(stdout, "message of every step        %s%.2f MiB (%s)\n", exact ? "at most " : "",
              (double)parameters * (exact ? 8 : 4) / 1048576,
              !exact                                      ? "float32"
              : c->train.exchange == LKS_EXCHANGE_SCATTER ? "int64, exact"
                                                          : "int64, exact; packed between hosts");
    lks_print(stdout, "products                     %s\n", products);
    lks_print(stdout,
              "global batch                 %d in %d chunks of %d: more than %d ranks would leave "
              "some without work\n",
              c->train.global_batch, chunks, c->train.chunk, chunks);
}

static int count_classes(const lks_image_file *file) {
    lks_error ignored;
    int classes = 0;
    uint8_t *labels = lks_alloc((size_t)file->count, 1, "labels", &ignored);
    if (labels && lks_image_file_read_labels(file, labels, &ignored) == LKS_OK)
        for (int64_t i = 0; i < file->count; i++)
            classes = labels[i] + 1 > classes ? labels[i] + 1 : classes;
    lks_free(labels);
    return classes;
}

/* Shape and classes from the data where they can be found, else those of MNIST. */
static lks_shape input_of(const lks_config *c, int *classes) {
    lks_image_file file;
    lks_error ignored;
    const int names = c->data.n_class_names;
    *classes = c->data.classes ? c->data.classes : names ? names : 10;
    if (lks_image_file_open(&file, &c->data, LKS_PART_TRAIN, &ignored) != LKS_OK) {
        lks_print(stdout, "input  28 x 28 x 1 and %d classes assumed: no data in %s\n\n", *classes,
                  c->data.dir);
        return (lks_shape){28, 28, 1};
    }
    const int found = c->data.classes ? 0 : count_classes(&file);
    if (found)
        *classes = found;
    lks_print(stdout, "input  %d x %d x %d and %d classes, from %s\n\n", file.rows, file.columns,
              file.channels, *classes, c->data.dir);
    return (lks_shape){file.rows, file.columns, file.channels};
}

static void print_class_names(const lks_data_config *c) {
    for (int k = 0; k < c->n_class_names; k++) {
        fputs(k == 0 ? "classes  " : k % 8 ? ", " : ",\n         ", stdout);
        lks_print(stdout, "%d %s", k, c->class_names[k]);
    }
    if (c->n_class_names)
        fputs("\n\n", stdout);
}

static void print_pictures(const lks_pictures_config *p) {
    if (p->preprocess == LKS_PREPROCESS_MNIST)
        fputs("pictures  centred as MNIST's images are\n\n", stdout);
    if (p->preprocess == LKS_PREPROCESS_NONE)
        lks_print(stdout, "pictures  resized on a ground of %d%s\n\n", p->background,
                  p->invert ? ", inverted" : "");
}

static lks_status print_network(const lks_config *c, lks_shape input, int classes, lks_error *err) {
    const lks_kernels *kernels;
    LKS_TRY(lks_class_names_check(&c->data, classes, err));
    LKS_TRY(lks_kernels_select(getenv("LOCKSTEP_ISA"), &kernels, err));
    print_class_names(&c->data);
    print_pictures(&c->data.pictures);
    lks_layer_info *info = lks_alloc((size_t)c->n_layers, sizeof *info, "the layer table", err);
    if (!info)
        return err->status;
    lks_status status = lks_model_shapes(c, input, classes, info, err);
    if (status == LKS_OK) {
        lks_print(stdout, "  #  %-14s %-16s %-16s %12s %10s %10s\n", "layer", "name", "output",
                  "parameters", "MFLOP", "KiB");
        for (int i = 0; i < c->n_layers; i++) {
            lks_print(stdout, "%3d  %-14s %-16s ", i + 1, lks_layer_kind_name(c->layers[i].kind),
                      c->layers[i].name);
            print_shape(info[i].out);
            lks_print(stdout, " %12lld %10.3f %10.1f\n", (long long)info[i].parameters,
                      info[i].flop / 1e6, (double)info[i].out_bytes / 1024);
        }
        print_totals(c, info, lks_products_text(c, kernels));
    }
    lks_free(info);
    return status;
}

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

static lks_status print_config(const lks_config *c, lks_error *err) {
    int classes;
    lks_print(stdout, "network %s (forward of one image: MFLOP, KiB of output)\n", c->name);
    const lks_shape input = input_of(c, &classes);
    return print_network(c, input, classes, err);
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
                               : print_config(&c, err);
    lks_config_free(&c);
    return status;
}

/* --- checkpoints ------------------------------------------------------------------------------ */

static void print_checkpoint(const lks_checkpoint *c) {
    lks_print(
        stdout,
        "checkpoint     step %lld, %lld epoch%s and %lld batch%s, %lld samples seen; numerics "
        "%d, seed %llu\n",
        (long long)c->cursor.step, (long long)c->cursor.epoch, c->cursor.epoch == 1 ? "" : "s",
        (long long)c->cursor.batch, c->cursor.batch == 1 ? "" : "es",
        (long long)c->cursor.samples_seen, c->numerics, (unsigned long long)c->seed);
    lks_print_digests(c);
    lks_print_temperature(&c->temperature);
    lks_print(stdout, "data           %lld training images of %dx%dx%d, %d classes, digest %s\n",
              (long long)c->data.n_train, c->data.rows, c->data.columns, c->data.channels,
              c->data.classes, c->data.digest);
    lks_print_origin(c);
    lks_print(stdout, "\n");
    for (int i = 0; i < c->flats[0].n_tensors; i++) {
        const lks_tensor *t = &c->flats[0].tensors[i];
        lks_print(stdout, "  /model/%-24s", t->name);
        for (int d = 0; d < t->ndim; d++)
            lks_print(stdout, "%s%lld", d ? " x " : "", (long long)t->shape[d]);
        lks_print(stdout, "\n");
    }
    lks_print(stdout, "\n");
}

static lks_status describe_checkpoint(const lks_describe_options *o, lks_error *err) {
    lks_checkpoint c;
    lks_config config;
    LKS_TRY(lks_checkpoint_read(o->path, LKS_NUMERICS, &c, err));
    print_checkpoint(&c);
    lks_status status = lks_config_parse(&config, c.config_yaml, strlen(c.config_yaml), o->path,
                                         o->sets, o->n_sets, err);
    if (status == LKS_OK) {
        status = print_network(&config, (lks_shape){c.data.rows, c.data.columns, c.data.channels},
                               c.data.classes, err);
        lks_config_free(&config);
    }
    lks_checkpoint_free(&c);
    return status;
}

/* --- which it is ------------------------------------------------------------------------------ */

/* What has been done or is no configuration is told as it is. */
static lks_status describe_fixed(const lks_describe_options *o, bool run, lks_error *err) {
    if (o->n_sets > 0)
        return lks_fail(err, LKS_ERR_USAGE,
                        "--set %s: it has no effect on %s; give a configuration or a checkpoint",
                        o->sets[0], o->path);
    return run ? lks_describe_run(o->path, err) : lks_describe_data(o, err);
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
        return describe_checkpoint(o, err);
    return !kind || may_be_config(kind) ? describe_config(o, err)
                                        : lks_fail_file_kind(err, o->path, kind, LKS_WANTED_ANY);
}
