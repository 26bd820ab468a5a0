/* What config.json in a .keras archive says of layers with weights. */
#ifndef LKS_IMPORT_KERAS_CONFIG_H
#define LKS_IMPORT_KERAS_CONFIG_H

#include "import/source.h"

typedef struct lks_keras_layer {
    char *name;
    lks_onnx_said said;
    bool dilated;
} lks_keras_layer;

typedef struct lks_keras_config {
    lks_keras_layer *all; /* [n] */
    int n, room;
    bool padded; /* zeros may stand before a convolution in a layer of their own */
} lks_keras_config;

/* Takes all convolutions and batch normalisations of the model in `text`, which ends with a 0, and of models in it. False
 * where it cannot be read, or memory is short. Freed by lks_keras_config_free(), also then. */
bool lks_keras_config_read(lks_keras_config *c, const char *text);
void lks_keras_config_free(lks_keras_config *c);

/* The layer called `name`, or NULL: none is, or several are. */
const lks_keras_layer *lks_keras_config_find(const lks_keras_config *c, const char *name);

#endif
