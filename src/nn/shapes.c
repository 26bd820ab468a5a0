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
    const int *kernel = l->kind == LKS_CONV2D ? l->kernel : l->window;
    for (int d = 0; d < 2; d++) {
        int64_t total = 0;
        before[d] = 0;
        if (l->padding == LKS_PAD_EXPLICIT) {
            before[d] = l->pad[d];
            total = 2 * (int64_t)l->pad[d];
        } else if (l->padding == LKS_PAD_SAME) {
            int64_t outputs = (size[d] + (int64_t)l->stride[d] - 1) / l->stride[d];
            total = (outputs - 1) * l->stride[d] + kernel[d] - size[d];
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

static lks_status pool_shape(const lks_config *config, int i, lks_shape in, lks_layer_info *info,
                             lks_error *err) {
    const lks_layer_config *l = &config->layers[i];
    int before[2];
    int64_t padded[2];
    for (int d = 0; d < 2; d++) /* so that no window lies in the padding alone */
        if (l->padding == LKS_PAD_EXPLICIT && 2 * l->pad[d] > l->window[d])
            return refuse(config, i, err, "padding %dx%d is more than half of the %dx%d window",
                          l->pad[0], l->pad[1], l->window[0], l->window[1]);
    lks_conv_padding(l, in, before, padded);
    if (l->window[0] > padded[0] || l->window[1] > padded[1])
        return refuse(config, i, err, "%dx%d window on a %lldx%lld input", l->window[0],
                      l->window[1], (long long)padded[0], (long long)padded[1]);
    info->out = (lks_shape){(int)((padded[0] - l->window[0]) / l->stride[0] + 1),
                            (int)((padded[1] - l->window[1]) / l->stride[1] + 1), in.channels};
    info->flop =
        (double)info->out.rows * info->out.columns * in.channels * l->window[0] * l->window[1];
    return LKS_OK;
}

static lks_status add_shape(const lks_config *config, int i, lks_shape in, lks_shape other,
                            lks_layer_info *info, lks_error *err) {
    if (in.rows != other.rows || in.columns != other.columns || in.channels != other.channels)
        return refuse(config, i, err, "a %dx%dx%d and a %dx%dx%d input ('%s')", in.rows, in.columns,
                      in.channels, other.rows, other.columns, other.channels,
                      config->layers[i].from);
    info->flop = (double)in.rows * in.columns * in.channels;
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

static lks_status layer_shape(const lks_config *config, int i, lks_shape in, lks_shape other,
                              lks_layer_info *info, lks_error *err) {
    const lks_layer_config *l = &config->layers[i];
    double values = (double)in.rows * in.columns * in.channels;
    info->out = in;
    info->flop = values;
    switch (l->kind) {
    case LKS_CONV2D:
        return conv_shape(config, i, in, info, err);
    case LKS_MAXPOOL:
    case LKS_AVGPOOL:
        return pool_shape(config, i, in, info, err);
    case LKS_GLOBAL_AVGPOOL:
        info->out = (lks_shape){1, 1, in.channels};
        return LKS_OK;
    case LKS_DENSE:
        return dense_shape(config, i, in, info, err);
    case LKS_BATCHNORM:
        info->parameters = l->affine ? 2 * (int64_t)in.channels : 0;
        info->flop = 4 * values;
        return LKS_OK;
    case LKS_ADD:
        return add_shape(config, i, in, other, info, err);
    case LKS_FLATTEN:
        if (values > INT32_MAX / 8)
            return refuse(config, i, err, "%.0f values are too many", values);
        info->out = (lks_shape){1, 1, (int)values};
        info->flop = 0;
        return LKS_OK;
    case LKS_RELU:
    case LKS_LEAKY_RELU:
    case LKS_TANH:
    case LKS_SIGMOID:
    case LKS_GELU:
    case LKS_DROPOUT:
        return LKS_OK;
    case LKS_LAYER_KINDS:
        break;
    }
    return refuse(config, i, err, "unknown kind");
}

/* Layers that need rows and columns, or channels, which a vector no longer has. */
static bool wants_image(lks_layer_kind kind) {
    return kind == LKS_CONV2D || kind == LKS_MAXPOOL || kind == LKS_AVGPOOL ||
           kind == LKS_GLOBAL_AVGPOOL || kind == LKS_BATCHNORM || kind == LKS_ADD;
}

/* A flattened image keeps its place in memory until a dense layer makes a true vector of it. */
static bool is_flat(const lks_config *config, int i) {
    for (; i >= 0; i = config->layers[i].input_layer) {
        if (config->layers[i].kind == LKS_FLATTEN)
            return true;
        if (config->layers[i].kind == LKS_DENSE)
            return false;
    }
    return false;
}

static lks_status check_place(const lks_config *config, int i, lks_error *err) {
    const lks_layer_config *l = &config->layers[i];
    if (wants_image(l->kind) &&
        (is_flat(config, l->input_layer) || (l->kind == LKS_ADD && is_flat(config, l->from_layer))))
        return refuse(config, i, err, "it comes after a flatten layer; put it before");
    if (i + 1 == config->n_layers)
        return LKS_OK;
    for (int k = i + 1; k < config->n_layers; k++)
        if (config->layers[k].input_layer == i || config->layers[k].from_layer == i)
            return LKS_OK;
    return refuse(config, i, err, "no layer reads its output");
}

static lks_status check_last(const lks_config *config, lks_shape out, int classes, lks_error *err) {
    int last = config->n_layers - 1;
    lks_layer_kind kind = config->layers[last].kind;
    if (out.rows != 1 || out.columns != 1 || out.channels != classes)
        return refuse(config, last, err,
                      "the last layer gives %dx%dx%d values, but the data have %d classes",
                      out.rows, out.columns, out.channels, classes);
    if (kind != LKS_DENSE && kind != LKS_BATCHNORM && kind != LKS_CONV2D &&
        kind != LKS_GLOBAL_AVGPOOL && kind != LKS_AVGPOOL && kind != LKS_ADD)
        return refuse(config, last, err,
                      "the last layer's outputs are the logits: it must be dense, or a batchnorm, "
                      "convolution, average pool or add");
    return LKS_OK;
}

/* Without a weight to train there is no gradient either. */
static lks_status check_trained(const lks_config *config, lks_error *err) {
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        bool weights = l->kind == LKS_CONV2D || l->kind == LKS_DENSE ||
                       (l->kind == LKS_BATCHNORM && l->affine);
        if (weights && l->trainable)
            return LKS_OK;
    }
    return lks_fail(err, LKS_ERR_CONFIG, "model: no layer has weights that may be trained");
}

static bool has_products(lks_layer_kind kind) {
    return kind == LKS_CONV2D || kind == LKS_DENSE;
}

static bool is_trained(const lks_layer_config *l) {
    return l->trainable && (has_products(l->kind) || l->kind == LKS_BATCHNORM);
}

static bool learns_at(const lks_layer_info *info, int layer) {
    return layer >= 0 && info[layer].learns;
}

lks_status lks_model_shapes(const lks_config *config, lks_shape input, int classes,
                            lks_layer_info *info, lks_error *err) {
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        lks_shape in = l->input_layer < 0 ? input : info[l->input_layer].out;
        lks_shape other = l->from_layer < 0 ? input : info[l->from_layer].out;
        memset(&info[i], 0, sizeof info[i]);
        LKS_TRY(check_place(config, i, err));
        LKS_TRY(layer_shape(config, i, in, other, &info[i], err));
        lks_shape out = info[i].out;
        if ((double)out.rows * out.columns * lks_padded(out.channels) > INT32_MAX / 8)
            return refuse(config, i, err, "an output of %dx%dx%d values is too large", out.rows,
                          out.columns, out.channels);
        info[i].out_bytes = (int64_t)out.rows * out.columns * out.channels * (int64_t)sizeof(float);
        info[i].learns =
            is_trained(l) || learns_at(info, l->input_layer) || learns_at(info, l->from_layer);
    }
    LKS_TRY(check_last(config, info[config->n_layers - 1].out, classes, err));
    return check_trained(config, err);
}

double lks_training_flop(const lks_config *config, const lks_layer_info *info) {
    double flop = 0;
    for (int i = 0; i < config->n_layers; i++) {
        const lks_layer_config *l = &config->layers[i];
        if (has_products(l->kind))
            flop += info[i].flop * (1 + is_trained(l) + learns_at(info, l->input_layer));
    }
    return flop;
}
