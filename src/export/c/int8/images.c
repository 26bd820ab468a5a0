#include "export/c/int8/images.h"

#include <string.h>

#include "base/memory.h"
#include "feed/set_digest.h"
#include "lockstep/log.h"

lks_status lks_c_open_images(lks_image_file *file, const lks_exporting *x, lks_image_part part,
                             lks_error *err) {
    const lks_shape in = x->input;
    LKS_TRY(lks_image_file_open(file, &x->network->config.data, part, err));
    if (file->rows == in.rows && file->columns == in.columns && file->channels == in.channels)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_MISMATCH,
                    "%s has images of %dx%dx%d, the network takes %dx%dx%d; --set data.dir=DIR "
                    "tells where its images are",
                    file->path, file->rows, file->columns, file->channels, in.rows, in.columns,
                    in.channels);
}

/* --- those that the network was trained on ------------------------------------------------------ */

typedef struct summing {
    lks_digest_words words;
    const uint8_t *labels;
    size_t bytes; /* of an image */
} summing;

static lks_status add_portion(void *context, int64_t first, int64_t n, const uint8_t *images,
                              lks_error *err) {
    summing *s = context;
    for (int64_t i = 0; i < n; i++)
        LKS_TRY(lks_digest_words_add(&s->words, first + i, s->labels[first + i],
                                     images + (size_t)i * s->bytes, s->bytes, err));
    return LKS_OK;
}

static lks_status digest_of(const lks_image_file *file, lks_digest_text text, lks_error *err) {
    uint8_t *labels = lks_alloc((size_t)file->count, 1, "labels", err);
    summing s = {.labels = labels,
                 .bytes = (size_t)file->rows * (size_t)file->columns * (size_t)file->channels};
    lks_status status = labels ? lks_image_file_read_labels(file, labels, err) : err->status;
    if (status == LKS_OK)
        status = lks_image_file_walk(file, add_portion, &s, err);
    lks_digest_words_print(&s.words, text);
    lks_free(labels);
    return status;
}

lks_status lks_c_open_training(lks_image_file *file, const lks_exporting *x, lks_error *err) {
    const lks_network *n = x->network;
    lks_digest_text text;
    LKS_TRY(lks_c_open_images(file, x, LKS_PART_TRAIN, err));
    if (n->data.n_train == 0) {
        lks_warn("nobody knows what %s was trained on: --int8 takes %s", n->path, file->path);
        return LKS_OK;
    }
    LKS_TRY(digest_of(file, text, err));
    if (strcmp(text, n->data.digest) == 0)
        return LKS_OK;
    return lks_fail(
        err, LKS_ERR_MISMATCH,
        "%s and its labels are not what %s was trained on (digests %.16s, %.16s); --set "
        "data.dir=DIR tells where that is",
        file->path, n->path, text, n->data.digest);
}
