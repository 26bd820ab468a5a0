#include "nn/activation.h"

static lks_status make(lks_site *site, lks_error *err) {
    return lks_activation_new(site, LKS_ACT_SILU, 0, err);
}

static const lks_option options[] = {LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.make = make, .script = "elementwise(silu)"};
const lks_layer_kind lks_layer_silu = {
    .name = "silu",
    .stem = "silu",
    .meaning = "x / (1 + exp(-x)), also called swish (Elfwing et al. 2018)",
    .example = "- conv2d: {filters: 32, kernel: 3}\n"
               "- silu\n",
    .options = options,
    .n_options = LKS_COUNT(options),
    .rules = &rules};
