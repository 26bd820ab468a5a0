/** @file image_file.h  A labelled set of images as data.* describes it, in files of one of the kinds of
 * src/feed/kinds.c.
 *
 *  Whatever the file, what comes out is the same: data.transpose and data.label_offset are applied,
 * pixels are [row][column][channel]. Nothing is collective: every process opens the files for
 * itself and reads the range it wants. */
#ifndef LKS_FEED_IMAGE_FILE_H
#define LKS_FEED_IMAGE_FILE_H

#include "data/data.h"
#include "io/h5/h5_images.h"

/** Which of the configuration's two sets. */
typedef enum lks_image_part { LKS_PART_TRAIN, LKS_PART_TEST } lks_image_part;

typedef struct lks_image_kind lks_image_kind;

typedef struct lks_image_file {
    int64_t count;
    int rows, columns, channels; /**< of an image as it is handed out: after data.transpose */
    bool compressed;             /**< reading a range costs reading all that stands before it */
    bool found;                  /**< by another name than data.* has, or in a folder below */
    char path[LKS_PATH_MAX];     /**< file of the images, for messages */
    char labels_path[LKS_PATH_MAX];

    bool transpose;
    int label_offset;
    const lks_image_kind *kind;
    union {
        struct {
            lks_idx_info images, labels;
        } idx;
        lks_h5_images h5;
    } own; /**< of the kind */
} lks_image_file;

/** Whether there is a file of @p part's images, NAME or NAME.gz, or another one that lks_image_file_open() would take
 * or name; nothing is opened. */
bool lks_image_file_exists(const lks_data_config *config, lks_image_part part);

/** Opens and checks the files of @p part: images and labels must be equally many. Where data.* has MNIST's names and
 * there are no such files, the one set is taken that is there by EMNIST's, KMNIST's, QMNIST's or Kaggle's names, or
 * where torchvision keeps it. LKS_ERR_DATA names the file and what is wrong with it. */
lks_status lks_image_file_open(lks_image_file *file, const lks_data_config *config,
                               lks_image_part part, lks_error *err);

/** Opens IDX file @p path of images alone, whose labels nobody knows, and checks it: LKS_ERR_DATA as
 * lks_idx_open(). Labels cannot be read from it. @p transpose as data.transpose. */
lks_status lks_image_file_open_images(lks_image_file *file, const char *path, bool transpose,
                                      lks_error *err);

/** Reads images [first, first + count) into @p out (count * rows * columns * channels bytes). */
lks_status lks_image_file_read(const lks_image_file *file, int64_t first, int64_t count,
                               uint8_t *out, lks_error *err);

/** Reads portions one after the other: a compressed file is inflated once, and of it none may begin before the end of
 * the one before. @p file must outlive the reader. */
typedef struct lks_image_reader {
    const lks_image_file *file;
    void *place; /**< the kind's own */
} lks_image_reader;

lks_status lks_image_reader_open(lks_image_reader *reader, const lks_image_file *file,
                                 lks_error *err);
lks_status lks_image_reader_next(lks_image_reader *reader, int64_t first, int64_t count,
                                 uint8_t *out, lks_error *err);
void lks_image_reader_close(lks_image_reader *reader);

/** Is given images [@p first, @p first + @p n) as lks_image_file_read() hands them out, or their labels; what it returns
 * other than LKS_OK ends the walk. */
typedef lks_status (*lks_image_visit)(void *context, int64_t first, int64_t n, const uint8_t *bytes,
                                      lks_error *err);

/** Hands all images to @p visit in their order, in portions of some MiB. */
lks_status lks_image_file_walk(const lks_image_file *file, lks_image_visit visit, void *context,
                               lks_error *err);

/** @p image, handed out by lks_image_file_read(), as it stands in the file: itself, or where data.transpose turned
 * it, its bytes turned back in @p stored (rows * columns * channels). */
const uint8_t *lks_image_file_stored(const lks_image_file *file, const uint8_t *image,
                                     uint8_t *stored);

/** The same with all labels: LKS_ERR_DATA names file and index of one below data.label_offset. */
lks_status lks_image_file_walk_labels(const lks_image_file *file, lks_image_visit visit,
                                      void *context, lks_error *err);

/** Reads all labels into @p out [file->count]. LKS_ERR_DATA as lks_image_file_walk_labels(). */
lks_status lks_image_file_read_labels(const lks_image_file *file, uint8_t *out, lks_error *err);

/** @p config->class_names must have one name for each of @p classes classes, or none at all.
 * LKS_ERR_CONFIG otherwise. */
lks_status lks_class_names_check(const lks_data_config *config, int classes, lks_error *err);

#endif
