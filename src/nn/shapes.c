/* Shapes, parameters and costs, layer by layer, without building anything. */
#include <string.h>

#include "nn/op.h"

static lks_status refuse(const lks_config *config, int i, lks_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static lks_status refuse(const lks_config *config, int i, lks_error *err, const char *format, ...) {
    char what[512];
    __builtin_va_list args;
    __builtin_va_start(args, format);
    __builtin_vsnprintf(what, sizeof what, format, args);
    __builtin_va_end(args);
    return lks_fail(err, LKS_ERR_CONFIG, "layer %d %s '%s': %s", i + 1,
                    lks_layer_kind_name(config->layers[i].kind), config->layers[i].name, what);
}

void lks_conv_padding(const lks_layer_config *l, lks_shape in, int before[2], int64_t padded[2]) {
    const int size[2] = {in.rows, in.columns};
    for (int d = 0; d < 2; d++) {
        int64_t total = 0;
        before[d] = 0;
        if (l->padding == LKS_PAD_EXPLICIT) {
            before[d] = l->pad[d];
            total = 2 * (int64_t)l->pad[d];
        } else if (l->padding == LKS_PAD_SAME) {
            int64_t outputs = (size[d] + (int64_t)l->stride[d] - 1) / l->stride[d];
            total = (outputs - 1) * l->stride[d] + l->kernel[d] - size[d];
            total = total > 0 ? total : 0;
            before[d] = (int)(total / 2);
        }
        padded[d] = size[d] + total;
    }
}

static lks_status conv_shape(const lks_config *config, int i, lks_shape in, lks_layer_info *info,
                             lks_error *err) {
    const lks_layer_config *l = &config->layers[i];
    int before[2];
    int64_t padded[2];
    lks_conv_padding(l, in, before, padded);
    int64_t rows = padded[0], columns = padded[1];
    if ((double)rows * (double)columns * lks_padded(in.channels) > INT32_MAX / 8)
        return refuse(config, i, err, "a padded input of %lldx%lldx%d values is too large",
                      (long long)rows, (long long)columns, in.channels);
    if (l->kernel[0] > rows || l->kernel[1] > columns)
        return refuse(config, i, err, "%dx%d kernel on a %lldx%lld input", l->kernel[0],
                      l->kernel[1], (long long)rows, (long long)columns);
    info->out = (lks_shape){(int)((rows - l->kernel[0]) / l->stride[0] + 1),
                            (int)((columns - l->kernel[1]) / l->stride[1] + 1), l->filters};
    double taps = (double)l->kernel[0] * l->kernel[1] * in.channels;
    if (taps * l->filters > 1e9)
        return refuse(config, i, err, "more than 1e9 parameters");
    info->parameters = (int64_t)taps * l->filters + (l->bias ? l->filters : 0);
    info->flop = 2 * taps * info->out.rows * info->out.columns * l->filters;
    return LKS_OK;
}

static lks_status maxpool_shape(const lks_config *config, int i, lks_shape in, lks_layer_info *info,
                                lks_error *err) {
    const lks_layer_config *l = &config->layers[i];
    if (l->window[0] > in.rows || l->window[1] > in.columns)
        return refuse(config, i, err, "%dx%d window on a %dx%d input", l->window[0], l->window[1],
                      in.rows, in.columns);
    info->out = (lks_shape){(in.rows - l->window[0]) / l->stride[0] + 1,
                            (in.columns - l->window[1]) / l->stride[1] + 1, in.channels};
    info->flop =
        (double)info->out.rows * info->out.columns * in.channels * l->window[0] * l->window[1];
    return LKS_OK;
}

static lks_status dense_shape(const lks_config *config, int i, lks_shape in, lks_layer_info *info,
                              lks_error *err) {
    const lks_layer_config *l = &config->layers[i];
    if (in.rows != 1 || in.columns != 1)
        return refuse(config, i, err, "a %dx%dx%d input; put a flatten layer before it", in.rows,
                      in.columns, in.channels);
    if ((double)in.channels * l->units > 1e9)
        return refuse(config, i, err, "more than 1e9 parameters");
    info->out = (lks_shape){1, 1, l->units};
    info->parameters = (int64_t)in.channels * l->units + (l->bias ? l->units : 0);
    info->flop = 2.0 * in.channels * l->units;
    return LKS_OK;
}

static lks_status layer_shape(const lks_config *config, int i, lks_shape in, lks_layer_info *info,
                              lks_error *err) {
    info->out = in;
    switch (config->layers[i].kind) {
    case LKS_CONV2D:
        return conv_shape(config, i, in, info, err);
    case LKS_MAXPOOL:
        return maxpool_shape(config, i, in, info, err);
    case LKS_DENSE:
        return dense_shape(config, i, in, info, err);
    case LKS_FLATTEN: {
        double n = (double)in.rows * in.columns * in.channels;
        if (n > INT32_MAX / 8)
            return refuse(config, i, err, "%.0f values are too many", n);
        info->out = (lks_shape){1, 1, (int)n};
        return LKS_OK;
    }
    case LKS_RELU:
    case LKS_DROPOUT:
        info->flop = (double)in.rows * in.columns * in.channels;
        return LKS_OK;
    case LKS_LAYER_KINDS:
        break;
    }
    return refuse(config, i, err, "unknown kind");
}

lks_status lks_model_shapes(const lks_config *config, lks_shape input, int classes,
                            lks_layer_info *info, lks_error *err) {
    lks_shape in = input;
    bool flat = false;
    for (int i = 0; i < config->n_layers; i++) {
        memset(&info[i], 0, sizeof info[i]);
        lks_layer_kind kind = config->layers[i].kind;
        if (flat && (kind == LKS_CONV2D || kind == LKS_MAXPOOL))
            return refuse(config, i, err, "it comes after a flatten layer; put it before");
        flat = kind == LKS_FLATTEN || (flat && kind != LKS_DENSE);
        LKS_TRY(layer_shape(config, i, in, &info[i], err));
        in = info[i].out;
        if ((double)in.rows * in.columns * lks_padded(in.channels) > INT32_MAX / 8)
            return refuse(config, i, err, "an output of %dx%dx%d values is too large", in.rows,
                          in.columns, in.channels);
        info[i].out_bytes = (int64_t)in.rows * in.columns * in.channels * (int64_t)sizeof(float);
    }
    const lks_layer_config *last = &config->layers[config->n_layers - 1];
    if (in.rows != 1 || in.columns != 1 || in.channels != classes)
        return refuse(config, config->n_layers - 1, err,
                      "the last layer gives %dx%dx%d values, but the data have %d classes", in.rows,
                      in.columns, in.channels, classes);
    if (last->kind != LKS_DENSE)
        return refuse(config, config->n_layers - 1, err,
                      "the last layer must be dense: its outputs are the logits");
    return LKS_OK;
}
