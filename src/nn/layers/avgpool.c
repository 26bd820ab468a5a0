#include <stdio.h>

#include "nn/windows/pool.h"

typedef struct settings {
    lks_window window;
    bool count_padding; /* padding counts in the divisor */
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
    const settings *s = lks_settings(site->layer);
    return lks_pool_new(site, &s->window,
                        s->count_padding ? LKS_POOL_MEAN_OF_WINDOW : LKS_POOL_MEAN_OF_IMAGE, err);
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    const lks_window *w = window_of(layer);
    snprintf(text, size, "%d × %d", w->size[0], w->size[1]);
}

static const lks_option options[] = {
    LKS_POOL_OPTIONS(settings, "zeros"),
    {"count_padding", "divide by the whole window, also where part of it is padding", LKS_OPT_BOOL,
     .offset = LKS_SETTING(settings, count_padding), .preset = "true"},
    LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .wants_image = true,
                                      .gives_logits = true,
                                      .details = details,
                                      .script = "pooling"};
const lks_layer_kind lks_layer_avgpool = {.name = "avgpool",
                                          .stem = "avgpool",
                                          .meaning = "mean of each window",
                                          .example = "- avgpool: {window: 3, stride: 2}\n",
                                          .options = options,
                                          .n_options = LKS_COUNT(options),
                                          .short_form = true,
                                          .complete = complete,
                                          .rules = &rules};
