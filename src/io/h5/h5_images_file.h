/** @file h5_images_file.h  What is done with an HDF5 file of images in a confined process (confined.h). */
#ifndef LKS_IO_H5_IMAGES_FILE_H
#define LKS_IO_H5_IMAGES_FILE_H

#include <stdbool.h>
#include "io/h5/confined.h"
#include "io/h5/h5_images.h"

/** Bytes that one byte of a file can stand for: deflate's limit is 1,032 (zlib's "Maximum compression factor"). */
#define LKS_H5_EXPANSION 1100

/** The argument of both jobs. */
typedef struct lks_h5_part {
    char path[LKS_PATH_MAX]; /**< for messages */
    bool labels;             /**< /labels, as int64; else /images, as bytes */
    int64_t first, count;    /**< items */
} lks_h5_part;

/** The reply of lks_h5_describe_images(). */
typedef struct lks_h5_shape {
    int64_t count;
    int rows, columns, channels;
} lks_h5_shape;

lks_status lks_h5_describe_images(int input, const void *argument, lks_reply *reply,
                                  lks_error *err);

/** Replies with the items that the argument names. */
lks_status lks_h5_read_images(int input, const void *argument, lks_reply *reply, lks_error *err);

/** Whether sizes are within the bounds of lks_h5_images_open(). */
bool lks_h5_sound_shape(const lks_h5_shape *shape);

#endif
