#include "export/layout.h"

#include <string.h>

#include "nn/layer.h"

static bool same_shape(lks_shape a, lks_shape b) {
    return a.rows == b.rows && a.columns == b.columns && a.channels == b.channels;
}

lks_shape lks_layout_input(const lks_config *config, int layer, lks_shape input,
                           const lks_shape *orders) {
    const int from = config->layers[layer].inputs[0];
    return from < 0 ? input : orders[from];
}

/* What needs rows, columns or channels cannot stand behind a flatten, so the layers that keep an order are those whose
 * output is shaped as their input. */
void lks_layout_orders(const lks_config *config, const lks_layer_info *info, lks_shape input,
                       lks_shape *orders) {
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_rules *rules = config->layers[i].kind->rules;
        const int from = config->layers[i].inputs[0];
        const lks_shape in = from < 0 ? input : info[from].out;
        const bool keeps = rules->flattens || (!rules->new_channels && same_shape(in, info[i].out));
        orders[i] = keeps ? lks_layout_input(config, i, input, orders) : info[i].out;
    }
}

/* Where dimension d of a layout stands in the native shape. */
static const int *dimensions(const lks_laid *t, lks_layout layout) {
    static const int native[] = {0, 1, 2, 3}, dense[] = {1, 0}, convolution[] = {3, 2, 0, 1};
    if (layout == LKS_LAYOUT_TORCH && t->ndim == 2)
        return dense;
    return layout == LKS_LAYOUT_TORCH && t->ndim == 4 ? convolution : native;
}

void lks_layout_shape(const lks_laid *t, lks_layout layout, int64_t shape[4]) {
    for (int d = 0; d < t->ndim; d++)
        shape[d] = t->shape[dimensions(t, layout)[d]];
}

static size_t count_of(const lks_laid *t) {
    size_t count = 1;
    for (int d = 0; d < t->ndim; d++)
        count *= (size_t)t->shape[d];
    return count;
}

/* Value q of a vector, channels last, stands there channels first. */
static size_t channels_first(lks_shape order, size_t q) {
    const size_t channels = (size_t)order.channels;
    const size_t pixels = (size_t)order.rows * (size_t)order.columns;
    return q % channels * pixels + q / channels;
}

/* Where native element i stands in PyTorch's layout. */
static size_t torch_place(const lks_laid *t, size_t i) {
    const size_t outputs = (size_t)t->shape[t->ndim - 1], out = i % outputs;
    if (t->ndim == 2)
        return out * (size_t)t->shape[0] + channels_first(t->order, i / outputs);
    if (t->ndim < 4)
        return i;
    const size_t inputs = (size_t)t->shape[2], taps = (size_t)(t->shape[0] * t->shape[1]);
    const size_t in = i / outputs % inputs, tap = i / outputs / inputs;
    return (out * inputs + in) * taps + tap;
}

void lks_layout_to(const lks_laid *t, lks_layout layout, const float *native, float *out) {
    const size_t count = count_of(t);
    for (size_t i = 0; i < count; i++)
        out[layout == LKS_LAYOUT_TORCH ? torch_place(t, i) : i] = native[i];
}

void lks_layout_from(const lks_laid *t, lks_layout layout, const float *values, float *native) {
    const size_t count = count_of(t);
    for (size_t i = 0; i < count; i++)
        native[i] = values[layout == LKS_LAYOUT_TORCH ? torch_place(t, i) : i];
}
