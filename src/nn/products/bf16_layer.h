/* Convolutions and dense layers whose products are of bfloat16 (train.precision: bf16). */
#ifndef LKS_NN_BF16_LAYER_H
#define LKS_NN_BF16_LAYER_H

#include "nn/layer.h"
#include "nn/products/map.h"

/* Appends the site's layer as operation, with the ReLU and pooling that `l` has and that the site took in. `wide`: its
 * gradients may be those of a wide layer. */
lks_status lks_bf16_layer_new(lks_site *site, const lks_linear *l, bool wide, lks_error *err);

#endif
