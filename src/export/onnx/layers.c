/* What each kind of layer is in ONNX's operators. Dropout is nothing in evaluation, and a flatten of a vector neither. */
#include <math.h>
#include <string.h>

#include "export/onnx/onnx.h"

/* A layer where it stands. */
typedef struct site {
    lks_onnx *model;
    const lks_export_layer *layer;
    const char *name;
    const lks_onnx_value *in; /* [config->n_inputs] */
    bool rounds;              /* what it multiplies is rounded to bfloat16, as in training */
} site;

static lks_onnx_value image(const char *name) {
    return (lks_onnx_value){.name = name};
}

static lks_onnx_value vector(const char *name) {
    return (lks_onnx_value){.name = name, .vector = true};
}

/* Of the same rank as the first input. */
static lks_onnx_value alike(const site *s, const char *name) {
    return (lks_onnx_value){.name = name, .vector = s->in[0].vector};
}

/* --- operations and constants ----------------------------------------------------------------- */

/* An operation without attributes on one value or two; what: NULL for the layer's last one. */
static const char *apply(const site *s, const char *type, const char *what, const char *a,
                         const char *b) {
    return lks_onnx_operation_add(
        s->model,
        &(lks_onnx_operation){.type = type, .owner = s->name, .what = what, .inputs = {a, b}});
}

static const char *number(const site *s, const char *what, double value) {
    const lks_onnx_constant c =
        lks_onnx_constant_add(s->model, s->name, what, LKS_ONNX_FLOAT, 0, NULL);
    if (c.values)
        *(float *)c.values = (float)value;
    return c.name;
}

/* The layer's tensor in PyTorch's layout; NULL: it has none. */
static const char *tensor(const site *s, const char *what) {
    const lks_export_tensor *t = lks_export_tensor_of(s->layer, what);
    if (!t)
        return NULL;
    const lks_laid laid = lks_export_laid(s->layer, t);
    int64_t shape[4];
    lks_layout_shape(&laid, LKS_LAYOUT_TORCH, shape);
    const lks_onnx_constant c =
        lks_onnx_constant_add(s->model, s->name, what, LKS_ONNX_FLOAT, t->ndim, shape);
    if (c.values)
        lks_layout_to(&laid, LKS_LAYOUT_TORCH, t->values, c.values);
    return c.name;
}

/* The same number for each of the layer's channels. */
static const char *filled(const site *s, const char *what, float value) {
    const int64_t n = s->layer->in.channels;
    const lks_onnx_constant c =
        lks_onnx_constant_add(s->model, s->name, what, LKS_ONNX_FLOAT, 1, &n);
    for (int64_t k = 0; c.values && k < n; k++)
        ((float *)c.values)[k] = value;
    return c.name;
}

static const char *cast(const site *s, const char *what, const char *value, lks_onnx_type type) {
    return lks_onnx_operation_add(s->model,
                                  &(lks_onnx_operation){.type = "Cast",
                                                        .owner = s->name,
                                                        .what = what,
                                                        .inputs = {value},
                                                        .attributes = {lks_onnx_int("to", type)}});
}

/* An operand of a product, rounded where the network's products are. The file keeps weights as they are; a runtime rounds
 * them once, when it loads the file. */
static const char *operand(const site *s, const char *what, const char *value) {
    char narrow[32], wide[32];
    if (!s->rounds)
        return value;
    snprintf(narrow, sizeof narrow, "%s_bf16", what);
    snprintf(wide, sizeof wide, "%s_rounded", what);
    return cast(s, wide, cast(s, narrow, value, LKS_ONNX_BFLOAT16), LKS_ONNX_FLOAT);
}

/* Input i as an image: a vector is one of 1 x 1. */
static const char *image_of(const site *s, int i) {
    static const int64_t two = 2;
    char what[32];
    if (!s->in[i].vector)
        return s->in[i].name;
    snprintf(what, sizeof what, "axes%d", i);
    const lks_onnx_constant axes =
        lks_onnx_constant_add(s->model, s->name, what, LKS_ONNX_INT64, 1, &two);
    if (axes.values)
        memcpy(axes.values, (const int64_t[]){2, 3}, 2 * sizeof(int64_t));
    snprintf(what, sizeof what, "image%d", i);
    return apply(s, "Unsqueeze", what, s->in[i].name, axes.name);
}

lks_onnx_value lks_onnx_flat(lks_onnx *m, const char *owner, lks_onnx_value v) {
    if (v.vector)
        return v;
    return vector(lks_onnx_operation_add(
        m, &(lks_onnx_operation){
               .type = "Flatten", .owner = owner, .what = "vector", .inputs = {v.name}}));
}

/* --- windows ---------------------------------------------------------------------------------- */

/* Convolution or pooling of the first input, `more` behind it. Both drop windows that do not fit as a whole. */
static lks_onnx_value windows(const site *s, const char *type, const char *const inputs[3],
                              lks_onnx_attribute extra) {
    const lks_export_window w = lks_export_window_of(s->layer);
    const int64_t size[4] = {w.size[0], w.size[1]}, stride[4] = {w.stride[0], w.stride[1]};
    const int64_t pads[4] = {w.before[0], w.before[1], w.after[0], w.after[1]};
    return image(lks_onnx_operation_add(
        s->model, &(lks_onnx_operation){.type = type,
                                        .owner = s->name,
                                        .inputs = {inputs[0], inputs[1], inputs[2]},
                                        .attributes = {lks_onnx_ints("kernel_shape", 2, size),
                                                       lks_onnx_ints("strides", 2, stride),
                                                       lks_onnx_ints("pads", 4, pads), extra}}));
}

/* Grouped ones are never rounded. */
static lks_onnx_value conv2d(const site *s) {
    const int groups = lks_export_int(s->layer, "groups");
    site own = *s;
    own.rounds = s->rounds && groups == 1;
    const char *inputs[3] = {operand(&own, "input", image_of(s, 0)),
                             operand(&own, "weight", tensor(s, "weight")), tensor(s, "bias")};
    return windows(s, "Conv", inputs, lks_onnx_int("group", groups));
}

static lks_onnx_value maxpool(const site *s) {
    const char *inputs[3] = {image_of(s, 0)};
    return windows(s, "MaxPool", inputs, (lks_onnx_attribute){0});
}

static lks_onnx_value avgpool(const site *s) {
    const char *inputs[3] = {image_of(s, 0)};
    return windows(s, "AveragePool", inputs,
                   lks_onnx_int("count_include_pad", lks_export_flag(s->layer, "count_padding")));
}

static lks_onnx_value global_avgpool(const site *s) {
    return image(apply(s, "GlobalAveragePool", NULL, image_of(s, 0), NULL));
}

/* --- others with weights ---------------------------------------------------------------------- */

static lks_onnx_value dense(const site *s) {
    const char *in = lks_onnx_flat(s->model, s->name, s->in[0]).name;
    return vector(lks_onnx_operation_add(
        s->model, &(lks_onnx_operation){.type = "Gemm",
                                        .owner = s->name,
                                        .inputs = {operand(s, "input", in),
                                                   operand(s, "weight", tensor(s, "weight")),
                                                   tensor(s, "bias")},
                                        .attributes = {lks_onnx_int("transB", 1)}}));
}

static lks_onnx_value batchnorm(const site *s) {
    const bool affine = lks_export_flag(s->layer, "affine");
    const double epsilon = lks_export_number(s->layer, "epsilon");
    return alike(
        s, lks_onnx_operation_add(
               s->model,
               &(lks_onnx_operation){
                   .type = "BatchNormalization",
                   .owner = s->name,
                   .inputs = {s->in[0].name, affine ? tensor(s, "weight") : filled(s, "ones", 1),
                              affine ? tensor(s, "bias") : filled(s, "zeros", 0),
                              tensor(s, "running_mean"), tensor(s, "running_var")},
                   .attributes = {lks_onnx_real("epsilon", epsilon)}}));
}

/* --- several inputs --------------------------------------------------------------------------- */

/* All as images, where not all are vectors. */
static lks_onnx_value joined(const site *s, const char *type, lks_onnx_attribute extra) {
    const int n = s->layer->config->n_inputs;
    lks_onnx_operation o = {.type = type, .owner = s->name, .attributes = {extra}};
    bool vectors = true;
    for (int i = 0; i < n; i++)
        vectors = vectors && s->in[i].vector;
    for (int i = 0; i < n; i++)
        o.inputs[i] = vectors ? s->in[i].name : image_of(s, i);
    return (lks_onnx_value){lks_onnx_operation_add(s->model, &o), vectors};
}

static lks_onnx_value add(const site *s) {
    return joined(s, "Add", (lks_onnx_attribute){0});
}

static lks_onnx_value concat(const site *s) {
    return joined(s, "Concat", lks_onnx_int("axis", 1));
}

/* --- value by value --------------------------------------------------------------------------- */

static lks_onnx_value relu(const site *s) {
    return alike(s, apply(s, "Relu", NULL, s->in[0].name, NULL));
}

static lks_onnx_value leaky_relu(const site *s) {
    return alike(
        s, lks_onnx_operation_add(
               s->model,
               &(lks_onnx_operation){
                   .type = "LeakyRelu",
                   .owner = s->name,
                   .inputs = {s->in[0].name},
                   .attributes = {lks_onnx_real("alpha", lks_export_number(s->layer, "slope"))}}));
}

static lks_onnx_value hyperbolic_tangent(const site *s) {
    return alike(s, apply(s, "Tanh", NULL, s->in[0].name, NULL));
}

static lks_onnx_value sigmoid(const site *s) {
    return alike(s, apply(s, "Sigmoid", NULL, s->in[0].name, NULL));
}

static lks_onnx_value silu(const site *s) {
    const char *x = s->in[0].name;
    return alike(s, apply(s, "Mul", NULL, x, apply(s, "Sigmoid", "sigmoid", x, NULL)));
}

/* x (1 + f) / 2, in the order that runtimes know as GELU. */
static lks_onnx_value gated(const site *s, const char *f) {
    const char *sum = apply(s, "Add", "sum", f, number(s, "one", 1));
    const char *product = apply(s, "Mul", "product", s->in[0].name, sum);
    return alike(s, apply(s, "Mul", NULL, product, number(s, "half", 0.5)));
}

/* f: erf(x / sqrt 2), or tanh(sqrt(2 / pi) (x + 0.044715 x^3)) (Hendrycks & Gimpel 2016). */
static lks_onnx_value gelu(const site *s) {
    const char *x = s->in[0].name;
    if (!lks_export_flag(s->layer, "tanh_form"))
        return gated(s, apply(s, "Erf", "erf",
                              apply(s, "Div", "scaled", x, number(s, "root2", sqrt(2))), NULL));
    const char *cube = apply(s, "Mul", "cube", apply(s, "Mul", "square", x, x), x);
    const char *bent =
        apply(s, "Add", "bent", x, apply(s, "Mul", "part", cube, number(s, "share", 0.044715)));
    const char *scaled = apply(s, "Mul", "scaled", bent, number(s, "scale", sqrt(M_2_PI)));
    return gated(s, apply(s, "Tanh", "tanh", scaled, NULL));
}

static lks_onnx_value dropout(const site *s) {
    return s->in[0];
}

static lks_onnx_value flatten(const site *s) {
    return lks_onnx_flat(s->model, s->name, s->in[0]);
}

/* --- the table -------------------------------------------------------------------------------- */

typedef struct kind {
    const char *name;
    lks_onnx_value (*write)(const site *s);
} kind;

static const kind kinds[] = {{"conv2d", conv2d},
                             {"maxpool", maxpool},
                             {"avgpool", avgpool},
                             {"global_avgpool", global_avgpool},
                             {"dense", dense},
                             {"batchnorm", batchnorm},
                             {"add", add},
                             {"concat", concat},
                             {"relu", relu},
                             {"leaky_relu", leaky_relu},
                             {"tanh", hyperbolic_tangent},
                             {"sigmoid", sigmoid},
                             {"gelu", gelu},
                             {"silu", silu},
                             {"dropout", dropout},
                             {"flatten", flatten}};

lks_status lks_onnx_layer(lks_onnx *m, const lks_exporting *x, const lks_export_layer *layer,
                          const lks_onnx_value *in, lks_onnx_value *out, lks_error *err) {
    const site s = {.model = m,
                    .layer = layer,
                    .name = layer->config->name,
                    .in = in,
                    .rounds = x->network->config.train.precision == LKS_BF16};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (lks_export_is(layer, kinds[k].name)) {
            *out = kinds[k].write(&s);
            return LKS_OK;
        }
    return lks_fail(err, LKS_ERR_CONFIG,
                    "layer '%s': what a %s is in ONNX is not known here; --format safetensors "
                    "takes all layers",
                    layer->config->name, lks_layer_kind_name(layer->config->kind));
}
