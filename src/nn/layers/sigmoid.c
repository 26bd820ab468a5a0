#include "nn/activation.h"

static lks_status make(lks_site *site, lks_error *err) {
    return lks_activation_new(site, LKS_ACT_SIGMOID, 0, err);
}

static const lks_option options[] = {LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.make = make, .script = "elementwise(sigmoid)"};
const lks_layer_kind lks_layer_sigmoid = {.name = "sigmoid",
                                          .stem = "sigmoid",
                                          .meaning = "1 / (1 + exp(-x))",
                                          .example = "- conv2d: {filters: 32, kernel: 3}\n"
                                                     "- sigmoid\n",
                                          .options = options,
                                          .n_options = LKS_COUNT(options),
                                          .rules = &rules};
