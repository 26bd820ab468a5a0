/* Forward products and those of the input's gradient. */
#include "kernels/amx/rows.h"

#define PAIR  2                  /* tiles of outputs */
#define WIDTH (PAIR * LKS_BLOCK) /* floats of a row of sums */
#define SUMS  (LKS_TILE_ROWS * WIDTH)

/* Finished sums whose results are not yet written. */
typedef struct pending {
    const float *sums; /* [row tile][row][WIDTH] */
    const lks_places *places[2];
    size_t at[2];
    int first, vectors; /* outputs; vectors of floats */
    int done, rows;
} pending;

typedef struct work {
    const lks_product_args *a;
    int per_run;    /* blocks of the recurrence */
    ptrdiff_t step; /* bytes from row to row of operands */
    lks_tiles tiles;
    pending pending;
    int turn; /* which sums are being made; the other ones are pending */
    float sums[2][4 * SUMS] __attribute__((aligned(64)));
} work;

static const float no_bias[WIDTH];

LKS_INLINE void finish_window(const work *w, int row) {
    const pending *p = &w->pending;
    const lks_product_args *a = w->a;
    const float *c = p->sums + p->places[0]->row[row] * WIDTH;
    const float *bias = a->bias ? a->bias + p->first : no_bias;
    const size_t at = p->at[0] + p->places[0]->at[row] + p->first;
    for (int v = 0; v < p->vectors; v++) {
        const vf b = v_load(bias + v * LKS_VL);
        vf best = v_add(v_load(c + v * LKS_VL), b);
        vi index = vi_zero();
        LKS_FOR (int k = 1; k < 4; k++)
            v_max_first(&best, v_add(v_load(c + k * SUMS + v * LKS_VL), b), &index, k);
        v_store(a->out + at + v * LKS_VL, a->relu ? v_relu(best) : best);
        vi_store_bytes(a->argmax + at + v * LKS_VL, index);
    }
}

LKS_INLINE void finish_row(const work *w, int row) {
    const pending *p = &w->pending;
    const lks_product_args *a = w->a;
    const int t = row >= p->places[0]->n;
    row -= t ? p->places[0]->n : 0;
    const float *c = p->sums + t * SUMS + p->places[t]->row[row] * WIDTH;
    const float *bias = a->bias ? a->bias + p->first : no_bias;
    float *out = a->out + p->at[t] + p->places[t]->at[row] + p->first;
    for (int v = 0; v < p->vectors; v++) {
        const vf y = v_add(v_load(c + v * LKS_VL), v_load(bias + v * LKS_VL));
        v_store(out + v * LKS_VL, a->relu ? v_relu(y) : y);
    }
}

/* The next n rows of what is pending. */
LKS_INLINE void finish(work *w, int n) {
    pending *p = &w->pending;
    for (; n > 0 && p->done < p->rows; n--, p->done++)
        if (w->a->argmax)
            finish_window(w, p->done);
        else
            finish_row(w, p->done);
}

/* `rows` row tiles at x times `outputs` tiles of outputs; sums to c. Pending rows are finished within this and the next
 * calls - 1 of these. */
LKS_INLINE void multiply(work *w, int rows, int outputs, const lks_strip *s,
                         const lks_operand *const *x, const lks_operand *weights, int calls,
                         float *c) {
    const int steps = (s->end_run - s->first_run) * (s->end_block - s->first_block);
    const int left = w->pending.rows - w->pending.done;
    const int share = steps > 0 ? (left + calls * steps - 1) / (calls * steps) : 0;
    lks_tiles *tiles = &w->tiles;
    TILE_ZERO(tiles, 0);
    TILE_ZERO(tiles, 1);
    TILE_ZERO(tiles, 2);
    TILE_ZERO(tiles, 3);
    for (int r = s->first_run; r < s->end_run; r++) {
        const lks_operand *a = x[0] + w->a->run_offset[r] + s->first_block * LKS_CHAINS;
        const lks_operand *b = rows > 1 ? x[1] + (a - x[0]) : NULL;
        const lks_operand *at =
            weights + (size_t)(r * w->per_run + s->first_block) * outputs * LKS_TILE_OPERANDS;
        for (int k = s->first_block; k < s->end_block; k++) {
            TILE_LOAD(tiles, 4, a, w->step);
            TILE_STREAM(tiles, 6, at);
            TILE_PRODUCT(tiles, 0, 4, 6);
            if (outputs > 1) {
                TILE_STREAM(tiles, 7, at + LKS_TILE_OPERANDS);
                TILE_PRODUCT(tiles, 1, 4, 7);
            }
            if (rows > 1) {
                TILE_LOAD(tiles, 5, b, w->step);
                TILE_PRODUCT(tiles, 2, 5, 6);
                if (outputs > 1)
                    TILE_PRODUCT(tiles, 3, 5, 7);
                b += LKS_CHAINS;
            }
            a += LKS_CHAINS;
            at += outputs * LKS_TILE_OPERANDS;
            finish(w, share);
        }
    }
    TILE_STORE(tiles, 0, c, WIDTH * sizeof *c);
    if (outputs > 1)
        TILE_STORE(tiles, 1, c + LKS_BLOCK, WIDTH * sizeof *c);
    if (rows > 1)
        TILE_STORE(tiles, 2, c + SUMS, WIDTH * sizeof *c);
    if (rows > 1 && outputs > 1)
        TILE_STORE(tiles, 3, c + SUMS + LKS_BLOCK, WIDTH * sizeof *c);
}

/* A strip times tiles of outputs from `block` on. */
LKS_INLINE void strip_of(work *w, int outputs, const lks_strip *s, int block) {
    const lks_product_args *a = w->a;
    const lks_operand *weights = (const lks_operand *)a->weights +
                                 (size_t)block * a->n_runs * w->per_run * LKS_TILE_OPERANDS;
    float *c = w->sums[w->turn];
    if (s->tiles == 1) {
        multiply(w, 1, outputs, s, s->x, weights, 1, c);
    } else {
        multiply(w, 2, outputs, s, s->x, weights, s->tiles / 2, c);
        if (s->tiles == 4)
            multiply(w, 2, outputs, s, s->x + 2, weights, 1, c + 2 * SUMS);
    }
    finish(w, INT32_MAX);
    w->turn ^= 1;
    w->pending = (pending){.sums = c,
                           .places = {s->places[0], s->places[1]},
                           .at = {s->at[0], s->at[1]},
                           .first = block * LKS_BLOCK,
                           .vectors = outputs * VPB,
                           .rows = s->places[0]->n + (s->tiles == 2 ? s->places[1]->n : 0)};
}

static void all_blocks(work *w, const lks_strip *s) {
    int block = 0;
    for (; block + PAIR <= w->a->blocks; block += PAIR)
        strip_of(w, PAIR, s, block);
    if (block < w->a->blocks)
        strip_of(w, 1, s, block);
}

void LKS_KERNEL(lks_tile_product)(const lks_product_args *a) {
    work w;
    w.a = a;
    w.per_run = (a->run_length + LKS_CHAINS - 1) / LKS_CHAINS;
    w.turn = 0;
    w.pending = (pending){0};
    for (int first = 0, end; first < a->images; first = end) {
        end = a->images;
        lks_walk walk = LKS_KERNEL(lks_tile_walk)(a, first, &end);
        const lks_tile_config shape = lks_tile_shape(walk.rows);
        w.step = walk.step * (ptrdiff_t)sizeof(lks_operand);
        TILES_BEGIN(&w.tiles, &shape);
        for (lks_strip s; LKS_KERNEL(lks_tile_next)(&walk, &s);)
            all_blocks(&w, &s);
        finish(&w, INT32_MAX); /* places belong to the walk */
    }
    TILES_END(&w.tiles);
}
