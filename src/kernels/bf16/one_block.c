/* Layers whose sums are one block of the recurrence, as first layers have them: so few products that sums, bias, ReLU
 * and pooling have to stay in registers. */
#include "kernels/bf16/bf16.h"

#define PIXELS 4 /* a window of pooling */
#if defined(LKS_ISA_AVX512) || defined(LKS_ISA_NEON)
#define VECTORS 2 /* x 4 pixels x 2 chains = 16 accumulators of 32 registers */
#else
#define VECTORS 1 /* 8 of 16 */
#endif

/* One image; at[k] is the place of product k. */
typedef struct image {
    const lks_product_args *a;
    const float *x;
    float *out;
    uint8_t *argmax;
    int products;
    ptrdiff_t at[LKS_CHAINS];
} image;

LKS_INLINE void one_product(const image *m, int k, int pixels, int vectors,
                            const float *const x[PIXELS], const float *const w[VECTORS],
                            vf sum[PIXELS][VECTORS]) {
    vf wv[VECTORS];
    LKS_FOR (int v = 0; v < vectors; v++)
        wv[v] = v_load(w[v] + k * LKS_BLOCK);
    LKS_FOR (int i = 0; i < pixels; i++) {
        vf b = v_set1(x[i][m->at[k]]);
        LKS_FOR (int v = 0; v < vectors; v++)
            sum[i][v] = v_fma(b, wv[v], sum[i][v]);
    }
}

LKS_INLINE void store_plain(const image *m, int pixels, int vectors, int pixel, int vector,
                            vf y[PIXELS][VECTORS]) {
    const lks_product_args *a = m->a;
    LKS_FOR (int i = 0; i < pixels; i++) {
        float *out = m->out + vector * LKS_VL +
                     (a->out_offset ? (size_t)a->out_offset[pixel + i]
                                    : (size_t)(pixel + i) * a->blocks * LKS_BLOCK);
        LKS_FOR (int v = 0; v < vectors; v++)
            v_store(out + v * LKS_VL, a->relu ? v_relu(y[i][v]) : y[i][v]);
    }
}

LKS_INLINE void store_pooled(const image *m, int vectors, int pixel, int vector,
                             vf y[PIXELS][VECTORS]) {
    const lks_product_args *a = m->a;
    const size_t at = (size_t)(pixel / 4) * a->blocks * LKS_BLOCK + vector * LKS_VL;
    LKS_FOR (int v = 0; v < vectors; v++) {
        vf best = y[0][v];
        vi index = vi_zero();
        LKS_FOR (int k = 1; k < 4; k++)
            v_max_first(&best, y[k][v], &index, k);
        v_store(m->out + at + v * LKS_VL, a->relu ? v_relu(best) : best);
        vi_store_bytes(m->argmax + at + v * LKS_VL, index);
    }
}

/* The sum begins with +0, and e + o is never -0, so it is the sum. */
LKS_INLINE void tile(const image *m, int pixels, int vectors, int pixel, int vector, bool pooled) {
    const lks_product_args *a = m->a;
    const float *x[PIXELS], *w[VECTORS];
    vf e[PIXELS][VECTORS], o[PIXELS][VECTORS];
    LKS_FOR (int v = 0; v < vectors; v++)
        w[v] = (const float *)a->weights + (size_t)((vector + v) / VPB) * m->products * LKS_BLOCK +
               (vector + v) % VPB * LKS_VL;
    LKS_FOR (int i = 0; i < pixels; i++) {
        x[i] = m->x + a->pixel_offset[pixel + i];
        LKS_FOR (int v = 0; v < vectors; v++)
            e[i][v] = o[i][v] = v_zero();
    }
    int k = 0;
    for (; k + 2 <= m->products; k += 2) {
        one_product(m, k, pixels, vectors, x, w, e);
        one_product(m, k + 1, pixels, vectors, x, w, o);
    }
    if (k < m->products)
        one_product(m, k, pixels, vectors, x, w, e);
    LKS_FOR (int v = 0; v < vectors; v++) {
        vf bias = a->bias ? v_load(a->bias + (vector + v) * LKS_VL) : v_zero();
        LKS_FOR (int i = 0; i < pixels; i++) {
            e[i][v] = v_add(e[i][v], o[i][v]);
            e[i][v] = a->bias ? v_add(e[i][v], bias) : e[i][v];
        }
    }
    if (pooled)
        store_pooled(m, vectors, pixel, vector, e);
    else
        store_plain(m, pixels, vectors, pixel, vector, e);
}

LKS_INLINE void all_pixels(const image *m, int vectors, int vector) {
    const int n = m->a->n_pixels;
    int i = 0;
    if (m->argmax)
        for (; i < n; i += PIXELS)
            tile(m, PIXELS, vectors, i, vector, true);
    for (; i + PIXELS <= n; i += PIXELS)
        tile(m, PIXELS, vectors, i, vector, false);
    for (; i < n; i++)
        tile(m, 1, vectors, i, vector, false);
}

void LKS_KERNEL(lks_fma_one_block)(const lks_product_args *a) {
    const int vectors = a->blocks * VPB;
    image m = {.a = a, .products = a->n_runs * a->run_length};
    for (int k = 0; k < m.products; k++)
        m.at[k] = a->run_offset[k / a->run_length] + k % a->run_length;
    for (int s = 0; s < a->images; s++) {
        m.x = (const float *)a->x + s * a->x_stride;
        m.out = a->out + s * a->out_stride;
        m.argmax = a->argmax ? a->argmax + s * a->out_stride : NULL;
        int v = 0;
        for (; v + VECTORS <= vectors; v += VECTORS)
            all_pixels(&m, VECTORS, v);
        if (v < vectors)
            all_pixels(&m, 1, v);
    }
}
