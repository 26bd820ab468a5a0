/* The network's input: bytes to normalised floats. */
#include "nn/input.h"

#include <string.h>

#include "base/memory.h"

typedef struct input_op {
    lks_op op;
    float (*table)[256]; /* [channels]: the float value of every byte */
} input_op;

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const input_op *in = (input_op *)op;
    int channels = op->out->shape.channels, stride = op->out->stride;
    size_t pixels = (size_t)op->out->shape.rows * op->out->shape.columns;
    const uint8_t *bytes = op->model->batch.images + (size_t)first * pixels * channels;
    float *x = lks_value(op->out, w, first);
    for (int c = 0; c < channels; c++) {
        const float *table = in->table[c];
        for (size_t i = 0; i < pixels * count; i++)
            x[i * stride + c] = table[bytes[i * channels + c]];
    }
}

lks_status lks_input_new(lks_model *m, const float (*table)[256], int stride, lks_error *err) {
    static const lks_op_class class = {.forward = forward};
    input_op *in = lks_alloc(1, sizeof *in, "the input", err);
    if (!in)
        return err->status;
    LKS_TRY(lks_model_append(m, &in->op, &class, "input", m->input, stride, err));
    size_t channels = (size_t)m->input.channels;
    in->table = lks_op_alloc(&in->op, channels, sizeof *in->table, err);
    if (!in->table)
        return err->status;
    memcpy(in->table, table, channels * sizeof *table);
    return LKS_OK;
}

const float *lks_input_pixels(const lks_op *op) {
    return ((const input_op *)op)->table[0];
}
