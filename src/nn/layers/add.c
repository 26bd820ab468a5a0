/* The sum of two layers' outputs, and the ReLU that follows it (He et al., CVPR 2016). Its gradient goes to both as it
 * is. */
#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

typedef struct add_op {
    lks_op op;
    bool relu;
    size_t pixels; /* that are worked on together, whole rows */
} add_op;

/* Pixels of `channels` floats from one distance apart to another: only the image itself may have
 * another one than a layer's output. */
static void copy(float *to, int to_stride, const float *from, int from_stride, int channels,
                 size_t pixels) {
    if (to_stride == from_stride)
        memcpy(to, from, pixels * to_stride * sizeof(float));
    else
        for (size_t p = 0; p < pixels; p++) {
            memcpy(to + p * to_stride, from + p * from_stride, (size_t)channels * sizeof(float));
            memset(to + p * to_stride + channels, 0,
                   (size_t)(to_stride - channels) * sizeof(float));
        }
}

/* Pixels of an input, shaped as the output's; `room` is for those that do not stand anywhere. */
static const float *input_at(const add_op *a, const lks_worker *w, const lks_activation *in,
                             float *room, int sample, size_t pixel, size_t count) {
    const lks_activation *out = a->op.out;
    if (in->value_maker) {
        in->value_maker->class->make_value(in->value_maker, w, room, sample, pixel, count);
        return room;
    }
    const float *x = lks_value(in, w, sample) + pixel * (size_t)in->stride;
    if (in->stride == out->stride)
        return x;
    copy(room, out->stride, x, in->stride, out->shape.channels, count);
    return room;
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const add_op *a = (const add_op *)op;
    const lks_activation *out = op->out;
    const size_t stride = (size_t)out->stride, pixels = out->size / stride;
    float *room[2] = {w->scratch, w->scratch + a->pixels * stride};
    for (int s = first; s < first + count; s++)
        for (size_t p = 0; p < pixels; p += a->pixels) {
            const size_t n = pixels - p < a->pixels ? pixels - p : a->pixels;
            const float *x = input_at(a, w, op->in, room[0], s, p, n);
            const float *y = input_at(a, w, op->more[0].from, room[1], s, p, n);
            op->model->kernels->add(lks_value(out, w, s) + p * stride, x, y, n * stride, a->relu);
        }
}

static void give(const lks_op *op, const lks_worker *w, const lks_activation *to,
                 const lks_samples *dx, int first, size_t pixels) {
    const lks_activation *out = op->out;
    if (dx && dx != out->gradient)
        copy(lks_sample(dx, w, first), to->stride, lks_gradient(out, w, first), out->stride,
             out->shape.channels, pixels);
}

/* ReLU's part comes first and in place, so that nothing else has to know of it. */
static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const lks_activation *out = op->out;
    float *dy = lks_gradient(out, w, first);
    const size_t pixels = out->size / (size_t)out->stride * (size_t)count;
    if (((const add_op *)op)->relu)
        op->model->kernels->relu_backward(dy, dy, lks_value(out, w, first),
                                          out->size * (size_t)count);
    give(op, w, op->in, op->dx, first, pixels);
    give(op, w, op->more[0].from, op->more[0].dx, first, pixels);
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    add_op *a = lks_alloc(1, sizeof *a, "an addition", err);
    if (!a)
        return err->status;
    lks_op *op = &a->op;
    op->in = lks_site_input(site, 0);
    op->more[0].from = lks_site_input(site, 1);
    op->n_more = 1;
    a->relu = lks_site_takes(site, LKS_FUSES_RELU);
    LKS_TRY(lks_site_append(site, op, &class, op->in->stride, err));
    const size_t row = (size_t)op->out->shape.columns * (size_t)op->out->stride;
    a->pixels = lks_made_floats(row) / row * (size_t)op->out->shape.columns;
    op->scratch_floats = 2 * a->pixels * (size_t)op->out->stride;
    lks_op_make_value(op->in);
    lks_op_make_value(op->more[0].from);
    lks_op_pass_gradient(op, op->in);
    lks_op_pass_gradient(op, op->more[0].from);
    return LKS_OK;
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
