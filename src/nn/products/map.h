/* Linear maps from operand planes to images of floats: a convolution, a dense layer, and their data gradients, each
 * as one or more products of lks_products. */
#ifndef LKS_NN_MAP_H
#define LKS_NN_MAP_H

#include "nn/products/linear.h"
#include "nn/products/plane.h"

/* Outputs that are reached by the same taps: a forward convolution is one phase; of a data gradient there are as
 * many as the product of the strides. */
typedef struct lks_phase {
    int n_pixels;
    int32_t *pixel_offset;
    int32_t *out_offset; /* NULL: one after the other */
    lks_reach *reach;    /* NULL: everything */
    int n_runs, run_taps;
    int32_t *run_offset, *tap;
    void *weights;
} lks_phase;

typedef struct lks_map {
    lks_plane plane; /* of what is multiplied */
    int outputs, blocks;
    int logical_channels;
    bool one_block;
    size_t tap_step, channel_step, output_step; /* in the weights */
    int n_phases;
    lks_phase *phases;
    bool gaps; /* some outputs are reached by no tap: they are 0 */
} lks_map;

/* Forward, and from the gradient of the outputs to that of the input. Memory is the operation's. */
lks_status lks_map_forward(lks_map *m, lks_op *op, const lks_linear *l, const lks_products *unit,
                           lks_error *err);
lks_status lks_map_back(lks_map *m, lks_op *op, const lks_linear *l, const lks_products *unit,
                        lks_error *err);

/* Rounds and reorders a share of the weights. */
void lks_map_pack(const lks_map *m, const float *weights, int part, int parts);

/* The k-th array that lks_map_pack() writes, or NULL: there are no more. */
void **lks_map_packed(const lks_map *m, int k, size_t *bytes);

/* What comes out: images of `size` floats. */
typedef struct lks_map_output {
    float *out;
    size_t size;
    const float *bias; /* [blocks * 16] or NULL */
    bool relu;
    uint8_t *argmax; /* with pooling */
} lks_map_output;

/* Multiplies `count` images in `plane`, filled as m->plane says. */
void lks_map_run(const lks_map *m, const void *plane, int count, const lks_map_output *o);

#endif
