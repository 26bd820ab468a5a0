/* The sum of two layers' outputs (He et al., CVPR 2016). Its gradient goes to both as it is. */
#include "nn/op.h"

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
    (void)w;
    const lks_activation *a = op->in, *b = op->second, *out = op->out;
    size_t pixels = (size_t)count * out->shape.rows * out->shape.columns;
    float *y = out->value + first * out->size;
    copy(y, out->stride, b->value + first * b->size, b->stride, out->shape.channels, pixels);
    op->model->kernels->add(y, y, a->value + first * a->size, a->size * count);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    (void)w;
    const lks_activation *out = op->out;
    const float *dy = out->gradient + first * out->size;
    size_t pixels = (size_t)count * out->shape.rows * out->shape.columns;
    if (op->dx)
        copy(op->dx + first * op->in->size, op->in->stride, dy, out->stride, out->shape.channels,
             pixels);
    if (op->dx_second)
        copy(op->dx_second + first * op->second->size, op->second->stride, dy, out->stride,
             out->shape.channels, pixels);
}

lks_status lks_add_new(lks_model *m, const lks_layer_config *layer, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    lks_op *op = lks_alloc(1, sizeof *op, "an addition", err);
    if (!op)
        return err->status;
    op->in = lks_model_input(m, layer);
    op->second = lks_model_output_of(m, layer->from_layer);
    return lks_model_append(m, op, &class, layer->name, op->in->shape, op->in->stride, err);
}
