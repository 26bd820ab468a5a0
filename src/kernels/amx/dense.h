/* Weight gradients of layers whose output is one pixel. */
#ifndef LKS_KERNELS_AMX_DENSE_H
#define LKS_KERNELS_AMX_DENSE_H

#include "kernels/amx/amx.h"

static inline bool lks_tile_is_dense(const lks_gradient_args *a) {
    return a->rows * a->columns == 1;
}

size_t LKS_KERNEL(lks_tile_dense_scratch)(const lks_gradient_args *a);
bool LKS_KERNEL(lks_tile_dense)(const lks_gradient_args *a);

#endif
