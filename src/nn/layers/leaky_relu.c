#include <stdio.h>

#include "nn/activation.h"

typedef struct settings {
    double slope; /* factor below 0 */
} settings;

static double slope_of(const lks_layer_config *layer) {
    return ((const settings *)lks_settings(layer))->slope;
}

static lks_status make(lks_site *site, lks_error *err) {
    return lks_activation_new(site, LKS_ACT_LEAKY, slope_of(site->layer), err);
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    snprintf(text, size, "%g", slope_of(layer));
}

static const lks_option options[] = {{"slope", "factor below 0", LKS_OPT_DOUBLE,
                                      .offset = LKS_SETTING(settings, slope), .max = 1,
                                      .preset = "0.01"},
                                     LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {
    .make = make,
    .details = details,
    .script = "elementwise((x, layer) => x > 0 ? x : f32(layer.slope) * x)"};
const lks_layer_kind lks_layer_leaky_relu = {.name = "leaky_relu",
                                             .stem = "leaky",
                                             .meaning = "x above 0, slope * x below",
                                             .example = "- conv2d: {filters: 32, kernel: 3}\n"
                                                        "- leaky_relu: 0.1\n",
                                             .options = options,
                                             .n_options = LKS_COUNT(options),
                                             .short_form = true,
                                             .rules = &rules};
