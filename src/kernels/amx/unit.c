/* The unit of processors with AMX; compiled with a model of its tiles it runs anywhere, for tests. */
#include "kernels/amx/amx.h"

const lks_products LKS_KERNEL(lks_tile_products) = {
    .unit = "amx",
    .element = sizeof(lks_operand),
    .narrow = LKS_KERNEL(lks_tile_narrow),
    .packed_bytes = LKS_KERNEL(lks_tile_packed_bytes),
    .pack = LKS_KERNEL(lks_tile_pack),
    .product = LKS_KERNEL(lks_tile_product),
    .gradient_scratch = LKS_KERNEL(lks_tile_gradient_scratch),
    .gradient = LKS_KERNEL(lks_tile_gradient),
    .peak = LKS_KERNEL(lks_tile_peak),
};
