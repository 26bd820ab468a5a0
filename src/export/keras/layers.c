/* What each kind of layer is in Keras (keras.io/api/layers). */
#include "base/json/json.h"
#include "export/keras/building.h"

static const char *word(bool value) {
    return value ? "true" : "false";
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

static char *convolution_settings(const lks_keras_building *b, const lks_export_window *w,
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

static lks_status make_conv2d(lks_keras_building *b) {
    const lks_export_window w = lks_export_window_of(b->layer);
    const bool depthwise = is_depthwise(b->layer, &w);
    const char *padding;
    LKS_TRY(lks_keras_need_image(b));
    LKS_TRY(lks_keras_pad(b, &w, &padding));
    lks_keras_node node = lks_keras_node_of(b, depthwise ? "DepthwiseConv2D" : "Conv2D",
                                            convolution_settings(b, &w, padding, depthwise));
    node.layer = b->layer;
    return lks_keras_add_own(b, &node);
}

static lks_status make_dense(lks_keras_building *b) {
    LKS_TRY(lks_keras_as_vector(b->g, &b->inputs[0]));
    lks_keras_node node = lks_keras_node_of(
        b, "Dense",
        lks_keras_settings(
            ", \"units\": %d, \"activation\": \"linear\", \"use_bias\": %s" RANDOM("kernel")
                ZEROS("bias") NOTHING("kernel_regularizer") NOTHING("bias_regularizer")
                    NOTHING("kernel_constraint") NOTHING("bias_constraint"),
            lks_export_int(b->layer, "units"), word(lks_export_flag(b->layer, "bias"))));
    node.layer = b->layer;
    return lks_keras_add_own(b, &node);
}

/* Keras's momentum is what the moving mean keeps, Lockstep's what it takes up. */
static lks_status make_batchnorm(lks_keras_building *b) {
    char keeps[32], epsilon[32];
    const char *affine = word(lks_export_flag(b->layer, "affine"));
    lks_keras_node node = lks_keras_node_of(
        b, "BatchNormalization",
        lks_keras_settings(
            ", \"axis\": -1, \"momentum\": %s, \"epsilon\": %s, \"center\": %s, \"scale\": "
            "%s" ZEROS("beta") ONES("gamma") ZEROS("moving_mean") ONES("moving_variance")
                NOTHING("beta_regularizer") NOTHING("gamma_regularizer") NOTHING("beta_constraint")
                    NOTHING("gamma_constraint") ", \"synchronized\": false",
            lks_json_number(1 - lks_export_number(b->layer, "momentum"), keeps),
            lks_json_number(lks_export_number(b->layer, "epsilon"), epsilon), affine, affine));
    node.layer = b->layer;
    return lks_keras_add_own(b, &node);
}

/* --- functions -------------------------------------------------------------------------------- */

static lks_status make_relu(lks_keras_building *b) {
    lks_keras_node node = lks_keras_node_of(
        b, "ReLU",
        lks_keras_settings(", \"max_value\": null, \"negative_slope\": 0.0, \"threshold\": 0.0"));
    node.sign = LKS_KERAS_NOT_BELOW_0;
    return lks_keras_add_own(b, &node);
}

static lks_status make_leaky_relu(lks_keras_building *b) {
    char slope[32];
    const lks_keras_node node = lks_keras_node_of(
        b, "LeakyReLU",
        lks_keras_settings(", \"negative_slope\": %s",
                           lks_json_number(lks_export_number(b->layer, "slope"), slope)));
    return lks_keras_add_own(b, &node);
}

static lks_status add_function(const lks_keras_building *b, const char *function,
                               lks_keras_sign sign) {
    lks_keras_node node = lks_keras_node_of(
        b, "Activation", lks_keras_settings(", \"activation\": \"%s\"", function));
    node.sign = sign;
    return lks_keras_add_own(b, &node);
}

static lks_status make_tanh(lks_keras_building *b) {
    return add_function(b, "tanh", LKS_KERAS_ANY);
}

static lks_status make_sigmoid(lks_keras_building *b) {
    return add_function(b, "sigmoid", LKS_KERAS_NOT_BELOW_0);
}

static lks_status make_silu(lks_keras_building *b) {
    return add_function(b, "silu", LKS_KERAS_ANY);
}

/* x * y; both may be one node. */
static lks_keras_node product(const lks_keras_building *b, int x, int y) {
    lks_keras_node node = lks_keras_node_of(b, "Multiply", lks_keras_settings("%s", ""));
    node.inputs[0] = x;
    node.inputs[1] = y;
    node.n_inputs = 2;
    return node;
}

/* No layer of Keras has the form with tanh, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), but it is
 * x * sigmoid(x * (2 sqrt(2 / pi) + 0.044715 * 2 sqrt(2 / pi) x^2)). */
static lks_status make_tanh_gelu(lks_keras_building *b) {
    const int x = b->inputs[0];
    const lks_keras_node square = product(b, x, x);
    LKS_TRY(lks_keras_add_before(b, &square, "_square"));
    const lks_keras_node line =
        lks_keras_node_of(b, "Rescaling",
                          lks_keras_settings(", \"scale\": 0.07135481627159907, \"offset\": "
                                             "1.5957691216057308"));
    LKS_TRY(lks_keras_add_before(b, &line, "_line"));
    const lks_keras_node argument = product(b, x, b->inputs[0]);
    LKS_TRY(lks_keras_add_before(b, &argument, "_argument"));
    const lks_keras_node part =
        lks_keras_node_of(b, "Activation", lks_keras_settings(", \"activation\": \"sigmoid\""));
    LKS_TRY(lks_keras_add_before(b, &part, "_part"));
    const lks_keras_node own = product(b, x, b->inputs[0]);
    return lks_keras_add_own(b, &own);
}

static lks_status make_gelu(lks_keras_building *b) {
    return lks_export_flag(b->layer, "tanh_form") ? make_tanh_gelu(b)
                                                  : add_function(b, "gelu", LKS_KERAS_ANY);
}

static lks_status make_dropout(lks_keras_building *b) {
    char rate[32];
    lks_keras_node node = lks_keras_node_of(
        b, "Dropout",
        lks_keras_settings(", \"rate\": %s, \"seed\": null, \"noise_shape\": null",
                           lks_json_number(lks_export_number(b->layer, "rate"), rate)));
    node.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_own(b, &node);
}

/* --- shapes, and several inputs --------------------------------------------------------------- */

static lks_status make_flatten(lks_keras_building *b) {
    lks_keras_node node =
        lks_keras_node_of(b, "Flatten", lks_keras_settings(", \"data_format\": \"channels_last\""));
    node.flat = true;
    node.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_own(b, &node);
}

/* Vectors, or images: an image of one pixel may meet a vector. */
static lks_status make_alike(lks_keras_building *b) {
    bool flat = false;
    for (int k = 0; k < b->n_inputs; k++)
        flat = flat || b->g->nodes[b->inputs[k]].flat;
    for (int k = 0; k < b->n_inputs && flat; k++)
        LKS_TRY(lks_keras_as_vector(b->g, &b->inputs[k]));
    return LKS_OK;
}

static lks_status make_add(lks_keras_building *b) {
    LKS_TRY(make_alike(b));
    lks_keras_node node = lks_keras_node_of(b, "Add", lks_keras_settings("%s", ""));
    node.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_own(b, &node);
}

static lks_status make_concat(lks_keras_building *b) {
    LKS_TRY(make_alike(b));
    lks_keras_node node = lks_keras_node_of(b, "Concatenate", lks_keras_settings(", \"axis\": -1"));
    node.sign = LKS_KERAS_AS_INPUTS;
    return lks_keras_add_own(b, &node);
}

/* --- all kinds -------------------------------------------------------------------------------- */

static const struct {
    const char *kind;
    lks_status (*make)(lks_keras_building *b);
} kinds[] = {{"conv2d", make_conv2d},
             {"dense", make_dense},
             {"batchnorm", make_batchnorm},
             {"maxpool", lks_keras_maxpool},
             {"avgpool", lks_keras_avgpool},
             {"global_avgpool", lks_keras_global_avgpool},
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
    lks_keras_building b = {.g = g, .layer = layer, .n_inputs = layer->config->n_inputs};
    for (int k = 0; k < b.n_inputs; k++)
        b.inputs[k] = node_read(g, layer->config->inputs[k]);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (lks_export_is(layer, kinds[k].kind)) {
            LKS_TRY(kinds[k].make(&b));
            g->made[i] = g->n - 1;
            return LKS_OK;
        }
    return lks_keras_refuse(&b, "nobody has written yet what it is there",
                            "--format safetensors or npz holds its tensors");
}
