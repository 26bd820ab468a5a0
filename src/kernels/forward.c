/* Convolution and dense forward: tiles of pixels x blocks of 16 output channels held in registers.
 *
 * A tile walks the taps in order; each tap costs one broadcast per pixel and one load per vector of
 * outputs. Tile sizes are chosen so that accumulators, weights and one broadcast fill the register
 * file; they cannot change a result, since every output is its own recurrence. */
#include "kernels/kernels_isa.h"

/* Whole 2x2 windows need pixels in fours. */
#if defined(LKS_ISA_AVX512)
#define PIXELS      12 /* x 2 blocks x 1 vector = 24 accumulators of 32 registers */
#define POOL_PIXELS 12
#define PAIR        2
#elif defined(LKS_ISA_AVX2)
#define PIXELS      6 /* x 1 block x 2 vectors = 12 accumulators of 16 registers */
#define POOL_PIXELS 4
#define PAIR        1
#elif defined(LKS_ISA_NEON)
#define PIXELS      6 /* x 1 block x 4 vectors = 24 accumulators of 32 registers */
#define POOL_PIXELS 4
#define PAIR        1
#else
#define PIXELS      4
#define POOL_PIXELS 4
#define PAIR        1
#endif

LKS_INLINE void store_plain(const lks_forward_args *a, int pixels, int blocks, int first, int block,
                            vf acc[PIXELS][PAIR * VPB]) {
    size_t width = (size_t)a->blocks * LKS_BLOCK;
    LKS_FOR (int i = 0; i < pixels; i++) {
        size_t at = a->out_offset ? (size_t)a->out_offset[first + i] : (size_t)(first + i) * width;
        float *out = a->out + at + block * LKS_BLOCK;
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            v_store(out + v * LKS_VL, a->relu ? v_relu(acc[i][v]) : acc[i][v]);
    }
}

LKS_INLINE void store_pooled(const lks_forward_args *a, int pixels, int blocks, int first,
                             int block, vf acc[PIXELS][PAIR * VPB]) {
    size_t at = (size_t)(first / 4) * a->blocks * LKS_BLOCK + block * LKS_BLOCK;
    LKS_FOR (int i = 0; i < pixels; i += 4, at += (size_t)a->blocks * LKS_BLOCK)
        LKS_FOR (int v = 0; v < blocks * VPB; v++) {
            vf best = acc[i][v];
            vi index = vi_zero();
            LKS_FOR (int k = 1; k < 4; k++)
                v_max_first(&best, acc[i + k][v], &index, k);
            v_store(a->out + at + v * LKS_VL, a->relu ? v_relu(best) : best);
            vi_store_bytes(a->argmax + at + v * LKS_VL, index);
        }
}

/* One tap of all pixels of the tile: x[i][at] times the weights at w. */
LKS_INLINE void one_tap(int pixels, int blocks, const float *const x[PIXELS], ptrdiff_t at,
                        const float *w, size_t block_stride, vf acc[PIXELS][PAIR * VPB]) {
    vf wv[PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        wv[v] = v_load(w + (v / VPB) * block_stride + (v % VPB) * LKS_VL);
    LKS_FOR (int i = 0; i < pixels; i++) {
        vf b = v_set1(x[i][at]);
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[i][v] = v_fma(b, wv[v], acc[i][v]);
    }
}

LKS_INLINE void tile(const lks_forward_args *a, int pixels, int blocks, int first, int block,
                     bool pool, bool across) {
    size_t block_stride =
        (size_t)a->run_length * (across ? a->weight_step : (size_t)a->n_runs * LKS_BLOCK);
    const float *w = a->weights + block * block_stride;
    const float *x[PIXELS];
    vf acc[PIXELS][PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++) {
        vf start = a->bias ? v_load(a->bias + block * LKS_BLOCK + v * LKS_VL) : v_zero();
        LKS_FOR (int i = 0; i < pixels; i++)
            acc[i][v] = start;
    }
    if (across) {
        LKS_FOR (int i = 0; i < pixels; i++)
            x[i] = a->x + a->pixel_offset[first + i];
        for (int k = 0; k < a->run_length; k++, w += a->weight_step)
            for (int r = 0; r < a->n_runs; r++)
                one_tap(pixels, blocks, x, a->run_offset[r] + k, w + a->run_weight[r], block_stride,
                        acc);
    } else {
        for (int r = 0; r < a->n_runs; r++) {
            LKS_FOR (int i = 0; i < pixels; i++)
                x[i] = a->x + a->run_offset[r] + a->pixel_offset[first + i];
            for (int k = 0; k < a->run_length; k++, w += LKS_BLOCK)
                one_tap(pixels, blocks, x, k, w, block_stride, acc);
        }
    }
    if (pool)
        store_pooled(a, pixels, blocks, first, block, acc);
    else
        store_plain(a, pixels, blocks, first, block, acc);
}

/* All pixels of one group of blocks: the largest tiles first, then smaller ones for what is left.
 */
LKS_INLINE void all_pixels(const lks_forward_args *a, int blocks, int block, bool across) {
    int i = 0;
    for (; i + PIXELS <= a->n_pixels; i += PIXELS)
        tile(a, PIXELS, blocks, i, block, false, across);
#if PIXELS > 4
    for (; i + 4 <= a->n_pixels; i += 4)
        tile(a, 4, blocks, i, block, false, across);
#endif
    for (; i < a->n_pixels; i++)
        tile(a, 1, blocks, i, block, false, across);
}

LKS_INLINE void all_windows(const lks_forward_args *a, int blocks, int block) {
    int i = 0;
    for (; i + POOL_PIXELS <= a->n_pixels; i += POOL_PIXELS)
        tile(a, POOL_PIXELS, blocks, i, block, true, false);
#if POOL_PIXELS > 4
    for (; i + 4 <= a->n_pixels; i += 4)
        tile(a, 4, blocks, i, block, true, false);
#endif
}

LKS_INLINE void blocks_of(const lks_forward_args *a, int blocks, int block) {
    if (a->argmax)
        all_windows(a, blocks, block);
    else if (a->run_weight)
        all_pixels(a, blocks, block, true);
    else
        all_pixels(a, blocks, block, false);
}

void LKS_KERNEL(lks_forward)(const lks_forward_args *a) {
    int block = 0;
    for (; block + PAIR <= a->blocks; block += PAIR)
        blocks_of(a, PAIR, block);
#if PAIR > 1
    if (block < a->blocks)
        blocks_of(a, 1, block);
#endif
}
