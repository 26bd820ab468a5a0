/* A view: dense layers read any shape in row, column, channel order. */
#include "nn/layer.h"

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    double values = (double)p->in[0].rows * p->in[0].columns * p->in[0].channels;
    if (values > INT32_MAX / 8)
        return lks_place_refuse(p, err, "%.0f values are too many", values);
    info->out = (lks_shape){1, 1, (int)values};
    info->flop = 0;
    return LKS_OK;
}

static const lks_option options[] = {LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {
    .shape = shape,
    .flattens = true,
    .script = "unchanged(shape => [1, 1, shape[0] * shape[1] * shape[2]])"};
const lks_layer_kind lks_layer_flatten = {.name = "flatten",
                                          .stem = "flatten",
                                          .meaning = "rows, columns and channels become one vector",
                                          .example = "- flatten\n"
                                                     "- dense: 10\n",
                                          .options = options,
                                          .n_options = LKS_COUNT(options),
                                          .rules = &rules};
