/* Winograd's minimal filtering F(2x2, 3x3): transforms of input tiles, weights and output tiles. The
 * products in between are lks_forward(), one matrix per position of the 4 x 4 tile.
 *
 * Every addition is rounded by itself, in the order written here; products with 1/2 are exact. */
#include "kernels/kernels_isa.h"

/* Rows of B^T d of one column of four. */
LKS_INLINE void input_column(const vf d[4], vf t[4]) {
    t[0] = v_sub(d[0], d[2]);
    t[1] = v_add(d[1], d[2]);
    t[2] = v_sub(d[2], d[1]);
    t[3] = v_sub(d[1], d[3]);
}

/* A pixel's channels, 0 beyond the image. */
LKS_INLINE vf pixel(const float *x, int32_t offset, int c) {
    return offset < 0 ? v_zero() : v_load(x + offset + c);
}

LKS_INLINE void input_tile(const lks_winograd_input_args *a, const int32_t offset[16], float *out) {
    for (int c = 0; c < a->channels; c += LKS_VL) {
        vf t[4][4]; /* [column][row] */
        LKS_FOR (int j = 0; j < 4; j++) {
            vf d[4];
            LKS_FOR (int i = 0; i < 4; i++)
                d[i] = pixel(a->x, offset[4 * i + j], c);
            input_column(d, t[j]);
        }
        LKS_FOR (int i = 0; i < 4; i++) {
            const vf row[4] = {t[0][i], t[1][i], t[2][i], t[3][i]};
            vf v[4];
            input_column(row, v);
            LKS_FOR (int j = 0; j < 4; j++)
                v_store(out + (size_t)(4 * i + j) * a->out_stride + c, v[j]);
        }
    }
}

void LKS_KERNEL(lks_winograd_input)(const lks_winograd_input_args *a) {
    for (int t = 0; t < a->tiles; t++)
        input_tile(a, a->offset + 16 * t, a->out + (size_t)t * a->channels);
}

/* Both outputs of A^T m of four. */
LKS_INLINE void output_pair(const vf m[4], vf y[2]) {
    y[0] = v_add(v_add(m[0], m[1]), m[2]);
    y[1] = v_sub(v_sub(m[1], m[2]), m[3]);
}

/* The four outputs of a tile, row-major. */
LKS_INLINE void output_tile(const lks_winograd_output_args *a, const float *m, vf bias, vf y[4]) {
    vf t[2][4]; /* [output row][column] */
    LKS_FOR (int j = 0; j < 4; j++) {
        vf column[4], pair[2];
        LKS_FOR (int i = 0; i < 4; i++)
            column[i] = v_load(m + (size_t)(4 * i + j) * a->m_stride);
        output_pair(column, pair);
        t[0][j] = pair[0];
        t[1][j] = pair[1];
    }
    LKS_FOR (int i = 0; i < 2; i++) {
        output_pair(t[i], y + 2 * i);
        LKS_FOR (int j = 0; j < 2; j++)
            y[2 * i + j] = v_add(y[2 * i + j], bias);
    }
}

LKS_INLINE void store_pooled(const lks_winograd_output_args *a, const vf y[4], size_t at) {
    vf best = v_max_of_four(y, a->argmax + at);
    v_store(a->out + at, a->relu ? v_relu(best) : best);
}

LKS_INLINE void store_plain(const lks_winograd_output_args *a, const vf y[4],
                            const int32_t offset[4], int c) {
    LKS_FOR (int k = 0; k < 4; k++)
        if (offset[k] >= 0)
            v_store(a->out + offset[k] + c, a->relu ? v_relu(y[k]) : y[k]);
}

void LKS_KERNEL(lks_winograd_output)(const lks_winograd_output_args *a) {
    for (int t = 0; t < a->tiles; t++)
        for (int c = 0; c < a->channels; c += LKS_VL) {
            vf y[4];
            output_tile(a, a->m + (size_t)t * a->channels + c,
                        a->bias ? v_load(a->bias + c) : v_zero(), y);
            if (a->argmax)
                store_pooled(a, y, (size_t)a->offset[4 * t] + c);
            else
                store_plain(a, y, a->offset + 4 * t, c);
        }
}

/* G g of three: the sum of the outer ones first. */
LKS_INLINE void weight_four(const vf g[3], vf u[4]) {
    const vf half = v_set1(0.5f);
    vf outer = v_add(g[0], g[2]);
    u[0] = g[0];
    u[1] = v_mul(half, v_add(outer, g[1]));
    u[2] = v_mul(half, v_sub(outer, g[1]));
    u[3] = g[2];
}

void LKS_KERNEL(lks_winograd_weights)(float *u, size_t u_stride, const float w[9][LKS_BLOCK]) {
    for (int l = 0; l < LKS_BLOCK; l += LKS_VL) {
        vf t[3][4]; /* [column][row] */
        LKS_FOR (int j = 0; j < 3; j++) {
            const vf g[3] = {v_load(w[j] + l), v_load(w[3 + j] + l), v_load(w[6 + j] + l)};
            weight_four(g, t[j]);
        }
        LKS_FOR (int i = 0; i < 4; i++) {
            const vf g[3] = {t[0][i], t[1][i], t[2][i]};
            vf row[4];
            weight_four(g, row);
            LKS_FOR (int j = 0; j < 4; j++)
                v_store(u + (size_t)(4 * i + j) * u_stride + l, row[j]);
        }
    }
}

/* A d of two. */
LKS_INLINE void gradient_four(const vf d[2], vf z[4]) {
    z[0] = d[0];
    z[1] = v_add(d[0], d[1]);
    z[2] = v_sub(d[0], d[1]);
    z[3] = v_sub(v_zero(), d[1]);
}

void LKS_KERNEL(lks_winograd_gradient)(const lks_winograd_gradient_args *a) {
    for (int t = 0; t < a->tiles; t++) {
        const int32_t *offset = a->offset + 4 * t;
        float *out = a->out + (size_t)t * a->channels;
        for (int c = 0; c < a->channels; c += LKS_VL) {
            vf column[2][4];
            LKS_FOR (int j = 0; j < 2; j++) {
                const vf d[2] = {pixel(a->dy, offset[j], c), pixel(a->dy, offset[2 + j], c)};
                gradient_four(d, column[j]);
            }
            LKS_FOR (int i = 0; i < 4; i++) {
                const vf d[2] = {column[0][i], column[1][i]};
                vf row[4];
                gradient_four(d, row);
                LKS_FOR (int j = 0; j < 4; j++)
                    v_store(out + (size_t)(4 * i + j) * a->out_stride + c, row[j]);
            }
        }
    }
}

/* G^T u of four. */
LKS_INLINE void weight_three(const vf u[4], vf g[3]) {
    const vf half = v_set1(0.5f);
    vf both = v_mul(half, v_add(u[1], u[2]));
    g[0] = v_add(u[0], both);
    g[1] = v_mul(half, v_sub(u[1], u[2]));
    g[2] = v_add(both, u[3]);
}

void LKS_KERNEL(lks_winograd_weight_gradients)(float *dw, const float *du, size_t u_stride,
                                               size_t n) {
    for (size_t at = 0; at < n; at += LKS_VL) {
        vf t[4][3]; /* [column][row] */
        LKS_FOR (int j = 0; j < 4; j++) {
            vf u[4];
            LKS_FOR (int i = 0; i < 4; i++)
                u[i] = v_load(du + (size_t)(4 * i + j) * u_stride + at);
            weight_three(u, t[j]);
        }
        LKS_FOR (int i = 0; i < 3; i++) {
            const vf u[4] = {t[0][i], t[1][i], t[2][i], t[3][i]};
            vf row[3];
            weight_three(u, row);
            LKS_FOR (int j = 0; j < 3; j++)
                v_store(dw + (size_t)(3 * i + j) * n + at, row[j]);
        }
    }
}
