/* Dense weight gradients: a tile of taps x output channels stays in registers over all pixels of
 * all samples of a chunk. Taps are broadcast from the input, so an input of one channel costs no
 * padding. */
#include "kernels/kernels_isa.h"

/* RUNS: where the taps of a tile are side by side, as they mostly are, each is found by its distance from the first:
 * an address of its own costs as many instructions as its two products. With sixteen registers compilers keep a sum in
 * memory then, which costs more. */
#if defined(LKS_ISA_AVX512)
#define TAPS 12 /* x 2 blocks x 1 vector = 24 accumulators */
#define PAIR 2
#define RUNS 1
#else
#define TAPS 6 /* x 1 block; two vectors on AVX2: 12 accumulators */
#define PAIR 1
#define RUNS 0
#endif

typedef enum walk { TAP_BY_TAP, RUN, POOLED } walk;

LKS_INLINE vf gradient(const lks_wgrad_args *a, size_t at, int place) {
    vf g = v_load(a->dy + at);
    return place < 0 ? g : v_where(vm_where_byte(a->argmax + at, place), g);
}

LKS_INLINE void one_pixel(const lks_wgrad_args *a, int taps, int blocks, const float *x,
                          const int32_t *tap_offset, bool run, size_t at, int place,
                          vf acc[TAPS][PAIR * VPB]) {
    vf g[PAIR * VPB];
    LKS_FOR (int v = 0; v < blocks * VPB; v++)
        g[v] = gradient(a, at + v * LKS_VL, place);
    if (run)
        LKS_OPAQUE_POINTER(x); /* or each tap would have an address of its own */
    LKS_FOR (int t = 0; t < taps; t++) {
        vf b = v_set1(x[run ? t : tap_offset[t]]);
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[t][v] = v_fma(b, g[v], acc[t][v]);
    }
}

LKS_INLINE void one_sample(const lks_wgrad_args *a, int taps, int blocks, int first_tap, int block,
                           int s, walk way, vf acc[TAPS][PAIR * VPB]) {
    const bool run = way == RUN;
    const float *x = a->x + s * a->x_stride + (run ? a->tap_offset[first_tap] : 0);
    size_t base = s * a->dy_stride + (size_t)block * LKS_BLOCK;
    const int32_t *tap_offset = a->tap_offset + first_tap;
    if (way != POOLED) {
        int pixels = a->rows * a->columns;
        for (int i = 0; i < pixels; i++)
            one_pixel(a, taps, blocks, x + a->pixel_offset[i], tap_offset, run,
                      base + (size_t)i * a->channels, -1, acc);
        return;
    }
    for (int row = 0; row < a->rows; row++) { /* row-major over pixels, not over windows */
        int place = (row & 1) * 2;
        for (int w = 0; w < a->columns / 2; w++) {
            size_t window = (size_t)(row / 2) * (a->columns / 2) + w;
            const int32_t *offset = a->pixel_offset + window * 4 + place;
            size_t at = base + window * a->channels;
            one_pixel(a, taps, blocks, x + offset[0], tap_offset, false, at, place, acc);
            one_pixel(a, taps, blocks, x + offset[1], tap_offset, false, at, place + 1, acc);
        }
    }
}

/* Adds a finished partial of a tile, or puts it in the place of what was there. */
LKS_INLINE bool finish(const lks_wgrad_args *a, int taps, int blocks, size_t at, bool adds,
                       vf acc[TAPS][PAIR * VPB]) {
    bool ok = true;
    LKS_FOR (int t = 0; t < taps; t++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++) {
            size_t place = at + t * a->row + v * LKS_VL;
            if (a->sums)
                ok &= v_add_exact(a->sums + place, acc[t][v], adds);
            else
                v_store(a->out + place,
                        adds ? v_add(v_load(a->out + place), acc[t][v]) : acc[t][v]);
        }
    return ok;
}

LKS_INLINE bool tile(const lks_wgrad_args *a, int taps, int blocks, int first_tap, int block,
                     walk way) {
    size_t at = first_tap * a->row + (size_t)block * LKS_BLOCK;
    bool ok = true;
    for (int s = 0; s < a->samples; s += a->chunk) {
        int end = s + a->chunk < a->samples ? s + a->chunk : a->samples;
        vf acc[TAPS][PAIR * VPB];
        LKS_FOR (int t = 0; t < taps; t++)
            LKS_FOR (int v = 0; v < blocks * VPB; v++)
                acc[t][v] = a->goes_on ? v_load(a->out + at + t * a->row + v * LKS_VL) : v_zero();
        for (int i = s; i < end; i++)
            one_sample(a, taps, blocks, first_tap, block, i, way, acc);
        ok &= finish(a, taps, blocks, at, !a->goes_on && !(a->fresh && s == 0), acc);
    }
    return ok;
}

LKS_INLINE bool all_blocks(const lks_wgrad_args *a, int taps, int first_tap, walk way) {
    bool ok = true;
    int block = 0, blocks = a->channels / LKS_BLOCK;
    for (; block + PAIR <= blocks; block += PAIR)
        ok &= tile(a, taps, PAIR, first_tap, block, way);
#if PAIR > 1
    if (block < blocks)
        ok &= tile(a, taps, 1, first_tap, block, way);
#endif
    return ok;
}

LKS_INLINE bool side_by_side(const int32_t *offset, int n) {
    bool so = true;
    for (int t = 1; t < n; t++)
        so &= offset[t] == offset[0] + t;
    return so;
}

/* A function of its own for each size of tile and way of walking: with all of them in one a compiler takes four times as
 * long. */
typedef bool some_taps(const lks_wgrad_args *a, int first_tap);
#define APART(size, way)                                                                           \
    static __attribute__((noinline)) bool way##_##size(const lks_wgrad_args *a, int first_tap) {   \
        return all_blocks(a, size, first_tap, way);                                                \
    }
#if RUNS
#define SIZE(size) APART(size, TAP_BY_TAP) APART(size, RUN) APART(size, POOLED)
#define WAYS(size)                                                                                 \
    { TAP_BY_TAP_##size, RUN_##size, POOLED_##size }
#else
#define SIZE(size) APART(size, TAP_BY_TAP) APART(size, POOLED)
#define WAYS(size)                                                                                 \
    { TAP_BY_TAP_##size, NULL, POOLED_##size }
#endif

SIZE(1)
SIZE(2)
SIZE(3)
SIZE(4)
SIZE(5)
SIZE(6)
#if TAPS > 6
SIZE(7)
SIZE(8)
SIZE(9)
SIZE(10)
SIZE(11)
SIZE(12)
#endif

static some_taps *const tiles[TAPS][3] = {
    WAYS(1), WAYS(2), WAYS(3), WAYS(4),  WAYS(5),  WAYS(6),
#if TAPS > 6
    WAYS(7), WAYS(8), WAYS(9), WAYS(10), WAYS(11), WAYS(12),
#endif
};

/* As many groups as the largest tile asks for, all of about one size: a group of one or two taps would
 * wait for its own sums. Outputs inside, so that whole rows of sums are worked on. */
static bool all_taps(const lks_wgrad_args *a, bool pooled) {
    bool ok = true;
    int groups = (a->taps + TAPS - 1) / TAPS;
    for (int t = 0, n; groups > 0; t += n, groups--) {
        n = (a->taps - t + groups - 1) / groups;
        const bool run = RUNS && side_by_side(a->tap_offset + t, n);
        ok &= tiles[n - 1][pooled ? POOLED : run ? RUN : TAP_BY_TAP](a, t);
    }
    return ok;
}

bool LKS_KERNEL(lks_wgrad)(const lks_wgrad_args *a) {
    return a->argmax ? all_taps(a, true) : all_taps(a, false);
}

/* Sums of `vectors` vectors of channels side by side: one alone would wait for itself. */
LKS_INLINE void bias_of(float *db, const float *dy, size_t n, int channels, int vectors) {
    vf sum[8];
    LKS_FOR (int v = 0; v < vectors; v++)
        sum[v] = v_load(db + v * LKS_VL);
    for (size_t i = 0; i < n; i++, dy += channels)
        LKS_FOR (int v = 0; v < vectors; v++)
            sum[v] = v_add(v_load(dy + v * LKS_VL), sum[v]);
    LKS_FOR (int v = 0; v < vectors; v++)
        v_store(db + v * LKS_VL, sum[v]);
}

void LKS_KERNEL(lks_bias)(float *db, const float *dy, size_t n, int channels) {
    int c = 0;
    for (; c + 8 * LKS_VL <= channels; c += 8 * LKS_VL)
        bias_of(db + c, dy + c, n, channels, 8);
    for (; c + 4 * LKS_VL <= channels; c += 4 * LKS_VL)
        bias_of(db + c, dy + c, n, channels, 4);
    for (; c + 2 * LKS_VL <= channels; c += 2 * LKS_VL)
        bias_of(db + c, dy + c, n, channels, 2);
    for (; c < channels; c += LKS_VL)
        bias_of(db + c, dy + c, n, channels, 1);
}
