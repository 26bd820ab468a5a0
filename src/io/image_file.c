#include "lockstep/image_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lockstep/memory.h"

/* --- opening ---------------------------------------------------------------------------------- */

static lks_status open_idx_images(lks_image_file *f, const char *dir, const char *images,
                                  lks_error *err) {
    const lks_idx_info *i = &f->idx_images;
    LKS_TRY(lks_idx_open(&f->idx_images, dir, images, 3, err));
    f->count = i->count;
    f->rows = i->rows;
    f->columns = i->columns;
    f->channels = i->channels;
    f->compressed = i->compressed;
    snprintf(f->path, sizeof f->path, "%s", i->path);
    return LKS_OK;
}

static lks_status open_idx(lks_image_file *f, const char *dir, const char *images,
                           const char *labels, lks_error *err) {
    const lks_idx_info *i = &f->idx_images;
    LKS_TRY(open_idx_images(f, dir, images, err));
    LKS_TRY(lks_idx_open(&f->idx_labels, dir, labels, 1, err));
    if (i->count != f->idx_labels.count)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s has %" PRId64 " images, but %s has %" PRId64 " labels", i->path,
                        i->count, f->idx_labels.path, f->idx_labels.count);
    snprintf(f->labels_path, sizeof f->labels_path, "%s", f->idx_labels.path);
    return LKS_OK;
}

static lks_status open_hdf5(lks_image_file *f, const char *dir, const char *name, lks_error *err) {
    f->hdf5 = true;
    LKS_TRY(lks_data_path(f->path, dir, name, err));
    LKS_TRY(lks_h5_images_open(&f->h5, f->path, err));
    f->count = f->h5.count;
    f->rows = f->h5.rows;
    f->columns = f->h5.columns;
    f->channels = f->h5.channels;
    snprintf(f->labels_path, sizeof f->labels_path, "%.*s, " LKS_H5_LABELS, LKS_PATH_MAX - 16,
             f->path);
    return LKS_OK;
}

/* From those in the file to those that are handed out. */
static void turn_sizes(lks_image_file *f) {
    const int rows = f->rows;
    if (!f->transpose)
        return;
    f->rows = f->columns;
    f->columns = rows;
}

lks_status lks_image_file_open(lks_image_file *f, const lks_data_config *c, lks_image_part part,
                               lks_error *err) {
    const bool train = part == LKS_PART_TRAIN;
    const char *images = train ? c->train_images : c->test_images;
    const char *labels = train ? c->train_labels : c->test_labels;
    memset(f, 0, sizeof *f);
    f->transpose = c->transpose;
    f->label_offset = c->label_offset;
    if (lks_is_hdf5_name(images)) /* labels are in the same file: the configuration's check */
        LKS_TRY(open_hdf5(f, c->dir, images, err));
    else
        LKS_TRY(open_idx(f, c->dir, images, labels, err));
    turn_sizes(f);
    return LKS_OK;
}

lks_status lks_image_file_open_images(lks_image_file *f, const char *path, bool transposed,
                                      lks_error *err) {
    memset(f, 0, sizeof *f);
    f->transpose = transposed;
    LKS_TRY(open_idx_images(f, "", path, err));
    turn_sizes(f);
    return LKS_OK;
}

bool lks_image_file_exists(const lks_data_config *c, lks_image_part part) {
    char path[LKS_PATH_MAX], zipped[LKS_PATH_MAX + 4];
    lks_error ignored;
    if (lks_data_path(path, c->dir, part == LKS_PART_TRAIN ? c->train_images : c->test_images,
                      &ignored) != LKS_OK)
        return false;
    snprintf(zipped, sizeof zipped, "%s.gz", path);
    return access(path, F_OK) == 0 || access(zipped, F_OK) == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Images of [columns][rows][channels] bytes, which is how the file has them, become
 * [rows][columns][channels]. */
static lks_status transpose(const lks_image_file *f, int64_t count, uint8_t *images,
                            lks_error *err) {
    const size_t rows = (size_t)f->rows, columns = (size_t)f->columns;
    const size_t channels = (size_t)f->channels, bytes = rows * columns * channels;
    uint8_t *stored = lks_alloc(bytes, 1, "one image", err);
    if (!stored)
        return LKS_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++, images += bytes) {
        memcpy(stored, images, bytes);
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                memcpy(images + (r * columns + c) * channels, stored + (c * rows + r) * channels,
                       channels);
    }
    lks_free(stored);
    return LKS_OK;
}

lks_status lks_image_file_read(const lks_image_file *f, int64_t first, int64_t count, uint8_t *out,
                               lks_error *err) {
    if (f->hdf5)
        LKS_TRY(lks_h5_images_read(&f->h5, first, count, out, err));
    else
        LKS_TRY(lks_idx_read(&f->idx_images, first, count, out, err));
    return f->transpose ? transpose(f, count, out, err) : LKS_OK;
}

lks_status lks_image_file_read_labels(const lks_image_file *f, uint8_t *out, lks_error *err) {
    if (f->hdf5)
        LKS_TRY(lks_h5_images_read_labels(&f->h5, out, err));
    else
        LKS_TRY(lks_idx_read(&f->idx_labels, 0, f->count, out, err));
    for (int64_t i = 0; i < f->count; i++) {
        if (out[i] < f->label_offset)
            return lks_fail(err, LKS_ERR_DATA,
                            "%s: label %d of image %" PRId64
                            " is below data.label_offset, which is %d; correct one of them",
                            f->labels_path, out[i], i, f->label_offset);
        out[i] = (uint8_t)(out[i] - f->label_offset);
    }
    return LKS_OK;
}

lks_status lks_class_names_check(const lks_data_config *c, int classes, lks_error *err) {
    if (c->n_class_names == 0 || c->n_class_names == classes)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_CONFIG,
                    "data.class_names has %d name%s, the data have %d classes: give one a class",
                    c->n_class_names, c->n_class_names == 1 ? "" : "s", classes);
}
