/* Forward products and those of the input's gradient. Pixels of all images are the rows of a tile.
 *
 * Weights of a few blocks of the recurrence stay in the first-level cache while a group of rows passes by; the rows'
 * sums wait in a small array. */
#include "kernels/bf16/bf16.h"

#define GROUP 48 /* rows: whole windows, whole tiles */
#define PANEL 4  /* blocks of the recurrence */
#define WIDTH (LKS_PAIR * LKS_BLOCK)

/* Rows that are worked on together, and their sums so far. */
typedef struct group {
    const lks_product_args *a;
    int rows;
    const float *x[GROUP];
    int image[GROUP], pixel[GROUP];
    _Alignas(64) float c[GROUP][WIDTH];
} group;

typedef struct chains {
    vf e[LKS_ROWS][LKS_VECTORS], o[LKS_ROWS][LKS_VECTORS];
} chains;

LKS_INLINE void one_product(int rows, int vectors, const float *const x[LKS_ROWS], ptrdiff_t at,
                            const float *w, size_t block_stride, vf sum[LKS_ROWS][LKS_VECTORS]) {
    vf wv[LKS_VECTORS];
    LKS_FOR (int v = 0; v < vectors; v++)
        wv[v] = v_load(w + (v / VPB) * block_stride + (v % VPB) * LKS_VL);
    LKS_FOR (int i = 0; i < rows; i++) {
        vf b = v_set1(x[i][at]);
        LKS_FOR (int v = 0; v < vectors; v++)
            sum[i][v] = v_fma(b, wv[v], sum[i][v]);
    }
}

LKS_INLINE void begin_chains(int rows, int vectors, chains *s) {
    LKS_FOR (int i = 0; i < rows; i++)
        LKS_FOR (int v = 0; v < vectors; v++)
            s->e[i][v] = s->o[i][v] = v_zero();
}

LKS_INLINE void end_chains(int rows, int vectors, const chains *s, float (*c)[WIDTH]) {
    LKS_FOR (int i = 0; i < rows; i++)
        LKS_FOR (int v = 0; v < vectors; v++) {
            float *to = c[i] + v * LKS_VL;
            v_store(to, v_add(v_load(to), v_add(s->e[i][v], s->o[i][v])));
        }
}

/* A block of n products of consecutive elements. */
LKS_INLINE void run_block(int rows, int vectors, const float *const x[LKS_ROWS], ptrdiff_t at,
                          int n, const float *w, size_t block_stride, float (*c)[WIDTH]) {
    chains s;
    begin_chains(rows, vectors, &s);
    int k = 0;
    for (; k + 2 <= n; k += 2) {
        one_product(rows, vectors, x, at + k, w + k * LKS_BLOCK, block_stride, s.e);
        one_product(rows, vectors, x, at + k + 1, w + (k + 1) * LKS_BLOCK, block_stride, s.o);
    }
    if (k < n)
        one_product(rows, vectors, x, at + k, w + k * LKS_BLOCK, block_stride, s.e);
    end_chains(rows, vectors, &s, c);
}

/* What can be other than zero for any of some rows. */
static lks_reach reach_of(const group *g, int first, int rows) {
    const lks_product_args *a = g->a;
    if (!a->reach)
        return (lks_reach){0, INT16_MAX, 0, INT16_MAX};
    lks_reach all = a->reach[g->pixel[first]];
    for (int i = first + 1; i < first + rows; i++) {
        const lks_reach *r = &a->reach[g->pixel[i]];
        all.first_run = r->first_run < all.first_run ? r->first_run : all.first_run;
        all.end_run = r->end_run > all.end_run ? r->end_run : all.end_run;
        all.first_block = r->first_block < all.first_block ? r->first_block : all.first_block;
        all.end_block = r->end_block > all.end_block ? r->end_block : all.end_block;
    }
    return all;
}

/* Blocks [from, to) of the recurrence for rows of a tile; w is the first of its weights. */
LKS_INLINE void tile(group *g, int rows, int vectors, int first, const float *w, int from, int to) {
    const lks_product_args *a = g->a;
    const size_t block_stride = (size_t)a->n_runs * a->run_length * LKS_BLOCK;
    const int per_run = (a->run_length + LKS_CHAINS - 1) / LKS_CHAINS;
    const lks_reach reach = reach_of(g, first, rows);
    const float *x[LKS_ROWS];
    LKS_FOR (int i = 0; i < rows; i++)
        x[i] = g->x[first + i];
    for (int b = from, run = from / per_run, j = from % per_run; b < to; b++) {
        const int k = j * LKS_CHAINS, left = a->run_length - k;
        if (run >= reach.first_run && run < reach.end_run && j >= reach.first_block &&
            j < reach.end_block)
            run_block(
                rows, vectors, x, a->run_offset[run] + k, left < LKS_CHAINS ? left : LKS_CHAINS,
                w + ((size_t)run * a->run_length + k) * LKS_BLOCK, block_stride, g->c + first);
        if (++j == per_run) {
            j = 0;
            run++;
        }
    }
}

/* The rows of a group in tiles of about one size. */
LKS_INLINE void panel(group *g, int vectors, const float *w, int from, int to) {
    int tiles = (g->rows + LKS_ROWS - 1) / LKS_ROWS;
    for (int first = 0, n; tiles > 0; first += n, tiles--) {
        n = (g->rows - first + tiles - 1) / tiles;
#define TILE(rows) tile(g, rows, vectors, first, w, from, to)
        switch (n) { LKS_ROWS_CASES(TILE) }
#undef TILE
    }
}

LKS_INLINE vf finished(const lks_product_args *a, vf c, int output) {
    return a->bias ? v_add(c, v_load(a->bias + output)) : c;
}

static void store_plain(const group *g, int vectors, int block) {
    const lks_product_args *a = g->a;
    for (int i = 0; i < g->rows; i++) {
        size_t at = a->out_offset ? (size_t)a->out_offset[g->pixel[i]]
                                  : (size_t)g->pixel[i] * a->blocks * LKS_BLOCK;
        float *out = a->out + g->image[i] * a->out_stride + at + block * LKS_BLOCK;
        for (int v = 0; v < vectors; v++) {
            vf y = finished(a, v_load(g->c[i] + v * LKS_VL), block * LKS_BLOCK + v * LKS_VL);
            v_store(out + v * LKS_VL, a->relu ? v_relu(y) : y);
        }
    }
}

static void store_pooled(const group *g, int vectors, int block) {
    const lks_product_args *a = g->a;
    for (int i = 0; i < g->rows; i += 4) {
        size_t at = g->image[i] * a->out_stride +
                    ((size_t)(g->pixel[i] / 4) * a->blocks + block) * LKS_BLOCK;
        for (int v = 0; v < vectors; v++) {
            const int output = block * LKS_BLOCK + v * LKS_VL;
            vf best = finished(a, v_load(g->c[i] + v * LKS_VL), output);
            vi index = vi_zero();
            LKS_FOR (int k = 1; k < 4; k++)
                v_max_first(&best, finished(a, v_load(g->c[i + k] + v * LKS_VL), output), &index,
                            k);
            v_store(a->out + at + v * LKS_VL, a->relu ? v_relu(best) : best);
            vi_store_bytes(a->argmax + at + v * LKS_VL, index);
        }
    }
}

LKS_INLINE void blocks_of(group *g, int vectors, int block) {
    const lks_product_args *a = g->a;
    const int per_run = (a->run_length + LKS_CHAINS - 1) / LKS_CHAINS, all = a->n_runs * per_run;
    const float *w =
        (const float *)a->weights + (size_t)block * a->n_runs * a->run_length * LKS_BLOCK;
    memset(g->c, 0, (size_t)g->rows * sizeof *g->c);
    for (int from = 0; from < all; from += PANEL)
        panel(g, vectors, w, from, from + PANEL < all ? from + PANEL : all);
    if (a->argmax)
        store_pooled(g, vectors, block);
    else
        store_plain(g, vectors, block);
}

static void all_blocks(group *g) {
    const int blocks = g->a->blocks;
    int block = 0;
    for (; block + LKS_PAIR <= blocks; block += LKS_PAIR)
        blocks_of(g, LKS_VECTORS, block);
#if LKS_PAIR > 1
    if (block < blocks)
        blocks_of(g, VPB, block);
#endif
}

void LKS_KERNEL(lks_fma_product)(const lks_product_args *a) {
    if (a->one_block) {
        LKS_KERNEL(lks_fma_one_block)(a);
        return;
    }
    group g = {.a = a};
    for (int s = 0; s < a->images; s++)
        for (int i = 0; i < a->n_pixels; i++) {
            g.x[g.rows] = (const float *)a->x + s * a->x_stride + a->pixel_offset[i];
            g.image[g.rows] = s;
            g.pixel[g.rows++] = i;
            if (g.rows < GROUP && (s < a->images - 1 || i < a->n_pixels - 1))
                continue;
            all_blocks(&g);
            g.rows = 0;
        }
}
