/* Operand planes: images rounded to bfloat16, each with a border of zeros, in a worker's scratch. */
#ifndef LKS_NN_PLANE_H
#define LKS_NN_PLANE_H

#include "kernels/products.h"
#include "nn/op.h"

typedef struct lks_plane {
    const lks_products *unit;
    int rows, columns, channels; /* of an image; elements from pixel to pixel */
    int top, bottom, left;       /* rows of zeros, and zeros before each row */
    int pitch;                   /* pixels from row to row: what follows a row precedes the next */
    size_t image;                /* elements from image to image */
} lks_plane;

/* A plane for images of rows x columns pixels with `before` and `after` rows and columns of zeros. */
lks_plane lks_plane_of(const lks_products *unit, const int size[2], int channels,
                       const int before[2], const int after[2]);

/* The same for operands of another unit. */
lks_plane lks_plane_for(const lks_plane *p, const lks_products *unit);

/* Floats of scratch for `images` images, a multiple of 16. */
size_t lks_plane_floats(const lks_plane *p, size_t images);

/* Elements from the plane's beginning to a pixel of the first image, which may lie in the border. */
size_t lks_plane_at(const lks_plane *p, int row, int column);

/* Where images come from: `first` describes the first one but for out and out_row, the others follow at `step`
 * floats. With `make` x is not there, but made by operation `maker`, some rows at a time: `sample` is the first image,
 * `rows` has room for lks_made_floats(). */
typedef struct lks_plane_source {
    lks_narrow_args first;
    size_t step;
    void (*make)(const lks_op *op, const lks_worker *w, float *to, int sample, size_t pixel,
                 size_t count);
    const lks_op *maker;
    const lks_worker *worker;
    int sample;
    float *rows;
} lks_plane_source;

/* Fills `out` with images [first, first + count) of the source. Bit i % 32 of the answer: image i has an operand
 * that is infinite or NaN. */
uint32_t lks_plane_fill(const lks_plane *p, void *out, const lks_plane_source *from, int first,
                        int count);

#endif
