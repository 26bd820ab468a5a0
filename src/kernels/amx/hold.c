/* Operands of weight gradients as their tiles want them. */
#include "kernels/amx/plan.h"
#include "kernels/amx/turn.h"

/* Where the 32 operands of a block of the recurrence come from: all channels of an image at a pixel. */
typedef struct sources {
    const lks_operand *from[LKS_CHAINS];
} sources;

/* Those of the first block of a row; what is not there, images that are missing, comes from zeros. */
static void first_block(const lks_plan *p, const lks_group *g, const void *plane, size_t stride,
                        ptrdiff_t column, sources *s) {
    const int n = p->a->group;
    for (int k = 0; k < LKS_CHAINS; k++) {
        const lks_operand *image =
            (const lks_operand *)plane + (g->image + k % n) * stride + k / n * column;
        s->from[k] = k % n < g->images ? image : p->zeros;
    }
}

/* The same, `offset` further on, but for columns outside [first, end) of the block. */
static void other_block(const lks_plan *p, const lks_group *g, const sources *row, ptrdiff_t offset,
                        int first, int end, sources *s) {
    const int n = p->a->group;
    if (first <= 0 && end >= p->per_block && g->images == n) {
        for (int k = 0; k < LKS_CHAINS; k++)
            s->from[k] = row->from[k] + offset;
        return;
    }
    for (int k = 0; k < LKS_CHAINS; k++) {
        const bool there = k % n < g->images && k / n >= first && k / n < end;
        s->from[k] = there ? row->from[k] + offset : p->zeros;
    }
}

/* Division that rounds up. */
static ptrdiff_t upwards(ptrdiff_t a, ptrdiff_t b) {
    return a / b + (a % b > 0);
}

/* One row of a phase, all channels; `shift`: the column that comes first. */
static void hold_x(const lks_plan *p, const lks_phase *f, const sources *row, const lks_group *g,
                   int number, int shift, lks_operand *to) {
    for (int column = 0; column < f->columns; column += p->per_block, to += LKS_TILE_OPERANDS) {
        const ptrdiff_t offset = (ptrdiff_t)(number + f->first_row) * p->a->x_row + f->rest +
                                 (column + shift + f->first_column) * p->x_column;
        sources s;
        other_block(p, g, row, offset, (int)upwards(p->first - offset, p->x_column),
                    (int)upwards(p->last + 1 - offset, p->x_column), &s);
        lks_operand *at = to;
        int t = 0;
        for (; t + 2 <= p->tiles; t += 2, at += 2 * f->tile)
            turn_two_to_columns(s.from, (size_t)t * LKS_BLOCK, at, at + f->tile);
        if (t < p->tiles)
            turn_to_columns(s.from, (size_t)t * LKS_BLOCK, at);
    }
}

/* One row of the output; it stands at place `at` of the band. */
static void hold_dy(const lks_plan *p, const sources *row, const lks_group *g, int number, int at,
                    lks_operand *to) {
    const lks_gradient_args *a = p->a;
    const size_t blocks = (size_t)p->band * p->row_blocks;
    for (int k = 0; k < p->row_blocks; k++) {
        const int column = k * p->per_block;
        sources s;
        other_block(p, g, row, (ptrdiff_t)number * a->dy_row + (ptrdiff_t)column * a->dy_column, 0,
                    a->columns - column, &s);
        const size_t place = (size_t)at * p->row_blocks + k;
        for (int b = 0; b < a->blocks; b++) {
            const int pair = b & ~1, in_pair = a->blocks - pair < 2 ? 1 : 2;
            turn_to_rows(s.from, (size_t)b * LKS_BLOCK,
                         to + (pair * blocks + place * in_pair + b % 2) * LKS_TILE_OPERANDS);
        }
    }
}

void LKS_KERNEL(lks_tile_hold)(const lks_plan *p, const lks_group *g, int index, int row, int end) {
    sources s;
    first_block(p, g, p->a->x, p->a->x_stride, p->x_column, &s);
    for (int n = 0; n < p->n_phases; n++) {
        const lks_phase *f = &p->phases[n];
        const int span = f->end_row - f->first_row - 1;
        lks_operand *to = p->x + index * p->x_group + f->at;
        for (int r = row > 0 ? row + span : 0; r < end + span; r++)
            for (int copy = 0; copy < f->copies; copy++)
                hold_x(p, f, &s, g, r, copy, to + r % f->rows * f->row + copy * f->copy);
    }
    first_block(p, g, p->a->dy, p->a->dy_stride, p->a->dy_column, &s);
    for (int r = row; r < end; r++)
        hold_dy(p, &s, g, r, r - row, p->dy + index * p->dy_group);
}
