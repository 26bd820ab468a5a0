/* Dense weight gradients: a tile of taps x output channels stays in registers over all pixels of
 * all samples of a chunk. Taps are broadcast from the input, so an input of one channel costs no
 * padding. */
#include "kernels/kernels_isa.h"

#if defined(LKS_ISA_AVX512)
#define TAPS 12 /* x 2 blocks x 1 vector = 24 accumulators */
#define PAIR 2
#else
#define TAPS 6 /* x 1 block; two vectors on AVX2: 12 accumulators */
#define PAIR 1
#endif

LKS_INLINE vf gradient(const lks_wgrad_args *a, size_t at, int place) {
    vf g = v_load(a->dy + at);
    return place < 0 ? g : v_where_byte(a->argmax + at, place, g);
}

LKS_INLINE void one_pixel(const lks_wgrad_args *a, int taps, int blocks, const float *x,
                          const int32_t *tap_offset, size_t at, int place,
                          vf acc[TAPS][PAIR * VPB]) {
    vf g[PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        g[v] = gradient(a, at + v * LKS_VL, place);
    LKS_FOR (int t = 0; t < taps; t++) {
        vf b = v_set1(x[tap_offset[t]]);
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[t][v] = v_fma(b, g[v], acc[t][v]);
    }
}

LKS_INLINE void one_sample(const lks_wgrad_args *a, int taps, int blocks, int first_tap, int block,
                           int s, bool pooled, vf acc[TAPS][PAIR * VPB]) {
    const float *x = a->x + s * a->x_stride;
    size_t base = s * a->dy_stride + (size_t)block * LKS_BLOCK;
    const int32_t *tap_offset = a->tap_offset + first_tap;
    if (!pooled) {
        int pixels = a->rows * a->columns;
        for (int i = 0; i < pixels; i++)
            one_pixel(a, taps, blocks, x + a->pixel_offset[i], tap_offset,
                      base + (size_t)i * a->channels, -1, acc);
        return;
    }
    for (int row = 0; row < a->rows; row++) { /* row-major over pixels, not over windows */
        int place = (row & 1) * 2;
        for (int w = 0; w < a->columns / 2; w++) {
            size_t window = (size_t)(row / 2) * (a->columns / 2) + w;
            const int32_t *offset = a->pixel_offset + window * 4 + place;
            size_t at = base + window * a->channels;
            one_pixel(a, taps, blocks, x + offset[0], tap_offset, at, place, acc);
            one_pixel(a, taps, blocks, x + offset[1], tap_offset, at, place + 1, acc);
        }
    }
}

LKS_INLINE void tile(const lks_wgrad_args *a, int taps, int blocks, int first_tap, int block,
                     bool pooled) {
    float *out =
        a->out + (size_t)first_tap * a->blocks * LKS_BLOCK + (size_t)(block - a->block) * LKS_BLOCK;
    size_t row = (size_t)a->blocks * LKS_BLOCK;
    vf acc[TAPS][PAIR * VPB];
    LKS_FOR (int t = 0; t < taps; t++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[t][v] = a->adds ? v_load(out + t * row + v * LKS_VL) : v_zero();
    for (int s = 0; s < a->samples; s++)
        one_sample(a, taps, blocks, first_tap, block, s, pooled, acc);
    LKS_FOR (int t = 0; t < taps; t++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            v_store(out + t * row + v * LKS_VL, acc[t][v]);
}

LKS_INLINE void all_taps(const lks_wgrad_args *a, int blocks, int block, bool pooled) {
    int t = 0;
    for (; t + TAPS <= a->taps; t += TAPS)
        tile(a, TAPS, blocks, t, block, pooled);
#if TAPS > 9
    for (; t + 9 <= a->taps; t += 9)
        tile(a, 9, blocks, t, block, pooled);
#endif
    for (; t + 4 <= a->taps; t += 4)
        tile(a, 4, blocks, t, block, pooled);
    for (; t < a->taps; t++)
        tile(a, 1, blocks, t, block, pooled);
}

LKS_INLINE void all_blocks(const lks_wgrad_args *a, bool pooled) {
    int block = a->block, end = a->block + a->blocks;
    for (; block + PAIR <= end; block += PAIR)
        all_taps(a, PAIR, block, pooled);
#if PAIR > 1
    if (block < end)
        all_taps(a, 1, block, pooled);
#endif
}

void LKS_KERNEL(lks_wgrad)(const lks_wgrad_args *a) {
    if (a->argmax)
        all_blocks(a, true);
    else
        all_blocks(a, false);
}

void LKS_KERNEL(lks_bias)(float *db, const float *dy, size_t n, int channels) {
    vf one = v_set1(1.0f);
    for (int c = 0; c < channels; c += LKS_VL) {
        vf sum = v_load(db + c);
        for (size_t i = 0; i < n; i++)
            sum = v_fma(one, v_load(dy + i * channels + c), sum);
        v_store(db + c, sum);
    }
}
