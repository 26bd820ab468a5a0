/* Rounding to bfloat16, r(v) of products.h, and what is done with the results as a unit stores them. */
#ifndef LKS_KERNELS_ROUND_H
#define LKS_KERNELS_ROUND_H

#include "kernels/simd.h"

#if defined(LKS_TILES_AMX) || defined(LKS_TILES_MODEL)
#define LKS_TILES
typedef uint16_t lks_operand; /* a bfloat16 */
#else
typedef float lks_operand; /* that holds the value of a bfloat16 */
#endif

/* Bits of floats, lane by lane: GNU vectors on every instruction set. */
typedef uint32_t lks_bits __attribute__((vector_size(4 * LKS_VL)));
typedef int32_t lks_lanes __attribute__((vector_size(4 * LKS_VL)));

/* The nearest of the floats whose lower half is zero. Magnitudes are below 2^31, so they compare as signed numbers. */
LKS_INLINE vf v_round(vf v) {
    lks_bits u = (lks_bits)v, upper = u & 0xffff0000u;
    lks_lanes size = (lks_lanes)(u & 0x7fffffffu);
    lks_bits nearest = (u + 0x7fffu + (u >> 16 & 1)) & 0xffff0000u;
    lks_bits nan = (lks_bits)(size > 0x7f800000), small = (lks_bits)(size < (127 - 50) << 23);
    return (vf)(((nan & (upper | 0x400000u)) | (~nan & nearest)) & ~small);
}

#ifdef __AVX512BF16__
/* A vector of rounded values. */
typedef __m256i lks_rounded;
LKS_INLINE lks_rounded r_round(vf v) {
    const vf least = _mm512_set1_ps(0x1p-50f); /* "not less", so that NaN stays */
    __mmask16 kept = _mm512_cmp_ps_mask(_mm512_abs_ps(v), least, _CMP_NLT_UQ);
    return (__m256i)_mm512_maskz_cvtneps_pbh(kept, v);
}
LKS_INLINE void r_store(lks_operand *to, lks_rounded r) {
    _mm256_storeu_si256((__m256i *)to, r);
}
LKS_INLINE vf r_float(lks_rounded r) {
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(r), 16);
}
LKS_INLINE lks_rounded r_where_byte(const uint8_t *p, int k, lks_rounded r) {
    __mmask16 m = _mm_cmpeq_epi8_mask(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8((char)k));
    return _mm256_maskz_mov_epi16(m, r);
}
/* The largest magnitudes so far, lane by lane. */
typedef __m256i lks_largest;
LKS_INLINE lks_largest r_none(void) {
    return _mm256_setzero_si256();
}
LKS_INLINE lks_largest r_larger(lks_largest l, lks_rounded r) {
    return _mm256_max_epu16(l, _mm256_and_si256(r, _mm256_set1_epi16(0x7fff)));
}
LKS_INLINE bool r_all_finite(lks_largest l) {
    return _mm256_cmpgt_epi16_mask(l, _mm256_set1_epi16(0x7f7f)) == 0;
}
#else
typedef vf lks_rounded;
LKS_INLINE lks_rounded r_round(vf v) {
    return v_round(v);
}
LKS_INLINE void r_store(lks_operand *to, lks_rounded r) {
#ifdef LKS_TILES
    const lks_bits bits = (lks_bits)r;
    for (int l = 0; l < LKS_VL; l++)
        to[l] = (lks_operand)(bits[l] >> 16);
#else
    v_store(to, r);
#endif
}
LKS_INLINE vf r_float(lks_rounded r) {
    return r;
}
LKS_INLINE lks_rounded r_where_byte(const uint8_t *p, int k, lks_rounded r) {
    return v_where(vm_where_byte(p, k), r);
}
typedef lks_lanes lks_largest;
LKS_INLINE lks_largest r_none(void) {
    return (lks_largest)v_zero();
}
LKS_INLINE lks_largest r_larger(lks_largest l, lks_rounded r) {
    lks_lanes size = (lks_lanes)((lks_bits)r & 0x7fffffffu), more = size > l;
    return (size & more) | (l & ~more);
}
LKS_INLINE bool r_all_finite(lks_largest l) {
    return v_nonzero_mask((vf)((l >= 0x7f800000) & 0x3f800000)) == 0;
}
#endif

#endif
