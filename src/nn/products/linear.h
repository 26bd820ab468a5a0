/* Layers with weights as products of bfloat16 see them. */
#ifndef LKS_NN_LINEAR_H
#define LKS_NN_LINEAR_H

#include "kernels/kernels.h"
#include "lockstep/model_data.h"

/* A weighted layer as the products see it. A dense layer is a convolution whose kernel covers its input. Weights
 * are [kernel row][kernel column][channel][filter]. */
typedef struct lks_linear {
    int size[2];          /* rows and columns of the input */
    int channels, stored; /* of the input: those that count, and floats from pixel to pixel */
    int kernel[2], stride[2];
    int pad[2];     /* rows of zeros above, columns to the left */
    int outputs[2]; /* rows and columns computed: whole windows only */
    int filters;
    bool relu, pool; /* ReLU, and 2 x 2 maxima of the outputs */
} lks_linear;

/* A dense layer for an input of shape `in` with `stored` floats from pixel to pixel, but for its units: a kernel as large
 * as the input, which is one row; of one pixel where no padding of channels interrupts it. */
lks_linear lks_linear_dense(lks_shape in, int stored);

/* Whether all products of an output stand in one block: see kernels/products.h. */
bool lks_linear_in_one_block(const lks_linear *l);

/* The unit that multiplies for the layer forward. */
const lks_products *lks_linear_unit(const lks_linear *l, const lks_kernels *kernels);

/* Products for one channel and one filter of an image: forward, and of the data gradient, where only taps within
 * the input count. */
int64_t lks_linear_products(const lks_linear *l);
int64_t lks_linear_products_back(const lks_linear *l);

#endif
