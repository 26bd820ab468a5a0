/* Kinds of files that sets of labelled images come in. A new kind is a file like kind_idx.c and a line in
 * kinds.c. */
#ifndef LKS_FEED_KIND_H
#define LKS_FEED_KIND_H

#include "feed/image_file.h"

/* What a kind does. Sizes, labels and order of pixels are those of the file: data.transpose and
 * data.label_offset are applied by lks_image_file_*(). */
struct lks_image_kind {
    lks_data_format format; /* the first member: the configuration's view of the kind */
    /* Checks the files, and fills count, rows, columns, channels, compressed, path, labels_path and the kind's
     * own part of *f. Names are in `dir` unless they are whole paths. `labels` NULL: there are none. */
    lks_status (*open)(lks_image_file *f, const char *dir, const char *images, const char *labels,
                       lks_error *err);
    /* *place is where a reader of portions, of images or of labels, is in the file; both NULL where a portion needs
     * nothing of the one before. */
    lks_status (*start)(const lks_image_file *f, bool labels, void **place, lks_error *err);
    void (*stop)(void *place);
    lks_status (*read)(const lks_image_file *f, void *place, int64_t first, int64_t count,
                       uint8_t *out, lks_error *err);
    lks_status (*read_labels)(const lks_image_file *f, void *place, int64_t first, int64_t count,
                              uint8_t *out, lks_error *err);
};

extern const lks_image_kind lks_image_kind_idx, lks_image_kind_hdf5;

/* The kind of the file called `name`. */
const lks_image_kind *lks_image_kind_of(const char *name);

#endif
