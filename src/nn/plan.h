/* From the configuration to operations. */
#ifndef LKS_NN_PLAN_H
#define LKS_NN_PLAN_H

#include "nn/op.h"

/* Appends the operations of all layers to an empty model and connects their gradients. @p info as
 * lks_model_shapes() made it; @p pixels as lks_model_create() takes it. On failure the model has to be
 * freed. */
lks_status lks_plan(lks_model *m, const lks_config *config, const lks_layer_info *info,
                    const float (*pixels)[256], lks_error *err);

#endif
