#include "export/keras/keras.h"

#include <stdlib.h>

#include "base/json/json.h"
#include "base/memory.h"

static const char what[] = "the layers of Keras";

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
