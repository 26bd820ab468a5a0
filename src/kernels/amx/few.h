/* Weight gradients of layers with few input channels. */
#ifndef LKS_KERNELS_AMX_FEW_H
#define LKS_KERNELS_AMX_FEW_H

#include "kernels/amx/amx.h"

/* Whether channels of one tap would leave most of a tile empty, and those of all taps go together. Or where dy is that
 * of windows, for which lks_tile_gradient() has no other way. */
static inline bool lks_tile_has_few(const lks_gradient_args *a) {
    return a->argmax || (a->channels < LKS_TILE_ROWS && a->taps > 1);
}

size_t LKS_KERNEL(lks_tile_few_scratch)(const lks_gradient_args *a);
bool LKS_KERNEL(lks_tile_few)(const lks_gradient_args *a);

#endif
