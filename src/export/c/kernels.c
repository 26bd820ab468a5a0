/* Which kernel computes a layer: as src/nn decides, since that moves bits. */
#include "export/c/kernels.h"

#include "export/c/int8/int8.h"
#include "nn/windows/winograd.h"

static const lks_c_kernel *convolution(const lks_exporting *x, const lks_export_layer *layer) {
    const lks_export_window w = lks_export_window_of(layer);
    const lks_window window = {.size = {w.size[0], w.size[1]},
                               .stride = {w.stride[0], w.stride[1]}};
    if (lks_export_int(layer, "groups") > 1)
        return &lks_c_grouped;
    if (x->network->config.train.precision == LKS_BF16)
        return &lks_c_bf16;
    if (lks_winograd_suits(&window, layer->in.channels, layer->out.channels))
        return &lks_c_winograd;
    return &lks_c_direct;
}

static const lks_c_kernel *dense(const lks_exporting *x, const lks_export_layer *layer) {
    (void)layer;
    return x->network->config.train.precision == LKS_BF16 ? &lks_c_bf16 : &lks_c_direct;
}

static const lks_c_kernel *gelu(const lks_exporting *x, const lks_export_layer *layer) {
    (void)x;
    return lks_export_flag(layer, "tanh_form") ? &lks_c_gelu_tanh : &lks_c_gelu;
}

/* A row has a kernel or a function that chooses one, and a kernel of whole numbers; with neither the layer is a view. */
static const struct row {
    const char *kind;
    const lks_c_kernel *kernel;
    const lks_c_kernel *(*choose)(const lks_exporting *x, const lks_export_layer *layer);
    const lks_c_kernel *int8;
} rows[] = {{"conv2d", NULL, convolution, &lks_c_int8_linear},
            {"dense", NULL, dense, &lks_c_int8_linear},
            {"maxpool", &lks_c_max_pool, NULL, &lks_c_int8_max_pool},
            {"avgpool", &lks_c_mean_pool, NULL, &lks_c_int8_mean_pool},
            {"global_avgpool", &lks_c_global_mean, NULL, &lks_c_int8_mean_pool},
            {"batchnorm", &lks_c_normalise, NULL, &lks_c_int8_linear},
            {"add", &lks_c_add, NULL, &lks_c_int8_add},
            {"concat", &lks_c_concat, NULL, &lks_c_int8_concat},
            {"relu", &lks_c_relu, NULL, &lks_c_int8_table},
            {"leaky_relu", &lks_c_leaky, NULL, &lks_c_int8_table},
            {"tanh", &lks_c_tanh, NULL, &lks_c_int8_table},
            {"sigmoid", &lks_c_sigmoid, NULL, &lks_c_int8_table},
            {"gelu", NULL, gelu, &lks_c_int8_table},
            {"silu", &lks_c_silu, NULL, &lks_c_int8_table},
            {"dropout", NULL, NULL, NULL},
            {"flatten", NULL, NULL, NULL}};

static const struct row *row_of(const lks_export_layer *layer) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (lks_export_is(layer, rows[i].kind))
            return &rows[i];
    return NULL;
}

static const lks_c_kernel *choose_floats(const lks_exporting *x, const lks_export_layer *layer) {
    const struct row *row = row_of(layer);
    return row->choose ? row->choose(x, layer) : row->kernel;
}

static const lks_c_kernel *choose_int8(const lks_exporting *x, const lks_export_layer *layer) {
    (void)x;
    return row_of(layer)->int8;
}

const lks_c_kernels lks_c_floats_kernels = {.image = &lks_c_image, .choose = choose_floats};
const lks_c_kernels lks_c_int8_kernels = {
    .image = &lks_c_int8_image, .choose = choose_int8, .widen = &lks_c_int8_widen};

lks_status lks_c_check_kinds(const lks_exporting *x, lks_error *err) {
    for (int i = 0; i < x->n_layers; i++)
        if (!row_of(&x->layers[i]))
            return lks_fail(err, LKS_ERR_CONFIG,
                            "layer '%s': a file in C cannot have a layer of kind %s",
                            x->layers[i].config->name, x->layers[i].config->kind->name);
    return LKS_OK;
}
