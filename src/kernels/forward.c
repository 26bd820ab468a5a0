/* Convolution and dense forward: tiles of pixels x blocks of 16 output channels held in registers.
 *
 * A tile walks the taps in order; each tap costs one broadcast per pixel and one load per vector of
 * outputs. */
#include "kernels/kernels_isa.h"
#include "kernels/tile.h"

/* Whole 2x2 windows need pixels in fours. */
#ifdef LKS_ISA_AVX512
#define POOL_PIXELS 12
#else
#define POOL_PIXELS 4
#endif

LKS_INLINE void store_pixel(float *out, int blocks, const vf acc[PAIR * VPB]) {
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        v_store(out + v * LKS_VL, acc[v]);
}

LKS_INLINE void store_plain(const lks_forward_args *a, int pixels, int blocks, int first, int block,
                            vf acc[PIXELS][PAIR * VPB]) {
    const size_t width = (size_t)a->blocks * LKS_BLOCK;
    const int32_t *offset = a->out_offset;
    float *out = a->out + block * LKS_BLOCK;
    if (a->relu)
        LKS_FOR (int i = 0; i < pixels; i++)
            LKS_FOR (int v = 0; v < blocks * VPB; v++)
                acc[i][v] = v_relu(acc[i][v]);
    if (offset)
        LKS_FOR (int i = 0; i < pixels; i++)
            store_pixel(out + offset[first + i], blocks, acc[i]);
    else
        LKS_FOR (int i = 0; i < pixels; i++)
            store_pixel(out + (size_t)(first + i) * width, blocks, acc[i]);
}

LKS_INLINE void store_pooled(const lks_forward_args *a, int pixels, int blocks, int first,
                             int block, vf acc[PIXELS][PAIR * VPB]) {
    const size_t width = (size_t)a->blocks * LKS_BLOCK;
    const size_t at = (size_t)(first / 4) * width + (size_t)block * LKS_BLOCK;
    const bool relu = a->relu;
    float *out = a->out + at;
    uint8_t *argmax = a->argmax + at;
    LKS_FOR (int i = 0; i < pixels; i += 4, out += width, argmax += width)
        LKS_FOR (int v = 0; v < blocks * VPB; v++) {
            const vf y[4] = {acc[i][v], acc[i + 1][v], acc[i + 2][v], acc[i + 3][v]};
            vf best = v_max_of_four(y, argmax + v * LKS_VL);
            v_store(out + v * LKS_VL, relu ? v_relu(best) : best);
        }
}

LKS_INLINE void set_places(places *p, const float *x, const int32_t *offset, int pixels,
                           bool spaced, bool pool) {
    p->step = spaced ? offset[1] - offset[0] : 0;
    const int pointers = spaced ? (pixels + 2) / 3 : pixels;
    LKS_FOR (int i = 0; i < pointers; i++) {
        const bool lower = pool && i >= pointers / 2;
        const int column = 3 * (lower ? i - pointers / 2 : i);
        p->x[i] = x + (spaced ? offset[lower ? 2 : 0] + column * p->step : offset[i]);
    }
}

typedef enum walk { RUNS, RUNS_SPACED, ACROSS } walk;

LKS_INLINE void tile(const lks_forward_args *a, int pixels, int blocks, int first, int block,
                     bool pool, walk way) {
    size_t block_stride =
        (size_t)a->run_length * (way == ACROSS ? a->weight_step : (size_t)a->n_runs * LKS_BLOCK);
    const float *w = a->weights + block * block_stride;
    const int32_t *offset = a->pixel_offset + first;
    places p;
    vf acc[PIXELS][PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++) {
        vf start = a->bias ? v_load(a->bias + block * LKS_BLOCK + v * LKS_VL) : v_zero();
        LKS_FOR (int i = 0; i < pixels; i++)
            acc[i][v] = start;
    }
    if (way == ACROSS) {
        set_places(&p, a->x, offset, pixels, false, false);
        for (int k = 0; k < a->run_length; k++, w += a->weight_step)
            for (int r = 0; r < a->n_runs; r++)
                one_tap(pixels, blocks, &p, false, false, a->run_offset[r] + k,
                        w + a->run_weight[r], block_stride, acc);
    } else {
        for (int r = 0; r < a->n_runs; r++) {
            set_places(&p, a->x + a->run_offset[r], offset, pixels, way == RUNS_SPACED, pool);
            if (way == RUNS_SPACED) {
                one_run(pixels, blocks, &p, pool, a->run_length, w, block_stride, acc);
                w += a->run_length * LKS_BLOCK;
                continue;
            }
            for (int k = 0; k < a->run_length; k++, w += LKS_BLOCK)
                one_tap(pixels, blocks, &p, false, false, k, w, block_stride, acc);
        }
    }
    if (pool)
        store_pooled(a, pixels, blocks, first, block, acc);
    else
        store_plain(a, pixels, blocks, first, block, acc);
}

/* All pixels of one group of blocks: the largest tiles first, then smaller ones for what is left.
 */
LKS_INLINE void all_pixels(const lks_forward_args *a, int blocks, int block, walk way) {
    const walk few = way == RUNS_SPACED ? RUNS : way;
    int i = 0;
    for (; i + PIXELS <= a->n_pixels; i += PIXELS)
        tile(a, PIXELS, blocks, i, block, false, way);
#if PIXELS > 4
    for (; i + 4 <= a->n_pixels; i += 4)
        tile(a, 4, blocks, i, block, false, few);
#endif
    for (; i < a->n_pixels; i++)
        tile(a, 1, blocks, i, block, false, few);
}

#if POOL_PIXELS > 4
/* Windows side by side, each two pixels after the one before. */
LKS_INLINE bool side_by_side(const int32_t *offset, int pixels) {
    const int32_t step = offset[1] - offset[0];
    bool so = offset[3] - offset[2] == step;
    for (int i = 4; i < pixels; i += 4)
        for (int k = 0; k < 4; k++)
            so &= offset[i + k] - offset[i + k - 4] == 2 * step;
    return so;
}
#endif

LKS_INLINE void all_windows(const lks_forward_args *a, int blocks, int block) {
    int i = 0;
#if POOL_PIXELS > 4
    while (i + POOL_PIXELS <= a->n_pixels)
        if (side_by_side(a->pixel_offset + i, POOL_PIXELS)) {
            tile(a, POOL_PIXELS, blocks, i, block, true, RUNS_SPACED);
            i += POOL_PIXELS;
        } else {
            tile(a, 4, blocks, i, block, true, RUNS);
            i += 4;
        }
#endif
    for (; i + 4 <= a->n_pixels; i += 4)
        tile(a, 4, blocks, i, block, true, RUNS);
}

/* Matrices, and rows of an image by themselves. */
LKS_INLINE bool evenly_spaced(const lks_forward_args *a) {
    for (int i = 2; i < a->n_pixels; i++)
        if (a->pixel_offset[i] - a->pixel_offset[i - 1] != a->pixel_offset[1] - a->pixel_offset[0])
            return false;
    return a->n_pixels >= PIXELS;
}

LKS_INLINE void blocks_of(const lks_forward_args *a, int blocks, int block, bool spaced) {
    if (a->argmax)
        all_windows(a, blocks, block);
    else if (a->run_weight)
        all_pixels(a, blocks, block, ACROSS);
    else if (spaced)
        all_pixels(a, blocks, block, RUNS_SPACED);
    else
        all_pixels(a, blocks, block, RUNS);
}

void LKS_KERNEL(lks_forward)(const lks_forward_args *a) {
    const bool spaced = evenly_spaced(a);
    int block = 0;
    for (; block + PAIR <= a->blocks; block += PAIR)
        blocks_of(a, PAIR, block, spaced);
#if PAIR > 1
    if (block < a->blocks)
        blocks_of(a, 1, block, spaced);
#endif
}
