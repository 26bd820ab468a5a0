/* ReLU where it is not fused into the layer before it. */
#include "nn/op.h"

#include "lockstep/memory.h"

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    (void)w;
    size_t at = first * op->out->size;
    op->model->kernels->relu(op->out->value + at, op->in->value + at, op->out->size * count);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    (void)w;
    size_t at = first * op->out->size;
    if (op->dx)
        op->model->kernels->relu_backward(op->dx + at, op->out->gradient + at, op->out->value + at,
                                          op->out->size * count);
}

lks_status lks_relu_new(lks_model *m, const lks_layer_config *layer, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    lks_op *op = lks_alloc(1, sizeof *op, "a ReLU", err);
    if (!op)
        return err->status;
    const lks_activation *in = op->in = lks_model_input(m, layer);
    return lks_model_append(m, op, &class, layer->name, in->shape, in->stride, err);
}
