/* Products of two matrices: tiles of rows x blocks of 16 columns stay in registers. Every output is one chain of fused
 * multiply-adds from +0 over the summed index, ascending; a chain that is longer than DEPTH goes on from memory. */
#include "kernels/kernels_isa.h"

#if defined(LKS_ISA_AVX512)
#define ROWS  8 /* x 3 blocks x 1 vector = 24 accumulators of 32 registers */
#define GROUP 3
#else
#define ROWS  4 /* x 1 block: of two vectors on AVX2, of four on NEON */
#define GROUP 1
#endif

#define DEPTH 256 /* so much of 48 columns of b stays in the first-level cache while rows go by */

/* One step of the chains of all rows: a is that of the first. `across`: the rows' elements are side by side. */
LKS_INLINE void one_step(int blocks, const float *a, const float *third, const float *sixth,
                         ptrdiff_t row, bool across, const float *b, vf acc[ROWS][GROUP * VPB]) {
    const float *from[3] = {a, third, sixth};
    vf bv[GROUP * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        bv[v] = v_load(b + v * LKS_VL);
    LKS_FOR (int i = 0; i < ROWS; i++) {
        vf x = v_set1(across ? a[i] : from[i / 3][i % 3 * row]);
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[i][v] = v_fma(x, bv[v], acc[i][v]);
    }
}

LKS_INLINE void tile(const lks_multiply_args *m, int blocks, int i, int j, int first, int end,
                     bool across) {
    const ptrdiff_t stride = (ptrdiff_t)m->stride, step = across ? stride : 1;
    const float *a = m->a + (across ? first * stride + i : i * stride + first);
    const float *third = a + 3 * stride, *sixth = a + 6 * stride; /* by rows only */
    const float *b = m->b + first * stride + j;
    float *out = m->out + i * stride + j;
    vf acc[ROWS][GROUP * VPB];
    LKS_FOR (int r = 0; r < ROWS; r++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[r][v] = first ? v_load(out + r * stride + v * LKS_VL) : v_zero();
    for (int k = first; k < end; k++, a += step, third += step, sixth += step, b += stride) {
        LKS_OPAQUE_POINTER(a);
        LKS_OPAQUE_POINTER(third);
        LKS_OPAQUE_POINTER(sixth);
        one_step(blocks, a, third, sixth, stride, across, b, acc);
    }
    LKS_FOR (int r = 0; r < ROWS; r++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            v_store(out + r * stride + v * LKS_VL, acc[r][v]);
}

LKS_INLINE void all_rows(const lks_multiply_args *m, int blocks, int j, int first, bool across) {
    const int end = m->n - first < DEPTH ? m->n : first + DEPTH;
    for (int i = 0; i < m->rows; i += ROWS)
        tile(m, blocks, i, j, first, end, across);
}

LKS_INLINE void all_columns(const lks_multiply_args *m, int first, bool across) {
    int j = 0;
    for (; j + GROUP * LKS_BLOCK <= m->columns; j += GROUP * LKS_BLOCK)
        all_rows(m, GROUP, j, first, across);
#if GROUP > 1
    if (m->columns - j == 2 * LKS_BLOCK)
        all_rows(m, 2, j, first, across);
    else if (m->columns - j == LKS_BLOCK)
        all_rows(m, 1, j, first, across);
#endif
}

void LKS_KERNEL(lks_multiply)(const lks_multiply_args *m) {
    for (int first = 0; first < m->n; first += DEPTH)
        if (m->across)
            all_columns(m, first, true);
        else
            all_columns(m, first, false);
}
