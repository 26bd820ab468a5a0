/* 3 x 3 convolutions of stride 1 by Winograd's F(2x2, 3x3): forward, or the input's gradient, which is
 * a convolution of the output's with the kernel turned around. */
#ifndef LKS_NN_WINOGRAD_H
#define LKS_NN_WINOGRAD_H

#include "nn/windows/window.h"

typedef struct lks_winograd {
    lks_op *op;
    int inputs, channels;  /* input channels, as many as count and padded */
    int blocks;            /* of output channels */
    int tiles;             /* of one image */
    int gradient_group;    /* tiles at a time for the weights' gradient */
    int32_t *in_offset;    /* [tiles][16] */
    int32_t *out_offset;   /* [tiles][4] */
    int32_t *group_offset; /* [gradient_group] */
    int32_t *input_offset; /* [inputs] 0, 1, ... */
    float *u;              /* [16][blocks][inputs][16] */
} lks_winograd;

/* Whether the shape is one for which this is faster: decided by nothing else, since it moves bits. */
bool lks_winograd_suits(const lks_window *window, int channels, int filters);

/* What is convolved, with pad[0] rows and pad[1] columns of zeros before it, and what comes out. */
typedef struct lks_winograd_shape {
    lks_shape in, out;
    int in_stride, out_stride;
    int pad[2];
    bool pool; /* out is of 2 x 2 maxima */
} lks_winograd_shape;

/* Allocates with `op` and raises op->scratch_floats to what the functions below use; `learns`: the
 * weights' gradient, too. */
lks_status lks_winograd_create(lks_winograd *w, lks_op *op, const lks_winograd_shape *s,
                               bool learns, lks_error *err);

/* Transforms a share of the weights: [3][3][in][out] as they lie in the flat array; `turned` for the
 * input's gradient. */
void lks_winograd_pack(lks_winograd *w, bool turned, int part, int parts);

/* Products for one input and one output channel of `count` images. */
int64_t lks_winograd_products(const lks_winograd *w, int count);

/* One run over `count` images. */
typedef struct lks_winograd_run {
    const float *x; /* the first image */
    size_t x_size;  /* floats from image to image */
    const float *bias;
    bool relu;
    float *out;
    uint8_t *argmax; /* where there is pooling */
    size_t out_size;
    int count;
} lks_winograd_run;
void lks_winograd_convolve(const lks_winograd *w, const lks_winograd_run *r, float *scratch);

/* The gradient of a forward convolution's weights over one chunk of r->count images, x what went in,
 * `dy` the gradient of what came out: into nine matrices [inputs][16 * blocks.count],
 * for the output blocks of `blocks`. Returns them; they stand in `scratch`. */
float *lks_winograd_weight_gradient(const lks_winograd *w, const lks_winograd_run *r,
                                    const float *dy, lks_span blocks, float *scratch);

#endif
