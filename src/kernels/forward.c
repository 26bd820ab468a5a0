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

/* Where the pixels of a tile lie: each by itself, or evenly spaced, which takes a third of the pointers. With more
 * pointers than registers an inner loop would fetch them again for every tap. */
typedef struct places {
    const float *x[PIXELS];
    ptrdiff_t step;
} places;

LKS_INLINE const float *pixel(const places *p, bool spaced, int i) {
    return spaced ? p->x[i / 3] + i % 3 * p->step : p->x[i];
}

LKS_INLINE void set_places(places *p, const float *x, const int32_t *offset, int pixels,
                           bool spaced) {
    p->step = spaced ? offset[1] - offset[0] : 0;
    const int pointers = spaced ? (pixels + 2) / 3 : pixels;
    LKS_FOR (int i = 0; i < pointers; i++)
        p->x[i] = x + (spaced ? offset[0] + 3 * i * p->step : offset[i]);
}

/* One tap of all pixels of the tile: x[i][at] times the weights at w. */
LKS_INLINE void one_tap(int pixels, int blocks, const places *p, bool spaced, ptrdiff_t at,
                        const float *w, size_t block_stride, vf acc[PIXELS][PAIR * VPB]) {
    vf wv[PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        wv[v] = v_load(w + (v / VPB) * block_stride + (v % VPB) * LKS_VL);
    LKS_FOR (int i = 0; i < pixels; i++) {
        vf b = v_set1(pixel(p, spaced, i)[at]);
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[i][v] = v_fma(b, wv[v], acc[i][v]);
    }
}

/* The taps of one run, two by two. The pointers go along, so that no other addresses are made of them. */
LKS_INLINE void one_run(int pixels, int blocks, places *p, int length, const float *w,
                        size_t block_stride, vf acc[PIXELS][PAIR * VPB]) {
    const int pointers = (pixels + 2) / 3;
    int k = 0;
    for (; k + 2 <= length; k += 2, w += 2 * LKS_BLOCK) {
        LKS_FOR (int i = 0; i < pointers; i++)
            LKS_OPAQUE_POINTER(p->x[i]);
        one_tap(pixels, blocks, p, true, 0, w, block_stride, acc);
        one_tap(pixels, blocks, p, true, 1, w + LKS_BLOCK, block_stride, acc);
        LKS_FOR (int i = 0; i < pointers; i++)
            p->x[i] += 2;
    }
    if (k < length)
        one_tap(pixels, blocks, p, true, 0, w, block_stride, acc);
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
        set_places(&p, a->x, offset, pixels, false);
        for (int k = 0; k < a->run_length; k++, w += a->weight_step)
            for (int r = 0; r < a->n_runs; r++)
                one_tap(pixels, blocks, &p, false, a->run_offset[r] + k, w + a->run_weight[r],
                        block_stride, acc);
    } else {
        for (int r = 0; r < a->n_runs; r++) {
            set_places(&p, a->x + a->run_offset[r], offset, pixels, way == RUNS_SPACED);
            if (way == RUNS_SPACED) {
                one_run(pixels, blocks, &p, a->run_length, w, block_stride, acc);
                w += a->run_length * LKS_BLOCK;
                continue;
            }
            for (int k = 0; k < a->run_length; k++, w += LKS_BLOCK)
                one_tap(pixels, blocks, &p, false, k, w, block_stride, acc);
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

LKS_INLINE void all_windows(const lks_forward_args *a, int blocks, int block) {
    int i = 0;
    for (; i + POOL_PIXELS <= a->n_pixels; i += POOL_PIXELS)
        tile(a, POOL_PIXELS, blocks, i, block, true, RUNS);
#if POOL_PIXELS > 4
    for (; i + 4 <= a->n_pixels; i += 4)
        tile(a, 4, blocks, i, block, true, RUNS);
#endif
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
