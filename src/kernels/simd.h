/* Vectors of the instruction set this file is compiled for. Lanes are *outputs*: no operation here
 * mixes lanes, so every output is a scalar recurrence and all instruction sets give the same bits.
 *
 *   vf   LKS_VL floats          VPB   vectors that make one block of 16 channels
 *   vd   LKS_DL doubles, half as many: v_widen_at() makes two of the floats of a vf
 *   vi   LKS_VL integers of 32 bits, vl half as many of 64: vl_add_products() adds all products of
 *        lanes, unsigned, each to one of the sums
 *
 * v_fma rounds once, everywhere: in hardware, or, in portable code without it, in double with
 * round-to-odd. */
#ifndef LKS_SIMD_H
#define LKS_SIMD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lockstep/exact.h"

#define LKS_INLINE static inline __attribute__((always_inline))

/* Before every loop over registers: only fully unrolled do the arrays they index live in registers.
 */
#ifdef __clang__
#define LKS_FOR(...) _Pragma("clang loop unroll(full)") for (__VA_ARGS__)
#else
#define LKS_FOR(...) _Pragma("GCC unroll 16") for (__VA_ARGS__)
#endif

/* The compiler knows nothing of the pointer's value from here on. */
#define LKS_OPAQUE_POINTER(p) __asm__("" : "+r"(p))

/* Adding 1.5 * 2^52 to |d| < 2^51 leaves rint(d), ties to even, in the low bits of the double. */
#define LKS_ROUNDER      6755399441055744.0
#define LKS_ROUNDER_BITS 0x4338000000000000

#if defined(LKS_ISA_AVX512)
#include <immintrin.h>
#define LKS_VL           16
#define LKS_KERNEL(name) name##_avx512
typedef __m512 vf;
LKS_INLINE vf v_zero(void) {
    return _mm512_setzero_ps();
}
LKS_INLINE vf v_set1(float a) {
    return _mm512_set1_ps(a);
}
LKS_INLINE vf v_load(const float *p) {
    return _mm512_loadu_ps(p);
}
LKS_INLINE void v_store(float *p, vf a) {
    _mm512_storeu_ps(p, a);
}
LKS_INLINE vf v_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}
LKS_INLINE vf v_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}
LKS_INLINE vf v_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}
LKS_INLINE vf v_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}
/* sum[l] (0 unless it adds) += rint(p[l] * 2^30); the products are exact, so only the rounder's sum
 * rounds. */
LKS_INLINE void add_eight_exact(int64_t *sum, __m256 p, bool adds) {
    __m512d d = _mm512_fmadd_pd(_mm512_cvtps_pd(p), _mm512_set1_pd(1 << LKS_SCALE_BITS),
                                _mm512_set1_pd(LKS_ROUNDER));
    __m512i q = _mm512_sub_epi64(_mm512_castpd_si512(d), _mm512_set1_epi64(LKS_ROUNDER_BITS));
    _mm512_storeu_si512(sum, adds ? _mm512_add_epi64(_mm512_loadu_si512(sum), q) : q);
}
LKS_INLINE bool v_add_exact(int64_t *sum, vf p, bool adds) {
    add_eight_exact(sum, _mm512_castps512_ps256(p), adds);
    add_eight_exact(sum + 8, _mm512_extractf32x8_ps(p, 1), adds);
    return _mm512_cmp_ps_mask(_mm512_abs_ps(p), _mm512_set1_ps((float)LKS_PARTIAL_LIMIT),
                              _CMP_LT_OQ) == 0xffff;
}
/* x <= 0 ? +0 : x, NaN stays: keeps x where not (x <= 0). */
LKS_INLINE vf v_relu(vf x) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLE_UQ), x);
}
/* a where t > 0, else +0: also where t is NaN. */
LKS_INLINE vf v_where_positive(vf t, vf a) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(t, _mm512_setzero_ps(), _CMP_GT_OQ), a);
}
typedef __m512d vd;
/* The floats at p, widened: from memory at half the cost of that from registers. */
LKS_INLINE void v_widen_at(const float *p, vd half[2]) {
    half[0] = _mm512_cvtps_pd(_mm256_loadu_ps(p));
    half[1] = _mm512_cvtps_pd(_mm256_loadu_ps(p + 8));
}
/* The same where t > 0, else +0. */
LKS_INLINE void v_widen_where_positive(vf t, const float *p, vd half[2]) {
    const __mmask16 m = _mm512_cmp_ps_mask(t, _mm512_setzero_ps(), _CMP_GT_OQ);
    half[0] = _mm512_maskz_cvtps_pd((__mmask8)m, _mm256_loadu_ps(p));
    half[1] = _mm512_maskz_cvtps_pd((__mmask8)(m >> 8), _mm256_loadu_ps(p + 8));
}
/* sum + a * a of an `a` that was a float: the square is exact, so rounding is the same fused or not. */
LKS_INLINE vd vd_add_square(vd sum, vd a) {
    return _mm512_fmadd_pd(a, a, sum);
}
/* The first maximum wins, NaN wins over all: takes b and its index where b > a or (b is NaN and a
 * is not). */
LKS_INLINE void v_max_first(vf *a, vf b, __m512i *index, int k) {
    __mmask16 m = _mm512_cmp_ps_mask(b, *a, _CMP_NLE_UQ); /* b > a, or either is NaN */
    m &= _mm512_cmp_ps_mask(*a, *a, _CMP_ORD_Q);
    *a = _mm512_mask_mov_ps(*a, m, b);
    *index = _mm512_mask_set1_epi32(*index, m, k);
}
/* The first maximum of y[0..3] and, at `place`, its numbers: of the upper two, of the lower two, of those. Where
 * y[1..3] have a NaN, one by one. */
LKS_INLINE vf v_max_of_four(const vf y[4], uint8_t *place) {
    __mmask16 numbers = _mm512_cmp_ps_mask(y[1], y[2], _CMP_ORD_Q);
    numbers = _mm512_mask_cmp_ps_mask(numbers, y[3], y[3], _CMP_ORD_Q);
    if (__builtin_expect(numbers != 0xffff, 0)) {
        vf best = y[0];
        __m512i index = _mm512_setzero_si512();
        LKS_FOR (int k = 1; k < 4; k++)
            v_max_first(&best, y[k], &index, k);
        _mm_storeu_si128((__m128i *)place, _mm512_cvtepi32_epi8(index));
        return best;
    }
    /* max returns its second operand where neither is larger, or one is NaN */
    vf upper = _mm512_max_ps(y[1], y[0]), lower = _mm512_max_ps(y[3], y[2]);
    __mmask16 right_above = _mm512_cmp_ps_mask(y[1], y[0], _CMP_GT_OQ);
    __mmask16 right_below = _mm512_cmp_ps_mask(y[3], y[2], _CMP_GT_OQ);
    __mmask16 below = _mm512_cmp_ps_mask(lower, upper, _CMP_GT_OQ);
    __m128i index = _mm_maskz_mov_epi8(right_above, _mm_set1_epi8(1));
    __m128i index_below = _mm_mask_mov_epi8(_mm_set1_epi8(2), right_below, _mm_set1_epi8(3));
    index = _mm_mask_mov_epi8(index, below, index_below);
    _mm_storeu_si128((__m128i *)place, index);
    return _mm512_max_ps(lower, upper);
}
typedef __m512i vi;
LKS_INLINE vi vi_zero(void) {
    return _mm512_setzero_si512();
}
LKS_INLINE void vi_store_bytes(uint8_t *p, vi a) {
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a));
}
/* Lanes where the byte at p equals k. */
typedef __mmask16 vm;
LKS_INLINE vm vm_where_byte(const uint8_t *p, int k) {
    return _mm_cmpeq_epi8_mask(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8((char)k));
}
/* a in the lanes of m, +0 in the others. */
LKS_INLINE vf v_where(vm m, vf a) {
    return _mm512_maskz_mov_ps(m, a);
}
/* Bit l set where lane l is not zero (NaN counts as not zero). */
LKS_INLINE uint32_t v_nonzero_mask(vf g) {
    return _mm512_cmp_ps_mask(g, _mm512_setzero_ps(), _CMP_NEQ_UQ);
}
/* a where g is not zero (NaN is not zero), else 0. */
LKS_INLINE vi vi_where_nonzero(vf g, vi a) {
    return _mm512_maskz_mov_epi32(_mm512_cmp_ps_mask(g, _mm512_setzero_ps(), _CMP_NEQ_UQ), a);
}
/* Full products of 32-bit lanes: upper and lower halves. */
LKS_INLINE void vi_mul_wide(vi a, uint32_t b, vi *hi, vi *lo) {
    vi m = _mm512_set1_epi32((int32_t)b);
    vi even = _mm512_mul_epu32(a, m), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), m);
    *hi = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    *lo = _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
}
LKS_INLINE vi vi_xor(vi a, vi b) {
    return _mm512_xor_si512(a, b);
}
LKS_INLINE vi vi_or(vi a, vi b) {
    return _mm512_or_si512(a, b);
}
LKS_INLINE void vi_store(uint32_t *p, vi a) {
    _mm512_storeu_si512(p, a);
}
LKS_INLINE vi vi_set1(uint32_t a) {
    return _mm512_set1_epi32((int32_t)a);
}
LKS_INLINE vi vi_add(vi a, vi b) {
    return _mm512_add_epi32(a, b);
}
typedef __m512i vl;
LKS_INLINE vl vl_add_products(vl sum, vi a, vi b) {
    vl even = _mm512_mul_epu32(a, b);
    vl odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_add_epi64(sum, _mm512_add_epi64(even, odd));
}
LKS_INLINE vi vi_load(const uint32_t *p) {
    return _mm512_loadu_si512(p);
}
/* p gets {a[i], b[i], c[i], d[i]} for i = 0, 4, 8, ..., then for i = 1, 5, ... */
LKS_INLINE void vi_store_quads(uint32_t *p, vi a, vi b, vi c, vi d) {
    vi ab0 = _mm512_unpacklo_epi32(a, b), ab1 = _mm512_unpackhi_epi32(a, b);
    vi cd0 = _mm512_unpacklo_epi32(c, d), cd1 = _mm512_unpackhi_epi32(c, d);
    _mm512_storeu_si512(p, _mm512_unpacklo_epi64(ab0, cd0));
    _mm512_storeu_si512(p + 16, _mm512_unpackhi_epi64(ab0, cd0));
    _mm512_storeu_si512(p + 32, _mm512_unpacklo_epi64(ab1, cd1));
    _mm512_storeu_si512(p + 48, _mm512_unpackhi_epi64(ab1, cd1));
}

#elif defined(LKS_ISA_AVX2)
#include <immintrin.h>
#define LKS_VL           8
#define LKS_KERNEL(name) name##_avx2
typedef __m256 vf;
LKS_INLINE vf v_zero(void) {
    return _mm256_setzero_ps();
}
LKS_INLINE vf v_set1(float a) {
    return _mm256_set1_ps(a);
}
LKS_INLINE vf v_load(const float *p) {
    return _mm256_loadu_ps(p);
}
LKS_INLINE void v_store(float *p, vf a) {
    _mm256_storeu_ps(p, a);
}
LKS_INLINE vf v_fma(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}
LKS_INLINE vf v_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}
LKS_INLINE vf v_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}
LKS_INLINE vf v_mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}
LKS_INLINE void add_four_exact(int64_t *sum, __m128 p, bool adds) {
    __m256d d = _mm256_fmadd_pd(_mm256_cvtps_pd(p), _mm256_set1_pd(1 << LKS_SCALE_BITS),
                                _mm256_set1_pd(LKS_ROUNDER));
    __m256i q = _mm256_sub_epi64(_mm256_castpd_si256(d), _mm256_set1_epi64x(LKS_ROUNDER_BITS));
    __m256i *at = (__m256i *)sum;
    _mm256_storeu_si256(at, adds ? _mm256_add_epi64(_mm256_loadu_si256(at), q) : q);
}
LKS_INLINE bool v_add_exact(int64_t *sum, vf p, bool adds) {
    add_four_exact(sum, _mm256_castps256_ps128(p), adds);
    add_four_exact(sum + 4, _mm256_extractf128_ps(p, 1), adds);
    vf size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), p);
    return _mm256_movemask_ps(
               _mm256_cmp_ps(size, _mm256_set1_ps((float)LKS_PARTIAL_LIMIT), _CMP_LT_OQ)) == 0xff;
}
LKS_INLINE vf v_relu(vf x) {
    return _mm256_and_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NLE_UQ), x);
}
LKS_INLINE vf v_where_positive(vf t, vf a) {
    return _mm256_and_ps(_mm256_cmp_ps(t, _mm256_setzero_ps(), _CMP_GT_OQ), a);
}
typedef __m256d vd;
LKS_INLINE void v_widen(vf a, vd half[2]) {
    half[0] = _mm256_cvtps_pd(_mm256_castps256_ps128(a));
    half[1] = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
}
LKS_INLINE void v_widen_at(const float *p, vd half[2]) {
    half[0] = _mm256_cvtps_pd(_mm_loadu_ps(p));
    half[1] = _mm256_cvtps_pd(_mm_loadu_ps(p + 4));
}
LKS_INLINE vd vd_add_square(vd sum, vd a) {
    return _mm256_fmadd_pd(a, a, sum);
}
typedef __m256i vi;
LKS_INLINE void v_max_first(vf *a, vf b, vi *index, int k) {
    vf m = _mm256_and_ps(_mm256_cmp_ps(b, *a, _CMP_NLE_UQ), _mm256_cmp_ps(*a, *a, _CMP_ORD_Q));
    *a = _mm256_blendv_ps(*a, b, m);
    *index = _mm256_blendv_epi8(*index, _mm256_set1_epi32(k), _mm256_castps_si256(m));
}
LKS_INLINE vi vi_zero(void) {
    return _mm256_setzero_si256();
}
LKS_INLINE void vi_store_bytes(uint8_t *p, vi a) {
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(words, words));
}
typedef vf vm;
LKS_INLINE vm vm_where_byte(const uint8_t *p, int k) {
    vi index = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(index, _mm256_set1_epi32(k)));
}
LKS_INLINE vf v_where(vm m, vf a) {
    return _mm256_and_ps(m, a);
}
LKS_INLINE uint32_t v_nonzero_mask(vf g) {
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(g, _mm256_setzero_ps(), _CMP_NEQ_UQ));
}
LKS_INLINE vi vi_where_nonzero(vf g, vi a) {
    vf mask = _mm256_cmp_ps(g, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    return _mm256_and_si256(_mm256_castps_si256(mask), a);
}
LKS_INLINE void vi_mul_wide(vi a, uint32_t b, vi *hi, vi *lo) {
    vi m = _mm256_set1_epi32((int32_t)b);
    vi even = _mm256_mul_epu32(a, m), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), m);
    *hi = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    *lo = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}
LKS_INLINE vi vi_xor(vi a, vi b) {
    return _mm256_xor_si256(a, b);
}
LKS_INLINE vi vi_or(vi a, vi b) {
    return _mm256_or_si256(a, b);
}
LKS_INLINE void vi_store(uint32_t *p, vi a) {
    _mm256_storeu_si256((__m256i *)p, a);
}
LKS_INLINE vi vi_set1(uint32_t a) {
    return _mm256_set1_epi32((int32_t)a);
}
LKS_INLINE vi vi_add(vi a, vi b) {
    return _mm256_add_epi32(a, b);
}
typedef __m256i vl;
LKS_INLINE vl vl_add_products(vl sum, vi a, vi b) {
    vl even = _mm256_mul_epu32(a, b);
    vl odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_add_epi64(sum, _mm256_add_epi64(even, odd));
}
LKS_INLINE vi vi_load(const uint32_t *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}
LKS_INLINE void vi_store_quads(uint32_t *p, vi a, vi b, vi c, vi d) {
    vi ab0 = _mm256_unpacklo_epi32(a, b), ab1 = _mm256_unpackhi_epi32(a, b);
    vi cd0 = _mm256_unpacklo_epi32(c, d), cd1 = _mm256_unpackhi_epi32(c, d);
    _mm256_storeu_si256((__m256i *)p, _mm256_unpacklo_epi64(ab0, cd0));
    _mm256_storeu_si256((__m256i *)(p + 8), _mm256_unpackhi_epi64(ab0, cd0));
    _mm256_storeu_si256((__m256i *)(p + 16), _mm256_unpacklo_epi64(ab1, cd1));
    _mm256_storeu_si256((__m256i *)(p + 24), _mm256_unpackhi_epi64(ab1, cd1));
}

#elif defined(LKS_ISA_NEON)
#include <arm_neon.h>
#define LKS_VL           4
#define LKS_KERNEL(name) name##_neon
typedef float32x4_t vf;
typedef int32x4_t vi;
LKS_INLINE vf v_zero(void) {
    return vdupq_n_f32(0);
}
LKS_INLINE vf v_set1(float a) {
    return vdupq_n_f32(a);
}
LKS_INLINE vf v_load(const float *p) {
    return vld1q_f32(p);
}
LKS_INLINE void v_store(float *p, vf a) {
    vst1q_f32(p, a);
}
LKS_INLINE vf v_fma(vf a, vf b, vf c) {
    return vfmaq_f32(c, a, b);
}
LKS_INLINE vf v_add(vf a, vf b) {
    return vaddq_f32(a, b);
}
LKS_INLINE vf v_sub(vf a, vf b) {
    return vsubq_f32(a, b);
}
LKS_INLINE vf v_mul(vf a, vf b) {
    return vmulq_f32(a, b);
}
LKS_INLINE vf v_masked(uint32x4_t mask, vf a) {
    return vreinterpretq_f32_u32(vandq_u32(mask, vreinterpretq_u32_f32(a)));
}
LKS_INLINE vf v_relu(vf x) {
    return v_masked(vmvnq_u32(vcleq_f32(x, v_zero())), x);
}
LKS_INLINE vf v_where_positive(vf t, vf a) {
    return v_masked(vcgtq_f32(t, v_zero()), a);
}
typedef float64x2_t vd;
LKS_INLINE void v_widen(vf a, vd half[2]) {
    half[0] = vcvt_f64_f32(vget_low_f32(a));
    half[1] = vcvt_high_f64_f32(a);
}
LKS_INLINE vd vd_add_square(vd sum, vd a) {
    return vfmaq_f64(sum, a, a);
}
LKS_INLINE void v_max_first(vf *a, vf b, vi *index, int k) {
    uint32x4_t m = vandq_u32(vmvnq_u32(vcleq_f32(b, *a)), vceqq_f32(*a, *a));
    *a = vbslq_f32(m, b, *a);
    *index = vbslq_s32(m, vdupq_n_s32(k), *index);
}
LKS_INLINE vi vi_zero(void) {
    return vdupq_n_s32(0);
}
LKS_INLINE void vi_store_bytes(uint8_t *p, vi a) {
    uint8x8_t bytes = vmovn_u16(vcombine_u16(vmovn_u32(vreinterpretq_u32_s32(a)), vdup_n_u16(0)));
    vst1_lane_u32((void *)p, vreinterpret_u32_u8(bytes), 0);
}
typedef uint32x4_t vm;
LKS_INLINE vm vm_where_byte(const uint8_t *p, int k) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
    uint32x4_t index = vmovl_u16(vget_low_u16(vmovl_u8(bytes)));
    return vceqq_u32(index, vdupq_n_u32((uint32_t)k));
}
LKS_INLINE vf v_where(vm m, vf a) {
    return v_masked(m, a);
}
LKS_INLINE uint32_t v_nonzero_mask(vf g) {
    const uint32x4_t bit = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vmvnq_u32(vceqq_f32(g, v_zero())), bit));
}
LKS_INLINE vi vi_where_nonzero(vf g, vi a) {
    return vbicq_s32(a, vreinterpretq_s32_u32(vceqq_f32(g, v_zero())));
}
LKS_INLINE void vi_mul_wide(vi a, uint32_t b, vi *hi, vi *lo) {
    uint32x4_t u = vreinterpretq_u32_s32(a);
    uint32x4_t low = vreinterpretq_u32_u64(vmull_n_u32(vget_low_u32(u), b));
    uint32x4_t high = vreinterpretq_u32_u64(vmull_n_u32(vget_high_u32(u), b));
    *hi = vreinterpretq_s32_u32(vuzp2q_u32(low, high));
    *lo = vreinterpretq_s32_u32(vuzp1q_u32(low, high));
}
LKS_INLINE vi vi_xor(vi a, vi b) {
    return veorq_s32(a, b);
}
LKS_INLINE vi vi_or(vi a, vi b) {
    return vorrq_s32(a, b);
}
LKS_INLINE void vi_store(uint32_t *p, vi a) {
    vst1q_s32((int32_t *)p, a);
}
LKS_INLINE vi vi_set1(uint32_t a) {
    return vdupq_n_s32((int32_t)a);
}
LKS_INLINE vi vi_add(vi a, vi b) {
    return vaddq_s32(a, b);
}
typedef uint64x2_t vl;
LKS_INLINE vl vl_add_products(vl sum, vi a, vi b) {
    uint32x4_t u = vreinterpretq_u32_s32(a), v = vreinterpretq_u32_s32(b);
    return vmlal_high_u32(vmlal_u32(sum, vget_low_u32(u), vget_low_u32(v)), u, v);
}
LKS_INLINE vi vi_load(const uint32_t *p) {
    return vreinterpretq_s32_u32(vld1q_u32(p));
}
/* st4 interleaves: it stores {a[i], b[i], c[i], d[i]} for every i. */
LKS_INLINE void vi_store_quads(uint32_t *p, vi a, vi b, vi c, vi d) {
    vst4q_s32((int32_t *)p, (int32x4x4_t){{a, b, c, d}});
}

#else /* portable: GNU vectors of four floats */
#define LKS_VL           4
#define LKS_KERNEL(name) name##_portable
typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
LKS_INLINE vf v_zero(void) {
    return (vf){0, 0, 0, 0};
}
LKS_INLINE vf v_set1(float a) {
    return (vf){a, a, a, a};
}
LKS_INLINE vf v_load(const float *p) {
    vf a;
    memcpy(&a, p, sizeof a);
    return a;
}
LKS_INLINE void v_store(float *p, vf a) {
    memcpy(p, &a, sizeof a);
}
LKS_INLINE vf v_add(vf a, vf b) {
    return a + b;
}
LKS_INLINE vf v_sub(vf a, vf b) {
    return a - b;
}
LKS_INLINE vf v_mul(vf a, vf b) {
    return a * b;
}
#ifdef __FP_FAST_FMAF
LKS_INLINE vf v_fma(vf a, vf b, vf c) {
    for (int l = 0; l < 4; l++)
        c[l] = __builtin_fmaf(a[l], b[l], c[l]);
    return c;
}
#else
/* The product of two floats is exact in double, so only the sum and the result round. Rounding
 * twice is wrong only where the first rounding meets the middle between two floats, or where the
 * result may be denormal as a float. Those few vectors take the slow way: the sum is rounded to odd
 * (an inexact result gets its last bit set), after which rounding to float is always right, since
 * double has more than 2 * 24 + 2 bits (Boldo & Melquiond, "Emulation of FMA and correctly rounded
 * sums: proved algorithms using rounding to odd", IEEE TC 2008). */
typedef double vd2 __attribute__((vector_size(16)));
typedef int64_t vl2 __attribute__((vector_size(16)));

static __attribute__((noinline, unused)) vd2 to_odd(vd2 p, vd2 c) {
    vd2 s = p + c, t = s - p;
    vd2 e =
        (p - (s - t)) + (c - t); /* exact error of s (Knuth's two-sum); NaN where s is not finite */
    vl2 inexact = (e < 0) | (e > 0);
    vl2 bits = (vl2)s;
    vl2 even = ((bits & 1) == 0);
    vl2 towards_zero = ((vl2)e ^ bits) >> 63; /* -1 where the error has the other sign than s */
    bits += (inexact & even) & (1 | towards_zero);
    return (vd2)bits;
}

/* Non-zero where s may be the middle of two floats (low 29 bits 100...0), or is below 2^-125 and
 * not 0. */
LKS_INLINE vl2 doubtful(vd2 s) {
    const vi low = {0x1fffffff, 0, 0x1fffffff, 0}, middle = {0x10000000, 1, 0x10000000, 1};
    const vi high = {0, 0x7fffffff, 0, 0x7fffffff};
    const vi smallest = {0, (1023 - 125) << 20, 0, (1023 - 125) << 20};
    vi bits = (vi)s;
    vi tiny = ((bits & high) < smallest) & (vi)(s != 0);
    return (vl2)(((bits & low) == middle) | tiny);
}

/* GCC 12 takes the rounding to float away where the next product widens the result again. */
#ifdef __SSE2__
#define LKS_OPAQUE(v) __asm__("" : "+x"(v))
#else
#define LKS_OPAQUE(v) __asm__("" : "+m"(v))
#endif

LKS_INLINE vf v_fma(vf a, vf b, vf c) {
    vd2 p0 = (vd2){a[0], a[1]} * (vd2){b[0], b[1]}, c0 = {c[0], c[1]};
    vd2 p1 = (vd2){a[2], a[3]} * (vd2){b[2], b[3]}, c1 = {c[2], c[3]};
    vd2 s0 = p0 + c0, s1 = p1 + c1;
    vl2 doubt = doubtful(s0) | doubtful(s1);
    if (__builtin_expect((doubt[0] | doubt[1]) != 0, 0)) {
        s0 = to_odd(p0, c0);
        s1 = to_odd(p1, c1);
    }
    vf r = {(float)s0[0], (float)s0[1], (float)s1[0], (float)s1[1]};
    LKS_OPAQUE(r);
    return r;
}
#endif
LKS_INLINE vf v_select(vi mask, vf a, vf b) {
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}
LKS_INLINE vf v_relu(vf x) {
    return (vf)(~(x <= v_zero()) & (vi)x);
}
LKS_INLINE vf v_where_positive(vf t, vf a) {
    return (vf)((t > v_zero()) & (vi)a);
}
typedef double vd __attribute__((vector_size(16)));
LKS_INLINE void v_widen(vf a, vd half[2]) {
    half[0] = (vd){a[0], a[1]};
    half[1] = (vd){a[2], a[3]};
}
LKS_INLINE vd vd_add_square(vd sum, vd a) {
    return sum + a * a;
}
LKS_INLINE void v_max_first(vf *a, vf b, vi *index, int k) {
    vi m = ~(b <= *a) & (*a == *a);
    *a = v_select(m, b, *a);
    *index = (m & k) | (~m & *index);
}
LKS_INLINE vi vi_zero(void) {
    return (vi){0, 0, 0, 0};
}
LKS_INLINE void vi_store_bytes(uint8_t *p, vi a) {
    for (int l = 0; l < 4; l++)
        p[l] = (uint8_t)a[l];
}
typedef vi vm;
LKS_INLINE vm vm_where_byte(const uint8_t *p, int k) {
    vi index = {p[0], p[1], p[2], p[3]};
    return index == k;
}
LKS_INLINE vf v_where(vm m, vf a) {
    return (vf)(m & (vi)a);
}
LKS_INLINE uint32_t v_nonzero_mask(vf g) {
    vi m = g != v_zero();
    return (uint32_t)((m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8));
}
LKS_INLINE vi vi_where_nonzero(vf g, vi a) {
    return (g != v_zero()) & a;
}
LKS_INLINE void vi_mul_wide(vi a, uint32_t b, vi *hi, vi *lo) {
    for (int l = 0; l < 4; l++) {
        uint64_t p = (uint64_t)(uint32_t)a[l] * b;
        (*hi)[l] = (int32_t)(p >> 32);
        (*lo)[l] = (int32_t)p;
    }
}
LKS_INLINE vi vi_xor(vi a, vi b) {
    return a ^ b;
}
LKS_INLINE vi vi_or(vi a, vi b) {
    return a | b;
}
LKS_INLINE void vi_store(uint32_t *p, vi a) {
    memcpy(p, &a, sizeof a);
}
LKS_INLINE vi vi_set1(uint32_t a) {
    int32_t s = (int32_t)a;
    return (vi){s, s, s, s};
}
LKS_INLINE vi vi_add(vi a, vi b) {
    return (vi)((vu)a + (vu)b);
}
typedef uint64_t vl __attribute__((vector_size(16)));
LKS_INLINE vl vl_add_products(vl sum, vi a, vi b) {
    for (int l = 0; l < 4; l++)
        sum[l & 1] += (uint64_t)(uint32_t)a[l] * (uint32_t)b[l];
    return sum;
}
LKS_INLINE vi vi_load(const uint32_t *p) {
    vi a;
    memcpy(&a, p, sizeof a);
    return a;
}
LKS_INLINE void vi_store_quads(uint32_t *p, vi a, vi b, vi c, vi d) {
    for (int l = 0; l < 4; l++, p += 4) {
        vi quad = {a[l], b[l], c[l], d[l]};
        memcpy(p, &quad, sizeof quad);
    }
}
#endif

#ifndef LKS_ISA_AVX512
LKS_INLINE vf v_max_of_four(const vf y[4], uint8_t *place) {
    vf best = y[0];
    vi index = vi_zero();
    LKS_FOR (int k = 1; k < 4; k++)
        v_max_first(&best, y[k], &index, k);
    vi_store_bytes(place, index);
    return best;
}
#endif

#if LKS_VL == 4
LKS_INLINE bool v_add_exact(int64_t *sum, vf p, bool adds) {
    bool ok = true;
    float lanes[LKS_VL];
    v_store(lanes, p);
    for (int l = 0; l < LKS_VL; l++) {
        double d = (double)lanes[l] * (double)(1 << LKS_SCALE_BITS) + LKS_ROUNDER;
        uint64_t bits; /* unsigned: a refused partial may wrap, a sum may not */
        memcpy(&bits, &d, sizeof bits);
        uint64_t before = adds ? (uint64_t)sum[l] : 0;
        sum[l] = (int64_t)(before + (bits - (uint64_t)LKS_ROUNDER_BITS));
        ok &= __builtin_fabsf(lanes[l]) < (float)LKS_PARTIAL_LIMIT; /* NaN compares false */
    }
    return ok;
}
#endif

/* The first n <= LKS_VL lanes; zeros stand in for the others. */
LKS_INLINE vf v_load_some(const float *p, size_t n) {
    float lanes[LKS_VL] = {0};
    memcpy(lanes, p, n * sizeof *p);
    return v_load(lanes);
}

LKS_INLINE void v_store_some(float *p, size_t n, vf a) {
    float lanes[LKS_VL];
    v_store(lanes, a);
    memcpy(p, lanes, n * sizeof *p);
}

#define VPB (16 / LKS_VL)

#if !defined(LKS_ISA_AVX512) && !defined(LKS_ISA_AVX2)
LKS_INLINE void v_widen_at(const float *p, vd half[2]) {
    v_widen(v_load(p), half);
}
#endif
#ifndef LKS_ISA_AVX512
LKS_INLINE void v_widen_where_positive(vf t, const float *p, vd half[2]) {
    v_widen(v_where_positive(t, v_load(p)), half);
}
#endif

/* Doubles take part in +, - and * as they are: those are GNU vectors on every instruction set. */
#define LKS_DL (LKS_VL / 2)
LKS_INLINE vd vd_load(const double *p) {
    vd a;
    memcpy(&a, p, sizeof a);
    return a;
}
LKS_INLINE void vd_store(double *p, vd a) {
    memcpy(p, &a, sizeof a);
}

#endif
