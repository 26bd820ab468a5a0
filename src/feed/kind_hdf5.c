/* Images and labels in one HDF5 file. */
#include <stdio.h>

#include "feed/kind.h"

static lks_status open(lks_image_file *f, const char *dir, const char *images, const char *labels,
                       lks_error *err) {
    lks_h5_images *h = &f->own.h5;
    (void)labels; /* in the same file: the configuration's check */
    LKS_TRY(lks_data_path(f->path, dir, images, err));
    LKS_TRY(lks_h5_images_open(h, f->path, err));
    f->count = h->count;
    f->rows = h->rows;
    f->columns = h->columns;
    f->channels = h->channels;
    snprintf(f->labels_path, sizeof f->labels_path, "%.*s, " LKS_H5_LABELS, LKS_PATH_MAX - 16,
             f->path);
    return LKS_OK;
}

static lks_status read(const lks_image_file *f, void *place, int64_t first, int64_t count,
                       uint8_t *out, lks_error *err) {
    (void)place;
    return lks_h5_images_read(&f->own.h5, first, count, out, err);
}

static lks_status read_labels(const lks_image_file *f, void *place, int64_t first, int64_t count,
                              uint8_t *out, lks_error *err) {
    (void)place;
    return lks_h5_images_read_labels(&f->own.h5, first, count, out, err);
}

static const char *const endings[] = {".h5", ".hdf5", NULL};

const lks_image_kind lks_image_kind_hdf5 = {
    {"an HDF5 data set", endings, true}, open, NULL, NULL, read, read_labels};
