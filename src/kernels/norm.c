/* Batch normalisation and the ReLU behind it. Every channel is a chain of its own, over pixels in
 * order, so neither width nor tiles can matter; nothing here is fused (-ffp-contract=off). */
#include "kernels/kernels_isa.h"

void LKS_KERNEL(lks_add)(float *y, const float *a, const float *b, size_t n, bool relu) {
    size_t i = 0;
    for (; i + LKS_VL <= n; i += LKS_VL) {
        const vf sum = v_add(v_load(a + i), v_load(b + i));
        v_store(y + i, relu ? v_relu(sum) : sum);
    }
    if (i == n)
        return;
    const vf sum = v_add(v_load_some(a + i, n - i), v_load_some(b + i, n - i));
    v_store_some(y + i, n - i, relu ? v_relu(sum) : sum);
}

/* Vectors of channels at a time: their chains hide the latency of an addition, and what belongs to
 * the channels stays in registers over a tile of pixels. */
#define GROUP 2
#define TILE  4096 /* floats: in the first-level cache while one group after the other comes by */

/* body(n) sees a tile, `count` pixels from float `at` on, and n vectors of its channels from c on. */
#define FOR_TILES(pixels, channels, body)                                                          \
    do {                                                                                           \
        size_t all_ = (pixels), tile_ = TILE / (size_t)(channels) + 1;                             \
        for (size_t first_ = 0; first_ < all_; first_ += tile_) {                                  \
            size_t count = all_ - first_ < tile_ ? all_ - first_ : tile_;                          \
            size_t at = first_ * (size_t)(channels);                                               \
            int c = 0;                                                                             \
            for (; c + GROUP * LKS_VL <= (channels); c += GROUP * LKS_VL)                          \
                body(GROUP);                                                                       \
            for (; c < (channels); c += LKS_VL)                                                    \
                body(1);                                                                           \
        }                                                                                          \
    } while (0)

/* Asks for the same place one tile on: a group's strides are none that the hardware foresees. */
LKS_INLINE void fetch_ahead(const float *p, int n) {
    LKS_FOR (int v = 0; v < n * LKS_VL; v += LKS_BLOCK)
        __builtin_prefetch((const void *)((uintptr_t)p + (TILE + v) * sizeof *p), 0, 2);
}

LKS_INLINE void load(vf *to, const float *from, int n) {
    LKS_FOR (int v = 0; v < n; v++)
        to[v] = v_load(from + v * LKS_VL);
}

LKS_INLINE void load_doubles(vd *to, const double *from, int n) {
    LKS_FOR (int v = 0; v < 2 * n; v++)
        to[v] = vd_load(from + v * LKS_DL);
}

LKS_INLINE void store_doubles(double *to, const vd *from, int n) {
    LKS_FOR (int v = 0; v < 2 * n; v++)
        vd_store(to + v * LKS_DL, from[v]);
}

LKS_INLINE void moments(double *sum, double *square, const float *x, size_t pixels, int channels,
                        int n) {
    vd s[2 * GROUP], q[2 * GROUP];
    load_doubles(s, sum, n);
    load_doubles(q, square, n);
    for (size_t p = 0; p < pixels; p++, x += channels) {
        fetch_ahead(x, n);
        LKS_FOR (int v = 0; v < n; v++) {
            vd value[2];
            v_widen_at(x + v * LKS_VL, value);
            LKS_FOR (int h = 0; h < 2; h++) {
                s[2 * v + h] += value[h];
                q[2 * v + h] = vd_add_square(q[2 * v + h], value[h]);
            }
        }
    }
    store_doubles(sum, s, n);
    store_doubles(square, q, n);
}

void LKS_KERNEL(lks_moments)(double *sum, double *square, const float *x, size_t pixels,
                             int channels) {
#define MOMENTS(n) moments(sum + c, square + c, x + at + c, count, channels, n)
    FOR_TILES(pixels, channels, MOMENTS);
#undef MOMENTS
}

/* What makes y of x, for n vectors of channels. */
typedef struct map {
    vf centre[GROUP], scale[GROUP], shift[GROUP];
} map;

LKS_INLINE map load_map(const lks_norm_args *a, int c, int n) {
    map m;
    load(m.centre, a->centre + c, n);
    load(m.scale, a->scale + c, n);
    load(m.shift, a->shift + c, n);
    return m;
}

LKS_INLINE vf y_of(const map *m, int v, vf x) {
    return v_add(v_mul(v_sub(x, m->centre[v]), m->scale[v]), m->shift[v]);
}

LKS_INLINE void normalise(float *y, const lks_norm_args *a, size_t at, int c, size_t pixels,
                          bool relu, int n) {
    map m = load_map(a, c, n);
    const float *x = a->x + at + c;
    y += at + c;
    for (size_t p = 0; p < pixels; p++, x += a->channels, y += a->channels) {
        fetch_ahead(x, n);
        fetch_ahead(y, n);
        LKS_FOR (int v = 0; v < n; v++) {
            vf value = y_of(&m, v, v_load(x + v * LKS_VL));
            v_store(y + v * LKS_VL, relu ? v_relu(value) : value);
        }
    }
}

void LKS_KERNEL(lks_normalise)(float *y, const lks_norm_args *a) {
#define NORMALISE(n) normalise(y, a, at, c, count, false, n)
#define RECTIFIED(n) normalise(y, a, at, c, count, true, n)
    if (a->relu)
        FOR_TILES(a->pixels, a->channels, RECTIFIED);
    else
        FOR_TILES(a->pixels, a->channels, NORMALISE);
#undef NORMALISE
#undef RECTIFIED
}

LKS_INLINE void gradient_moments(double *sum, double *product, const float *dy, const double *mean,
                                 const double *factor, const lks_norm_args *a, size_t at, int c,
                                 size_t pixels, bool relu, int n) {
    map m = load_map(a, c, n);
    const float *x = a->x + at + c;
    vd s[2 * GROUP], q[2 * GROUP], centre[2 * GROUP], scale[2 * GROUP];
    load_doubles(s, sum + c, n);
    load_doubles(q, product + c, n);
    load_doubles(centre, mean + c, n);
    load_doubles(scale, factor + c, n);
    dy += at + c;
    for (size_t p = 0; p < pixels; p++, x += a->channels, dy += a->channels) {
        fetch_ahead(x, n);
        fetch_ahead(dy, n);
        LKS_FOR (int v = 0; v < n; v++) {
            vd wide_g[2], wide_x[2];
            v_widen_at(x + v * LKS_VL, wide_x);
            if (relu)
                v_widen_where_positive(y_of(&m, v, v_load(x + v * LKS_VL)), dy + v * LKS_VL,
                                       wide_g);
            else
                v_widen_at(dy + v * LKS_VL, wide_g);
            LKS_FOR (int h = 0; h < 2; h++) {
                int i = 2 * v + h;
                s[i] += wide_g[h];
                q[i] += wide_g[h] * ((wide_x[h] - centre[i]) * scale[i]);
            }
        }
    }
    store_doubles(sum + c, s, n);
    store_doubles(product + c, q, n);
}

void LKS_KERNEL(lks_gradient_moments)(double *sum, double *product, const float *dy,
                                      const double *mean, const double *factor,
                                      const lks_norm_args *a) {
#define PLAIN(n)     gradient_moments(sum, product, dy, mean, factor, a, at, c, count, false, n)
#define RECTIFIED(n) gradient_moments(sum, product, dy, mean, factor, a, at, c, count, true, n)
    if (a->relu)
        FOR_TILES(a->pixels, a->channels, RECTIFIED);
    else
        FOR_TILES(a->pixels, a->channels, PLAIN);
#undef PLAIN
#undef RECTIFIED
}

LKS_INLINE void normalise_backward(float *dx, const float *dy, const float *slope,
                                   const float *constant, const lks_norm_args *a, size_t at, int c,
                                   size_t pixels, bool relu, int n) {
    map m = load_map(a, c, n);
    const float *x = a->x + at + c;
    vf k[GROUP], d[GROUP];
    load(k, slope + c, n);
    load(d, constant + c, n);
    dx += at + c;
    dy += at + c;
    for (size_t p = 0; p < pixels; p++, x += a->channels, dy += a->channels, dx += a->channels) {
        fetch_ahead(x, n);
        fetch_ahead(dy, n);
        LKS_FOR (int v = 0; v < n; v++) {
            vf g = v_load(dy + v * LKS_VL), value = v_load(x + v * LKS_VL);
            if (relu)
                g = v_where_positive(y_of(&m, v, value), g);
            vf rest = v_add(v_mul(v_sub(value, m.centre[v]), k[v]), d[v]);
            v_store(dx + v * LKS_VL, v_add(v_mul(g, m.scale[v]), rest));
        }
    }
}

void LKS_KERNEL(lks_normalise_backward)(float *dx, const float *dy, const float *slope,
                                        const float *constant, const lks_norm_args *a) {
#define PLAIN(n)     normalise_backward(dx, dy, slope, constant, a, at, c, count, false, n)
#define RECTIFIED(n) normalise_backward(dx, dy, slope, constant, a, at, c, count, true, n)
    if (a->relu)
        FOR_TILES(a->pixels, a->channels, RECTIFIED);
    else
        FOR_TILES(a->pixels, a->channels, PLAIN);
#undef PLAIN
#undef RECTIFIED
}
