#include "export/keras/keras.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

static const char what[] = "the layers of Keras";

/* --- nodes ------------------------------------------------------------------------------------ */

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
        return lks_fail(g->err, LKS_ERR_MEMORY, "out of memory for %s", what);
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

/* --- the input -------------------------------------------------------------------------------- */

static lks_status add_input(lks_keras_graph *g) {
    const lks_shape s = g->x->input;
    const lks_keras_node input = {
        .type = "InputLayer",
        .settings = lks_keras_settings(", \"batch_shape\": [null, %d, %d, %d], \"sparse\": false",
                                       s.rows, s.columns, s.channels),
        .shape = s};
    return lks_keras_add(g, &input, "input", NULL);
}

/* One number, or a list with one for each channel: Keras takes both. */
static void write_numbers(FILE *f, const char *name, const double *numbers, int n) {
    char text[32];
    fprintf(f, ", \"%s\": %s", name, n > 1 ? "[" : "");
    for (int k = 0; k < n; k++)
        fprintf(f, "%s%s", k ? ", " : "", lks_json_number(numbers[k], text));
    fputs(n > 1 ? "]" : "", f);
}

/* (pixel / 255 - mean) / std = pixel * scale + offset: one layer, and one rounding more than the least. */
static lks_status add_rescaling(lks_keras_graph *g) {
    const lks_data_identity *d = &g->x->network->data;
    double scale[LKS_CHANNELS_MAX], offset[LKS_CHANNELS_MAX];
    lks_text text;
    for (int k = 0; k < d->channels; k++) {
        scale[k] = 1 / (255 * d->std[k]);
        offset[k] = -d->mean[k] / d->std[k];
    }
    LKS_TRY(lks_text_open(&text, what, g->err));
    write_numbers(text.f, "scale", scale, d->channels);
    write_numbers(text.f, "offset", offset, d->channels);
    LKS_TRY(lks_text_close(&text, what, g->err));
    const lks_keras_node rescaling = {.type = "Rescaling",
                                      .settings = text.bytes,
                                      .inputs = {0},
                                      .n_inputs = 1,
                                      .shape = g->x->input};
    return lks_keras_add(g, &rescaling, "normalization", "");
}

/* --- all of it -------------------------------------------------------------------------------- */

/* The answers: logits, a vector; or probabilities. */
static lks_status add_answers(lks_keras_graph *g) {
    int last = g->made[g->x->n_layers - 1];
    LKS_TRY(lks_keras_as_vector(g, &last));
    if (!lks_export_has(g->x, LKS_EXPORT_SOFTMAX))
        return LKS_OK;
    const lks_keras_node softmax = {.type = "Activation",
                                    .settings = lks_keras_settings(", \"activation\": \"softmax\""),
                                    .inputs = {last},
                                    .n_inputs = 1,
                                    .shape = g->nodes[last].shape,
                                    .flat = true};
    return lks_keras_add(g, &softmax, "probabilities", "");
}

lks_status lks_keras_graph_make(lks_keras_graph *g, const lks_exporting *x, lks_error *err) {
    *g = (lks_keras_graph){.x = x, .err = err};
    g->made = lks_alloc((size_t)x->n_layers, sizeof *g->made, what, err);
    if (!g->made)
        return err->status;
    LKS_TRY(add_input(g));
    if (!lks_export_has(x, LKS_EXPORT_NORMALIZED))
        LKS_TRY(add_rescaling(g));
    for (int i = 0; i < x->n_layers; i++)
        LKS_TRY(lks_keras_layer(g, i));
    LKS_TRY(add_answers(g));
    g->order = lks_alloc((size_t)g->n, sizeof *g->order, what, err);
    return g->order ? lks_keras_order(g) : err->status;
}

void lks_keras_graph_free(lks_keras_graph *g) {
    for (int i = 0; i < g->n; i++)
        free(g->nodes[i].settings);
    free(g->nodes);
    lks_free(g->order);
    lks_free(g->made);
    *g = (lks_keras_graph){0};
}
