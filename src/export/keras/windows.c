/* Windows, and pooling by them. Keras pads by `same`, which puts the odd row or column behind the image as Lockstep does, or
 * not at all; other padding is a layer of its own. */
#include "export/keras/building.h"

/* --- windows ---------------------------------------------------------------------------------- */

lks_status lks_keras_need_image(lks_keras_building *b) {
    const lks_keras_node *from = &b->g->nodes[b->inputs[0]];
    if (!from->flat)
        return LKS_OK;
    lks_keras_node image = lks_keras_node_of(
        b, "Reshape", lks_keras_settings(", \"target_shape\": [1, 1, %d]", b->layer->in.channels));
    image.shape = b->layer->in;
    image.flat = false;
    image.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_before(b, &image, "_image");
}

/* What Keras pads for `same`, and where (tensorflow.org/api_docs/python/tf/nn, "Notes on padding"). */
static bool is_same(const lks_export_window *w, lks_shape in) {
    const int size[2] = {in.rows, in.columns};
    for (int d = 0; d < 2; d++) {
        const int outputs = (size[d] + w->stride[d] - 1) / w->stride[d];
        const int needed = (outputs - 1) * w->stride[d] + w->size[d] - size[d];
        const int total = needed > 0 ? needed : 0;
        if (w->before[d] != total / 2 || w->after[d] != total - total / 2)
            return false;
    }
    return true;
}

static lks_status add_zeros(lks_keras_building *b, const lks_export_window *w) {
    lks_keras_node zeros = lks_keras_node_of(
        b, "ZeroPadding2D",
        lks_keras_settings(
            ", \"padding\": [[%d, %d], [%d, %d]], \"data_format\": \"channels_last\"", w->before[0],
            w->after[0], w->before[1], w->after[1]));
    const lks_shape in = b->layer->in;
    zeros.shape = (lks_shape){.rows = in.rows + w->before[0] + w->after[0],
                              .columns = in.columns + w->before[1] + w->after[1],
                              .channels = in.channels};
    zeros.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_before(b, &zeros, "_pad");
}

lks_status lks_keras_pad(lks_keras_building *b, const lks_export_window *w, const char **padding) {
    const bool none = !lks_export_is_padded(w), same = is_same(w, b->layer->in);
    *padding = !none && same ? "same" : "valid";
    return none || same ? LKS_OK : add_zeros(b, w);
}

/* --- pooling ---------------------------------------------------------------------------------- */

static lks_status add_pooling(lks_keras_building *b, const lks_export_window *w, const char *type,
                              const char *padding) {
    lks_keras_node node = lks_keras_node_of(
        b, type,
        lks_keras_settings(", \"pool_size\": [%d, %d], \"padding\": \"%s\", \"strides\": [%d, %d]"
                           ", \"data_format\": \"channels_last\"",
                           w->size[0], w->size[1], padding, w->stride[0], w->stride[1]));
    node.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_own(b, &node);
}

/* Zeros are nothing to a maximum of values that are not below 0. */
lks_status lks_keras_maxpool(lks_keras_building *b) {
    const lks_export_window w = lks_export_window_of(b->layer);
    const char *padding;
    LKS_TRY(lks_keras_need_image(b));
    if (lks_export_is_padded(&w) && !is_same(&w, b->layer->in) &&
        b->g->nodes[b->inputs[0]].sign != LKS_KERAS_NOT_BELOW_0)
        return lks_keras_refuse(
            b,
            "its padding is not that of 'same', and zeros around an input that may be "
            "below 0 would count",
            "a network with 'padding: same', or with relu before this layer, can be one");
    LKS_TRY(lks_keras_pad(b, &w, &padding));
    return add_pooling(b, &w, "MaxPooling2D", padding);
}

/* Keras never counts what `same` pads, but counts the zeros of a layer of their own. */
lks_status lks_keras_avgpool(lks_keras_building *b) {
    const lks_export_window w = lks_export_window_of(b->layer);
    const bool counts = lks_export_flag(b->layer, "count_padding");
    const bool padded = lks_export_is_padded(&w);
    LKS_TRY(lks_keras_need_image(b));
    if (padded && !counts && !is_same(&w, b->layer->in))
        return lks_keras_refuse(
            b, "its padding is not that of 'same', and zeros around the input would count",
            "a network with 'padding: same', or 'count_padding: true', can be one");
    if (padded && counts)
        LKS_TRY(add_zeros(b, &w));
    return add_pooling(b, &w, "AveragePooling2D", padded && !counts ? "same" : "valid");
}

lks_status lks_keras_global_avgpool(lks_keras_building *b) {
    LKS_TRY(lks_keras_need_image(b));
    lks_keras_node node = lks_keras_node_of(
        b, "GlobalAveragePooling2D",
        lks_keras_settings(", \"data_format\": \"channels_last\", \"keepdims\": false"));
    node.flat = true;
    node.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_own(b, &node);
}
