/** @file h5_tensors_file.h  What is done for h5_tensors.h in a confined process (confined.h). */
#ifndef LKS_IO_H5_H5_TENSORS_FILE_H
#define LKS_IO_H5_H5_TENSORS_FILE_H

#include "io/h5/confined.h"
#include "io/h5/h5_tensors.h"

/** Replies with an lks_h5_tensor for each data set; the argument is the file's name. */
lks_status lks_h5_list_tensors(int input, const void *argument, lks_reply *reply, lks_error *err);

/** The argument of lks_h5_read_tensor(). */
typedef struct lks_h5_wanted {
    char name[1024]; /**< the file's, for messages */
    lks_h5_tensor tensor;
    uint64_t bytes; /**< of all values */
} lks_h5_wanted;

/** Replies with the values. */
lks_status lks_h5_read_tensor(int input, const void *argument, lks_reply *reply, lks_error *err);

#endif
