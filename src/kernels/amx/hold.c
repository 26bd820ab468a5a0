/* Operands of weight gradients as their tiles want them. */
#include "kernels/amx/plan.h"

static const lks_operand zeros[LKS_BLOCK];

/* Where the 32 operands of a block of the recurrence come from, 16 channels each; zeros where there are none. */
typedef struct sources {
    const lks_operand *from[LKS_CHAINS];
    ptrdiff_t step[LKS_CHAINS]; /* to the next 16 channels */
} sources;

static void set_source(sources *s, int k, const lks_operand *from) {
    s->from[k] = from ? from : zeros;
    s->step[k] = from ? LKS_BLOCK : 0;
}

static void next_channels(sources *s) {
    for (int k = 0; k < LKS_CHAINS; k++)
        s->from[k] += s->step[k];
}

/* A channel becomes a row: to[channel][k], rows `pitch` apart. */
static void transpose(const sources *s, lks_operand *to, size_t pitch) {
    for (int c = 0; c < LKS_BLOCK; c++)
        for (int k = 0; k < LKS_CHAINS; k++)
            to[c * pitch + k] = s->from[k][c];
}

/* A channel becomes a column: to[k / 2][channel][2]. */
static void interleave(const sources *s, lks_operand *to) {
    for (int k = 0; k < LKS_CHAINS; k += 2)
        for (int c = 0; c < LKS_BLOCK; c++) {
            *to++ = s->from[k][c];
            *to++ = s->from[k + 1][c];
        }
}

/* Columns from `column` on, of row `row` of a phase. */
static sources sources_of_x(const lks_plan *p, const lks_phase *f, const lks_group *g, int row,
                            int column) {
    const lks_gradient_args *a = p->a;
    const lks_operand *x = (const lks_operand *)a->x;
    sources s;
    for (int k = 0; k < LKS_CHAINS; k++) {
        const int image = k % a->group;
        const ptrdiff_t offset = (ptrdiff_t)(row + f->first_row) * a->x_row + f->rest +
                                 (column + k / a->group + f->first_column) * p->x_column;
        const bool there = image < g->images && offset >= p->first && offset <= p->last;
        set_source(&s, k, there ? x + (g->image + image) * a->x_stride + offset : NULL);
    }
    return s;
}

/* One row of a phase, all channels. */
static void hold_x(const lks_plan *p, const lks_phase *f, const lks_group *g, int row,
                   lks_operand *to) {
    const int group = p->a->group;
    for (int column = 0; column < f->columns; column += p->per_block) {
        sources s = sources_of_x(p, f, g, row, column);
        lks_operand *at = to + (size_t)column * group;
        for (int t = 0; t < p->tiles; t++, at += LKS_BLOCK * f->pitch, next_channels(&s))
            transpose(&s, at, f->pitch);
    }
    if (f->copies > 1)
        for (size_t c = 0; c < (size_t)p->tiles * LKS_BLOCK; c++)
            memcpy(to + f->copy + c * f->pitch, to + c * f->pitch + group,
                   (size_t)(f->columns - 1) * group * sizeof *to);
}

static sources sources_of_dy(const lks_plan *p, const lks_group *g, int row, int block) {
    const lks_gradient_args *a = p->a;
    const lks_operand *dy = (const lks_operand *)a->dy;
    sources s;
    for (int k = 0; k < LKS_CHAINS; k++) {
        const int image = k % a->group, column = block * p->per_block + k / a->group;
        const bool there = image < g->images && column < a->columns;
        set_source(&s, k,
                   there ? dy + (g->image + image) * a->dy_stride + (ptrdiff_t)row * a->dy_row +
                               (ptrdiff_t)column * a->dy_column
                         : NULL);
    }
    return s;
}

/* Row `row` of the output stands at place `at` of the band. */
static void hold_dy(const lks_plan *p, const lks_group *g, int row, int at, lks_operand *to) {
    const size_t blocks = (size_t)p->band * p->row_blocks;
    for (int k = 0; k < p->row_blocks; k++) {
        sources s = sources_of_dy(p, g, row, k);
        const size_t place = (size_t)at * p->row_blocks + k;
        for (int b = 0; b < p->a->blocks; b++, next_channels(&s)) {
            const int pair = b & ~1, in_pair = p->a->blocks - pair < 2 ? 1 : 2;
            interleave(&s, to + (pair * blocks + place * in_pair + b % 2) * LKS_TILE_OPERANDS);
        }
    }
}

void LKS_KERNEL(lks_tile_hold)(const lks_plan *p, const lks_group *g, int index, int row, int end) {
    for (int n = 0; n < p->n_phases; n++) {
        const lks_phase *f = &p->phases[n];
        const int span = f->end_row - f->first_row - 1;
        lks_operand *to = p->x + index * p->x_group + f->at;
        for (int r = row > 0 ? row + span : 0; r < end + span; r++)
            hold_x(p, f, g, r, to + r % f->rows * f->row);
    }
    for (int r = row; r < end; r++)
        hold_dy(p, g, r, r - row, p->dy + index * p->dy_group);
}
