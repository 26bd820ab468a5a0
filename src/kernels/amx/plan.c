#include "kernels/amx/plan.h"

/* Of a second-level cache of 2 MiB, a quarter for groups of images, so that sums can pass through it as well, half for
 * one that is not cut into bands: its partials need not be kept. */
#define HELD_BYTES  ((size_t)1 << 19)
#define WHOLE_BYTES ((size_t)1 << 20)
#define LINE        32 /* operands in a line of the cache */

/* Where the output has one column any distance will do: that of the taps makes them share. */
static ptrdiff_t column_of(const lks_gradient_args *a) {
    ptrdiff_t distance = 0;
    for (int t = 1; t < a->taps; t++) {
        const ptrdiff_t d = a->tap_offset[t] - a->tap_offset[t - 1];
        if (d > 0 && (distance == 0 || d < distance))
            distance = d;
    }
    return a->columns > 1 ? a->x_column : distance ? distance : a->channels;
}

static void set_geometry(lks_plan *p) {
    const lks_gradient_args *a = p->a;
    p->x_column = column_of(a);
    p->per_block = LKS_CHAINS / a->group;
    p->row_blocks = (a->columns + p->per_block - 1) / p->per_block;
    p->tiles = (a->channels + LKS_BLOCK - 1) / LKS_BLOCK;
    p->pairs = (a->blocks + 1) / 2;
    p->first = p->last = a->tap_offset[0];
    for (int t = 1; t < a->taps; t++) {
        p->first = a->tap_offset[t] < p->first ? a->tap_offset[t] : p->first;
        p->last = a->tap_offset[t] > p->last ? a->tap_offset[t] : p->last;
    }
    p->last += (ptrdiff_t)(a->rows - 1) * a->x_row + (ptrdiff_t)(a->columns - 1) * a->x_column;
}

/* Adds a tap to the phase that has its rest. */
static void add_tap(lks_plan *p, int t) {
    const ptrdiff_t offset = p->a->tap_offset[t];
    const int row = p->a->rows > 1 ? (int)(offset / p->a->x_row) : 0;
    const ptrdiff_t in_row = offset - (ptrdiff_t)row * p->a->x_row * (p->a->rows > 1);
    const int column = (int)(in_row / p->x_column);
    const ptrdiff_t rest = in_row - column * p->x_column;
    int n = 0;
    while (n < p->n_phases && p->phases[n].rest != rest)
        n++;
    lks_phase *s = &p->phases[n];
    if (n == p->n_phases) {
        *s = (lks_phase){.rest = rest, .first_row = row, .first_column = column};
        p->n_phases++;
    }
    s->first_row = row < s->first_row ? row : s->first_row;
    s->end_row = row >= s->end_row ? row + 1 : s->end_row;
    s->first_column = column < s->first_column ? column : s->first_column;
    s->columns = column >= s->columns ? column + 1 : s->columns; /* the end, so far */
    p->taps[t] = (lks_tap){n, row, column};
}

/* Rows in addition to those of the output. */
static int span_of(const lks_phase *s) {
    return s->end_row - s->first_row - 1;
}

static void set_row(const lks_plan *p, lks_phase *s) {
    const int columns =
        s->columns - s->first_column - 1 + p->row_blocks * p->per_block + p->per_block - 1;
    s->columns = columns / p->per_block * p->per_block;
    s->tile = (size_t)s->columns * p->a->group * LKS_BLOCK;
    s->copy = s->tile * p->tiles;
    s->row = s->copy * s->copies;
}

static void set_phases(lks_plan *p) {
    for (int t = 0; t < p->a->taps; t++)
        add_tap(p, t);
    for (int n = 0; n < p->n_phases; n++)
        p->phases[n].copies = 1;
    for (int t = 0; t < p->a->taps; t++) {
        lks_tap *tap = &p->taps[t];
        lks_phase *s = &p->phases[tap->phase];
        tap->row -= s->first_row;
        tap->column -= s->first_column;
        if (tap->column % 2 != 0 && p->a->group == 1)
            s->copies = 2;
    }
    for (int n = 0; n < p->n_phases; n++)
        set_row(p, &p->phases[n]);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t largest(size_t a, size_t b) {
    return a > b ? a : b;
}

/* As many rows, or groups of images, as the cache holds. */
static void set_band(lks_plan *p) {
    const lks_gradient_args *a = p->a;
    size_t row = (size_t)p->row_blocks * a->blocks * LKS_TILE_BYTES, span = 0; /* bytes */
    for (int n = 0; n < p->n_phases; n++) {
        row += p->phases[n].row * sizeof(lks_operand);
        span += p->phases[n].row * span_of(&p->phases[n]) * sizeof(lks_operand);
    }
    const size_t group = span + row * a->rows,
                 groups = least((size_t)(a->samples + a->group - 1) / a->group, LKS_MAX_HELD);
    size_t band = HELD_BYTES > span + row ? (HELD_BYTES - span) / row : 1;
    if (group <= WHOLE_BYTES)
        band = a->rows;
    p->band = (int)least(band, a->rows);
    p->held = p->band < a->rows ? 1 : (int)least(HELD_BYTES / group, groups);
    p->held = p->held < 1 ? 1 : p->held;
    p->keeps = p->band < a->rows || a->chunk > a->group;
    p->most_operands = largest(least(groups * group, HELD_BYTES), least(group, WHOLE_BYTES));
    p->most_operands = largest(p->most_operands, span + row);
}

static void set_memory(lks_plan *p, char *memory) {
    const lks_gradient_args *a = p->a;
    for (int n = 0; n < p->n_phases; n++) {
        lks_phase *s = &p->phases[n];
        s->rows = p->band + span_of(s);
        s->at = p->x_group;
        p->x_group += s->row * s->rows;
    }
    p->dy_group = (size_t)p->band * p->row_blocks * a->blocks * LKS_TILE_OPERANDS;
    const int zeros = p->tiles > a->blocks ? p->tiles : a->blocks;
    const size_t nothing = ((size_t)zeros * LKS_BLOCK + LINE - 1) / LINE * LINE;
    const size_t tiles = p->keeps ? (size_t)p->pairs * p->tiles : 2;
    p->bytes = p->most_operands + nothing * sizeof *p->x + tiles * a->taps * 2 * LKS_TILE_BYTES;
    if (memory) {
        p->x = (lks_operand *)memory;
        p->dy = p->x + p->x_group * p->held;
        p->zeros = p->dy + p->dy_group * p->held;
        p->partials = (float *)(p->zeros + nothing);
        memset(p->zeros, 0, nothing * sizeof *p->zeros);
    }
}

void LKS_KERNEL(lks_tile_plan)(lks_plan *p, const lks_gradient_args *a, char *memory) {
    p->a = a;
    p->n_phases = 0;
    p->x_group = 0;
    set_geometry(p);
    set_phases(p);
    set_band(p);
    set_memory(p, memory);
}
