/* Pooling: largest values and means of windows. Channels are lanes, so every output is a chain over the window's cells
 * in order. */
#include "kernels/kernels_isa.h"

/* Calls body(c, n) for the vectors of a pixel's channels, n lanes of each. */
#define FOR_CHANNELS(channels, body)                                                               \
    do {                                                                                           \
        int c = 0;                                                                                 \
        for (; c + LKS_VL <= (channels); c += LKS_VL)                                              \
            body(c, LKS_VL);                                                                       \
        if (c < (channels))                                                                        \
            body(c, (size_t)((channels)-c));                                                       \
    } while (0)

LKS_INLINE vf load(const float *p, size_t n) {
    return n < LKS_VL ? v_load_some(p, n) : v_load(p);
}

LKS_INLINE void store(float *p, size_t n, vf v) {
    if (n < LKS_VL)
        v_store_some(p, n, v);
    else
        v_store(p, v);
}

/* Places as they are stored: bytes, or integers where a window has more cells. */
LKS_INLINE void store_places(void *to, size_t at, size_t n, vi places, bool wide) {
    uint32_t words[LKS_VL];
    uint8_t bytes[LKS_VL];
    if (wide) {
        vi_store(words, places);
        memcpy((uint32_t *)to + at, words, n * sizeof *words);
    } else {
        vi_store_bytes(bytes, places);
        memcpy((uint8_t *)to + at, bytes, n);
    }
}

typedef int32_t lanes __attribute__((vector_size(4 * LKS_VL)));

/* g where the maximum stood at cell k, else +0. */
LKS_INLINE vf where_place(const void *places, size_t at, size_t n, bool wide, int k, vf g) {
    if (wide) {
        lanes place = {0};
        memcpy(&place, (const int32_t *)places + at, n * sizeof(int32_t));
        return (vf)((lanes)g & (place == k));
    }
    uint8_t bytes[LKS_VL] = {0};
    return v_where(vm_where_byte(memcpy(bytes, (const uint8_t *)places + at, n), k), g);
}

LKS_INLINE void largest(float *y, void *places, size_t at, const float *x, const lks_pool_args *a,
                        int rows, int columns, size_t n, bool wide) {
    vf best = load(x, n);
    vi place = vi_zero();
    for (int r = 0, k = 0; r < rows; r++)
        for (int c = 0; c < columns; c++, k++)
            v_max_first(&best, load(x + r * a->row + (size_t)c * a->channels, n), &place, k);
    store(y + at, n, best);
    store_places(places, at, n, place, wide);
}

LKS_INLINE void all_largest(float *y, void *places, const float *x, const lks_pool_args *a,
                            int rows, int columns, bool wide) {
    for (int i = 0; i < a->windows; i++) {
        const size_t at = (size_t)i * a->channels;
        const float *from = x + i * a->step;
#define LARGEST(c, n) largest(y, places, at + c, from + c, a, rows, columns, n, wide)
        FOR_CHANNELS(a->channels, LARGEST);
#undef LARGEST
    }
}

void LKS_KERNEL(lks_max_pool)(float *y, void *places, const float *x, const lks_pool_args *a) {
    if (a->wide)
        all_largest(y, places, x, a, a->rows, a->columns, true);
    else if (a->rows == 2 && a->columns == 2)
        all_largest(y, places, x, a, 2, 2, false);
    else
        all_largest(y, places, x, a, a->rows, a->columns, false);
}

LKS_INLINE void spread(float *dx, const float *dy, const void *places, size_t at, int first,
                       const lks_pool_args *a, int columns, size_t n, bool wide) {
    const vf g = load(dy + at, n);
    for (int r = 0, k = first; r < a->rows; r++)
        for (int c = 0; c < columns; c++, k++) {
            float *to = dx + r * a->row + (size_t)c * a->channels;
            store(to, n, v_add(load(to, n), where_place(places, at, n, wide, k, g)));
        }
}

LKS_INLINE void all_spread(float *dx, const float *dy, const void *places, int first,
                           const lks_pool_args *a, int columns, bool wide) {
    for (int i = 0; i < a->windows; i++) {
        const size_t at = (size_t)i * a->channels;
        float *to = dx + i * a->step;
#define SPREAD(c, n) spread(to + c, dy, places, at + c, first, a, columns, n, wide)
        FOR_CHANNELS(a->channels, SPREAD);
#undef SPREAD
    }
}

void LKS_KERNEL(lks_max_pool_backward)(float *dx, const float *dy, const void *places, int first,
                                       const lks_pool_args *a) {
    if (a->wide)
        all_spread(dx, dy, places, first, a, a->columns, true);
    else if (a->columns == 2)
        all_spread(dx, dy, places, first, a, 2, false);
    else
        all_spread(dx, dy, places, first, a, a->columns, false);
}

LKS_INLINE void mean(float *y, const float *x, float cells, const lks_pool_args *a, size_t n) {
    vf sum = v_zero();
    for (int r = 0; r < a->rows; r++)
        for (int c = 0; c < a->columns; c++)
            sum = v_add(sum, load(x + r * a->row + (size_t)c * a->channels, n));
    store(y, n, sum / v_set1(cells));
}

void LKS_KERNEL(lks_mean_pool)(float *y, const float *x, float cells, const lks_pool_args *a) {
    for (int i = 0; i < a->windows; i++, y += a->channels, x += a->step) {
#define MEAN(c, n) mean(y + c, x + c, cells, a, n)
        FOR_CHANNELS(a->channels, MEAN);
#undef MEAN
    }
}

LKS_INLINE void share(float *dx, const float *dy, float cells, const lks_pool_args *a, size_t n) {
    const vf g = load(dy, n) / v_set1(cells);
    for (int r = 0; r < a->rows; r++)
        for (int c = 0; c < a->columns; c++) {
            float *to = dx + r * a->row + (size_t)c * a->channels;
            store(to, n, v_add(load(to, n), g));
        }
}

void LKS_KERNEL(lks_mean_pool_backward)(float *dx, const float *dy, float cells,
                                        const lks_pool_args *a) {
    for (int i = 0; i < a->windows; i++, dy += a->channels, dx += a->step) {
#define SHARE(c, n) share(dx + c, dy + c, cells, a, n)
        FOR_CHANNELS(a->channels, SHARE);
#undef SHARE
    }
}
