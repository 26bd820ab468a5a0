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

/* A channel becomes a row: to[c * pitch + k] = from[k][at + c]. again: a second copy, or NULL. */
LKS_INLINE void turn_to_rows(const lks_operand *const from[LKS_CHAINS], size_t at, lks_operand *to,
                             lks_operand *again, size_t pitch) {
#ifdef LKS_ISA_AVX512
    for (int half = 0; half < 2; half++, at += 8) {
        __m512i row[8];
        LKS_FOR (int k = 0; k < 8; k++)
            row[k] =
                load_lanes(from[k] + at, from[k + 8] + at, from[k + 16] + at, from[k + 24] + at);
        turn_lanes(row);
        LKS_FOR (int c = 0; c < 8; c++, to += pitch)
            _mm512_storeu_si512(to, row[c]);
        LKS_FOR (int c = 0; c < 8; c++)
            if (again)
                _mm512_storeu_si512(again + (8 * half + c) * pitch, row[c]);
    }
#else
    for (int c = 0; c < LKS_BLOCK; c++)
        for (int k = 0; k < LKS_CHAINS; k++) {
            to[c * pitch + k] = from[k][at + c];
            if (again)
                again[c * pitch + k] = from[k][at + c];
        }
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
