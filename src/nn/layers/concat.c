/* The channels of several layers' outputs side by side (Szegedy et al., "Going deeper with
 * convolutions", CVPR 2015). The gradient falls apart the same way. */
#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* Copies `channels` floats a pixel from one place and distance apart to another. */
static void copy(float *to, int to_stride, const float *from, int from_stride, int channels,
                 size_t pixels) {
    for (size_t p = 0; p < pixels; p++)
        memcpy(to + p * to_stride, from + p * from_stride, (size_t)channels * sizeof(float));
}

static const lks_activation *input_of(const lks_op *op, int i) {
    return i == 0 ? op->in : op->more[i - 1].from;
}

static size_t pixels_of(const lks_op *op, int count) {
    return (size_t)count * op->out->shape.rows * op->out->shape.columns;
}

/* What pads the channels was zeroed when it was allocated, here and backward. */
static void forward(lks_op *op, lks_worker *w, int first, int count) {
    float *y = lks_value(op->out, w, first);
    for (int i = 0; i <= op->n_more; i++) {
        const lks_activation *a = input_of(op, i);
        copy(y, op->out->stride, lks_value(a, w, first), a->stride, a->shape.channels,
             pixels_of(op, count));
        y += a->shape.channels;
    }
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const float *dy = lks_gradient(op->out, w, first);
    for (int i = 0; i <= op->n_more; i++) {
        const lks_activation *a = input_of(op, i);
        const lks_samples *dx = i == 0 ? op->dx : op->more[i - 1].dx;
        if (dx)
            copy(lks_sample(dx, w, first), a->stride, dy, op->out->stride, a->shape.channels,
                 pixels_of(op, count));
        dy += a->shape.channels;
    }
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    lks_op *op = lks_alloc(1, sizeof *op, "a concatenation", err);
    if (!op)
        return err->status;
    op->in = lks_site_input(site, 0);
    op->n_more = site->layer->n_inputs - 1;
    for (int i = 0; i < op->n_more; i++)
        op->more[i].from = lks_site_input(site, i + 1);
    return lks_site_append(site, op, &class, lks_padded(site->info->out.channels), err);
}

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    const lks_shape in = p->in[0];
    int64_t channels = in.channels;
    for (int i = 1; i < p->layer->n_inputs; i++) {
        const lks_shape other = p->in[i];
        if (in.rows != other.rows || in.columns != other.columns)
            return lks_place_refuse(p, err, "a %dx%d and a %dx%d input ('%s') do not fit together",
                                    in.rows, in.columns, other.rows, other.columns,
                                    p->layer->from[i - 1]);
        channels += other.channels;
    }
    if (channels > INT32_MAX / 8)
        return lks_place_refuse(p, err, "%lld channels are too many", (long long)channels);
    info->out.channels = (int)channels;
    info->flop = 0;
    return LKS_OK;
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    size_t used = 0;
    for (int i = 0; i < layer->n_from && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "with ", layer->from[i]);
}

static const char script[] =
    "(layer, shape, numbers, shapes) => {\n"
    "  const channels = shapes.map(s => s[2]), total = channels.reduce((a, b) => a + b);\n"
    "  const pixels = shape[0] * shape[1], out = new Float32Array(pixels * total);\n"
    "  return {\n"
    "    shape: [shape[0], shape[1], total],\n"
    "    *run(...inputs) {\n"
    "      for (let p = 0, to = 0; p < pixels; p++)\n"
    "        inputs.forEach((x, i) => {\n"
    "          out.set(x.subarray(p * channels[i], (p + 1) * channels[i]), to);\n"
    "          to += channels[i];\n"
    "        });\n"
    "      return out;\n"
    "    }\n"
    "  };\n"
    "}";

static const lks_option options[] = {
    {"from", "names of the layers whose channels follow those of the input", LKS_OPT_NAMES,
     .offset = offsetof(lks_layer_config, from), .second = offsetof(lks_layer_config, n_from),
     .room = LKS_LAYER_INPUTS_MAX - 1, .required = true},
    LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .new_channels = true,
                                      .wants_image = true,
                                      .gives_logits = true,
                                      .details = details,
                                      .script = script};
const lks_layer_kind lks_layer_concat = {
    .name = "concat",
    .stem = "concat",
    .meaning = "channels of several layers' outputs side by side, of the same rows and columns",
    .example = "- conv2d: {filters: 16, kernel: 3, padding: same, name: narrow}\n"
               "- conv2d: {filters: 16, kernel: 5, padding: same, input: input}\n"
               "- concat: narrow\n",
    .options = options,
    .n_options = LKS_COUNT(options),
    .short_form = true,
    .rules = &rules};
