#include "nn/activation.h"

typedef struct settings {
    bool tanh_form; /* Hendrycks & Gimpel's tanh approximation, not erf */
} settings;

static lks_status make(lks_site *site, lks_error *err) {
    const settings *s = lks_settings(site->layer);
    return lks_activation_new(site, s->tanh_form ? LKS_ACT_GELU_TANH : LKS_ACT_GELU, 0, err);
}

static const lks_option options[] = {{"tanh_form", "the tanh approximation, not the error function",
                                      LKS_OPT_BOOL, .offset = LKS_SETTING(settings, tanh_form),
                                      .preset = "false"},
                                     LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {
    .make = make, .script = "elementwise((x, layer) => layer.tanh_form ? geluTanh(x) : gelu(x))"};
const lks_layer_kind lks_layer_gelu = {.name = "gelu",
                                       .stem = "gelu",
                                       .meaning = "x * Phi(x) (Hendrycks & Gimpel 2016)",
                                       .example = "- conv2d: {filters: 32, kernel: 3}\n"
                                                  "- gelu: {tanh_form: true}\n",
                                       .options = options,
                                       .n_options = LKS_COUNT(options),
                                       .rules = &rules};
