#include "feed/preview/preview.h"

#include <stdlib.h>
#include <string.h>

#include "augment/augment.h"
#include "data/data.h"
#include "feed/image_file.h"
#include "base/memory.h"

#define IMAGE_BYTES_MAX (1 << 20) /* a preview has some hundred of them in memory */

static size_t bytes_of(const lks_preview *p) {
    return (size_t)p->shape.rows * (size_t)p->shape.columns * (size_t)p->shape.channels;
}

int lks_preview_channels(const lks_preview *p) {
    return p->shape.channels >= 3 ? 3 : 1;
}

void lks_preview_put(const lks_preview *p, int image, int epoch, uint8_t *to, int columns) {
    const size_t cell = (size_t)image * (size_t)(1 + p->epochs) + (size_t)epoch;
    const uint8_t *from = p->cells + cell * bytes_of(p);
    const size_t kept = (size_t)lks_preview_channels(p);
    for (int r = 0; r < p->shape.rows; r++)
        for (int c = 0; c < p->shape.columns; c++, from += p->shape.channels)
            memcpy(to + ((size_t)r * (size_t)columns + (size_t)c) * kept, from, kept);
}

/* Takes `most` images of class `label`, or as many as there are, evenly spread over the training part. */
static void take_class(lks_preview *p, const lks_split *split, const uint8_t *labels, int label,
                       int most) {
    int64_t count = 0, seen = 0;
    for (int64_t i = 0; i < split->n_train; i++)
        count += labels[split->train[i]] == label;
    const int64_t taken = count < most ? count : most;
    for (int64_t i = 0, done = 0; i < split->n_train && done < taken; i++) {
        if (labels[split->train[i]] != label || seen++ < done * count / taken)
            continue;
        p->ids[p->images] = split->train[i];
        p->labels[p->images++] = (uint8_t)label;
        done++;
    }
}

/* The same images as training takes: none that is held out for validation. */
static lks_status choose(lks_preview *p, const lks_config *c, const lks_image_file *file, int most,
                         lks_error *err) {
    lks_split split;
    int classes = c->data.classes;
    uint8_t *labels = lks_alloc((size_t)file->count, 1, "labels", err);
    if (!labels)
        return err->status;
    lks_status status = lks_image_file_read_labels(file, labels, err);
    for (int64_t i = 0; status == LKS_OK && c->data.classes == 0 && i < file->count; i++)
        classes = labels[i] + 1 > classes ? labels[i] + 1 : classes;
    lks_split_wish wish = lks_split_wish_of(&c->data, c->seed, classes);
    wish.balanced = false; /* which images train is asked, not how often */
    if (status == LKS_OK)
        status = lks_split_make(&split, labels, file->count, &wish, err);
    if (status == LKS_OK) {
        p->n_train = split.n_train;
        const int each = most > classes ? most / classes : 1;
        for (int k = 0; k < classes && p->images + each <= most; k++)
            take_class(p, &split, labels, k, each);
        lks_split_free(&split);
    }
    lks_free(labels);
    return status;
}

/* Of a walk over the whole file, which is inflated once where it is compressed. */
static lks_status take_images(void *context, int64_t first, int64_t n, const uint8_t *images,
                              lks_error *err) {
    lks_preview *p = context;
    const size_t bytes = bytes_of(p);
    (void)err;
    for (int i = 0; i < p->images; i++)
        if (p->ids[i] >= first && p->ids[i] < first + n)
            memcpy(p->cells + (size_t)i * (size_t)(1 + p->epochs) * bytes,
                   images + (size_t)(p->ids[i] - first) * bytes, bytes);
    return LKS_OK;
}

static lks_status show_epochs(lks_preview *p, const lks_config *c, lks_error *err) {
    const lks_kernels *kernels;
    lks_augment *augment = NULL;
    LKS_TRY(lks_kernels_select(getenv("LOCKSTEP_ISA"), &kernels, err));
    const lks_status status =
        lks_augment_create(&augment, &c->augment, c->seed, p->shape, kernels, 1, err);
    for (int i = 0; i < p->images && status == LKS_OK; i++) {
        uint8_t *cells = p->cells + (size_t)i * (size_t)(1 + p->epochs) * bytes_of(p);
        for (int e = 1; e <= p->epochs; e++) {
            uint8_t *cell = cells + (size_t)e * bytes_of(p);
            memcpy(cell, cells, bytes_of(p));
            if (augment)
                lks_augment_image(augment, 0, cell, (uint32_t)e - 1, p->ids[i]);
        }
    }
    lks_augment_free(augment);
    return status;
}

lks_status lks_preview_make(lks_preview *p, const lks_config *config, int images, int epochs,
                            lks_error *err) {
    lks_image_file file;
    *p = (lks_preview){.epochs = epochs};
    LKS_TRY(lks_image_file_open(&file, &config->data, LKS_PART_TRAIN, err));
    p->shape = (lks_shape){file.rows, file.columns, file.channels};
    if (bytes_of(p) > IMAGE_BYTES_MAX)
        return lks_fail(err, LKS_ERR_DATA, "%s: images of %d x %d x %d are too large for a preview",
                        file.path, file.rows, file.columns, file.channels);
    const size_t n = (size_t)images, cells = n * (size_t)(1 + epochs);
    p->ids = lks_alloc(n, sizeof *p->ids, "a preview", err);
    p->labels = lks_alloc(n, 1, "a preview", err);
    p->cells = lks_alloc(cells, bytes_of(p), "a preview", err);
    if (!p->ids || !p->labels || !p->cells)
        return err->status;
    LKS_TRY(choose(p, config, &file, images, err));
    LKS_TRY(lks_image_file_walk(&file, take_images, p, err));
    return show_epochs(p, config, err);
}

void lks_preview_free(lks_preview *p) {
    lks_free(p->ids);
    lks_free(p->labels);
    lks_free(p->cells);
    *p = (lks_preview){0};
}
