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
    int tile, row;      /* the next one to be finished */
    int rows;           /* that are left */
} pending;

typedef struct work {
    const lks_product_args *a;
    bool direct; /* sums are results, rows equally far apart: tiles are stored where they belong */
    int runs, per_run;         /* blocks of the recurrence in each */
    const int32_t *run_offset; /* [runs] */
    ptrdiff_t step;            /* bytes from row to row of operands */
    lks_tiles tiles;
    pending pending;
    int turn; /* which sums are being made; the other ones are pending */
    float sums[2][4 * SUMS] __attribute__((aligned(64)));
} work;

static const float no_bias[WIDTH];

LKS_INLINE void finish_windows(const work *w, int n, int vectors, bool relu) {
    const pending *p = &w->pending;
    const lks_product_args *a = w->a;
    const lks_places *places = p->places[0];
    const size_t first = p->at[0] + p->first;
    const float *sums = p->sums;
    float *const out = a->out + first;
    uint8_t *const argmax = a->argmax + first;
    vf bias[PAIR * VPB];
    LKS_FOR (int v = 0; v < vectors; v++)
        bias[v] = v_load((a->bias ? a->bias + p->first : no_bias) + v * LKS_VL);
    for (int i = p->row, end = i + n; i < end; i++) {
        const float *c = sums + places->row[i] * WIDTH;
        const size_t at = places->at[i];
        LKS_FOR (int v = 0; v < vectors; v++) {
            vf y[4];
            LKS_FOR (int k = 0; k < 4; k++)
                y[k] = v_add(v_load(c + k * SUMS + v * LKS_VL), bias[v]);
            const vf best = v_max_of_four(y, argmax + at + v * LKS_VL);
            v_store(out + at + v * LKS_VL, relu ? v_relu(best) : best);
        }
    }
}

LKS_INLINE void finish_rows(const work *w, int n, int vectors, bool relu) {
    const pending *p = &w->pending;
    const lks_product_args *a = w->a;
    const lks_places *places = p->places[p->tile];
    const float *sums = p->sums + p->tile * SUMS;
    float *const out = a->out + p->at[p->tile] + p->first;
    vf bias[PAIR * VPB];
    LKS_FOR (int v = 0; v < vectors; v++)
        bias[v] = v_load((a->bias ? a->bias + p->first : no_bias) + v * LKS_VL);
    for (int i = p->row, end = i + n; i < end; i++) {
        const float *c = sums + places->row[i] * WIDTH;
        float *to = out + places->at[i];
        LKS_FOR (int v = 0; v < vectors; v++) {
            const vf y = v_add(v_load(c + v * LKS_VL), bias[v]);
            v_store(to + v * LKS_VL, relu ? v_relu(y) : y);
        }
    }
}

LKS_INLINE void finish_some(const work *w, int n, int vectors) {
    if (w->a->argmax && w->a->relu)
        finish_windows(w, n, vectors, true);
    else if (w->a->argmax)
        finish_windows(w, n, vectors, false);
    else if (w->a->relu)
        finish_rows(w, n, vectors, true);
    else
        finish_rows(w, n, vectors, false);
}

/* The next n rows of what is pending, as far as there are. */
LKS_INLINE void finish(work *w, int n) {
    pending *p = &w->pending;
    while (n > 0 && p->rows > 0) {
        const int left = p->places[p->tile]->n - p->row, some = n < left ? n : left;
        if (p->vectors == PAIR * VPB)
            finish_some(w, some, PAIR * VPB);
        else
            finish_some(w, some, VPB);
        n -= some;
        p->rows -= some;
        p->row += some;
        if (some == left) {
            p->tile++;
            p->row = 0;
        }
    }
}

/* The two row tiles of one call; the places of their sums. */
typedef struct target {
    float *at[2];
    ptrdiff_t row; /* bytes */
} target;

/* `rows` row tiles at x times `outputs` tiles of outputs. Pending rows are finished within this and the next calls - 1
 * of these. */
LKS_INLINE void multiply(work *w, int rows, int outputs, const lks_strip *s,
                         const lks_operand *const *x, const lks_operand *weights, int calls,
                         target to) {
    const int steps = (s->end_run - s->first_run) * (s->end_block - s->first_block);
    const int left = w->pending.rows;
    const int share = steps > 0 ? (left + calls * steps - 1) / (calls * steps) : 0;
    float *const sums[2][2] = {{to.at[0], to.at[0] + LKS_BLOCK}, {to.at[1], to.at[1] + LKS_BLOCK}};
    lks_tiles_clear(&w->tiles);
    for (int r = s->first_run; r < s->end_run; r++) {
        const ptrdiff_t offset = w->run_offset[r] + s->first_block * LKS_CHAINS;
        const lks_operand *a = x[0] + offset, *b = rows > 1 ? x[1] + offset : a;
        const lks_operand *at =
            weights + (size_t)(r * w->per_run + s->first_block) * outputs * LKS_TILE_OPERANDS;
        for (int k = s->first_block; k < s->end_block; k++) {
            lks_tiles_multiply(&w->tiles, rows, outputs, (const void *[]){a, b}, w->step,
                               (const void *[]){at, at + LKS_TILE_OPERANDS}, true);
            a += LKS_CHAINS;
            b += LKS_CHAINS;
            at += outputs * LKS_TILE_OPERANDS;
            finish(w, share);
        }
    }
    lks_tiles_store(&w->tiles, rows, outputs, sums, to.row);
}

/* Windows have two calls' sums together. */
LKS_INLINE target target_of(const work *w, const lks_strip *s, int block, int half) {
    const lks_product_args *a = w->a;
    float *sums = (float *)w->sums[w->turn] + 2 * half * SUMS;
    float *out = a->out + block * LKS_BLOCK;
    if (w->direct)
        return (target){{out + s->at[0], out + s->at[1]}, (ptrdiff_t)(a->out_stride * sizeof *out)};
    return (target){{sums, sums + SUMS}, WIDTH * sizeof *sums};
}

/* A strip times tiles of outputs from `block` on. */
LKS_INLINE void strip_of(work *w, int outputs, const lks_strip *s, int block) {
    const lks_product_args *a = w->a;
    const lks_operand *weights =
        (const lks_operand *)a->weights + (size_t)block * w->runs * w->per_run * LKS_TILE_OPERANDS;
    const target to = target_of(w, s, block, 0);
    if (s->tiles == 1) {
        multiply(w, 1, outputs, s, s->x, weights, 1, to);
    } else {
        multiply(w, 2, outputs, s, s->x, weights, s->tiles / 2, to);
        if (s->tiles == 4)
            multiply(w, 2, outputs, s, s->x + 2, weights, 1, target_of(w, s, block, 1));
    }
    if (w->direct)
        return;
    finish(w, INT32_MAX);
    w->pending = (pending){.sums = w->sums[w->turn],
                           .places = {s->places[0], s->places[1]},
                           .at = {s->at[0], s->at[1]},
                           .first = block * LKS_BLOCK,
                           .vectors = outputs * VPB,
                           .rows = s->places[0]->n + (s->tiles == 2 ? s->places[1]->n : 0)};
    w->turn ^= 1;
}

static void all_blocks(work *w, const lks_strip *s) {
    int block = 0;
    for (; block + PAIR <= w->a->blocks; block += PAIR)
        strip_of(w, PAIR, s, block);
    if (block < w->a->blocks)
        strip_of(w, 1, s, block);
}

void LKS_KERNEL(lks_tile_product)(const lks_product_args *a) {
    static const int32_t none;
    work w;
    w.a = a;
    w.run_offset = a->one_block ? &none : a->run_offset;
    w.turn = 0;
    w.pending = (pending){0};
    for (int first = 0, end; first < a->images; first = end) {
        end = a->images;
        lks_walk walk = LKS_KERNEL(lks_tile_walk)(a, first, &end);
        const lks_tile_config shape = lks_tile_shape(walk.rows);
        w.runs = walk.runs;
        w.per_run = walk.per_run;
        w.direct = !walk.flat && !a->bias && !a->relu && !a->argmax;
        w.step = walk.step * (ptrdiff_t)sizeof(lks_operand);
        TILES_BEGIN(&w.tiles, &shape);
        for (lks_strip s; LKS_KERNEL(lks_tile_next)(&walk, &s);) {
            TILES_WRITTEN();
            all_blocks(&w, &s);
        }
        finish(&w, INT32_MAX); /* places belong to the walk */
    }
    TILES_END(&w.tiles);
}
