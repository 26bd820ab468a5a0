/* The weights as model.save_weights() of Keras 3 writes them: a group /layers/CLASS_N/vars for each layer, the variables
 * called 0, 1, ... in it (_save_container_state() in keras/src/saving/saving_lib.py of github.com/keras-team/keras). N
 * counts the layers of a class, and the first has none. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/keras/keras.h"
#include "io/h5/h5.h"

enum { PATH_ROOM = 128 };

/* "BatchNormalization": "batch_normalization"; "ReLU": "re_lu". */
static void write_snake_case(const char *type, char *to) {
    for (const char *c = type; *c; c++) {
        if (c > type && isupper((unsigned char)*c) && islower((unsigned char)c[-1]))
            *to++ = '_';
        *to++ = (char)tolower((unsigned char)*c);
    }
    *to = '\0';
}

/* Of the node that is number `i` in order. */
static void find_group(const lks_keras_graph *g, int i, char path[PATH_ROOM]) {
    const char *type = g->nodes[g->order[i]].type;
    char folder[64], number[16] = "";
    int before = 0;
    for (int k = 0; k < i; k++)
        before += strcmp(g->nodes[g->order[k]].type, type) == 0;
    write_snake_case(type, folder);
    if (before > 0)
        snprintf(number, sizeof number, "_%d", before);
    snprintf(path, PATH_ROOM, "/layers/%s%s/vars", folder, number);
}

/* A depthwise kernel is [row][column][channel][filter of it], whose values stand as those of [row][column][1][out]. */
static lks_status put_variable(lks_h5 *h, const char *path, const lks_keras_node *node,
                               const lks_export_tensor *t) {
    int64_t shape[4];
    memcpy(shape, t->shape, sizeof shape);
    if (t->ndim == 4 && strcmp(node->type, "DepthwiseConv2D") == 0) {
        shape[2] = node->layer->in.channels;
        shape[3] = t->shape[3] / shape[2];
    }
    return lks_h5_put_array(h, path, LKS_H5_F32, t->ndim, shape, t->values);
}

static lks_status put_layer(lks_h5 *h, const lks_keras_graph *g, int i) {
    static const char *const whats[] = {"weight", "bias", "running_mean", "running_var"};
    const lks_keras_node *node = &g->nodes[g->order[i]];
    char group[PATH_ROOM], path[PATH_ROOM + 16];
    int variables = 0;
    find_group(g, i, group);
    LKS_TRY(lks_h5_group(h, group));
    LKS_TRY(lks_h5_put_text(h, group, "name", node->name));
    for (size_t k = 0; node->layer && k < sizeof whats / sizeof whats[0]; k++) {
        const lks_export_tensor *t = lks_export_tensor_of(node->layer, whats[k]);
        if (!t)
            continue;
        snprintf(path, sizeof path, "%s/%d", group, variables++);
        LKS_TRY(put_variable(h, path, node, t));
    }
    return LKS_OK;
}

static lks_status put_facts(lks_h5 *h, const lks_exporting *x) {
    lks_text text;
    LKS_TRY(lks_export_facts_text(x, &text, h->err));
    const lks_status status = lks_h5_put_string(h, "/lockstep", text.bytes);
    free(text.bytes);
    return status;
}

/* The model has a group of its own, which Keras 3.0 wants to see. */
static lks_status put_all(lks_h5 *h, const lks_keras_graph *g, bool facts) {
    LKS_TRY(lks_h5_group(h, "/vars"));
    for (int i = 0; i < g->n; i++)
        LKS_TRY(put_layer(h, g, i));
    return facts ? put_facts(h, g->x) : LKS_OK;
}

lks_status lks_keras_weights(const lks_keras_graph *g, bool facts, unsigned char **bytes,
                             size_t *size) {
    lks_h5 h;
    LKS_TRY(lks_h5_create(&h, "the weights for Keras", 0, g->err));
    lks_status status = put_all(&h, g, facts);
    if (status == LKS_OK)
        status = lks_h5_finish(&h, bytes, size);
    lks_h5_close(&h);
    return status;
}
