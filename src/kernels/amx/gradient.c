/* Weight gradients: rows of tiles are outputs, columns channels, and the recurrence runs over images and pixels. Sums
 * are transposed as they are added to those of the layer. */
#include "kernels/amx/dense.h"
#include "kernels/amx/few.h"
#include "kernels/amx/plan.h"
#include "kernels/amx/turn.h"

#define SUMS (LKS_TILE_ROWS * LKS_BLOCK) /* floats of a tile of sums */
#define QUAD 4                           /* channels that are finished together */
#define NEAR ((size_t)36 << 10)          /* bytes of operands that stay in the first-level cache */
#define LINE 16                          /* floats in a line of the cache */

/* 16 channels of a tap. */
typedef struct right_tile {
    int channels;            /* that are there */
    size_t element;          /* of the first one, counted from the first tap's first */
    const lks_operand *from; /* first row of the phase, first column */
    const lks_phase *phase;
    int shift; /* in rows */
    float *partial;
} right_tile;

/* Sums of a chunk that are not yet added, and where they belong. */
typedef struct pending {
    const float *sums; /* [right tile][left tile][16 outputs][16] */
    size_t at[2];      /* in sums or out: of each right tile */
    int channels[2];
    int quads, done; /* of both right tiles */
    int outputs;     /* left tiles */
    bool adds;
} pending;

typedef struct work {
    const lks_gradient_args *a;
    const lks_plan *plan;
    lks_tiles tiles;
    pending pending;
    pending coming; /* what will be pending: its places are fetched into the cache */
    bool ok;
    int turn;
    float sums[2][4 * SUMS] __attribute__((aligned(64)));
} work;

static int quads(int channels) {
    return (channels + QUAD - 1) / QUAD;
}

/* Adds a row of a tile: 16 outputs of a channel. */
LKS_INLINE void add_row(work *w, const float *partials, size_t at, bool adds) {
    LKS_FOR (int v = 0; v < VPB; v++) {
        const vf partial = v_load(partials + v * LKS_VL);
        const size_t place = at + v * LKS_VL;
        if (w->a->sums)
            w->ok &= v_add_exact(w->a->sums + place, partial, adds);
        else
            v_store(w->a->out + place, adds ? v_add(v_load(w->a->out + place), partial) : partial);
    }
}

/* Which right tile quad q belongs to; *c: its first channel. */
LKS_INLINE int tile_of(const pending *p, int q, int *c) {
    const int first = quads(p->channels[0]), t = q >= first;
    *c = QUAD * (t ? q - first : q);
    return t;
}

LKS_INLINE void finish_quad(work *w, int q) {
    const pending *p = &w->pending;
    int c;
    const int t = tile_of(p, q, &c), left = p->channels[t] - c, n = left < QUAD ? left : QUAD;
    const size_t at = p->at[t] + c * w->a->row;
    for (int o = 0; o < p->outputs; o++) {
        float rows[QUAD][LKS_BLOCK] __attribute__((aligned(64)));
        turn_sums(p->sums + (2 * t + o) * SUMS, c, rows);
        for (int i = 0; i < n; i++)
            add_row(w, rows[i], at + i * w->a->row + o * LKS_BLOCK, p->adds);
    }
}

/* Exact sums of all taps and channels are larger than a cache, and rows of a tile far apart. */
LKS_INLINE void fetch_quad(const work *w, int q) {
    const pending *p = &w->coming;
    if (q >= p->quads || !w->a->sums)
        return;
    int c;
    const int t = tile_of(p, q, &c);
    const int64_t *at = w->a->sums + p->at[t] + c * w->a->row;
    for (int i = 0; i < QUAD && c + i < p->channels[t]; i++, at += w->a->row)
        for (int line = 0; line < p->outputs * LKS_BLOCK; line += LINE / 2)
            __builtin_prefetch(at + line, 1);
}

LKS_INLINE void finish(work *w, int n) {
    pending *p = &w->pending;
    for (; n > 0 && p->done < p->quads; n--, p->done++) {
        fetch_quad(w, p->done);
        finish_quad(w, p->done);
    }
}

/* Places of the sums of up to 2 x 2 tiles. */
typedef struct places {
    float *at[2][2];
} places;

static places places_of(float *first, float *second) {
    return (places){{{first, second}, {first + SUMS, second + SUMS}}};
}

/* Rows [row, end) of the output; dy: that of `row`. from: NULL where sums begin with +0. Where they do not, the next
 * ones follow them. */
LKS_INLINE void multiply(work *w, int outputs, int n, const right_tile *r, const lks_operand *dy,
                         int row, int end, const places *from, const places *to) {
    const int row_blocks = w->plan->row_blocks, steps = (end - row) * row_blocks;
    const int share = (w->pending.quads - w->pending.done + steps - 1) / steps;
    const ptrdiff_t line = LKS_BLOCK * sizeof(float);
    const float *next = NULL;
    const int next_share = (4 * SUMS / LINE + steps - 1) / steps;
    if (from) {
        lks_tiles_fetch(&w->tiles, outputs, n, from->at, line);
        next = from->at[0][0] + 4 * SUMS;
    } else {
        lks_tiles_clear(&w->tiles);
    }
    for (int y = row; y < end; y++) {
        const lks_operand *x[2];
        LKS_FOR (int i = 0; i < n; i++)
            x[i] = r[i].from + (y + r[i].shift) % r[i].phase->rows * r[i].phase->row;
        for (int k = 0; k < row_blocks; k++) {
            lks_tiles_multiply(&w->tiles, outputs, n, (const void *[]){dy, dy + LKS_TILE_OPERANDS},
                               64, (const void *[]){x[0], x[n - 1]}, false);
            LKS_FOR (int i = 0; i < n; i++)
                x[i] += LKS_TILE_OPERANDS;
            dy += outputs * LKS_TILE_OPERANDS;
            finish(w, share);
            for (int i = 0; next && i < next_share; i++, next += LINE)
                __builtin_prefetch(next, 1);
        }
    }
    lks_tiles_store(&w->tiles, outputs, n, to->at, line);
}

/* What is done with rows [row, end) that one call holds. */
typedef struct span {
    const lks_group *group;
    int index; /* of the group */
    int first; /* row of the output that was held first */
    int row, end;
    bool begins, ends; /* the chunk */
} span;

static right_tile right_tile_of(const work *w, const span *s, int pair, int number, int first) {
    const lks_plan *p = w->plan;
    const int tile = number / w->a->taps, t = number % w->a->taps;
    const lks_tap *tap = &p->taps[t];
    const lks_phase *f = &p->phases[tap->phase];
    const bool second = f->copies > 1 && tap->column % 2;
    const int left = w->a->channels - tile * LKS_BLOCK;
    const size_t partial =
        p->keeps ? (size_t)pair * p->tiles * w->a->taps + number : (size_t)(number - first);
    return (right_tile){.channels = left < LKS_BLOCK ? left : LKS_BLOCK,
                        .element = (size_t)t * w->a->channels + tile * LKS_BLOCK,
                        .from = p->x + s->index * p->x_group + f->at + second * f->copy +
                                tile * f->tile +
                                (size_t)(tap->column - second) * w->a->group * LKS_BLOCK,
                        .phase = f,
                        .shift = tap->row,
                        .partial = p->partials + partial * 2 * SUMS};
}

LKS_INLINE void tiles_of(work *w, int outputs, int n, const right_tile *r, int pair,
                         const span *s) {
    const lks_plan *p = w->plan;
    const lks_operand *dy = p->dy + s->index * p->dy_group +
                            ((size_t)2 * pair * p->band + (size_t)(s->row - s->first) * outputs) *
                                p->row_blocks * LKS_TILE_OPERANDS;
    float *sums = w->sums[w->turn];
    const places from = places_of(r[0].partial, r[n - 1].partial),
                 to = s->ends ? places_of(sums, sums + 2 * SUMS) : from;
    w->coming = (pending){.quads = 0};
    if (s->ends)
        w->coming = (pending){.sums = sums,
                              .channels = {r[0].channels, n > 1 ? r[1].channels : 0},
                              .quads = quads(r[0].channels) + (n > 1 ? quads(r[1].channels) : 0),
                              .outputs = outputs,
                              .adds = s->group->adds};
    LKS_FOR (int i = 0; i < n; i++)
        w->coming.at[i] = r[i].element * w->a->row + pair * 2 * LKS_BLOCK;
    multiply(w, outputs, n, r, dy, s->row, s->end, s->begins ? NULL : &from, &to);
    if (!s->ends)
        return;
    finish(w, INT32_MAX);
    w->turn ^= 1;
    w->pending = w->coming;
}

/* Right tiles [first, end) times a pair of output blocks. */
static void right_tiles(work *w, int pair, int first, int end, const span *s) {
    const int outputs = w->a->blocks - 2 * pair < 2 ? 1 : 2;
    for (int n = first; n < end; n += 2) {
        const int tiles_in = end - n < 2 ? 1 : 2;
        right_tile r[2];
        for (int i = 0; i < tiles_in; i++)
            r[i] = right_tile_of(w, s, pair, n + i, first);
        if (tiles_in > 1 && outputs > 1)
            tiles_of(w, 2, 2, r, pair, s);
        else if (tiles_in > 1)
            tiles_of(w, 1, 2, r, pair, s);
        else if (outputs > 1)
            tiles_of(w, 2, 1, r, pair, s);
        else
            tiles_of(w, 1, 1, r, pair, s);
    }
}

/* Rows of the output whose operands of one pair of right tiles stay in the first-level cache. */
static int near_rows(const lks_plan *p) {
    const size_t dy = (size_t)p->row_blocks * 2 * LKS_TILE_BYTES,
                 x = p->phases[0].tile * sizeof(lks_operand);
    return dy + x < NEAR ? (int)(NEAR / (dy + x)) : 1;
}

/* Rows [row, end) of all groups that are held. All taps of two tiles of channels go together over a few rows at a
 * time. */
static void multiply_held(work *w, const lks_group *groups, int n, int row, int end) {
    const lks_plan *p = w->plan;
    const int step = near_rows(p), right_tiles_all = p->tiles * w->a->taps, set = 2 * w->a->taps;
    for (int pair = 0; pair < p->pairs; pair++)
        for (int first = 0; first < right_tiles_all; first += set)
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
                    right_tiles(w, pair, first,
                                first + set < right_tiles_all ? first + set : right_tiles_all, &s);
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

static size_t largest(size_t a, size_t b) {
    return a > b ? a : b;
}

size_t LKS_KERNEL(lks_tile_gradient_scratch)(const lks_gradient_args *a) {
    /* a dense layer's few channels of several taps go the other way, a part of one tap does not */
    if (lks_tile_is_dense(a))
        return largest(LKS_KERNEL(lks_tile_dense_scratch)(a), LKS_KERNEL(lks_tile_few_scratch)(a));
    size_t bytes = 0; /* a part may have taps of two of these */
    for (int first = 0; first < a->taps; first += LKS_MAX_TAPS) {
        lks_gradient_args b = *a;
        b.tap_offset += first;
        b.taps = a->taps - first < LKS_MAX_TAPS ? a->taps - first : LKS_MAX_TAPS;
        lks_plan plan;
        LKS_KERNEL(lks_tile_plan)(&plan, &b, NULL);
        bytes += plan.bytes;
    }
    /* a part of one tap has the other way */
    return lks_tile_has_few(a) ? largest(bytes, LKS_KERNEL(lks_tile_few_scratch)(a)) : bytes;
}

bool LKS_KERNEL(lks_tile_gradient)(const lks_gradient_args *a) {
    bool ok = true;
    if (lks_tile_has_few(a))
        return LKS_KERNEL(lks_tile_few)(a);
    if (lks_tile_is_dense(a))
        return LKS_KERNEL(lks_tile_dense)(a);
    for (int first = 0; first < a->taps; first += LKS_MAX_TAPS) {
        const lks_gradient_args b = some_taps(a, first);
        ok &= all_images(&b);
    }
    return ok;
}
