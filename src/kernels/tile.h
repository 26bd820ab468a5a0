/* Tiles of pixels x blocks of 16 output channels whose sums stay in registers. Sizes are chosen so that accumulators,
 * weights and one broadcast fill the register file; they cannot change a result, since every output is its own
 * recurrence. */
#ifndef LKS_KERNELS_TILE_H
#define LKS_KERNELS_TILE_H

#include "kernels/simd.h"
#include "kernels/kernels.h"

/* With sixteen registers only: a compiler that mixes several taps keeps one of the twelve accumulators in memory, and
 * each tap then waits for its store. Here all are in registers. */
#ifdef LKS_ISA_AVX2
#define PIN(v) __asm__("" : "+x"(v))
#else
#define PIN(v) ((void)(v))
#endif

#if defined(LKS_ISA_AVX512)
#define PIXELS 12 /* x 2 blocks x 1 vector = 24 accumulators of 32 registers */
#define PAIR   2
#elif defined(LKS_ISA_AVX2)
#define PIXELS 6 /* x 1 block x 2 vectors = 12 accumulators of 16 registers */
#define PAIR   1
#elif defined(LKS_ISA_NEON)
#define PIXELS 6 /* x 1 block x 4 vectors = 24 accumulators of 32 registers */
#define PAIR   1
#else
#define PIXELS 4
#define PAIR   1
#endif

/* Where the pixels of a tile lie: each by itself, or evenly spaced, which takes a third of the pointers. With more
 * pointers than registers an inner loop would fetch them again for every tap. */
typedef struct places {
    const float *x[PIXELS];
    ptrdiff_t step;
} places;

LKS_INLINE const float *pixel(const places *p, bool spaced, int i) {
    return spaced ? p->x[i / 3] + i % 3 * p->step : p->x[i];
}

/* Windows side by side are two rows of pixels, evenly spaced: the upper row first. */
LKS_INLINE int in_rows(int pixels, bool pool, int i) {
    return pool ? i / 2 % 2 * (pixels / 2) + i / 4 * 2 + i % 2 : i;
}

/* One tap of all pixels of the tile: x[i][at] times the weights at w. */
LKS_INLINE void one_tap(int pixels, int blocks, const places *p, bool spaced, bool pool,
                        ptrdiff_t at, const float *w, size_t block_stride,
                        vf acc[PIXELS][PAIR * VPB]) {
    vf wv[PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        wv[v] = v_load(w + (v / VPB) * block_stride + (v % VPB) * LKS_VL);
    LKS_FOR (int i = 0; i < pixels; i++) {
        vf b = v_set1(pixel(p, spaced, spaced ? in_rows(pixels, pool, i) : i)[at]);
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[i][v] = v_fma(b, wv[v], acc[i][v]);
    }
    LKS_FOR (int i = 0; i < pixels; i++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            PIN(acc[i][v]);
}

/* The taps of one run, two by two. The pointers go along, so that no other addresses are made of them. */
LKS_INLINE void one_run(int pixels, int blocks, places *p, bool pool, int length, const float *w,
                        size_t block_stride, vf acc[PIXELS][PAIR * VPB]) {
    const int pointers = (pixels + 2) / 3;
    int k = 0;
    for (; k + 2 <= length; k += 2, w += 2 * LKS_BLOCK) {
        LKS_FOR (int i = 0; i < pointers; i++)
            LKS_OPAQUE_POINTER(p->x[i]);
        one_tap(pixels, blocks, p, true, pool, 0, w, block_stride, acc);
        one_tap(pixels, blocks, p, true, pool, 1, w + LKS_BLOCK, block_stride, acc);
        LKS_FOR (int i = 0; i < pointers; i++)
            p->x[i] += 2;
    }
    if (k < length)
        one_tap(pixels, blocks, p, true, pool, 0, w, block_stride, acc);
}

#endif
