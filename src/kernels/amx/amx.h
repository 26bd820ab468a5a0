/* bfloat16 products by tiles of AMX, see products.h. An operand is a bfloat16, 2 bytes.
 *
 * Tiles of sums are 16 rows by 16 outputs. The work is cut into two row tiles x two tiles of outputs: four tile products
 * of 16 cycles each for four tile loads. What is done with finished sums is interleaved with the tile products of the
 * next ones, which leave the other ports of the core idle. */
#ifndef LKS_KERNELS_AMX_H
#define LKS_KERNELS_AMX_H

#include "kernels/amx/tiles.h"
#include "kernels/bf16/bf16.h"

/* One tile's worth of operands on the right. */
#define LKS_TILE_OPERANDS (LKS_TILE_BYTES / (int)sizeof(lks_operand))

size_t LKS_KERNEL(lks_tile_packed_bytes)(int n_runs, int run_length, int blocks, bool one_block);
void LKS_KERNEL(lks_tile_pack)(const lks_pack_args *a, int part, int parts);
void LKS_KERNEL(lks_tile_product)(const lks_product_args *a);
size_t LKS_KERNEL(lks_tile_gradient_scratch)(const lks_gradient_args *a);
bool LKS_KERNEL(lks_tile_gradient)(const lks_gradient_args *a);
double LKS_KERNEL(lks_tile_peak)(float *out, size_t rounds);

extern const lks_products LKS_KERNEL(lks_tile_products);

#endif
