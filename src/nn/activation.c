/* Activation functions, where they are not fused into the layer before. */
#include "nn/activation.h"

#include <string.h>

#include "base/memory.h"

typedef struct activation_op {
    lks_op op;
    lks_activation_kind kind;
    float slope;
} activation_op;

/* What pads channels has to stay 0, and sigmoid(0) is not. */
static void clear_padding(const lks_activation *out, float *y, int count) {
    int channels = out->shape.channels, padding = out->stride - channels;
    size_t pixels = (size_t)out->shape.rows * out->shape.columns * count;
    for (size_t p = 0; padding > 0 && p < pixels; p++)
        memset(y + p * out->stride + channels, 0, (size_t)padding * sizeof(float));
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const activation_op *a = (const activation_op *)op;
    float *y = lks_value(op->out, w, first);
    op->model->kernels->activate(a->kind, y, lks_value(op->in, w, first), op->out->size * count,
                                 a->slope);
    if (a->kind == LKS_ACT_SIGMOID)
        clear_padding(op->out, y, count);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const activation_op *a = (const activation_op *)op;
    if (op->dx)
        op->model->kernels->activate_backward(
            a->kind, lks_sample(op->dx, w, first), lks_gradient(op->out, w, first),
            lks_value(op->in, w, first), lks_value(op->out, w, first), op->out->size * count,
            a->slope);
}

lks_status lks_activation_new(lks_site *site, lks_activation_kind kind, double slope,
                              lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    activation_op *a = lks_alloc(1, sizeof *a, "an activation", err);
    if (!a)
        return err->status;
    a->op.in = lks_site_input(site, 0);
    a->kind = kind;
    a->slope = (float)slope;
    return lks_site_append(site, &a->op, &class, a->op.in->stride, err);
}
