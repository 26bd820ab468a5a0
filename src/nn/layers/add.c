/* The sum of two layers' outputs (He et al., CVPR 2016). Its gradient goes to both as it is. */
#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

#include "lockstep/memory.h"

/* Pixels of `channels` floats from one distance apart to another: only the image itself may have
 * another one than a layer's output. */
static void copy(float *to, int to_stride, const float *from, int from_stride, int channels,
                 size_t pixels) {
    if (to_stride == from_stride)
        memcpy(to, from, pixels * to_stride * sizeof(float));
    else
        for (size_t p = 0; p < pixels; p++)
            memcpy(to + p * to_stride, from + p * from_stride, (size_t)channels * sizeof(float));
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const lks_activation *a = op->in, *b = op->more[0].from, *out = op->out;
    size_t pixels = (size_t)count * out->shape.rows * out->shape.columns;
    float *y = lks_value(out, w, first);
    copy(y, out->stride, lks_value(b, w, first), b->stride, out->shape.channels, pixels);
    op->model->kernels->add(y, y, lks_value(a, w, first), a->size * count);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const lks_activation *out = op->out;
    const float *dy = lks_gradient(out, w, first);
    size_t pixels = (size_t)count * out->shape.rows * out->shape.columns;
    if (op->dx)
        copy(lks_sample(op->dx, w, first), op->in->stride, dy, out->stride, out->shape.channels,
             pixels);
    const lks_op_input *other = &op->more[0];
    if (other->dx)
        copy(lks_sample(other->dx, w, first), other->from->stride, dy, out->stride,
             out->shape.channels, pixels);
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    lks_op *op = lks_alloc(1, sizeof *op, "an addition", err);
    if (!op)
        return err->status;
    op->in = lks_site_input(site, 0);
    op->more[0].from = lks_site_input(site, 1);
    op->n_more = 1;
    return lks_model_append(site->model, op, &class, site->layer->name, op->in->shape,
                            op->in->stride, err);
}

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    (void)info; /* one addition for each value is what stands there */
    const lks_shape in = p->in[0], other = p->in[1];
    if (in.rows != other.rows || in.columns != other.columns || in.channels != other.channels)
        return lks_place_refuse(p, err, "a %dx%dx%d and a %dx%dx%d input ('%s')", in.rows,
                                in.columns, in.channels, other.rows, other.columns, other.channels,
                                p->layer->from[0]);
    return LKS_OK;
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    snprintf(text, size, "+ %s", layer->from[0]);
}

static const lks_option options[] = {{"from", "name of the layer whose output is added",
                                      LKS_OPT_NAMES, .offset = offsetof(lks_layer_config, from),
                                      .second = offsetof(lks_layer_config, n_from), .room = 1,
                                      .required = true},
                                     LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .wants_image = true,
                                      .pads_input = true,
                                      .gives_logits = true,
                                      .details = details,
                                      .script = "sum"};
const lks_layer_kind lks_layer_add = {
    .name = "add",
    .stem = "add",
    .meaning = "sum with another layer's output, as in residual networks",
    .example = "- conv2d: {filters: 16, kernel: 3, padding: same, name: trunk}\n"
               "- conv2d: {filters: 16, kernel: 3, padding: same}\n"
               "- add: trunk\n",
    .options = options,
    .n_options = LKS_COUNT(options),
    .short_form = true,
    .rules = &rules};
