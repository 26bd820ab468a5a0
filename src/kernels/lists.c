/* Sparse backward: behind max-pooling few output gradients are not zero. They are listed per output
 * channel; then that channel's weights (for the data) or weight gradients stay in registers while the
 * list is walked. A product with zero changes no bit, so these loops and dense ones in the same order
 * agree. */
#include "kernels/kernels_isa.h"

/* Vectors of channels that share one walk of a list, beside up to 9 taps. */
#if defined(LKS_ISA_AVX512) || defined(LKS_ISA_NEON)
#define WIDE 2 /* 18 of 32 registers */
#else
#define WIDE 1 /* 9 of 16 registers */
#endif

LKS_INLINE void append(const lks_list_args *a, int channel, uint32_t mask, size_t window) {
    const int32_t *offset = a->pixel_offset + window * 4;
    for (; mask; mask &= mask - 1) {
        int c = channel + __builtin_ctz(mask);
        size_t at = window * a->channels + c;
        a->entries[(size_t)c * a->capacity + a->count[c]++] =
            (lks_entry){offset[a->argmax[at]], a->dy[at]};
    }
}

#define REMEMBERED 128 /* windows of a row whose lower pixels are kept in mind */

/* Where a window's maximum stands in its lower row of pixels. */
LKS_INLINE uint32_t lower_mask(const lks_list_args *a, size_t at, uint32_t nonzero) {
    return nonzero & v_second_bits(a->argmax + at);
}

/* LKS_VL channels of one row of windows: first the pixels of the upper row, then those of the lower. */
LKS_INLINE void list_windows(const lks_list_args *a, int row, int c) {
    uint32_t lower[REMEMBERED];
    size_t first = (size_t)row * a->window_columns;
    for (int column = 0; column < a->window_columns; column++) {
        size_t window = first + column, at = window * a->channels + c;
        uint32_t mask = v_nonzero_mask(v_load(a->dy + at)), down = lower_mask(a, at, mask);
        append(a, c, mask & ~down, window);
        if (column < REMEMBERED)
            lower[column] = down;
    }
    for (int column = 0; column < a->window_columns; column++) {
        size_t window = first + column, at = window * a->channels + c;
        uint32_t mask = column < REMEMBERED ? lower[column]
                                            : lower_mask(a, at, v_nonzero_mask(v_load(a->dy + at)));
        append(a, c, mask, window);
    }
}

void LKS_KERNEL(lks_list)(const lks_list_args *a) {
    memset(a->count, 0, sizeof *a->count * (size_t)a->channels);
    for (int row = 0; row < a->window_rows; row++)
        for (int c = 0; c < a->channels; c += LKS_VL)
            list_windows(a, row, c);
}

LKS_INLINE void scatter_group(float *dx, const lks_entry *entries, int n, const float *w, int taps,
                              int vectors, const int32_t *tap_offset, int channels) {
    vf wv[9][WIDE];
    LKS_FOR (int t = 0; t < taps; t++)
        LKS_FOR (int v = 0; v < vectors; v++)
            wv[t][v] = v_load(w + (size_t)t * channels + v * LKS_VL);
    for (int e = n - 1; e >= 0; e--) {
        float *at = dx + entries[e].offset;
        vf g = v_set1(entries[e].g);
        LKS_FOR (int t = 0; t < taps; t++)
            LKS_FOR (int v = 0; v < vectors; v++) {
                float *p = at + tap_offset[t] + v * LKS_VL;
                v_store(p, v_fma(g, wv[t][v], v_load(p)));
            }
    }
}

LKS_INLINE void gather_group(float *dw, const float *x, const lks_entry *entries, int n, int taps,
                             int vectors, const int32_t *tap_offset, int channels) {
    vf acc[9][WIDE];
    LKS_FOR (int t = 0; t < taps; t++)
        LKS_FOR (int v = 0; v < vectors; v++)
            acc[t][v] = v_load(dw + (size_t)t * channels + v * LKS_VL);
    for (int e = 0; e < n; e++) {
        const float *at = x + entries[e].offset;
        vf g = v_set1(entries[e].g);
        LKS_FOR (int t = 0; t < taps; t++)
            LKS_FOR (int v = 0; v < vectors; v++)
                acc[t][v] = v_fma(g, v_load(at + tap_offset[t] + v * LKS_VL), acc[t][v]);
    }
    LKS_FOR (int t = 0; t < taps; t++)
        LKS_FOR (int v = 0; v < vectors; v++)
            v_store(dw + (size_t)t * channels + v * LKS_VL, acc[t][v]);
}

/* Runs `group` over all taps in groups of 9, 3 and 1, for a fixed number of vectors. Groups of taps
 * ascend, and within a group the list is walked backwards (scatter): an element of dx meets each
 * tap of a channel once, so its order stays tap by tap. */
#define FOR_TAP_GROUPS(group, vectors, c)                                                          \
    do {                                                                                           \
        int t = 0;                                                                                 \
        for (; t + 9 <= taps; t += 9)                                                              \
            group(9, vectors, c);                                                                  \
        for (; t + 3 <= taps; t += 3)                                                              \
            group(3, vectors, c);                                                                  \
        for (; t < taps; t++)                                                                      \
            group(1, vectors, c);                                                                  \
    } while (0)

#define FOR_CHANNELS(group)                                                                        \
    do {                                                                                           \
        int c = 0;                                                                                 \
        for (; c + WIDE * LKS_VL <= channels; c += WIDE * LKS_VL)                                  \
            FOR_TAP_GROUPS(group, WIDE, c);                                                        \
        for (; c < channels; c += LKS_VL)                                                          \
            FOR_TAP_GROUPS(group, 1, c);                                                           \
    } while (0)

void LKS_KERNEL(lks_scatter)(float *dx, const lks_entry *entries, int n, const float *w, int taps,
                             const int32_t *tap_offset, int channels) {
#define SCATTER(count, vectors, c)                                                                 \
    scatter_group(dx + c, entries, n, w + (size_t)t * channels + c, count, vectors,                \
                  tap_offset + t, channels)
    FOR_CHANNELS(SCATTER);
#undef SCATTER
}

void LKS_KERNEL(lks_gather)(float *dw, const float *x, const lks_entry *entries, int n, int taps,
                            const int32_t *tap_offset, int channels) {
#define GATHER(count, vectors, c)                                                                  \
    gather_group(dw + (size_t)t * channels + c, x + c, entries, n, count, vectors, tap_offset + t, \
                 channels)
    FOR_CHANNELS(GATHER);
#undef GATHER
}
