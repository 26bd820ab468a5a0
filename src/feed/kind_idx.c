/* Images and labels in two IDX files, as MNIST has them; plain or .gz. */
#include <inttypes.h>
#include <stdio.h>

#include "feed/kind.h"

static lks_status open_images(lks_image_file *f, const char *dir, const char *images,
                              lks_error *err) {
    const lks_idx_info *i = &f->own.idx.images;
    LKS_TRY(lks_idx_open(&f->own.idx.images, dir, images, 3, err));
    f->count = i->count;
    f->rows = i->rows;
    f->columns = i->columns;
    f->channels = i->channels;
    f->compressed = i->compressed;
    snprintf(f->path, sizeof f->path, "%s", i->path);
    return LKS_OK;
}

static lks_status open(lks_image_file *f, const char *dir, const char *images, const char *labels,
                       lks_error *err) {
    const lks_idx_info *i = &f->own.idx.images;
    LKS_TRY(open_images(f, dir, images, err));
    if (!labels)
        return LKS_OK;
    LKS_TRY(lks_idx_open(&f->own.idx.labels, dir, labels, 1, err));
    if (i->count != f->own.idx.labels.count)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s has %" PRId64 " images, but %s has %" PRId64 " labels", i->path,
                        i->count, f->own.idx.labels.path, f->own.idx.labels.count);
    snprintf(f->labels_path, sizeof f->labels_path, "%s", f->own.idx.labels.path);
    return LKS_OK;
}

static lks_status start(const lks_image_file *f, bool labels, void **place, lks_error *err) {
    lks_idx_reader *reader;
    LKS_TRY(lks_idx_reader_open(&reader, labels ? &f->own.idx.labels : &f->own.idx.images, err));
    *place = reader;
    return LKS_OK;
}

static void stop(void *place) {
    lks_idx_reader_close(place);
}

static lks_status read(const lks_image_file *f, void *place, int64_t first, int64_t count,
                       uint8_t *out, lks_error *err) {
    (void)f;
    return lks_idx_reader_next(place, first, count, out, err);
}

const lks_image_kind lks_image_kind_idx = {
    {"an IDX file", NULL, false}, open, start, stop, read, read};
