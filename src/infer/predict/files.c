/* Files of pictures: one each, or many in an IDX file. */
#include <string.h>
#include <sys/stat.h>

#include "files/kind/file_kind.h"
#include "infer/predict/predictor.h"
#include "feed/image_file.h"
#include "base/memory.h"

/* IDX files are read in blocks of this size: of a .gz all that stands before it is inflated again. */
enum { BLOCK_BYTES = 1 << 26 };

/* --- one picture ------------------------------------------------------------------------------ */

static bool takes_pictures(const lks_predictor *p) {
    return p->networks.shape.channels == 1 || p->networks.shape.channels == 3;
}

static lks_status check_takes_pictures(const lks_predictor *p, const char *path, lks_error *err) {
    if (takes_pictures(p))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: a picture has 1 or 3 channels, the network takes %d: only IDX files "
                    "have them",
                    path, p->networks.shape.channels);
}

static lks_status read_image(const lks_predictor *p, uint8_t *out, lks_predict_item *item,
                             lks_error *err) {
    lks_picture picture;
    LKS_TRY(check_takes_pictures(p, item->file, err));
    LKS_TRY(lks_picture_read(&picture, item->file, err));
    lks_status status = lks_predictor_prepare(p, &picture, out, item, err);
    lks_picture_free(&picture);
    return status;
}

static lks_status read_picture(lks_predictor *p, const char *path, lks_error *err) {
    lks_predict_item *item;
    uint8_t *out = lks_predictor_place(p, &item);
    *item = (lks_predict_item){.file = path, .index = -1};
    LKS_TRY(read_image(p, out, item, err));
    return lks_predictor_keep(p, err);
}

static lks_status read_digits(lks_predictor *p, const char *path, lks_error *err) {
    lks_picture picture;
    LKS_TRY(check_takes_pictures(p, path, err));
    LKS_TRY(lks_picture_read(&picture, path, err));
    lks_status status = lks_predictor_segment(p, &picture, path, err);
    lks_picture_free(&picture);
    return status;
}

/* --- a picture in memory ---------------------------------------------------------------------- */

static lks_status check_pixels(const lks_picture *picture, const char *name, lks_error *err) {
    const bool some = picture->rows > 0 && picture->columns > 0 && picture->pixels;
    const bool few = some && picture->rows <= LKS_PICTURE_PIXELS_MAX / picture->columns;
    if (few && picture->channels >= 1 && picture->channels <= 4)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_USAGE,
        "%s: %d x %d pixels of %d channels are no picture: it has 1 to 4 channels and at "
        "most %d pixels",
        name, picture->rows, picture->columns, picture->channels, LKS_PICTURE_PIXELS_MAX);
}

static lks_status show(lks_predictor *p, lks_picture *picture, const char *name, lks_error *err) {
    return p->segments ? lks_predictor_segment(p, picture, name, err)
                       : lks_predictor_add(p, picture, name, -1, err);
}

/* Preparing uses a picture up, so it is a copy. */
static lks_status show_copy(lks_predictor *p, const lks_picture *picture, const char *name,
                            lks_error *err) {
    LKS_TRY(check_pixels(picture, name, err));
    LKS_TRY(check_takes_pictures(p, name, err));
    lks_picture copy = *picture;
    const size_t bytes = (size_t)copy.rows * (size_t)copy.columns * (size_t)copy.channels;
    copy.pixels = lks_alloc(bytes, 1, name, err);
    if (!copy.pixels)
        return err->status;
    memcpy(copy.pixels, picture->pixels, bytes);
    const lks_status status = show(p, &copy, name, err);
    lks_picture_free(&copy);
    return status;
}

/* Before a failure is told, what came before it is answered. */
static lks_status answered(lks_predictor *p, lks_status status) {
    if (status != LKS_OK && status != LKS_ERR_NUMERIC)
        lks_predictor_flush(p, NULL); /* the first failure is told */
    return status;
}

lks_status lks_predictor_show(lks_predictor *p, const lks_picture *picture, const char *name,
                              lks_error *err) {
    return answered(p, show_copy(p, picture, name, err));
}

/* --- many images in a file -------------------------------------------------------------------- */

/* An image whose channels are no picture's is as the network wants it. */
static lks_status add_bytes(lks_predictor *p, const uint8_t *image, const char *path, int64_t index,
                            lks_error *err) {
    lks_predict_item *item;
    memcpy(lks_predictor_place(p, &item), image, p->image_bytes);
    *item = (lks_predict_item){.file = path, .index = index, .prepared = LKS_PREPARED_NONE};
    return lks_predictor_keep(p, err);
}

static bool is_picture(const lks_image_file *f) {
    return f->channels == 1 || f->channels == 3;
}

static lks_status add_block(lks_predictor *p, const lks_image_file *f, const char *path,
                            int64_t first, int64_t count, uint8_t *bytes, lks_error *err) {
    const size_t size = (size_t)f->rows * (size_t)f->columns * (size_t)f->channels;
    LKS_TRY(lks_image_file_read(f, first, count, bytes, err));
    for (int64_t i = 0; i < count; i++, bytes += size) {
        lks_picture picture = {f->rows, f->columns, f->channels, bytes};
        if (is_picture(f))
            LKS_TRY(lks_predictor_add(p, &picture, path, first + i, err));
        else
            LKS_TRY(add_bytes(p, bytes, path, first + i, err));
    }
    return LKS_OK;
}

static lks_status check_channels(const lks_predictor *p, const lks_image_file *f, lks_error *err) {
    const lks_shape *s = &p->networks.shape;
    if (is_picture(f) && takes_pictures(p))
        return LKS_OK;
    if (f->rows == s->rows && f->columns == s->columns && f->channels == s->channels)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_DATA,
        "%s has images of %d x %d x %d (rows, columns, channels), the network takes %d x "
        "%d x %d: only images of 1 or 3 channels can be fitted to it",
        f->path, f->rows, f->columns, f->channels, s->rows, s->columns, s->channels);
}

static lks_status read_idx(lks_predictor *p, const char *path, lks_error *err) {
    lks_image_file f;
    LKS_TRY(lks_image_file_open_images(&f, path, lks_predictor_data(p)->transpose, err));
    LKS_TRY(check_channels(p, &f, err));
    const int64_t size = (int64_t)f.rows * f.columns * f.channels;
    const int64_t fitting = BLOCK_BYTES / size > 0 ? BLOCK_BYTES / size : 1;
    const int64_t block = fitting < f.count ? fitting : f.count;
    uint8_t *bytes = lks_alloc((size_t)block, (size_t)size, path, err);
    lks_status status = bytes ? LKS_OK : err->status;
    for (int64_t first = 0; status == LKS_OK && first < f.count; first += block) {
        const int64_t left = f.count - first;
        status = add_block(p, &f, path, first, block < left ? block : left, bytes, err);
    }
    lks_free(bytes);
    return status;
}

/* --- which kind of file ----------------------------------------------------------------------- */

/* What cannot be opened is for the reader of pictures to explain. */
static lks_status examine(const lks_predictor *p, const char *path, bool *idx, lks_error *err) {
    struct stat s;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode))
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: is a folder; name the files in it, or make it a data set with "
                        "`lockstep pack`",
                        path);
    const lks_file_kind *kind = lks_file_kind_at(path);
    if (kind && kind->family == LKS_FILE_OWN)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: is a checkpoint, not a picture; to average several give them by "
                        "--with",
                        path);
    *idx = kind && (kind->family == LKS_FILE_SET || kind->family == LKS_FILE_GZIP);
    if (*idx && p->segments)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: has images of one digit each: --segment is for pictures of several",
                        path);
    return LKS_OK;
}

lks_status lks_predictor_decode(const lks_predictor *p, uint8_t *out, lks_predict_item *item,
                                bool *many, lks_error *err) {
    LKS_TRY(examine(p, item->file, many, err));
    return *many ? LKS_OK : read_image(p, out, item, err);
}

static lks_status read_file(lks_predictor *p, const char *path, lks_error *err) {
    bool idx = false;
    LKS_TRY(examine(p, path, &idx, err));
    if (idx)
        return read_idx(p, path, err);
    return p->segments ? read_digits(p, path, err) : read_picture(p, path, err);
}

lks_status lks_predictor_read(lks_predictor *p, const char *path, lks_error *err) {
    return answered(p, read_file(p, path, err));
}
