/* Max-pooling of any window and stride, for where it does not follow a convolution as plain 2x2. */
#include "nn/op.h"

#include <string.h>

#include "lockstep/memory.h"

typedef struct maxpool_op {
    lks_op op;
    int window[2], stride[2];
    int32_t *place; /* [capacity][out size]: where in the input image each maximum stood */
} maxpool_op;

/* The first maximum in row-major order wins; NaN wins over all. */
static void pool_one(const maxpool_op *p, const float *x, float *y, int32_t *place, int row,
                     int column) {
    const lks_activation *in = p->op.in;
    for (int c = 0; c < in->stride; c++) {
        int32_t best = ((row * in->shape.columns) + column) * in->stride + c;
        for (int i = 0; i < p->window[0]; i++)
            for (int j = 0; j < p->window[1]; j++) {
                int32_t at = ((row + i) * in->shape.columns + column + j) * in->stride + c;
                if (x[best] == x[best] && !(x[at] <= x[best]))
                    best = at;
            }
        y[c] = x[best];
        place[c] = best;
    }
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    (void)w;
    const maxpool_op *p = (const maxpool_op *)op;
    for (int s = first; s < first + count; s++) {
        size_t at = s * op->out->size;
        for (int row = 0; row < op->out->shape.rows; row++)
            for (int column = 0; column < op->out->shape.columns; column++, at += op->out->stride)
                pool_one(p, op->in->value + s * op->in->size, op->out->value + at, p->place + at,
                         row * p->stride[0], column * p->stride[1]);
    }
}

/* Windows in row-major order: with overlapping windows that is the order of an input's sum. */
static void backward(lks_op *op, lks_worker *w, int first, int count) {
    (void)w;
    const maxpool_op *p = (const maxpool_op *)op;
    if (!op->dx)
        return;
    for (int s = first; s < first + count; s++) {
        float *dx = op->dx + s * op->in->size;
        memset(dx, 0, op->in->size * sizeof(float));
        const float *dy = op->out->gradient + s * op->out->size;
        const int32_t *place = p->place + s * op->out->size;
        for (size_t i = 0; i < op->out->size; i++)
            dx[place[i]] += dy[i];
    }
}

lks_status lks_maxpool_new(lks_model *m, const lks_layer_config *layer, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    maxpool_op *p = lks_alloc(1, sizeof *p, "a pooling layer", err);
    if (!p)
        return err->status;
    const lks_activation *in = p->op.in = lks_model_input(m, layer);
    memcpy(p->window, layer->window, sizeof p->window);
    memcpy(p->stride, layer->stride, sizeof p->stride);
    lks_shape out = {(in->shape.rows - p->window[0]) / p->stride[0] + 1,
                     (in->shape.columns - p->window[1]) / p->stride[1] + 1, in->shape.channels};
    LKS_TRY(lks_model_append(m, &p->op, &class, layer->name, out, in->stride, err));
    p->place = lks_op_alloc(&p->op, p->op.out->size * m->capacity, sizeof(int32_t), err);
    return p->place ? LKS_OK : err->status;
}
