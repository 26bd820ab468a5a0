/** @file h5_tensors.h  The data sets of an HDF5 file that anybody made, as h5py and others write them: what there is, and
 *  then the values of one. A file is read in confined processes (confined.h): compressed and in chunks or not, but
 *  without a link into another place or file. */
#ifndef LKS_IO_H5_H5_TENSORS_H
#define LKS_IO_H5_H5_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/status.h"

#define LKS_H5_TENSOR_DIMS_MAX 8
#define LKS_H5_TENSOR_PATH     256 /**< longer names are refused */
#define LKS_H5_TENSOR_LABEL    128 /**< longer labels are as none */

/** How a value is stored. */
typedef enum lks_h5_number {
    LKS_H5_NUMBER_OTHER, /**< whole numbers and all else; nothing but the name is told */
    LKS_H5_NUMBER_F16,
    LKS_H5_NUMBER_BF16, /**< a float of HDF5, or 2 bytes with an attribute dtype of "bfloat16", as Keras has it */
    LKS_H5_NUMBER_F32,
    LKS_H5_NUMBER_F64,
    LKS_H5_NUMBER_TEXT /**< one text; its dims are its bytes */
} lks_h5_number;

/** What a file says of a data set; texts end with a 0, and whatever else comes from the file is within its range, but sizes
 * may be as absurd as they like. */
typedef struct lks_h5_tensor {
    char path[LKS_H5_TENSOR_PATH];   /**< "/layers/conv2d/vars/0" */
    char label[LKS_H5_TENSOR_LABEL]; /**< its group's attribute "name", or "" */
    uint32_t type;                   /**< an lks_h5_number */
    uint32_t big_endian;             /**< 1, else 0 */
    uint32_t ndim;
    uint32_t
        place; /**< position of the layer in the nearest "layer_names" above it; the list's length if it is not in the
                         list, or there is none */
    uint64_t dims[LKS_H5_TENSOR_DIMS_MAX];
} lks_h5_tensor;

typedef struct lks_h5_tensors {
    const char *name; /**< for messages; borrowed */
    int file;
    size_t size;
    unsigned char *bytes; /**< the list */
    const lks_h5_tensor *all;
    size_t n; /**< sorted by path */
} lks_h5_tensors;

/** Lists what is in the file of @p bytes [size], which are not needed any more afterwards. LKS_ERR_FORMAT for a file that is
 * damaged, has links, names too long, groups too deep or more than 65,536 data sets; LKS_ERR_IO, LKS_ERR_MEMORY. Closed by
 * lks_h5_tensors_close(), also after a failure. */
lks_status lks_h5_tensors_open(lks_h5_tensors *t, const char *name, const void *bytes, size_t size,
                               lks_error *err);
void lks_h5_tensors_close(lks_h5_tensors *t);

/** The values of data set @p i as they are stored, into @p values [size], which is what its dims and type make. LKS_ERR_FORMAT
 * names a data set that is damaged, was never written, lies in other files, or needs a filter that is not HDF5's own. */
lks_status lks_h5_tensors_read(const lks_h5_tensors *t, size_t i, void *values, size_t size,
                               lks_error *err);

#endif
