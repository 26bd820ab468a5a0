#include <stdio.h>

#include "nn/windows/pool.h"

typedef struct settings {
    lks_window window;
} settings;
static_assert(sizeof(settings) <= LKS_LAYER_SETTINGS_BYTES, "raise LKS_LAYER_SETTINGS_BYTES");

static const lks_window *window_of(const lks_layer_config *layer) {
    return &((const settings *)lks_settings(layer))->window;
}

static void complete(lks_layer_config *layer) {
    lks_pool_complete(&((settings *)layer->settings.bytes)->window);
}

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    return lks_pool_shape(p, window_of(p->layer), info, err);
}

static lks_status make(lks_site *site, lks_error *err) {
    return lks_pool_new(site, window_of(site->layer), LKS_POOL_LARGEST, err);
}

/* A convolution can take in plain windows of 2 x 2. */
static lks_fusion fusion(const lks_layer_config *layer) {
    const lks_window *w = window_of(layer);
    bool plain = w->size[0] == 2 && w->size[1] == 2 && w->stride[0] == 2 && w->stride[1] == 2 &&
                 w->padding == LKS_PAD_VALID;
    return plain ? LKS_FUSES_MAXIMA : LKS_FUSES_NOT;
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    const lks_window *w = window_of(layer);
    snprintf(text, size, "%d × %d", w->size[0], w->size[1]);
}

static const lks_option options[] = {LKS_POOL_OPTIONS(settings, "nothing"), LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .fusion = fusion,
                                      .wants_image = true,
                                      .details = details,
                                      .script = "pooling"};
const lks_layer_kind lks_layer_maxpool = {.name = "maxpool",
                                          .stem = "pool",
                                          .meaning = "largest value of each window",
                                          .example = "- maxpool: 2\n",
                                          .options = options,
                                          .n_options = LKS_COUNT(options),
                                          .short_form = true,
                                          .complete = complete,
                                          .rules = &rules};
