/* The unit that any processor has. */
#include "kernels/bf16/bf16.h"

const lks_products LKS_KERNEL(lks_fma) = {
    .unit = "fma",
    .element = sizeof(float),
    .narrow = LKS_KERNEL(lks_fma_narrow),
    .packed_bytes = LKS_KERNEL(lks_fma_packed_bytes),
    .pack = LKS_KERNEL(lks_fma_pack),
    .product = LKS_KERNEL(lks_fma_product),
    .gradient_scratch = LKS_KERNEL(lks_fma_gradient_scratch),
    .gradient = LKS_KERNEL(lks_fma_gradient),
    .peak = LKS_KERNEL(lks_peak),
};
