/* How weight gradients are cut, and where their operands stand in scratch memory. */
#ifndef LKS_KERNELS_AMX_PLAN_H
#define LKS_KERNELS_AMX_PLAN_H

#include "kernels/amx/amx.h"

#define LKS_MAX_TAPS 64 /* that are worked on together */
#define LKS_MAX_HELD 16 /* groups of images held at once */

/* Taps that are whole columns and rows of the output apart share their operands: x as tiles on the right, so that a
 * shift by columns is an offset: [row][copy][tile of channels][column][pair of images][16][2]. */
typedef struct lks_phase {
    ptrdiff_t rest;            /* elements, beside the shifts */
    int first_row, end_row;    /* shifts of its taps */
    int first_column, columns; /* first shift; columns that are stored: whole blocks */
    int rows;                  /* stored ones; row r stands at r % rows */
    int copies; /* 2 where columns are the pairs: column c stands at c, in the second copy at c - 1 */
    size_t tile, copy, row; /* elements from one to the next */
    size_t at;              /* elements, where it begins */
} lks_phase;

typedef struct lks_tap {
    int phase, row, column; /* shifts, from the first ones of the phase */
} lks_tap;

/* Images of one chunk that are multiplied together. */
typedef struct lks_group {
    int image, images;
    bool begins, ends; /* the chunk */
    bool adds;         /* to what stands in the sums */
} lks_group;

typedef struct lks_plan {
    const lks_gradient_args *a;
    ptrdiff_t x_column;       /* elements from column to column */
    ptrdiff_t first, last;    /* offsets of x that are used lie between these */
    int per_block;            /* pixels in a block of the recurrence */
    int row_blocks;           /* blocks in a row */
    int tiles;                /* of channels */
    int pairs;                /* of output blocks */
    int band;                 /* rows held at once */
    int held;                 /* groups of images held at once */
    bool keeps;               /* partials of all tiles stand in memory while operands come and go */
    size_t x_group, dy_group; /* elements of a group of images */
    size_t most_operands; /* bytes of x and dy, also for fewer samples, channels or outputs: those
                                 may hold more at once */
    size_t bytes;         /* of scratch memory for any of these */
    lks_operand *x, *dy; /* [held] groups; dy as tiles on the left: [pair][row][block][2][16][32] */
    lks_operand *zeros;  /* as many as there are channels or outputs */
    float *partials; /* [pair][tile][tap][2][16 outputs][16]; of two tiles, unless it keeps them */
    int n_phases;
    lks_tap taps[LKS_MAX_TAPS];
    lks_phase phases[LKS_MAX_TAPS];
} lks_plan;

/* For at most LKS_MAX_TAPS taps. memory: NULL, only to know `bytes`. */
void LKS_KERNEL(lks_tile_plan)(lks_plan *p, const lks_gradient_args *a, char *memory);

/* Puts rows [row, end) of the output and what of x belongs to them into place `index` of those held. Rows begin with 0,
 * or where the call before has ended. */
void LKS_KERNEL(lks_tile_hold)(const lks_plan *p, const lks_group *g, int index, int row, int end);

#endif
