/* Which rows tiles of a product have. */
#ifndef LKS_KERNELS_AMX_ROWS_H
#define LKS_KERNELS_AMX_ROWS_H

#include "kernels/amx/amx.h"

/* Rows of a tile of sums that count, and where their results go. */
typedef struct lks_places {
    int n;
    uint8_t row[LKS_TILE_ROWS];
    size_t at[LKS_TILE_ROWS]; /* floats, from that of the strip */
} lks_places;

/* Row tiles that are multiplied together. */
typedef struct lks_strip {
    int tiles; /* 1 or 2 of pixels, or the 4 places of windows */
    const lks_operand *x[4];
    const lks_places *places[2]; /* of each tile; windows have one for all */
    size_t at[2];                /* floats, from the beginning of out */
    int first_run, end_run, first_block, end_block;
} lks_strip;

/* Goes through the row tiles of some images. A row is an image at one pixel, or, where images are few, one of
 * equidistant pixels of an image: of `rows` places, `step` elements apart, those that are pixels of the layer. Where all
 * runs are one block of the recurrence, they are copied together, pixel by pixel. */
typedef struct lks_walk {
    const lks_product_args *a;
    int runs, per_run;    /* blocks of the recurrence in each */
    bool flat;            /* rows are pixels */
    int rows;             /* of each tile */
    ptrdiff_t step;       /* elements from row to row */
    int image, end_image; /* whose turn it is */
    int pixel;
    int turn; /* of the places below: what a strip points to is kept while the next is worked on */
    lks_places places[4];
    /* with one_block those of a strip, and room for what is copied beyond the end of the last one; zero at first, since
     * what no run reaches meets zero weights and has to be finite */
    lks_operand copies[(4 * LKS_TILE_ROWS + 1) * LKS_CHAINS] __attribute__((aligned(64)));
} lks_walk;

/* Images [first, end) of a product. Full tiles as long as there are: where this leaves some images over, *end is set
 * back to the first of them. */
lks_walk LKS_KERNEL(lks_tile_walk)(const lks_product_args *a, int first, int *end);
/* False when all are through. */
bool LKS_KERNEL(lks_tile_next)(lks_walk *w, lks_strip *s);

#endif
