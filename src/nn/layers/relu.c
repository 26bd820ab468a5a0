#include "nn/activation.h"

static lks_fusion fusion(const lks_layer_config *layer) {
    (void)layer;
    return LKS_FUSES_RELU;
}

static lks_status make(lks_site *site, lks_error *err) {
    return lks_activation_new(site, LKS_ACT_RELU, 0, err);
}

static const lks_option options[] = {LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {
    .make = make, .fusion = fusion, .script = "elementwise(x => x <= 0 ? 0 : x)"};
const lks_layer_kind lks_layer_relu = {.name = "relu",
                                       .stem = "relu",
                                       .meaning = "max(x, 0)",
                                       .example = "- conv2d: {filters: 32, kernel: 3}\n"
                                                  "- relu\n",
                                       .options = options,
                                       .n_options = LKS_COUNT(options),
                                       .rules = &rules};
