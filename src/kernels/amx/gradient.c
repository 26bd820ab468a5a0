/* Weight gradients: rows of tiles are channels, columns outputs, and the recurrence runs over images and pixels. */
#include "kernels/amx/plan.h"

#define WIDTH (2 * LKS_BLOCK) /* floats of a row of sums */
#define SUMS  (LKS_TILE_ROWS * WIDTH)
#define NEAR  ((size_t)36 << 10) /* bytes of operands that stay in the first-level cache */

/* 16 channels of a tap. */
typedef struct row_tile {
    int rows;                /* channels that are there */
    size_t element;          /* of the first one, counted from the first tap's first */
    const lks_operand *from; /* first row of the phase, first column */
    const lks_phase *phase;
    int shift; /* in rows */
    float *partial;
} row_tile;

/* Sums of a chunk that are not yet added. */
typedef struct pending {
    const float *sums; /* [row tile][row][WIDTH] */
    size_t at[2];      /* in sums or out */
    int rows[2];
    int vectors;
    bool adds;
    int done;
} pending;

typedef struct work {
    const lks_gradient_args *a;
    const lks_plan *plan;
    lks_tiles tiles;
    pending pending;
    bool ok;
    int turn;
    float sums[2][2 * SUMS] __attribute__((aligned(64)));
} work;

LKS_INLINE void finish_row(work *w, int row) {
    const pending *p = &w->pending;
    const int t = row >= p->rows[0];
    row -= t ? p->rows[0] : 0;
    const float *c = p->sums + t * SUMS + row * WIDTH;
    const size_t at = p->at[t] + row * w->a->row;
    for (int v = 0; v < p->vectors; v++) {
        const vf partial = v_load(c + v * LKS_VL);
        const size_t place = at + v * LKS_VL;
        if (w->a->sums)
            w->ok &= v_add_exact(w->a->sums + place, partial, p->adds);
        else
            v_store(w->a->out + place,
                    p->adds ? v_add(v_load(w->a->out + place), partial) : partial);
    }
}

LKS_INLINE void finish(work *w, int n) {
    pending *p = &w->pending;
    for (; n > 0 && p->done < p->rows[0] + p->rows[1]; n--, p->done++)
        finish_row(w, p->done);
}

/* Rows [row, end) of the output; dy: that of `row`. from and to: sums of row tile 0, 1, rows WIDTH apart; from[0] is NULL
 * where they begin with +0. */
LKS_INLINE void multiply(work *w, int tiles_in, int outputs, const row_tile *r,
                         const lks_operand *dy, int row, int end, const float *const from[2],
                         float *const to[2]) {
    const int row_blocks = w->plan->row_blocks, steps = (end - row) * row_blocks;
    const int left = w->pending.rows[0] + w->pending.rows[1] - w->pending.done;
    const int share = (left + steps - 1) / steps;
    const ptrdiff_t line = WIDTH * sizeof(float),
                    pitch0 = (ptrdiff_t)(r[0].phase->pitch * sizeof *dy),
                    pitch1 = (ptrdiff_t)(r[tiles_in - 1].phase->pitch * sizeof *dy);
    lks_tiles *tiles = &w->tiles;
    if (from[0]) {
        TILE_LOAD(tiles, 0, from[0], line);
        if (outputs > 1)
            TILE_LOAD(tiles, 1, from[0] + LKS_BLOCK, line);
        if (tiles_in > 1)
            TILE_LOAD(tiles, 2, from[1], line);
        if (tiles_in > 1 && outputs > 1)
            TILE_LOAD(tiles, 3, from[1] + LKS_BLOCK, line);
    } else {
        TILE_ZERO(tiles, 0);
        TILE_ZERO(tiles, 1);
        TILE_ZERO(tiles, 2);
        TILE_ZERO(tiles, 3);
    }
    for (int y = row; y < end; y++) {
        const lks_operand *x0 = r[0].from + (y + r[0].shift) % r[0].phase->rows * r[0].phase->row;
        const lks_operand *x1 =
            tiles_in > 1 ? r[1].from + (y + r[1].shift) % r[1].phase->rows * r[1].phase->row : NULL;
        for (int k = 0; k < row_blocks; k++) {
            TILE_LOAD(tiles, 4, x0, pitch0);
            TILE_LOAD(tiles, 6, dy, 64);
            TILE_PRODUCT(tiles, 0, 4, 6);
            if (outputs > 1) {
                TILE_LOAD(tiles, 7, dy + LKS_TILE_OPERANDS, 64);
                TILE_PRODUCT(tiles, 1, 4, 7);
            }
            if (tiles_in > 1) {
                TILE_LOAD(tiles, 5, x1, pitch1);
                TILE_PRODUCT(tiles, 2, 5, 6);
                if (outputs > 1)
                    TILE_PRODUCT(tiles, 3, 5, 7);
                x1 += LKS_CHAINS;
            }
            x0 += LKS_CHAINS;
            dy += outputs * LKS_TILE_OPERANDS;
            finish(w, share);
        }
    }
    TILE_STORE(tiles, 0, to[0], line);
    if (outputs > 1)
        TILE_STORE(tiles, 1, to[0] + LKS_BLOCK, line);
    if (tiles_in > 1)
        TILE_STORE(tiles, 2, to[1], line);
    if (tiles_in > 1 && outputs > 1)
        TILE_STORE(tiles, 3, to[1] + LKS_BLOCK, line);
}

/* What is done with rows [row, end) that one call holds. */
typedef struct span {
    const lks_group *group;
    int index; /* of the group */
    int first; /* row of the output that was held first */
    int row, end;
    bool begins, ends; /* the chunk */
} span;

static row_tile row_tile_of(const work *w, const span *s, int pair, int number, int first) {
    const lks_plan *p = w->plan;
    const int tile = number / w->a->taps, t = number % w->a->taps;
    const lks_tap *tap = &p->taps[t];
    const lks_phase *f = &p->phases[tap->phase];
    const bool second = f->copies > 1 && tap->column % 2;
    const int left = w->a->channels - tile * LKS_BLOCK;
    const size_t partial =
        p->keeps ? (size_t)pair * p->tiles * w->a->taps + number : (size_t)(number - first);
    return (row_tile){.rows = left < LKS_BLOCK ? left : LKS_BLOCK,
                      .element = (size_t)t * w->a->channels + tile * LKS_BLOCK,
                      .from = p->x + s->index * p->x_group + f->at + second * f->copy +
                              (size_t)tile * LKS_BLOCK * f->pitch +
                              (size_t)(tap->column - second) * w->a->group,
                      .phase = f,
                      .shift = tap->row,
                      .partial = p->partials + partial * SUMS};
}

LKS_INLINE void tiles_of(work *w, int tiles_in, int outputs, const row_tile *r, int pair,
                         const span *s) {
    const lks_plan *p = w->plan;
    const lks_operand *dy = p->dy + s->index * p->dy_group +
                            ((size_t)2 * pair * p->band + (size_t)(s->row - s->first) * outputs) *
                                p->row_blocks * LKS_TILE_OPERANDS;
    const float *from[2] = {s->begins ? NULL : r[0].partial, r[tiles_in - 1].partial};
    float *sums = w->sums[w->turn];
    float *to[2] = {s->ends ? sums : r[0].partial, s->ends ? sums + SUMS : r[tiles_in - 1].partial};
    multiply(w, tiles_in, outputs, r, dy, s->row, s->end, from, to);
    if (!s->ends)
        return;
    finish(w, INT32_MAX);
    w->turn ^= 1;
    w->pending = (pending){.sums = sums,
                           .at = {r[0].element * w->a->row + pair * WIDTH,
                                  r[tiles_in - 1].element * w->a->row + pair * WIDTH},
                           .rows = {r[0].rows, tiles_in > 1 ? r[1].rows : 0},
                           .vectors = outputs * VPB,
                           .adds = s->group->adds};
}

/* Row tiles [first, end) times a pair of output blocks. */
static void row_tiles(work *w, int pair, int first, int end, const span *s) {
    const int outputs = w->a->blocks - 2 * pair < 2 ? 1 : 2;
    for (int n = first; n < end; n += 2) {
        const int tiles_in = end - n < 2 ? 1 : 2;
        row_tile r[2];
        for (int i = 0; i < tiles_in; i++)
            r[i] = row_tile_of(w, s, pair, n + i, first);
        if (tiles_in > 1 && outputs > 1)
            tiles_of(w, 2, 2, r, pair, s);
        else if (tiles_in > 1)
            tiles_of(w, 2, 1, r, pair, s);
        else if (outputs > 1)
            tiles_of(w, 1, 2, r, pair, s);
        else
            tiles_of(w, 1, 1, r, pair, s);
    }
}

/* Rows of the output whose operands of one pair of row tiles stay in the first-level cache. */
static int near_rows(const lks_plan *p) {
    const size_t dy = (size_t)p->row_blocks * 2 * LKS_TILE_BYTES,
                 x = LKS_BLOCK * p->phases[0].pitch * sizeof(lks_operand);
    return dy + x < NEAR ? (int)(NEAR / (dy + x)) : 1;
}

/* Rows [row, end) of all groups that are held. All taps of two tiles of channels go together over a few rows at a
 * time. */
static void multiply_held(work *w, const lks_group *groups, int n, int row, int end) {
    const lks_plan *p = w->plan;
    const int step = near_rows(p), row_tiles_all = p->tiles * w->a->taps, set = 2 * w->a->taps;
    for (int pair = 0; pair < p->pairs; pair++)
        for (int first = 0; first < row_tiles_all; first += set)
            for (int g = 0; g < n; g++)
                for (int y = row; y < end; y += step) {
                    const int y_end = y + step < end ? y + step : end;
                    const span s = {.group = &groups[g],
                                    .index = g,
                                    .first = row,
                                    .row = y,
                                    .end = y_end,
                                    .begins = groups[g].begins && y == 0,
                                    .ends = groups[g].ends && y_end == w->a->rows};
                    row_tiles(w, pair, first,
                              first + set < row_tiles_all ? first + set : row_tiles_all, &s);
                }
}

/* The group after `image`. */
static lks_group next_group(const lks_gradient_args *a, int image) {
    const int chunk = image / a->chunk * a->chunk,
              chunk_end = chunk + a->chunk < a->samples ? chunk + a->chunk : a->samples,
              left = chunk_end - image;
    return (lks_group){.image = image,
                       .images = left < a->group ? left : a->group,
                       .begins = image == chunk,
                       .ends = left <= a->group,
                       .adds = chunk > 0 || !a->fresh};
}

static bool all_images(const lks_gradient_args *a) {
    lks_plan plan;
    LKS_KERNEL(lks_tile_plan)(&plan, a, a->scratch);
    work w;
    w.a = a;
    w.plan = &plan;
    w.ok = true;
    w.turn = 0;
    w.pending = (pending){0};
    const lks_tile_config shape = lks_tile_shape(LKS_TILE_ROWS);
    TILES_BEGIN(&w.tiles, &shape);
    for (int image = 0; image < a->samples;) {
        lks_group groups[LKS_MAX_HELD];
        int n = 0;
        for (; n < plan.held && image < a->samples; n++) {
            groups[n] = next_group(a, image);
            image += groups[n].images;
        }
        for (int row = 0; row < a->rows; row += plan.band) {
            const int end = row + plan.band < a->rows ? row + plan.band : a->rows;
            for (int g = 0; g < n; g++)
                LKS_KERNEL(lks_tile_hold)(&plan, &groups[g], g, row, end);
            TILES_WRITTEN();
            multiply_held(&w, groups, n, row, end);
        }
    }
    finish(&w, INT32_MAX);
    TILES_END(&w.tiles);
    return w.ok;
}

/* Taps [first, first + LKS_MAX_TAPS), those that there are. */
static lks_gradient_args some_taps(const lks_gradient_args *a, int first) {
    lks_gradient_args b = *a;
    const size_t at = (size_t)first * a->channels * a->row;
    b.tap_offset += first;
    b.taps = a->taps - first < LKS_MAX_TAPS ? a->taps - first : LKS_MAX_TAPS;
    b.sums = a->sums ? a->sums + at : NULL;
    b.out = a->sums ? NULL : a->out + at;
    return b;
}

size_t LKS_KERNEL(lks_tile_gradient_scratch)(const lks_gradient_args *a) {
    size_t most = 0;
    for (int first = 0; first < a->taps; first += LKS_MAX_TAPS) {
        lks_gradient_args b = *a;
        b.tap_offset += first;
        b.taps = a->taps - first < LKS_MAX_TAPS ? a->taps - first : LKS_MAX_TAPS;
        lks_plan plan;
        LKS_KERNEL(lks_tile_plan)(&plan, &b, NULL);
        most = plan.bytes > most ? plan.bytes : most;
    }
    return most;
}

bool LKS_KERNEL(lks_tile_gradient)(const lks_gradient_args *a) {
    bool ok = true;
    for (int first = 0; first < a->taps; first += LKS_MAX_TAPS) {
        const lks_gradient_args b = some_taps(a, first);
        ok &= all_images(&b);
    }
    return ok;
}
