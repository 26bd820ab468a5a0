/** @file tensor.h  Names and places of tensors inside a flat array. */
#ifndef LOCKSTEP_TENSOR_H
#define LOCKSTEP_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#define LKS_TENSOR_NAME_MAX 96

/** A tensor inside a flat array: elements [offset, offset + count), row-major in @p shape.
 * Convolution weights are [kernel row][kernel column][in][out], dense weights [in][out], biases
 * [out]. */
typedef struct lks_tensor {
    char name[LKS_TENSOR_NAME_MAX]; /**< "conv1/weight" */
    int ndim;                       /**< 1..4 */
    int64_t shape[4];
    size_t offset, count;
} lks_tensor;

/** A flat float32 array and the tensors it consists of, without gaps, in order. */
typedef struct lks_flat {
    char group[32]; /**< HDF5 group: "model", "optimizer/m" */
    float *values;
    size_t count;
    const lks_tensor *tensors;
    int n_tensors;
} lks_flat;

#endif
