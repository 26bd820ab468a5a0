/* Winograd's minimal filtering F(2x2, 3x3): transforms of input tiles, weights and output tiles, and the products in
 * between, one matrix per position of the 4 x 4 tile.
 *
 * Every addition is rounded by itself, in the order written here; products with 1/2 are exact. */
#include "kernels/kernels_isa.h"
#include "kernels/tile.h"

/* Rows of B^T d of one column of four. */
LKS_INLINE void input_column(const vf d[4], vf t[4]) {
    t[0] = v_sub(d[0], d[2]);
    t[1] = v_add(d[1], d[2]);
    t[2] = v_sub(d[2], d[1]);
    t[3] = v_sub(d[1], d[3]);
}

/* A pixel's channels, 0 beyond the image. */
LKS_INLINE vf channels_of(const float *x, int32_t offset, int c) {
    return offset < 0 ? v_zero() : v_load(x + offset + c);
}

/* `whole`: no pixel lies beyond the image. */
LKS_INLINE void input_tile(const lks_winograd_input_args *a, const int32_t offset[16], bool whole,
                           float *out) {
    for (int c = 0; c < a->channels; c += LKS_VL) {
        vf t[4][4]; /* [column][row] */
        LKS_FOR (int j = 0; j < 4; j++) {
            vf d[4];
            LKS_FOR (int i = 0; i < 4; i++)
                d[i] = whole ? v_load(a->x + offset[4 * i + j] + c)
                             : channels_of(a->x, offset[4 * i + j], c);
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
    for (int t = 0; t < a->tiles; t++) {
        const int32_t *offset = a->offset + 16 * t;
        float *out = a->out + (size_t)t * a->channels;
        int32_t all = 0; /* negative where one is */
        for (int p = 0; p < 16; p++)
            all |= offset[p];
        if (all >= 0)
            input_tile(a, offset, true, out);
        else
            input_tile(a, offset, false, out);
    }
}

/* The first half of the outputs, A^T m, column by column: what row `row` of the positions adds to both rows of t. */
LKS_INLINE void add_row(int row, float *upper, float *lower, vf m) {
    if (row < 3)
        v_store(upper, row > 0 ? v_add(v_load(upper), m) : m);
    if (row > 0)
        v_store(lower, row > 1 ? v_sub(v_load(lower), m) : m);
}

/* Products of one position for a few tiles: v are its tiles, u its weights, t the upper row of its column. */
typedef struct position {
    const float *v, *u;
    float *t;
    int row;
} position;

LKS_INLINE void multiply_tiles(const lks_winograd_multiply_args *a, int tiles, int blocks,
                               position p) {
    const size_t width = (size_t)a->blocks * LKS_BLOCK,
                 block_stride = (size_t)a->inputs * LKS_BLOCK;
    places at = {.step = a->channels};
    vf acc[PIXELS][PAIR * VPB];
    LKS_FOR (int i = 0; i < tiles; i++)
        LKS_FOR (int v = 0; v < blocks * VPB; v++)
            acc[i][v] = v_zero();
    LKS_FOR (int i = 0; i < (tiles + 2) / 3; i++)
        at.x[i] = p.v + 3 * i * at.step;
    one_run(tiles, blocks, &at, false, a->inputs, p.u, block_stride, acc);
    LKS_FOR (int row = 0; row < 4; row++)
        if (row == p.row)
            LKS_FOR (int i = 0; i < tiles; i++)
                LKS_FOR (int v = 0; v < blocks * VPB; v++) {
                    float *upper = p.t + i * width + v * LKS_VL;
                    add_row(row, upper, upper + 4 * a->t_stride, acc[i][v]);
                }
}

LKS_INLINE void multiply_position(const lks_winograd_multiply_args *a, int blocks, position p) {
    const size_t width = (size_t)a->blocks * LKS_BLOCK;
    int left = a->tiles;
#define TILES(n)                                                                                   \
    multiply_tiles(a, n, blocks, p), left -= n, p.v += n * a->channels, p.t += n * width
    while (left >= PIXELS)
        TILES(PIXELS);
#if PIXELS > 4
    while (left >= 4)
        TILES(4);
#endif
    while (left > 0)
        TILES(1);
#undef TILES
}

/* Column by column: a column of t stays in the first-level cache while four positions add to it. */
LKS_INLINE void multiply_blocks(const lks_winograd_multiply_args *a, int blocks, int block) {
    const float *u = a->u + (size_t)block * a->inputs * LKS_BLOCK;
    for (int column = 0; column < 4; column++)
        for (int row = 0; row < 4; row++)
            multiply_position(a, blocks,
                              (position){.v = a->v + (4 * row + column) * a->v_stride,
                                         .u = u + (4 * row + column) * a->u_stride,
                                         .t = a->t + column * a->t_stride + block * LKS_BLOCK,
                                         .row = row});
}

void LKS_KERNEL(lks_winograd_multiply)(const lks_winograd_multiply_args *a) {
    int block = 0;
    for (; block + PAIR <= a->blocks; block += PAIR)
        multiply_blocks(a, PAIR, block);
#if PAIR > 1
    if (block < a->blocks)
        multiply_blocks(a, 1, block);
#endif
}

/* The second half: a row of two outputs, A^T of a row of t. */
LKS_INLINE void output_pair(const vf t[4], vf y[2]) {
    y[0] = v_add(v_add(t[0], t[1]), t[2]);
    y[1] = v_sub(v_sub(t[1], t[2]), t[3]);
}

/* The four outputs of a tile, row-major. */
LKS_INLINE void output_tile(const lks_winograd_output_args *a, const float *t, vf bias, vf y[4]) {
    LKS_FOR (int i = 0; i < 2; i++) {
        vf row[4];
        LKS_FOR (int j = 0; j < 4; j++)
            row[j] = v_load(t + (size_t)(4 * i + j) * a->t_stride);
        output_pair(row, y + 2 * i);
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
            output_tile(a, a->t + (size_t)t * a->channels + c,
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
                const vf d[2] = {channels_of(a->dy, offset[j], c),
                                 channels_of(a->dy, offset[2 + j], c)};
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
