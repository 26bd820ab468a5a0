/* What each kind of layer is in Keras (keras.io/api/layers). Keras pads by `same`, which puts the odd row or column behind
 * the image as Lockstep does, or not at all; other padding is a layer of its own. */
#include <stdlib.h>
#include <string.h>

#include "base/json/json.h"
#include "export/keras/keras.h"

/* A layer whose nodes are being made. */
typedef struct building {
    lks_keras_graph *g;
    const lks_export_layer *layer;
    int inputs[LKS_LAYER_INPUTS_MAX]; /* nodes */
    int n_inputs;
} building;

/* A node that reads what the layer reads and has its shape. */
static lks_keras_node node_of(const building *b, const char *type, char *settings) {
    lks_keras_node node = {.type = type,
                           .settings = settings,
                           .n_inputs = b->n_inputs,
                           .shape = b->layer->out,
                           .flat = b->g->nodes[b->inputs[0]].flat};
    memcpy(node.inputs, b->inputs, sizeof node.inputs);
    return node;
}

/* The node that bears the layer's name. */
static lks_status add_own(const building *b, const lks_keras_node *node) {
    return lks_keras_add(b->g, node, b->layer->config->name, NULL);
}

/* Another one, which then is what the layer reads. */
static lks_status add_before(building *b, const lks_keras_node *node, const char *ending) {
    LKS_TRY(lks_keras_add(b->g, node, b->layer->config->name, ending));
    b->inputs[0] = b->g->n - 1;
    return LKS_OK;
}

static const char *word(bool value) {
    return value ? "true" : "false";
}

/* --- windows ---------------------------------------------------------------------------------- */

/* A vector is an image of one pixel here. */
static lks_status need_image(building *b) {
    const lks_keras_node *from = &b->g->nodes[b->inputs[0]];
    if (!from->flat)
        return LKS_OK;
    lks_keras_node image = node_of(
        b, "Reshape", lks_keras_settings(", \"target_shape\": [1, 1, %d]", b->layer->in.channels));
    image.shape = b->layer->in;
    image.flat = false;
    image.sign = LKS_KERAS_AS_INPUTS;
    return add_before(b, &image, "_image");
}

static bool has_padding(const lks_export_window *w) {
    return w->before[0] || w->before[1] || w->after[0] || w->after[1];
}

/* What Keras pads for `same`, and where (tensorflow.org/api_docs/python/tf/nn, "Notes on padding"). */
static bool is_same(const lks_export_window *w, lks_shape in) {
    const int size[2] = {in.rows, in.columns};
    for (int d = 0; d < 2; d++) {
        const int outputs = (size[d] + w->stride[d] - 1) / w->stride[d];
        const int needed = (outputs - 1) * w->stride[d] + w->size[d] - size[d];
        const int total = needed > 0 ? needed : 0;
        if (w->before[d] != total / 2 || w->after[d] != total - total / 2)
            return false;
    }
    return true;
}

static lks_status add_zeros(building *b, const lks_export_window *w) {
    lks_keras_node zeros =
        node_of(b, "ZeroPadding2D",
                lks_keras_settings(
                    ", \"padding\": [[%d, %d], [%d, %d]], \"data_format\": \"channels_last\"",
                    w->before[0], w->after[0], w->before[1], w->after[1]));
    const lks_shape in = b->layer->in;
    zeros.shape = (lks_shape){.rows = in.rows + w->before[0] + w->after[0],
                              .columns = in.columns + w->before[1] + w->after[1],
                              .channels = in.channels};
    zeros.sign = LKS_KERAS_AS_INPUTS;
    return add_before(b, &zeros, "_pad");
}

/* *padding becomes what Keras calls it; where it has no word, zeros are put around the input. */
static lks_status pad(building *b, const lks_export_window *w, const char **padding) {
    const bool none = !has_padding(w), same = is_same(w, b->layer->in);
    *padding = !none && same ? "same" : "valid";
    return none || same ? LKS_OK : add_zeros(b, w);
}

static lks_status refuse(const building *b, const char *why, const char *mend) {
    return lks_fail(b->g->err, LKS_ERR_CONFIG, "layer %s cannot be a layer of Keras: %s; %s",
                    b->layer->config->name, why, mend);
}

/* --- layers with weights ---------------------------------------------------------------------- */

#define INITIALIZER(name, type, config)                                                            \
    ", \"" name "_initializer\": {\"module\": \"keras.initializers\", \"class_name\": \"" type     \
    "\", \"config\": {" config "}, \"registered_name\": null}"
#define RANDOM(name)  INITIALIZER(name, "GlorotUniform", "\"seed\": null")
#define ZEROS(name)   INITIALIZER(name, "Zeros", "")
#define ONES(name)    INITIALIZER(name, "Ones", "")
#define NOTHING(name) ", \"" name "\": null"

/* One filter or more for each channel: TensorFlow computes no other groups on processors, and these with equal strides. */
static bool is_depthwise(const lks_export_layer *layer, const lks_export_window *w) {
    const int groups = lks_export_int(layer, "groups");
    return groups > 1 && groups == layer->in.channels && w->stride[0] == w->stride[1];
}

static char *convolution_settings(const building *b, const lks_export_window *w,
                                  const char *padding, bool depthwise) {
    const int filters = lks_export_int(b->layer, "filters");
    const int groups = lks_export_int(b->layer, "groups");
    char shares[64] = "";
    if (!depthwise)
        snprintf(shares, sizeof shares, ", \"groups\": %d", groups);
    static const char depthwise_rest[] = RANDOM("depthwise") ZEROS("bias")
        NOTHING("depthwise_regularizer") NOTHING("bias_regularizer") NOTHING("activity_regularizer")
            NOTHING("depthwise_constraint") NOTHING("bias_constraint");
    static const char rest[] =
        RANDOM("kernel") ZEROS("bias") NOTHING("kernel_regularizer") NOTHING("bias_regularizer")
            NOTHING("activity_regularizer") NOTHING("kernel_constraint") NOTHING("bias_constraint");
    return lks_keras_settings(
        ", \"%s\": %d, \"kernel_size\": [%d, %d], \"strides\": [%d, %d], \"padding\": \"%s\""
        ", \"data_format\": \"channels_last\", \"dilation_rate\": [1, 1]%s"
        ", \"activation\": \"linear\", \"use_bias\": %s%s",
        depthwise ? "depth_multiplier" : "filters", depthwise ? filters / groups : filters,
        w->size[0], w->size[1], w->stride[0], w->stride[1], padding, shares,
        word(lks_export_flag(b->layer, "bias")), depthwise ? depthwise_rest : rest);
}

static lks_status make_conv2d(building *b) {
    const lks_export_window w = lks_export_window_of(b->layer);
    const bool depthwise = is_depthwise(b->layer, &w);
    const char *padding;
    LKS_TRY(need_image(b));
    LKS_TRY(pad(b, &w, &padding));
    lks_keras_node node = node_of(b, depthwise ? "DepthwiseConv2D" : "Conv2D",
                                  convolution_settings(b, &w, padding, depthwise));
    node.layer = b->layer;
    return add_own(b, &node);
}

static lks_status make_dense(building *b) {
    LKS_TRY(lks_keras_as_vector(b->g, &b->inputs[0]));
    lks_keras_node node =
        node_of(b, "Dense",
                lks_keras_settings(
                    ", \"units\": %d, \"activation\": \"linear\", \"use_bias\": %s" RANDOM("kernel")
                        ZEROS("bias") NOTHING("kernel_regularizer") NOTHING("bias_regularizer")
                            NOTHING("kernel_constraint") NOTHING("bias_constraint"),
                    lks_export_int(b->layer, "units"), word(lks_export_flag(b->layer, "bias"))));
    node.layer = b->layer;
    return add_own(b, &node);
}

/* Keras's momentum is what the moving mean keeps, Lockstep's what it takes up. */
static lks_status make_batchnorm(building *b) {
    char keeps[32], epsilon[32];
    const char *affine = word(lks_export_flag(b->layer, "affine"));
    lks_keras_node node = node_of(
        b, "BatchNormalization",
        lks_keras_settings(
            ", \"axis\": -1, \"momentum\": %s, \"epsilon\": %s, \"center\": %s, \"scale\": "
            "%s" ZEROS("beta") ONES("gamma") ZEROS("moving_mean") ONES("moving_variance")
                NOTHING("beta_regularizer") NOTHING("gamma_regularizer") NOTHING("beta_constraint")
                    NOTHING("gamma_constraint") ", \"synchronized\": false",
            lks_json_number(1 - lks_export_number(b->layer, "momentum"), keeps),
            lks_json_number(lks_export_number(b->layer, "epsilon"), epsilon), affine, affine));
    node.layer = b->layer;
    return add_own(b, &node);
}

/* --- pooling ---------------------------------------------------------------------------------- */

static lks_status add_pooling(building *b, const lks_export_window *w, const char *type,
                              const char *padding) {
    lks_keras_node node = node_of(
        b, type,
        lks_keras_settings(", \"pool_size\": [%d, %d], \"padding\": \"%s\", \"strides\": [%d, %d]"
                           ", \"data_format\": \"channels_last\"",
                           w->size[0], w->size[1], padding, w->stride[0], w->stride[1]));
    node.sign = LKS_KERAS_AS_INPUTS;
    return add_own(b, &node);
}

/* Zeros are nothing to a maximum of values that are not below 0. */
static lks_status make_maxpool(building *b) {
    const lks_export_window w = lks_export_window_of(b->layer);
    const char *padding;
    LKS_TRY(need_image(b));
    if (has_padding(&w) && !is_same(&w, b->layer->in) &&
        b->g->nodes[b->inputs[0]].sign != LKS_KERAS_NOT_BELOW_0)
        return refuse(b,
                      "its padding is not that of 'same', and zeros around an input that may be "
                      "below 0 would count",
                      "a network with 'padding: same', or with relu before this layer, can be one");
    LKS_TRY(pad(b, &w, &padding));
    return add_pooling(b, &w, "MaxPooling2D", padding);
}

/* Keras never counts what `same` pads, but counts the zeros of a layer of their own. */
static lks_status make_avgpool(building *b) {
    const lks_export_window w = lks_export_window_of(b->layer);
    const bool counts = lks_export_flag(b->layer, "count_padding"), padded = has_padding(&w);
    LKS_TRY(need_image(b));
    if (padded && !counts && !is_same(&w, b->layer->in))
        return refuse(b,
                      "its padding is not that of 'same', and zeros around the input would count",
                      "a network with 'padding: same', or 'count_padding: true', can be one");
    if (padded && counts)
        LKS_TRY(add_zeros(b, &w));
    return add_pooling(b, &w, "AveragePooling2D", padded && !counts ? "same" : "valid");
}

static lks_status make_global_avgpool(building *b) {
    LKS_TRY(need_image(b));
    lks_keras_node node =
        node_of(b, "GlobalAveragePooling2D",
                lks_keras_settings(", \"data_format\": \"channels_last\", \"keepdims\": false"));
    node.flat = true;
    node.sign = LKS_KERAS_AS_INPUTS;
    return add_own(b, &node);
}

/* --- functions -------------------------------------------------------------------------------- */

static lks_status make_relu(building *b) {
    lks_keras_node node = node_of(
        b, "ReLU",
        lks_keras_settings(", \"max_value\": null, \"negative_slope\": 0.0, \"threshold\": 0.0"));
    node.sign = LKS_KERAS_NOT_BELOW_0;
    return add_own(b, &node);
}

static lks_status make_leaky_relu(building *b) {
    char slope[32];
    const lks_keras_node node =
        node_of(b, "LeakyReLU",
                lks_keras_settings(", \"negative_slope\": %s",
                                   lks_json_number(lks_export_number(b->layer, "slope"), slope)));
    return add_own(b, &node);
}

static lks_status add_function(const building *b, const char *function, lks_keras_sign sign) {
    lks_keras_node node =
        node_of(b, "Activation", lks_keras_settings(", \"activation\": \"%s\"", function));
    node.sign = sign;
    return add_own(b, &node);
}

static lks_status make_tanh(building *b) {
    return add_function(b, "tanh", LKS_KERAS_ANY);
}

static lks_status make_sigmoid(building *b) {
    return add_function(b, "sigmoid", LKS_KERAS_NOT_BELOW_0);
}

static lks_status make_silu(building *b) {
    return add_function(b, "silu", LKS_KERAS_ANY);
}

/* x * y; both may be one node. */
static lks_keras_node product(const building *b, int x, int y) {
    lks_keras_node node = node_of(b, "Multiply", lks_keras_settings("%s", ""));
    node.inputs[0] = x;
    node.inputs[1] = y;
    node.n_inputs = 2;
    return node;
}

/* No layer of Keras has the form with tanh, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), but it is
 * x * sigmoid(x * (2 sqrt(2 / pi) + 0.044715 * 2 sqrt(2 / pi) x^2)). */
static lks_status make_tanh_gelu(building *b) {
    const int x = b->inputs[0];
    const lks_keras_node square = product(b, x, x);
    LKS_TRY(add_before(b, &square, "_square"));
    const lks_keras_node line =
        node_of(b, "Rescaling",
                lks_keras_settings(", \"scale\": 0.07135481627159907, \"offset\": "
                                   "1.5957691216057308"));
    LKS_TRY(add_before(b, &line, "_line"));
    const lks_keras_node argument = product(b, x, b->inputs[0]);
    LKS_TRY(add_before(b, &argument, "_argument"));
    const lks_keras_node part =
        node_of(b, "Activation", lks_keras_settings(", \"activation\": \"sigmoid\""));
    LKS_TRY(add_before(b, &part, "_part"));
    const lks_keras_node own = product(b, x, b->inputs[0]);
    return add_own(b, &own);
}

static lks_status make_gelu(building *b) {
    return lks_export_flag(b->layer, "tanh_form") ? make_tanh_gelu(b)
                                                  : add_function(b, "gelu", LKS_KERAS_ANY);
}

static lks_status make_dropout(building *b) {
    char rate[32];
    lks_keras_node node =
        node_of(b, "Dropout",
                lks_keras_settings(", \"rate\": %s, \"seed\": null, \"noise_shape\": null",
                                   lks_json_number(lks_export_number(b->layer, "rate"), rate)));
    node.sign = LKS_KERAS_AS_INPUTS;
    return add_own(b, &node);
}

/* --- shapes, and several inputs --------------------------------------------------------------- */

static lks_status make_flatten(building *b) {
    lks_keras_node node =
        node_of(b, "Flatten", lks_keras_settings(", \"data_format\": \"channels_last\""));
    node.flat = true;
    node.sign = LKS_KERAS_AS_INPUTS;
    return add_own(b, &node);
}

/* Vectors, or images: an image of one pixel may meet a vector. */
static lks_status make_alike(building *b) {
    bool flat = false;
    for (int k = 0; k < b->n_inputs; k++)
        flat = flat || b->g->nodes[b->inputs[k]].flat;
    for (int k = 0; k < b->n_inputs && flat; k++)
        LKS_TRY(lks_keras_as_vector(b->g, &b->inputs[k]));
    return LKS_OK;
}

static lks_status make_add(building *b) {
    LKS_TRY(make_alike(b));
    lks_keras_node node = node_of(b, "Add", lks_keras_settings("%s", ""));
    node.sign = LKS_KERAS_AS_INPUTS;
    return add_own(b, &node);
}

static lks_status make_concat(building *b) {
    LKS_TRY(make_alike(b));
    lks_keras_node node = node_of(b, "Concatenate", lks_keras_settings(", \"axis\": -1"));
    node.sign = LKS_KERAS_AS_INPUTS;
    return add_own(b, &node);
}

/* --- all kinds -------------------------------------------------------------------------------- */

static const struct {
    const char *kind;
    lks_status (*make)(building *b);
} kinds[] = {{"conv2d", make_conv2d},
             {"dense", make_dense},
             {"batchnorm", make_batchnorm},
             {"maxpool", make_maxpool},
             {"avgpool", make_avgpool},
             {"global_avgpool", make_global_avgpool},
             {"relu", make_relu},
             {"leaky_relu", make_leaky_relu},
             {"tanh", make_tanh},
             {"sigmoid", make_sigmoid},
             {"silu", make_silu},
             {"gelu", make_gelu},
             {"dropout", make_dropout},
             {"flatten", make_flatten},
             {"add", make_add},
             {"concat", make_concat}};

/* The node that has what the layer reads: behind the image there may be one that normalises. */
static int node_read(const lks_keras_graph *g, int layer) {
    if (layer >= 0)
        return g->made[layer];
    return lks_export_has(g->x, LKS_EXPORT_NORMALIZED) ? 0 : 1;
}

lks_status lks_keras_layer(lks_keras_graph *g, int i) {
    const lks_export_layer *layer = &g->x->layers[i];
    building b = {.g = g, .layer = layer, .n_inputs = layer->config->n_inputs};
    for (int k = 0; k < b.n_inputs; k++)
        b.inputs[k] = node_read(g, layer->config->inputs[k]);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (lks_export_is(layer, kinds[k].kind)) {
            LKS_TRY(kinds[k].make(&b));
            g->made[i] = g->n - 1;
            return LKS_OK;
        }
    return refuse(&b, "nobody has written yet what it is there",
                  "--format safetensors or npz holds its tensors");
}
