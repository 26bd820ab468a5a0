#include "nn/products/linear.h"

#define DEPTH 32 /* elements of a block */

static int64_t operands_of(const lks_linear *l) {
    return (int64_t)l->kernel[0] * l->kernel[1] * l->stored;
}

lks_linear lks_linear_dense(lks_shape in, int stored) {
    const int pixels = in.rows * in.columns;
    const bool gap = stored != in.channels;
    const int columns = gap ? pixels : 1;
    return (lks_linear){.size = {1, columns},
                        .channels = gap ? in.channels : pixels * in.channels,
                        .stored = gap ? stored : pixels * in.channels,
                        .kernel = {1, columns},
                        .stride = {1, columns},
                        .outputs = {1, 1}};
}

/* A single run of whole channels is one block in any case. */
bool lks_linear_in_one_block(const lks_linear *l) {
    return operands_of(l) <= DEPTH && (l->kernel[0] > 1 || l->stored % LKS_BLOCK != 0);
}

/* Half a block takes as long to multiply as its operands to be put together. */
const lks_products *lks_linear_unit(const lks_linear *l, const lks_kernels *kernels) {
    return lks_linear_in_one_block(l) && operands_of(l) <= DEPTH / 2 ? kernels->few
                                                                     : kernels->products;
}

int64_t lks_linear_products(const lks_linear *l) {
    return (int64_t)l->outputs[0] * l->outputs[1] * l->kernel[0] * l->kernel[1];
}

/* Pairs of an output and a tap that meet within the input. */
static int64_t pairs_within(const lks_linear *l, int d) {
    int64_t n = 0;
    for (int o = 0; o < l->outputs[d]; o++)
        for (int t = 0; t < l->kernel[d]; t++) {
            int at = o * l->stride[d] - l->pad[d] + t;
            n += at >= 0 && at < l->size[d];
        }
    return n;
}

int64_t lks_linear_products_back(const lks_linear *l) {
    return pairs_within(l, 0) * pairs_within(l, 1);
}
