#ifndef LKS_NN_INPUT_H
#define LKS_NN_INPUT_H

#include "nn/op.h"

/* Appends the network's input: @p table [channels][256] is the float value of every byte (copied);
 * `stride`: floats from pixel to pixel, lks_plan_stride(). */
lks_status lks_input_new(lks_model *m, const float (*table)[256], int stride, lks_error *err);

/* That table, [channels][256], as the input `op` has it. */
const float *lks_input_pixels(const lks_op *op);

#endif
