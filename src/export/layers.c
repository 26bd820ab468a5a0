/* The network's layers as exporters see them. */
#include <endian.h>
#include <string.h>

#include "config/option.h"
#include "export/exporting.h"
#include "nn/windows/window.h"

bool lks_export_is(const lks_export_layer *layer, const char *name) {
    return strcmp(layer->config->kind->name, name) == 0;
}

const lks_export_tensor *lks_export_tensor_of(const lks_export_layer *layer, const char *what) {
    for (int t = 0; t < layer->n_tensors; t++)
        if (strcmp(layer->tensors[t].what, what) == 0)
            return &layer->tensors[t];
    return NULL;
}

lks_laid lks_export_laid(const lks_export_layer *layer, const lks_export_tensor *t) {
    lks_laid laid = {.ndim = t->ndim, .order = layer->order};
    memcpy(laid.shape, t->shape, sizeof laid.shape);
    return laid;
}

void lks_export_put(FILE *f, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, &values[i], sizeof word);
        word = htole32(word);
        fwrite(&word, sizeof word, 1, f);
    }
}

/* --- settings --------------------------------------------------------------------------------- */

/* The options of a layer's kind describe where its settings stand, as they do for parsing and printing. */
static const void *setting(const lks_export_layer *layer, const char *key) {
    const lks_option *option = lks_layer_option_find(layer->config->kind, key);
    return (const char *)layer->config + option->offset;
}

int lks_export_int(const lks_export_layer *layer, const char *key) {
    int value;
    memcpy(&value, setting(layer, key), sizeof value);
    return value;
}

double lks_export_number(const lks_export_layer *layer, const char *key) {
    double value;
    memcpy(&value, setting(layer, key), sizeof value);
    return value;
}

bool lks_export_flag(const lks_export_layer *layer, const char *key) {
    bool value;
    memcpy(&value, setting(layer, key), sizeof value);
    return value;
}

lks_export_window lks_export_window_of(const lks_export_layer *layer) {
    const char *size = lks_export_is(layer, "conv2d") ? "kernel" : "window";
    const lks_option *padding = lks_layer_option_find(layer->config->kind, "padding");
    const char *settings = (const char *)layer->config;
    lks_window w;
    int64_t padded[2];
    memcpy(w.size, setting(layer, size), sizeof w.size);
    memcpy(w.stride, setting(layer, "stride"), sizeof w.stride);
    memcpy(&w.padding, settings + padding->offset, sizeof w.padding);
    memcpy(w.pad, settings + padding->second, sizeof w.pad);
    lks_export_window out = {.size = {w.size[0], w.size[1]}, .stride = {w.stride[0], w.stride[1]}};
    lks_window_pad(&w, layer->in, out.before, padded);
    out.after[0] = (int)(padded[0] - layer->in.rows) - out.before[0];
    out.after[1] = (int)(padded[1] - layer->in.columns) - out.before[1];
    return out;
}

bool lks_export_is_padded(const lks_export_window *w) {
    return w->before[0] || w->before[1] || w->after[0] || w->after[1];
}
