/* A layer whose nodes are being made. */
#ifndef LKS_EXPORT_KERAS_BUILDING_H
#define LKS_EXPORT_KERAS_BUILDING_H

#include "export/keras/keras.h"

typedef struct lks_keras_building {
    lks_keras_graph *g;
    const lks_export_layer *layer;
    int inputs[LKS_LAYER_INPUTS_MAX]; /* nodes */
    int n_inputs;
} lks_keras_building;

/* A node that reads what the layer reads and has its shape. */
lks_keras_node lks_keras_node_of(const lks_keras_building *b, const char *type, char *settings);

/* Add the node that bears the layer's name; and another one, which then is what the layer reads. */
lks_status lks_keras_add_own(const lks_keras_building *b, const lks_keras_node *node);
lks_status lks_keras_add_before(lks_keras_building *b, const lks_keras_node *node,
                                const char *ending);

/* LKS_ERR_CONFIG: why the layer can be none of Keras, and what to do. */
lks_status lks_keras_refuse(const lks_keras_building *b, const char *why, const char *mend);

/* A vector is made the image of one pixel that it is here. */
lks_status lks_keras_need_image(lks_keras_building *b);

/* *padding becomes what Keras calls it; where it has no word, zeros are put around the input. */
lks_status lks_keras_pad(lks_keras_building *b, const lks_export_window *w, const char **padding);

/* Layers without weights that look through windows. */
lks_status lks_keras_maxpool(lks_keras_building *b);
lks_status lks_keras_avgpool(lks_keras_building *b);
lks_status lks_keras_global_avgpool(lks_keras_building *b);

#endif
