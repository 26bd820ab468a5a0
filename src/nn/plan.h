/* From the configuration to operations. */
#ifndef LKS_NN_PLAN_H
#define LKS_NN_PLAN_H

#include "nn/op.h"

/* Floats from pixel to pixel of what layer @p i gives, or the image where i is -1: @p channels, padded to whole blocks.
 * One to four channels of the image stay as they are where they may: the first layer with weights broadcasts inputs and
 * needs no vectors of them, but batchnorm and what makes input gradients do. */
int lks_plan_stride(const lks_config *config, int i, int channels, int image_channels);

/* Appends the operations of all layers to an empty model and connects their gradients. @p info as
 * lks_model_shapes() made it; @p pixels as lks_model_create() takes it. On failure the model has to be
 * freed. */
lks_status lks_plan(lks_model *m, const lks_config *config, const lks_layer_info *info,
                    const float (*pixels)[256], lks_error *err);

#endif
