#include "feed/image_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "feed/kind.h"
#include "feed/names.h"
#include "base/memory.h"

/* --- opening ---------------------------------------------------------------------------------- */

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
    lks_set_names names;
    memset(f, 0, sizeof *f);
    LKS_TRY(lks_set_names_find(&names, c, part, err));
    f->transpose = c->transpose;
    f->label_offset = c->label_offset;
    f->kind = lks_image_kind_of(names.images);
    LKS_TRY(f->kind->open(f, c->dir, names.images, names.labels, err));
    f->found = names.found;
    turn_sizes(f);
    return LKS_OK;
}

lks_status lks_image_file_open_images(lks_image_file *f, const char *path, bool transposed,
                                      lks_error *err) {
    memset(f, 0, sizeof *f);
    f->transpose = transposed;
    f->kind = &lks_image_kind_idx;
    LKS_TRY(f->kind->open(f, "", path, NULL, err));
    turn_sizes(f);
    return LKS_OK;
}

bool lks_image_file_exists(const lks_data_config *c, lks_image_part part) {
    lks_set_names names;
    lks_error ignored;
    char path[LKS_PATH_MAX], zipped[LKS_PATH_MAX + 4];
    if (lks_set_names_find(&names, c, part, &ignored) != LKS_OK || names.found)
        return true; /* opening it tells what is wrong */
    if (lks_data_path(path, c->dir, names.images, &ignored) != LKS_OK)
        return false;
    snprintf(zipped, sizeof zipped, "%s.gz", path);
    return access(path, F_OK) == 0 || access(zipped, F_OK) == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* An image of [columns][rows][channels] bytes becomes one of [rows][columns][channels]. */
static void turn(const uint8_t *from, size_t rows, size_t columns, size_t channels, uint8_t *to) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(to + (r * columns + c) * channels, from + (c * rows + r) * channels, channels);
}

/* From those in the file to those that are handed out. */
static lks_status transpose(const lks_image_file *f, int64_t count, uint8_t *images,
                            lks_error *err) {
    const size_t rows = (size_t)f->rows, columns = (size_t)f->columns;
    const size_t channels = (size_t)f->channels, bytes = rows * columns * channels;
    uint8_t *stored = lks_alloc(bytes, 1, "one image", err);
    if (!stored)
        return LKS_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++, images += bytes) {
        memcpy(stored, images, bytes);
        turn(stored, rows, columns, channels, images);
    }
    lks_free(stored);
    return LKS_OK;
}

const uint8_t *lks_image_file_stored(const lks_image_file *f, const uint8_t *image,
                                     uint8_t *stored) {
    if (!f->transpose)
        return image;
    turn(image, (size_t)f->columns, (size_t)f->rows, (size_t)f->channels, stored);
    return stored;
}

lks_status lks_image_reader_open(lks_image_reader *r, const lks_image_file *f, lks_error *err) {
    *r = (lks_image_reader){.file = f};
    return f->kind->start ? f->kind->start(f, false, &r->place, err) : LKS_OK;
}

lks_status lks_image_reader_next(lks_image_reader *r, int64_t first, int64_t count, uint8_t *out,
                                 lks_error *err) {
    const lks_image_file *f = r->file;
    LKS_TRY(f->kind->read(f, r->place, first, count, out, err));
    return f->transpose ? transpose(f, count, out, err) : LKS_OK;
}

void lks_image_reader_close(lks_image_reader *r) {
    if (r->file && r->file->kind->stop)
        r->file->kind->stop(r->place);
    *r = (lks_image_reader){0};
}

lks_status lks_image_file_read(const lks_image_file *f, int64_t first, int64_t count, uint8_t *out,
                               lks_error *err) {
    lks_image_reader reader;
    LKS_TRY(lks_image_reader_open(&reader, f, err));
    const lks_status status = lks_image_reader_next(&reader, first, count, out, err);
    lks_image_reader_close(&reader);
    return status;
}

static int64_t portion_of(const lks_image_file *f, size_t bytes) {
    enum { PORTION = 4096, PORTION_BYTES = 1 << 26 };
    const int64_t fitting = bytes < PORTION_BYTES ? PORTION_BYTES / (int64_t)bytes : 1;
    const int64_t portion = fitting < PORTION ? fitting : PORTION;
    return f->count < portion ? f->count : portion;
}

lks_status lks_image_file_walk(const lks_image_file *f, lks_image_visit visit, void *context,
                               lks_error *err) {
    const size_t bytes = (size_t)f->rows * (size_t)f->columns * (size_t)f->channels;
    const int64_t portion = portion_of(f, bytes);
    lks_image_reader reader = {0};
    uint8_t *images = lks_alloc((size_t)portion, bytes, "the images", err);
    lks_status status = images ? lks_image_reader_open(&reader, f, err) : err->status;
    for (int64_t first = 0, n; status == LKS_OK && first < f->count; first += n) {
        n = f->count - first < portion ? f->count - first : portion;
        status = lks_image_reader_next(&reader, first, n, images, err);
        if (status == LKS_OK)
            status = visit(context, first, n, images, err);
    }
    lks_image_reader_close(&reader);
    lks_free(images);
    return status;
}

/* From labels [first, first + n) of the file to those that are handed out. */
static lks_status take_offset(const lks_image_file *f, int64_t first, int64_t n, uint8_t *labels,
                              lks_error *err) {
    for (int64_t i = 0; i < n; i++) {
        if (labels[i] < f->label_offset)
            return lks_fail(err, LKS_ERR_DATA,
                            "%s: label %d of image %" PRId64
                            " is below data.label_offset, which is %d; correct one of them",
                            f->labels_path, labels[i], first + i, f->label_offset);
        labels[i] = (uint8_t)(labels[i] - f->label_offset);
    }
    return LKS_OK;
}

static lks_status walk_labels(const lks_image_file *f, uint8_t *labels, int64_t portion,
                              lks_image_visit visit, void *context, lks_error *err) {
    lks_status status = LKS_OK;
    void *place = NULL;
    if (f->kind->start)
        LKS_TRY(f->kind->start(f, true, &place, err));
    for (int64_t first = 0, n; status == LKS_OK && first < f->count; first += n) {
        n = f->count - first < portion ? f->count - first : portion;
        status = f->kind->read_labels(f, place, first, n, labels, err);
        if (status == LKS_OK)
            status = take_offset(f, first, n, labels, err);
        if (status == LKS_OK)
            status = visit(context, first, n, labels, err);
    }
    if (f->kind->stop)
        f->kind->stop(place);
    return status;
}

lks_status lks_image_file_walk_labels(const lks_image_file *f, lks_image_visit visit, void *context,
                                      lks_error *err) {
    enum { PORTION = 1 << 20 };
    const int64_t portion = f->count < PORTION ? f->count : PORTION;
    uint8_t *labels = lks_alloc((size_t)portion, 1, "labels", err);
    if (!labels)
        return LKS_ERR_MEMORY;
    const lks_status status = walk_labels(f, labels, portion, visit, context, err);
    lks_free(labels);
    return status;
}

static lks_status copy_labels(void *out, int64_t first, int64_t n, const uint8_t *labels,
                              lks_error *err) {
    (void)err;
    memcpy((uint8_t *)out + first, labels, (size_t)n);
    return LKS_OK;
}

lks_status lks_image_file_read_labels(const lks_image_file *f, uint8_t *out, lks_error *err) {
    return lks_image_file_walk_labels(f, copy_labels, out, err);
}

lks_status lks_class_names_check(const lks_data_config *c, int classes, lks_error *err) {
    if (c->n_class_names == 0 || c->n_class_names == classes)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_CONFIG,
        "data.class_names has %d name%s, the data have %d classes: give one for each class",
        c->n_class_names, c->n_class_names == 1 ? "" : "s", classes);
}
