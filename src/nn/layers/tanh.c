#include "nn/activation.h"

static lks_status make(lks_site *site, lks_error *err) {
    return lks_activation_new(site, LKS_ACT_TANH, 0, err);
}

static const lks_option options[] = {LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.make = make, .script = "elementwise(hyperbolicTangent)"};
const lks_layer_kind lks_layer_tanh = {.name = "tanh",
                                       .stem = "tanh",
                                       .meaning = "hyperbolic tangent",
                                       .example = "- conv2d: {filters: 32, kernel: 3}\n"
                                                  "- tanh\n",
                                       .options = options,
                                       .n_options = LKS_COUNT(options),
                                       .rules = &rules};
