#include "kernels/amx/rows.h"
#include "kernels/amx/turn.h"

/* The window's first pixel stands for all four. */
static int per_row(const lks_product_args *a) {
    return a->argmax ? 4 : 1;
}

static size_t place_of(const lks_product_args *a, int pixel) {
    return a->out_offset ? (size_t)a->out_offset[pixel]
                         : (size_t)(pixel / per_row(a)) * a->blocks * LKS_BLOCK;
}

/* The first pixel after those from `first` on that one tile holds. */
static int flat_end(const lks_walk *w, int first) {
    const lks_product_args *a = w->a;
    const int n = per_row(a);
    int i = first + n;
    for (; i < a->n_pixels; i += n) {
        const int32_t distance = a->pixel_offset[i] - a->pixel_offset[first];
        if (distance % w->step != 0 || distance / w->step >= w->rows)
            break;
    }
    return i;
}

/* Rows are equidistant pixels, if their offsets ascend. All rows of all tiles lie between the first and the last pixel,
 * where operands can be read. */
static bool set_flat(lks_walk *w) {
    const lks_product_args *a = w->a;
    const int32_t *offset = a->pixel_offset;
    const int n = per_row(a);
    int32_t step = INT32_MAX;
    for (int i = n; i < a->n_pixels; i += n) {
        const int32_t distance = offset[i] - offset[i - n];
        if (distance <= 0)
            return false;
        step = distance < step ? distance : step;
    }
    if (a->n_pixels <= n)
        return false;
    bool even = true; /* all pixels are places of one row that goes on */
    for (int i = n; i < a->n_pixels; i += n)
        even &= (offset[i] - offset[0]) % step == 0;
    const int rows = (offset[a->n_pixels - n] - offset[0]) / step + even;
    w->flat = true;
    w->step = step;
    w->rows = rows < LKS_TILE_ROWS ? rows : LKS_TILE_ROWS;
    return true;
}

static int flat_tiles(const lks_walk *w) {
    int tiles = 0;
    for (int i = 0; i < w->a->n_pixels; i = flat_end(w, i))
        tiles++;
    return tiles;
}

/* Rows are images. */
static void set_images(lks_walk *w, int rows) {
    w->flat = false;
    w->rows = rows;
    w->step = (ptrdiff_t)w->a->x_stride;
    w->places[0].n = rows;
    for (int r = 0; r < rows; r++) {
        w->places[0].row[r] = (uint8_t)r;
        w->places[0].at[r] = r * w->a->out_stride;
    }
}

/* Rows are pixels, copied together. */
static void set_copies(lks_walk *w) {
    w->flat = true;
    w->rows = LKS_TILE_ROWS;
    w->step = LKS_CHAINS;
    w->runs = w->per_run = 1;
}

lks_walk LKS_KERNEL(lks_tile_walk)(const lks_product_args *a, int first, int *end) {
    lks_walk w = {.a = a, .image = first, .runs = a->n_runs};
    w.per_run = (a->run_length + LKS_CHAINS - 1) / LKS_CHAINS;
    const int images = *end - first;
    if (a->one_block) {
        set_copies(&w);
    } else if (images >= LKS_TILE_ROWS) {
        *end -= images % LKS_TILE_ROWS;
        set_images(&w, LKS_TILE_ROWS);
    } else if (!set_flat(&w) || flat_tiles(&w) * images * per_row(a) >= a->n_pixels) {
        set_images(&w, images);
    }
    w.end_image = *end;
    return w;
}

static void join_reach(lks_strip *s, const lks_walk *w, int first, int end) {
    const lks_product_args *a = w->a;
    if (!a->reach || a->one_block) { /* reach counts runs, which are one there */
        s->first_run = s->first_block = 0;
        s->end_run = w->runs;
        s->end_block = w->per_run;
        return;
    }
    for (int i = first; i < end; i++) {
        const lks_reach *r = &a->reach[i];
        s->first_run = r->first_run < s->first_run ? r->first_run : s->first_run;
        s->end_run = r->end_run > s->end_run ? r->end_run : s->end_run;
        s->first_block = r->first_block < s->first_block ? r->first_block : s->first_block;
        s->end_block = r->end_block > s->end_block ? r->end_block : s->end_block;
    }
}

/* The tile's rows begin before its first pixel where they would else reach beyond the last one. */
static int flat_start(const lks_walk *w, int first) {
    const lks_product_args *a = w->a;
    const ptrdiff_t last = a->pixel_offset[a->n_pixels - per_row(a)],
                    over = a->pixel_offset[first] + (w->rows - 1) * w->step - last;
    return over > 0 ? (int)((over + w->step - 1) / w->step) : 0;
}

/* Pixels [first, end) as rows of tile t of the strip. */
static void add_flat(lks_walk *w, lks_strip *s, int t, int first, int end) {
    const lks_product_args *a = w->a;
    const int n = per_row(a), before = flat_start(w, first);
    lks_places *places = &w->places[w->turn++ % 4];
    places->n = 0;
    for (int i = first; i < end; i += n) {
        const ptrdiff_t distance = a->pixel_offset[i] - a->pixel_offset[first];
        places->row[places->n] = (uint8_t)(distance / w->step + before);
        places->at[places->n++] = place_of(a, i);
    }
    s->places[t] = places;
    s->at[t] = w->image * a->out_stride;
    for (int k = 0; k < n; k++)
        s->x[t + k] = (const lks_operand *)a->x + w->image * a->x_stride +
                      a->pixel_offset[first + k] - before * w->step;
}

/* Where the operands of a pixel come from, and how far apart the pixels are of which rows are made. */
typedef struct copied {
    const lks_operand *x;
    const int32_t *pixel;
    int step, n;
} copied;

/* `width`: at least a run. What is copied beyond its end is the place of the next run or of the next row, which are
 * copied later, or meets zero weights. */
LKS_INLINE void copy_runs(const lks_product_args *a, copied c, int width, lks_operand *to) {
    const int n_runs = a->n_runs, run_length = a->run_length;
    int32_t run[LKS_CHAINS];
    memcpy(run, a->run_offset, (size_t)n_runs * sizeof *run);
    for (int i = 0; i < c.n; i++, to += LKS_CHAINS)
        for (int r = 0; r < n_runs; r++)
            memcpy(to + r * run_length, c.x + c.pixel[i * c.step] + run[r],
                   (size_t)width * sizeof *to);
}

#ifdef LKS_ISA_AVX512
#define SHORT 8 /* runs, and operands in each, that a pair of registers holds */

/* `most` runs: up to four in the first register, all others in the second. */
LKS_INLINE void copy_short_runs(const lks_product_args *a, copied c, int most, lks_operand *to) {
    int16_t order[LKS_CHAINS] = {0};
    const lks_operand *run[SHORT];
    for (int r = 0; r < SHORT; r++)
        run[r] = c.x + a->run_offset[r < a->n_runs ? r : 0];
    for (int k = 0; k < a->n_runs * a->run_length; k++)
        order[k] = (int16_t)(k / a->run_length * SHORT + k % a->run_length);
    const __m512i places = _mm512_loadu_si512(order);
    for (int i = 0; i < c.n; i++, to += LKS_CHAINS) {
        const ptrdiff_t at = c.pixel[i * c.step];
        const __m512i first = load_lanes(run[0] + at, run[1] + at, run[2] + at, run[3] + at);
        __m512i second = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(run[4] + at)));
        if (most > 5)
            second = load_lanes(run[4] + at, run[5] + at, run[6] + at, run[7] + at);
        _mm512_storeu_si512(to, most > 4 ? _mm512_permutex2var_epi16(first, places, second)
                                         : _mm512_permutexvar_epi16(places, first));
    }
}
#endif

static void copy_pixels(const lks_product_args *a, copied c, lks_operand *to) {
#ifdef LKS_ISA_AVX512
    if (a->run_length <= SHORT && a->n_runs <= 4)
        copy_short_runs(a, c, 4, to);
    else if (a->run_length <= SHORT && a->n_runs == 5)
        copy_short_runs(a, c, 5, to);
    else if (a->run_length <= SHORT && a->n_runs <= SHORT)
        copy_short_runs(a, c, SHORT, to);
    else
#endif
        if (a->run_length <= LKS_BLOCK)
        copy_runs(a, c, LKS_BLOCK, to);
    else
        copy_runs(a, c, LKS_CHAINS, to);
}

/* One tile's worth of pixels, or of windows, from `first` on as rows of tile t; returns the pixel after them. */
static int add_copies(lks_walk *w, lks_strip *s, int t, int first) {
    const lks_product_args *a = w->a;
    const int step = per_row(a), left = (a->n_pixels - first) / step;
    const lks_operand *x = (const lks_operand *)a->x + w->image * a->x_stride;
    lks_places *places = &w->places[w->turn++ % 4];
    places->n = left < LKS_TILE_ROWS ? left : LKS_TILE_ROWS;
    for (int i = 0; i < places->n; i++) {
        places->row[i] = (uint8_t)i;
        places->at[i] = place_of(a, first + i * step);
    }
    s->places[t] = places;
    s->at[t] = w->image * a->out_stride;
    for (int k = 0; k < step; k++) {
        lks_operand *to = w->copies + (t + k) * LKS_TILE_ROWS * LKS_CHAINS;
        copy_pixels(a, (copied){x, a->pixel_offset + first + k, step, places->n}, to);
        s->x[t + k] = to;
    }
    return first + places->n * step;
}

static void add_images(lks_walk *w, lks_strip *s, int t) {
    const lks_product_args *a = w->a;
    s->places[t] = &w->places[0];
    s->at[t] = w->image * a->out_stride + place_of(a, w->pixel);
    for (int k = 0; k < per_row(a); k++)
        s->x[t + k] =
            (const lks_operand *)a->x + w->image * a->x_stride + a->pixel_offset[w->pixel + k];
}

/* One more row tile, or window of them. */
static void add_tile(lks_walk *w, lks_strip *s) {
    const int t = s->tiles, first = w->pixel;
    int end = first + per_row(w->a);
    if (w->a->one_block) {
        end = add_copies(w, s, t, first);
    } else if (w->flat) {
        end = flat_end(w, first);
        add_flat(w, s, t, first, end);
    } else {
        add_images(w, s, t);
    }
    join_reach(s, w, first, end);
    s->tiles += per_row(w->a);
    w->pixel = end;
    if (w->pixel == w->a->n_pixels) {
        w->pixel = 0;
        w->image += w->flat ? 1 : w->rows;
    }
}

bool LKS_KERNEL(lks_tile_next)(lks_walk *w, lks_strip *s) {
    *s = (lks_strip){.first_run = INT32_MAX, .first_block = INT32_MAX};
    while (w->image < w->end_image && s->tiles < (w->a->argmax ? 4 : 2))
        add_tile(w, s);
    return s->tiles > 0;
}
