/** @file reference_settings.h  What the reference knows of a layer's configuration. */
#ifndef LKS_REFERENCE_SETTINGS_H
#define LKS_REFERENCE_SETTINGS_H

#include "lockstep/config.h"

/* The kinds that the reference knows. */
typedef enum layer_kind {
    CONV2D,
    MAXPOOL,
    AVGPOOL,
    GLOBAL_AVGPOOL,
    DENSE,
    RELU,
    LEAKY_RELU,
    TANH,
    SIGMOID,
    GELU,
    SILU,
    DROPOUT,
    FLATTEN,
    KINDS
} layer_kind;

/* What a layer was configured to be. What its kind does not have is 0. */
typedef struct settings {
    layer_kind kind;
    int filters, groups, units, kernel[2], window[2], stride[2], pad[2];
    lks_padding padding;
    bool bias, count_padding, tanh_form;
    double slope, rate;
} settings;

/* Ends the program at a kind that the reference does not know. */
settings settings_of(const lks_layer_config *layer);

#endif
