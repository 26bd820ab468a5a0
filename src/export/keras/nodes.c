#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "export/keras/keras.h"

char *lks_keras_settings(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = n < 0 ? NULL : malloc((size_t)n + 1);
    va_start(arguments, format);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, arguments);
    va_end(arguments);
    return text;
}

static bool is_taken(const lks_keras_graph *g, const char *name) {
    for (int i = 0; i < g->n; i++)
        if (strcmp(g->nodes[i].name, name) == 0)
            return true;
    for (int i = 0; i < g->x->n_layers; i++)
        if (strcmp(g->x->layers[i].config->name, name) == 0)
            return true;
    return false;
}

/* A layer of Lockstep's may have the name that would be made. */
static void name_node(const lks_keras_graph *g, lks_keras_node *node, const char *stem,
                      const char *ending) {
    char number[16] = "";
    int k = 0;
    do {
        snprintf(node->name, sizeof node->name, "%.*s%s%s", LKS_NAME_MAX, stem,
                 ending ? ending : "", number);
        snprintf(number, sizeof number, "_%d", ++k);
    } while (ending && is_taken(g, node->name));
}

static bool no_input_below_0(const lks_keras_graph *g, const lks_keras_node *node) {
    for (int k = 0; k < node->n_inputs; k++)
        if (g->nodes[node->inputs[k]].sign != LKS_KERAS_NOT_BELOW_0)
            return false;
    return true;
}

static bool make_room(lks_keras_graph *g) {
    if (g->n < g->room)
        return true;
    const int room = 2 * g->room + 64;
    lks_keras_node *nodes = realloc(g->nodes, (size_t)room * sizeof *nodes);
    if (!nodes)
        return false;
    g->nodes = nodes;
    g->room = room;
    return true;
}

lks_status lks_keras_add(lks_keras_graph *g, const lks_keras_node *node, const char *stem,
                         const char *ending) {
    if (!node->settings || !make_room(g)) {
        free(node->settings);
        return lks_fail(g->err, LKS_ERR_MEMORY, "out of memory for a layer of Keras");
    }
    lks_keras_node *own = &g->nodes[g->n];
    *own = *node;
    name_node(g, own, stem, ending);
    if (own->sign == LKS_KERAS_AS_INPUTS)
        own->sign = no_input_below_0(g, own) ? LKS_KERAS_NOT_BELOW_0 : LKS_KERAS_ANY;
    g->n++;
    return LKS_OK;
}

lks_status lks_keras_as_vector(lks_keras_graph *g, int *node) {
    const lks_keras_node *from = &g->nodes[*node];
    char stem[LKS_KERAS_NAME_MAX];
    if (from->flat)
        return LKS_OK;
    memcpy(stem, from->name, sizeof stem);
    const lks_keras_node flatten = {.type = "Flatten",
                                    .settings =
                                        lks_keras_settings(", \"data_format\": \"channels_last\""),
                                    .inputs = {*node},
                                    .n_inputs = 1,
                                    .shape = from->shape,
                                    .flat = true,
                                    .sign = LKS_KERAS_AS_INPUTS};
    LKS_TRY(lks_keras_add(g, &flatten, stem, "_flat"));
    *node = g->n - 1;
    return LKS_OK;
}
