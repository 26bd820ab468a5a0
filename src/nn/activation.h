#ifndef LKS_NN_ACTIVATION_H
#define LKS_NN_ACTIVATION_H

#include "nn/layer.h"

/* Appends an activation function as an operation of its own. `slope`: of LKS_ACT_LEAKY. */
lks_status lks_activation_new(lks_site *site, lks_activation_kind kind, double slope,
                              lks_error *err);

#endif
