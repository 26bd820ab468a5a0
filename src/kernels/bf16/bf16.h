/* bfloat16 products, see products.h. For fused multiply-adds an operand is a float that holds the value of a bfloat16,
 * so it can be broadcast as it is; for AMX, ../amx, it is the bfloat16. */
#ifndef LKS_KERNELS_BF16_H
#define LKS_KERNELS_BF16_H

#include "kernels/bf16/round.h"
#include "kernels/kernels_isa.h"

#ifdef LKS_TILES
#define LKS_NARROW LKS_KERNEL(lks_tile_narrow)
#else
#define LKS_NARROW LKS_KERNEL(lks_fma_narrow)
#endif
#ifdef LKS_TILES_AMX
#undef LKS_KERNEL
#define LKS_KERNEL(name) name##_amx
#endif

#define LKS_CHAINS 32 /* products in a block of the recurrence: 16 in each of its two chains */

/* A tile in registers: rows (pixels, or inputs of weight gradients) x blocks of 16 outputs, twice, for both chains. The
 * sums of the blocks before stand in memory: they are met once in 32 products. */
#if defined(LKS_ISA_AVX512)
#define LKS_ROWS 6 /* x 2 blocks x 1 vector x 2 chains = 24 accumulators of 32 registers */
#define LKS_PAIR 2
#elif defined(LKS_ISA_PORTABLE)
#define LKS_ROWS 2
#define LKS_PAIR 1
#else
#define LKS_ROWS 3 /* x 1 block x 2 vectors x 2 = 12 of 16; NEON: x 4 vectors x 2 = 24 of 32 */
#define LKS_PAIR 1
#endif
#define LKS_VECTORS (LKS_PAIR * VPB)

/* Calls tile(n) with n known when it is compiled. */
#define LKS_ROWS_CASE(n, tile)                                                                     \
    case n:                                                                                        \
        tile(n);                                                                                   \
        break;
#if LKS_ROWS == 6
#define LKS_ROWS_CASES(tile)                                                                       \
    LKS_ROWS_CASE(1, tile)                                                                         \
    LKS_ROWS_CASE(2, tile)                                                                         \
    LKS_ROWS_CASE(3, tile) LKS_ROWS_CASE(4, tile) LKS_ROWS_CASE(5, tile) LKS_ROWS_CASE(6, tile)
#elif LKS_ROWS == 3
#define LKS_ROWS_CASES(tile) LKS_ROWS_CASE(1, tile) LKS_ROWS_CASE(2, tile) LKS_ROWS_CASE(3, tile)
#else
#define LKS_ROWS_CASES(tile) LKS_ROWS_CASE(1, tile) LKS_ROWS_CASE(2, tile)
#endif

bool LKS_KERNEL(lks_fma_narrow)(const lks_narrow_args *a);
bool LKS_KERNEL(lks_tile_narrow)(const lks_narrow_args *a);
size_t LKS_KERNEL(lks_fma_packed_bytes)(int n_runs, int run_length, int blocks, bool one_block);
void LKS_KERNEL(lks_fma_pack)(const lks_pack_args *a, int part, int parts);
void LKS_KERNEL(lks_fma_product)(const lks_product_args *a);
void LKS_KERNEL(lks_fma_one_block)(const lks_product_args *a);
size_t LKS_KERNEL(lks_fma_gradient_scratch)(const lks_gradient_args *a);
bool LKS_KERNEL(lks_fma_gradient)(const lks_gradient_args *a);

#endif
