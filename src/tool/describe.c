/* Describes what a path is: a configuration, a checkpoint, a run folder or a data set. No MPI. */
#include "lockstep/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/packed/packed.h"
#include "lockstep/checkpoint.h"
#include "lockstep/data.h"
#include "lockstep/image_file.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/model.h"
#include "lockstep/optim.h"
#include "lockstep/run_folder.h"
#include "files/whole_file.h"
#include "tool/describe.h"

typedef struct source {
    const char *path;
    const char *const *sets;
    int n_sets;
} source;

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

static void print_totals(const lks_config *c, const lks_layer_info *info) {
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
    lks_print(stdout, "weights and optimizer state  %.2f MiB on every rank\n",
              (double)parameters * 4 * (1 + states) / 1048576);
    bool exact = c->train.reduce == LKS_REDUCE_EXACT;
    lks_print(stdout, "message of every step        %s%.2f MiB (%s)\n", exact ? "at most " : "",
              (double)parameters * (exact ? 8 : 4) / 1048576,
              exact ? "int64, exact; packed between hosts" : "float32");
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
    LKS_TRY(lks_class_names_check(&c->data, classes, err));
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
        print_totals(c, info);
    }
    lks_free(info);
    return status;
}

static lks_status describe_config(const source *s, lks_error *err) {
    char *text;
    size_t size;
    lks_config c;
    int classes;
    LKS_TRY(lks_config_read_file(s->path, &text, &size, err));
    lks_config_check_seal(s->path, text, size);
    lks_status status = lks_config_parse(&c, text, size, s->path, s->sets, s->n_sets, err);
    free(text);
    LKS_TRY(status);
    status = lks_packed_take(&c, NULL, err);
    if (status == LKS_OK) {
        lks_print(stdout, "network %s (forward of one image: MFLOP, KiB of output)\n", c.name);
        const lks_shape input = input_of(&c, &classes);
        status = print_network(&c, input, classes, err);
    }
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

static lks_status describe_checkpoint(const source *s, lks_error *err) {
    lks_checkpoint c;
    lks_config config;
    LKS_TRY(lks_checkpoint_read(s->path, LKS_NUMERICS, &c, err));
    print_checkpoint(&c);
    lks_status status = lks_config_parse(&config, c.config_yaml, strlen(c.config_yaml), s->path,
                                         s->sets, s->n_sets, err);
    if (status == LKS_OK) {
        status = print_network(&config, (lks_shape){c.data.rows, c.data.columns, c.data.channels},
                               c.data.classes, err);
        lks_config_free(&config);
    }
    lks_checkpoint_free(&c);
    return status;
}

/* --- data ------------------------------------------------------------------------------------- */

static void print_counts(const char *path, const uint8_t *labels, int64_t n) {
    int64_t counts[256] = {0};
    for (int64_t i = 0; i < n; i++)
        counts[labels[i]]++;
    lks_print(stdout, "%s: %lld labels\n", path, (long long)n);
    fputs(" ", stdout);
    for (int c = 0; c < 256; c++)
        if (counts[c])
            lks_print(stdout, " %d: %lld ", c, (long long)counts[c]);
    lks_print(stdout, "\n");
}

static lks_status print_labels(const lks_idx_info *info, lks_error *err) {
    uint8_t *labels = lks_alloc((size_t)info->count, 1, "labels", err);
    if (!labels)
        return err->status;
    lks_status status = lks_idx_read(info, 0, info->count, labels, err);
    if (status == LKS_OK)
        print_counts(info->path, labels, info->count);
    lks_free(labels);
    return status;
}

static lks_status describe_hdf5(const char *path, lks_error *err) {
    lks_h5_images h;
    LKS_TRY(lks_h5_images_open(&h, path, err));
    uint8_t *labels = lks_alloc((size_t)h.count, 1, "labels", err);
    if (!labels)
        return err->status;
    lks_status status = lks_h5_images_read_labels(&h, labels, err);
    if (status == LKS_OK) {
        lks_print(stdout, "%s: %lld images of %d x %d x %d\n", path, (long long)h.count, h.rows,
                  h.columns, h.channels);
        print_counts(path, labels, h.count);
    }
    lks_free(labels);
    return status;
}

/* A checkpoint begins with lines of text, any other HDF5 file with HDF5's signature. */
static bool is_plain_hdf5(const char *path) {
    static const char signature[8] = "\211HDF\r\n\032\n";
    char start[sizeof signature];
    FILE *f = lks_open_regular(path);
    bool found = f && fread(start, 1, sizeof start, f) == sizeof start &&
                 memcmp(start, signature, sizeof start) == 0;
    if (f)
        fclose(f);
    return found;
}

static lks_status describe_file(const char *folder, const char *name, int dimensions,
                                lks_error *err) {
    lks_idx_info info;
    LKS_TRY(lks_idx_open(&info, folder, name, dimensions, err));
    if (dimensions == 1)
        return print_labels(&info, err);
    lks_print(stdout, "%s: %lld images of %d x %d x %d%s\n", info.path, (long long)info.count,
              info.rows, info.columns, info.channels, info.compressed ? ", compressed" : "");
    return LKS_OK;
}

/* NAME, or NAME.gz, which stands for it. */
static bool is_there(const char *folder, const char *name) {
    char path[LKS_PATH_MAX];
    for (int zipped = 0; zipped < 2; zipped++)
        if (snprintf(path, sizeof path, "%s/%s%s", folder, name, zipped ? ".gz" : "") <
                (int)sizeof path &&
            access(path, F_OK) == 0)
            return true;
    return false;
}

static lks_status describe_folder(const source *s, lks_error *err) {
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    const bool has_test = is_there(s->path, names[2]) || is_there(s->path, names[3]);
    if (!has_test && !is_there(s->path, names[0]) && !is_there(s->path, names[1]))
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: neither a run folder nor a data set, which has %s; class folders of "
                        "pictures become one by `lockstep pack`",
                        s->path, names[0]);
    for (int i = 0; i < (has_test ? 4 : 2); i++)
        LKS_TRY(describe_file(s->path, names[i], i % 2 ? 1 : 3, err));
    if (!has_test)
        lks_print(stdout, "%s: no test set\n", s->path);
    return LKS_OK;
}

/* What has been done or is no configuration is told as it is. */
static lks_status describe_fixed(const source *s, bool folder, lks_error *err) {
    if (s->n_sets > 0)
        return lks_fail(err, LKS_ERR_USAGE,
                        "--set %s: it has no effect on %s; give a configuration or a checkpoint",
                        s->sets[0], s->path);
    if (folder)
        return lks_folder_is_run(s->path) ? lks_describe_run(s->path, err)
                                          : describe_folder(s, err);
    if (ends_with(s->path, ".h5") || ends_with(s->path, ".hdf5"))
        return describe_hdf5(s->path, err);
    return describe_file(".", s->path, strstr(s->path, "idx1") ? 1 : 3, err);
}

lks_status lks_describe(const char *path, const char *const *sets, int n_sets, lks_error *err) {
    const source s = {path, sets, n_sets};
    struct stat status;
    const bool folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    const bool hdf5 = ends_with(path, ".h5") || ends_with(path, ".hdf5");
    if (folder || ends_with(path, "ubyte") || ends_with(path, ".gz") ||
        (hdf5 && is_plain_hdf5(path)))
        return describe_fixed(&s, folder, err);
    return hdf5 ? describe_checkpoint(&s, err) : describe_config(&s, err);
}
