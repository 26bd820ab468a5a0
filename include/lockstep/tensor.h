/** @file tensor.h  Names and places of tensors inside a flat array. */
#ifndef LOCKSTEP_TENSOR_H
#define LOCKSTEP_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/public.h"

LKS_PUBLIC_BEGIN

#define LKS_TENSOR_NAME_MAX 96
#define LKS_TENSORS_MAX     65536 /**< of a network that comes from a file */

/** What a tensor is to the optimizer. */
typedef enum lks_role {
    LKS_ROLE_WEIGHT,
    LKS_ROLE_BIAS,
    LKS_ROLE_NORM,   /**< scale or shift of a batchnorm */
    LKS_ROLE_MOMENT, /**< running mean or variance of a batchnorm: never touched by the optimizer */
} lks_role;

/** A tensor inside a flat array: elements [offset, offset + count), row-major in @p shape.
 * Convolution weights are [kernel row][kernel column][in][out], dense weights [in][out], biases
 * [out]. */
typedef struct lks_tensor {
    char name[LKS_TENSOR_NAME_MAX]; /**< "conv1/weight" */
    int ndim;                       /**< 1..4 */
    int64_t shape[4];
    size_t offset, count;
    lks_role role;
    bool trained; /**< the optimizer changes it: neither a moment nor frozen */
} lks_tensor;

/** A flat float32 array and the tensors it consists of, without gaps, in order. */
typedef struct lks_flat {
    char group[32]; /**< HDF5 group: "model", "optimizer/m" */
    float *values;
    size_t count;
    const lks_tensor *tensors;
    int n_tensors;
} lks_flat;

LKS_PUBLIC_END

#endif
