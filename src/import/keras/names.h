/* What the data sets of a file of Keras are called here. */
#ifndef LKS_IMPORT_KERAS_NAMES_H
#define LKS_IMPORT_KERAS_NAMES_H

#include "import/source.h"
#include "io/h5/h5_tensors.h"

/* A variable that is taken, or passed over. */
typedef struct lks_keras_variable {
    const lks_h5_tensor *tensor;
    char name[LKS_IMPORT_NAME_MAX]; /* "conv1/kernel"; "": it is no weight of a layer */
    bool depthwise;                 /* a kernel [row][column][channel][filter of it] */
} lks_keras_variable;

/* Lists all data sets of `file` into *variables [file->n], freed by free(), in the order of their layers: of the list that
 * Keras 2 writes, else of the names, in which numbers count as such. `path` is the file's name. LKS_ERR_FORMAT names a
 * layer whose variables are none that a layer here has; LKS_ERR_MEMORY. */
lks_status lks_keras_variables(const lks_h5_tensors *file, const char *path,
                               lks_keras_variable **variables, lks_error *err);

#endif
