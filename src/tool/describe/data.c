/* Describes a data set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "feed/names.h"
#include "feed/packed/packed.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "lockstep/model.h"
#include "pictures/picture_folder.h"
#include "tool/describe/parts.h"
#include "tool/view/view.h"

/* --- a set that was opened ---------------------------------------------------------------------- */

/* Prints, writes the sheet, and frees. `status` is that of opening. */
static lks_status tell(lks_view *v, const lks_describe_options *o, lks_status status,
                       lks_error *err) {
    if (status == LKS_OK) {
        if (o->format == LKS_FORMAT_TEXT)
            lks_view_print(v);
        else
            status = lks_view_print_rows(v, o->format, err);
        if (status == LKS_OK && o->sheet)
            status = lks_view_write_sheet(v, o->sheet, err);
    }
    lks_view_free(v);
    return status;
}

static lks_status describe_set(const lks_describe_options *o, const lks_data_config *c,
                               lks_error *err) {
    lks_view v = {.config = c};
    return tell(&v, o, lks_view_open(&v, c, err), err);
}

/* --- files and folders -------------------------------------------------------------------------- */

static void print_labels(const char *path, int64_t n, const int64_t *counts) {
    lks_print(stdout, "%s: %lld labels\n", path, (long long)n);
    fputs(" ", stdout);
    for (int c = 0; c < LKS_CLASSES_MAX; c++)
        if (counts[c])
            lks_print(stdout, " %d: %lld ", c, (long long)counts[c]);
    lks_print(stdout, "\n");
}

static lks_status tell_labels(const char *path, lks_format format, lks_error *err) {
    lks_idx_info info;
    LKS_TRY(lks_idx_open(&info, "", path, 1, err));
    uint8_t *labels = lks_alloc((size_t)info.count, 1, "labels", err);
    if (!labels)
        return err->status;
    lks_status status = lks_idx_read(&info, 0, info.count, labels, err);
    if (status == LKS_OK) {
        int64_t counts[LKS_CLASSES_MAX] = {0};
        for (int64_t i = 0; i < info.count; i++)
            counts[labels[i]]++;
        if (format == LKS_FORMAT_TEXT)
            print_labels(info.path, info.count, counts);
        else
            status = lks_view_print_labels(info.path, info.count, counts, format, err);
    }
    lks_free(labels);
    return status;
}

static lks_status describe_idx(const lks_describe_options *o, lks_error *err) {
    const lks_data_config c = LKS_MNIST_NAMES;
    lks_view v = {.config = &c};
    const char *slash = strrchr(o->path, '/');
    if (!strstr(slash ? slash : o->path, "idx1"))
        return tell(&v, o, lks_view_open_images(&v, &c, o->path, err), err);
    if (o->sheet)
        return lks_fail(err, LKS_ERR_USAGE, "--sheet: %s has labels, no images", o->path);
    return tell_labels(o->path, o->format, err);
}

static lks_status describe_class_folders(const lks_describe_options *o, const lks_data_config *c,
                                         lks_error *err) {
    lks_picture_folder folder;
    lks_view v = {.config = c};
    LKS_TRY(lks_picture_folder_scan(&folder, o->path, err));
    lks_status status = lks_view_open_folder(&v, c, &folder, err);
    v.class_names = folder.class_names;
    for (int i = 0; i < 2; i++)
        snprintf(v.part[i].path, sizeof v.part[i].path, "%s%s", o->path,
                 !folder.has_test ? ""
                 : i              ? "/test"
                                  : "/train");
    status = tell(&v, o, status, err);
    for (int i = 0; o->format == LKS_FORMAT_TEXT && i < folder.n_left_out; i++)
        lks_print(stdout, "left out     %lld %s, such as %s\n", (long long)folder.left_out[i].count,
                  folder.left_out[i].kind, folder.left_out[i].first);
    lks_picture_folder_free(&folder);
    return status;
}

/* With what `lockstep pack` wrote beside the images. */
static lks_status describe_packed(const lks_describe_options *o, lks_config *config,
                                  lks_error *err) {
    LKS_TRY(lks_packed_take(config, NULL, err));
    return describe_set(o, &config->data, err);
}

/* The set of IDX files, or else the class folders; the error is that of what it comes nearest to. */
static lks_status describe_as_folder(const lks_describe_options *o, lks_config *config,
                                     lks_error *err) {
    lks_data_config *c = &config->data;
    lks_set_names names;
    lks_picture_folder folder;
    lks_error no_folder;
    const lks_status found = lks_set_names_find(&names, c, LKS_PART_TRAIN, err);
    if (found == LKS_OK && (names.found || lks_image_file_exists(c, LKS_PART_TRAIN) ||
                            lks_image_file_exists(c, LKS_PART_TEST)))
        return describe_packed(o, config, err);
    if (lks_picture_folder_scan(&folder, o->path, &no_folder) == LKS_OK) {
        lks_picture_folder_free(&folder);
        return describe_class_folders(o, c, err);
    }
    LKS_TRY(found);
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: neither a run folder nor a data set, which has " LKS_TRAIN_IMAGES
                    ", nor class folders of pictures",
                    o->path);
}

static lks_status describe_folder(const lks_describe_options *o, lks_error *err) {
    lks_config *config = lks_alloc(1, sizeof *config, "a configuration", err);
    if (!config)
        return err->status;
    config->data = LKS_MNIST_NAMES;
    lks_status status = LKS_OK;
    if (strlen(o->path) < sizeof config->data.dir)
        strcpy(config->data.dir, o->path);
    else
        status = lks_fail(err, LKS_ERR_USAGE, "%.60s...: the path is too long", o->path);
    if (status == LKS_OK)
        status = describe_as_folder(o, config, err);
    lks_free(config);
    return status;
}

static lks_status describe_hdf5(const lks_describe_options *o, lks_error *err) {
    lks_data_config c = {.normalize = LKS_NORMALIZE_NONE};
    if (strlen(o->path) >= sizeof c.train_images)
        return lks_fail(err, LKS_ERR_USAGE, "%.60s...: the path is too long", o->path);
    strcpy(c.train_images, o->path);
    return describe_set(o, &c, err);
}

lks_status lks_describe_data(const lks_describe_options *o, lks_error *err) {
    struct stat info;
    if (stat(o->path, &info) == 0 && S_ISDIR(info.st_mode))
        return describe_folder(o, err);
    return lks_data_format_of(o->path)->holds_labels ? describe_hdf5(o, err) : describe_idx(o, err);
}

/* --- configurations ----------------------------------------------------------------------------- */

static lks_status read_config(lks_config *c, const lks_describe_options *o, lks_error *err) {
    char *text;
    size_t size;
    LKS_TRY(lks_config_read_file(o->path, &text, &size, err));
    const lks_status status = lks_config_parse(c, text, size, o->path, o->sets, o->n_sets, err);
    free(text);
    return status;
}

static lks_status read_config_of_checkpoint(lks_config *c, const lks_describe_options *o,
                                            lks_error *err) {
    lks_checkpoint checkpoint;
    LKS_TRY(lks_checkpoint_read(o->path, LKS_NUMERICS, &checkpoint, err));
    const lks_status status =
        lks_config_parse(c, checkpoint.config_yaml, strlen(checkpoint.config_yaml), o->path,
                         o->sets, o->n_sets, err);
    lks_checkpoint_free(&checkpoint);
    return status;
}

lks_status lks_describe_configured_data(const lks_describe_options *o, lks_error *err) {
    lks_config c;
    const bool hdf5 =
        lks_data_format_of(o->path)->holds_labels; /* by its ending, as a checkpoint */
    LKS_TRY(hdf5 ? read_config_of_checkpoint(&c, o, err) : read_config(&c, o, err));
    const lks_status status = describe_packed(o, &c, err);
    lks_config_free(&c);
    return status;
}
