#include "support/reference_settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/layers.h"

static const char *const kind_names[KINDS] = {
    "conv2d", "maxpool", "avgpool", "global_avgpool", "dense",   "relu",   "leaky_relu",
    "tanh",   "sigmoid", "gelu",    "silu",           "dropout", "flatten"};

settings settings_of(const lks_layer_config *layer) {
    settings s = {.kind = KINDS};
    for (int k = 0; k < KINDS; k++)
        if (lks_test_is(layer, kind_names[k]))
            s.kind = (layer_kind)k;
    if (s.kind == KINDS) { /* compared with PyTorch instead, see tests/golden */
        fprintf(stderr, "the reference has no %s layer\n", lks_layer_kind_name(layer->kind));
        abort();
    }
#define TAKE(member) lks_test_setting(layer, #member, &s.member, sizeof s.member)
    TAKE(filters);
    TAKE(groups);
    TAKE(units);
    TAKE(kernel);
    TAKE(window);
    TAKE(stride);
    TAKE(bias);
    TAKE(count_padding);
    TAKE(tanh_form);
    TAKE(slope);
    TAKE(rate);
    if (TAKE(padding))
        lks_test_pad(layer, s.pad);
    return s;
}
