/* 32 x 16 operands, turned so that tiles can be loaded from them. */
#ifndef LKS_KERNELS_AMX_TURN_H
#define LKS_KERNELS_AMX_TURN_H

#include "kernels/amx/amx.h"

#ifdef LKS_ISA_AVX512
/* 16 bytes of each of four places. */
LKS_INLINE __m512i load_lanes(const void *a, const void *b, const void *c, const void *d) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)a));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)b), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)c), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)d), 3);
}

/* Within each lane of 128 bits: row r of 8 operands becomes column r. */
LKS_INLINE void turn_lanes(__m512i row[8]) {
    __m512i a[8], b[8];
    LKS_FOR (int i = 0; i < 4; i++) {
        a[2 * i] = _mm512_unpacklo_epi16(row[2 * i], row[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_epi16(row[2 * i], row[2 * i + 1]);
    }
    LKS_FOR (int i = 0; i < 2; i++)
        LKS_FOR (int j = 0; j < 2; j++) {
            b[4 * i + 2 * j] = _mm512_unpacklo_epi32(a[4 * i + j], a[4 * i + 2 + j]);
            b[4 * i + 2 * j + 1] = _mm512_unpackhi_epi32(a[4 * i + j], a[4 * i + 2 + j]);
        }
    LKS_FOR (int i = 0; i < 4; i++) {
        row[2 * i] = _mm512_unpacklo_epi64(b[i], b[4 + i]);
        row[2 * i + 1] = _mm512_unpackhi_epi64(b[i], b[4 + i]);
    }
}
#endif

/* A channel becomes a row: to[c][k] = from[k][at + c]. */
LKS_INLINE void turn_to_rows(const lks_operand *const from[LKS_CHAINS], size_t at,
                             lks_operand *to) {
#ifdef LKS_ISA_AVX512
    for (int half = 0; half < 2; half++, at += 8) {
        __m512i row[8];
        LKS_FOR (int k = 0; k < 8; k++)
            row[k] =
                load_lanes(from[k] + at, from[k + 8] + at, from[k + 16] + at, from[k + 24] + at);
        turn_lanes(row);
        LKS_FOR (int c = 0; c < 8; c++, to += LKS_CHAINS)
            _mm512_storeu_si512(to, row[c]);
    }
#else
    for (int c = 0; c < LKS_BLOCK; c++)
        for (int k = 0; k < LKS_CHAINS; k++)
            to[c * LKS_CHAINS + k] = from[k][at + c];
#endif
}

/* A channel becomes a column: to[k / 2][c][k % 2] = from[k][at + c]. */
LKS_INLINE void turn_to_columns(const lks_operand *const from[LKS_CHAINS], size_t at,
                                lks_operand *to) {
    for (int k = 0; k < LKS_CHAINS; k += 2, to += 2 * LKS_BLOCK) {
#ifdef LKS_ISA_AVX512
        const __m256i *even = (const __m256i *)(from[k] + at),
                      *odd = (const __m256i *)(from[k + 1] + at);
        __m512i lower = _mm512_cvtepu16_epi32(_mm256_loadu_si256(even)),
                upper = _mm512_cvtepu16_epi32(_mm256_loadu_si256(odd));
        _mm512_storeu_si512(to, _mm512_or_si512(lower, _mm512_slli_epi32(upper, 16)));
#else
        for (int c = 0; c < LKS_BLOCK; c++) {
            to[2 * c] = from[k][at + c];
            to[2 * c + 1] = from[k + 1][at + c];
        }
#endif
    }
}

/* The same for the next 16 channels, too, which go to `next`. */
LKS_INLINE void turn_two_to_columns(const lks_operand *const from[LKS_CHAINS], size_t at,
                                    lks_operand *to, lks_operand *next) {
#ifdef LKS_ISA_AVX512
    const __m512i step = _mm512_set1_epi32(0x00010001),
                  lower =
                      _mm512_set_epi32(0x2f000f, 0x2e000e, 0x2d000d, 0x2c000c, 0x2b000b, 0x2a000a,
                                       0x290009, 0x280008, 0x270007, 0x260006, 0x250005, 0x240004,
                                       0x230003, 0x220002, 0x210001, 0x200000),
                  upper = _mm512_add_epi16(lower, _mm512_slli_epi16(step, 4));
    for (int k = 0; k < LKS_CHAINS; k += 2, to += 2 * LKS_BLOCK, next += 2 * LKS_BLOCK) {
        const __m512i even = _mm512_loadu_si512(from[k] + at),
                      odd = _mm512_loadu_si512(from[k + 1] + at);
        _mm512_storeu_si512(to, _mm512_permutex2var_epi16(even, lower, odd));
        _mm512_storeu_si512(next, _mm512_permutex2var_epi16(even, upper, odd));
    }
#else
    turn_to_columns(from, at, to);
    turn_to_columns(from, at + LKS_BLOCK, next);
#endif
}

/* Four columns of a tile of sums, from column c on, become rows: to[i][o] = sums[o * 16 + c + i]. */
LKS_INLINE void turn_sums(const float *sums, int c, float to[4][LKS_BLOCK]) {
#ifdef LKS_ISA_AVX512
    __m512i row[4], half[4];
    LKS_FOR (int i = 0; i < 4; i++) {
        const float *from = sums + i * LKS_BLOCK + c;
        row[i] =
            load_lanes(from, from + 4 * LKS_BLOCK, from + 8 * LKS_BLOCK, from + 12 * LKS_BLOCK);
    }
    LKS_FOR (int i = 0; i < 2; i++) {
        half[2 * i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
        half[2 * i + 1] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
    }
    LKS_FOR (int i = 0; i < 2; i++) {
        _mm512_storeu_si512(to[2 * i], _mm512_unpacklo_epi64(half[i], half[2 + i]));
        _mm512_storeu_si512(to[2 * i + 1], _mm512_unpackhi_epi64(half[i], half[2 + i]));
    }
#else
    for (int i = 0; i < 4; i++)
        for (int o = 0; o < LKS_BLOCK; o++)
            to[i][o] = sums[o * LKS_BLOCK + c + i];
#endif
}

/* Pairs of operands change places: to[k / 2][o][k % 2] = from[o][k]. */
LKS_INLINE void turn_pairs(lks_operand from[LKS_BLOCK][LKS_CHAINS], lks_operand *to) {
#ifdef LKS_ISA_AVX512
    LKS_FOR (int quarter = 0; quarter < 4; quarter++, to += 4 * 2 * LKS_BLOCK) {
        __m512i row[4], half[4];
        LKS_FOR (int i = 0; i < 4; i++)
            row[i] = load_lanes(from[i] + 8 * quarter, from[4 + i] + 8 * quarter,
                                from[8 + i] + 8 * quarter, from[12 + i] + 8 * quarter);
        LKS_FOR (int i = 0; i < 2; i++) {
            half[2 * i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
            half[2 * i + 1] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
        }
        LKS_FOR (int i = 0; i < 2; i++) {
            _mm512_storeu_si512(to + 2 * i * 2 * LKS_BLOCK,
                                _mm512_unpacklo_epi64(half[i], half[2 + i]));
            _mm512_storeu_si512(to + (2 * i + 1) * 2 * LKS_BLOCK,
                                _mm512_unpackhi_epi64(half[i], half[2 + i]));
        }
    }
#else
    for (int k = 0; k < LKS_CHAINS; k++)
        for (int o = 0; o < LKS_BLOCK; o++)
            to[k / 2 * 2 * LKS_BLOCK + 2 * o + k % 2] = from[o][k];
#endif
}

#endif
