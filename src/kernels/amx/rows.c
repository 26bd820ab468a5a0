#include "kernels/amx/rows.h"

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

lks_walk LKS_KERNEL(lks_tile_walk)(const lks_product_args *a, int first, int *end) {
    lks_walk w = {.a = a, .image = first};
    w.per_run = (a->run_length + LKS_CHAINS - 1) / LKS_CHAINS;
    const int images = *end - first;
    if (images >= LKS_TILE_ROWS) {
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
    if (!a->reach) {
        s->first_run = s->first_block = 0;
        s->end_run = a->n_runs;
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
    if (w->flat) {
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
