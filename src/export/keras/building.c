#include "export/keras/building.h"

#include <string.h>

lks_keras_node lks_keras_node_of(const lks_keras_building *b, const char *type, char *settings) {
    lks_keras_node node = {.type = type,
                           .settings = settings,
                           .n_inputs = b->n_inputs,
                           .shape = b->layer->out,
                           .flat = b->g->nodes[b->inputs[0]].flat};
    memcpy(node.inputs, b->inputs, sizeof node.inputs);
    return node;
}

lks_status lks_keras_add_own(const lks_keras_building *b, const lks_keras_node *node) {
    return lks_keras_add(b->g, node, b->layer->config->name, NULL);
}

lks_status lks_keras_add_before(lks_keras_building *b, const lks_keras_node *node,
                                const char *ending) {
    LKS_TRY(lks_keras_add(b->g, node, b->layer->config->name, ending));
    b->inputs[0] = b->g->n - 1;
    return LKS_OK;
}

lks_status lks_keras_refuse(const lks_keras_building *b, const char *why, const char *mend) {
    return lks_fail(b->g->err, LKS_ERR_CONFIG, "layer %s cannot be a layer of Keras: %s; %s",
                    b->layer->config->name, why, mend);
}
