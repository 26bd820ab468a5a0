/* bfloat16 products, see products.h. For fused multiply-adds an operand is a float that holds the value of a bfloat16,
 * so it can be broadcast as it is; for AMX, ../amx, it is the bfloat16. */
#ifndef LKS_KERNELS_BF16_H
#define LKS_KERNELS_BF16_H

#include "kernels/kernels_isa.h"

#if defined(LKS_TILES_AMX) || defined(LKS_TILES_MODEL)
typedef uint16_t lks_operand;
#define LKS_NARROW LKS_KERNEL(lks_tile_narrow)
#else
typedef float lks_operand;
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

/* Bits of floats, lane by lane: GNU vectors on every instruction set. */
typedef uint32_t lks_bits __attribute__((vector_size(4 * LKS_VL)));
typedef int32_t lks_lanes __attribute__((vector_size(4 * LKS_VL)));

/* r(v) of products.h: the nearest of the floats whose lower half is zero. Magnitudes are below 2^31, so they compare as
 * signed numbers. */
LKS_INLINE vf v_round(vf v) {
    lks_bits u = (lks_bits)v, upper = u & 0xffff0000u;
    lks_lanes size = (lks_lanes)(u & 0x7fffffffu);
    lks_bits nearest = (u + 0x7fffu + (u >> 16 & 1)) & 0xffff0000u;
    lks_bits nan = (lks_bits)(size > 0x7f800000), small = (lks_bits)(size < (127 - 50) << 23);
    return (vf)(((nan & (upper | 0x400000u)) | (~nan & nearest)) & ~small);
}

/* All bits set where v is infinite or NaN. */
LKS_INLINE lks_bits v_not_finite(vf v) {
    return (lks_bits)(((lks_bits)v & 0x7f800000u) == 0x7f800000u);
}

LKS_INLINE bool v_any(lks_bits mask) {
    return v_nonzero_mask((vf)(mask & 0x3f800000u)) != 0;
}

/* Vectors that v_round() made. */
LKS_INLINE void v_store_operands(lks_operand *to, vf v) {
#if defined(LKS_TILES_AMX) || defined(LKS_TILES_MODEL)
    float lanes[LKS_VL];
    uint32_t bits[LKS_VL];
    v_store(lanes, v);
    memcpy(bits, lanes, sizeof bits);
    for (int l = 0; l < LKS_VL; l++)
        to[l] = (lks_operand)(bits[l] >> 16);
#else
    v_store(to, v);
#endif
}

bool LKS_KERNEL(lks_fma_narrow)(const lks_narrow_args *a);
bool LKS_KERNEL(lks_tile_narrow)(const lks_narrow_args *a);
size_t LKS_KERNEL(lks_fma_packed_bytes)(int n_runs, int run_length, int blocks, bool one_block);
void LKS_KERNEL(lks_fma_pack)(const lks_pack_args *a, int part, int parts);
void LKS_KERNEL(lks_fma_product)(const lks_product_args *a);
size_t LKS_KERNEL(lks_fma_gradient_scratch)(const lks_gradient_args *a);
bool LKS_KERNEL(lks_fma_gradient)(const lks_gradient_args *a);

#endif
