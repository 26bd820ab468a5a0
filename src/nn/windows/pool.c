/* Pooling of any window, stride and padding, for where it does not follow a convolution as plain 2x2
 * max-pooling: the maximum, the mean of a window, the mean of a whole channel.
 *
 * A window is cut to the part that lies in the image; padding never wins a maximum, and counts in a
 * mean's divisor where the configuration says so. */
#include "nn/windows/pool.h"

#include <string.h>

#include "lockstep/memory.h"

typedef struct pool_op {
    lks_op op;
    lks_window window;
    int before[2];
    bool count_padding;
    lks_samples place; /* maximum: [out size] where in the input image each stood, int32_t */
} pool_op;

/* The pixels of one window. */
typedef struct window {
    int row, row_end, column, column_end;
} window;

static void cut(int start, int size, int limit, int *first, int *end) {
    *first = start < 0 ? 0 : start;
    *end = start + size > limit ? limit : start + size;
}

static window window_at(const pool_op *p, int row, int column) {
    const lks_shape in = p->op.in->shape;
    window w;
    const int *size = p->window.size, *stride = p->window.stride;
    cut(row * stride[0] - p->before[0], size[0], in.rows, &w.row, &w.row_end);
    cut(column * stride[1] - p->before[1], size[1], in.columns, &w.column, &w.column_end);
    return w;
}

static float divisor(const pool_op *p, window w) {
    return p->count_padding ? (float)(p->window.size[0] * p->window.size[1])
                            : (float)((w.row_end - w.row) * (w.column_end - w.column));
}

static size_t pixel(const lks_activation *a, int row, int column) {
    return ((size_t)row * a->shape.columns + column) * a->stride;
}

/* The first maximum in row-major order wins; NaN wins over all. */
static void largest(const pool_op *p, const float *restrict x, float *restrict y,
                    int32_t *restrict place, window w) {
    int stride = p->op.in->stride;
    int32_t at = (int32_t)pixel(p->op.in, w.row, w.column);
    for (int c = 0; c < stride; c++) {
        y[c] = x[at + c];
        place[c] = at + c;
    }
    for (int row = w.row; row < w.row_end; row++)
        for (int column = w.column; column < w.column_end; column++) {
            at = (int32_t)pixel(p->op.in, row, column);
            for (int c = 0; c < stride; c++) {
                float value = x[at + c];
                bool better = (y[c] == y[c]) & !(value <= y[c]);
                y[c] = better ? value : y[c];
                place[c] = better ? at + c : place[c];
            }
        }
}

/* The sum in row-major order, divided. */
static void mean(const pool_op *p, const float *restrict x, float *restrict y, window w) {
    int stride = p->op.in->stride;
    memset(y, 0, (size_t)stride * sizeof *y);
    for (int row = w.row; row < w.row_end; row++)
        for (int column = w.column; column < w.column_end; column++) {
            const float *from = x + pixel(p->op.in, row, column);
            for (int c = 0; c < stride; c++)
                y[c] += from[c];
        }
    float n = divisor(p, w);
    for (int c = 0; c < stride; c++)
        y[c] /= n;
}

static void forward(lks_op *op, lks_worker *worker, int first, int count) {
    const pool_op *p = (const pool_op *)op;
    for (int s = first; s < first + count; s++) {
        const float *x = lks_value(op->in, worker, s);
        float *y = lks_value(op->out, worker, s);
        int32_t *place = p->place.each ? lks_sample(&p->place, worker, s) : NULL;
        size_t at = 0;
        for (int row = 0; row < op->out->shape.rows; row++)
            for (int column = 0; column < op->out->shape.columns; column++, at += op->out->stride) {
                window w = window_at(p, row, column);
                if (place)
                    largest(p, x, y + at, place + at, w);
                else
                    mean(p, x, y + at, w);
            }
    }
}

static void mean_backward(const pool_op *p, float *restrict dx, const float *restrict dy,
                          window w) {
    int stride = p->op.in->stride;
    float n = divisor(p, w);
    for (int row = w.row; row < w.row_end; row++)
        for (int column = w.column; column < w.column_end; column++) {
            float *to = dx + pixel(p->op.in, row, column);
            for (int c = 0; c < stride; c++)
                to[c] += dy[c] / n;
        }
}

/* Windows in row-major order: with overlapping windows that is the order of an input's sum. */
static void backward(lks_op *op, lks_worker *worker, int first, int count) {
    const pool_op *p = (const pool_op *)op;
    const lks_activation *out = op->out;
    for (int s = first; op->dx && s < first + count; s++) {
        float *dx = lks_sample(op->dx, worker, s);
        const float *dy = lks_gradient(out, worker, s);
        memset(dx, 0, op->in->size * sizeof(float));
        if (p->place.each) {
            const int32_t *place = lks_sample(&p->place, worker, s);
            for (size_t i = 0; i < out->size; i++)
                dx[place[i]] += dy[i];
            continue;
        }
        for (int row = 0; row < out->shape.rows; row++)
            for (int column = 0; column < out->shape.columns; column++)
                mean_backward(p, dx, dy + pixel(out, row, column), window_at(p, row, column));
    }
}

lks_status lks_pool_new(lks_site *site, const lks_window *w, lks_pooling pooling, lks_error *err) {
    static const lks_op_class class = {.forward = forward, .backward = backward};
    pool_op *p = lks_alloc(1, sizeof *p, "a pooling layer", err);
    if (!p)
        return err->status;
    const lks_activation *in = p->op.in = lks_site_input(site, 0);
    int64_t padded[2];
    p->window = *w;
    lks_window_pad(w, in->shape, p->before, padded);
    p->count_padding = pooling == LKS_POOL_MEAN_OF_WINDOW;
    LKS_TRY(lks_site_append(site, &p->op, &class, in->stride, err));
    if (pooling == LKS_POOL_LARGEST)
        lks_op_keep(&p->op, &p->place, p->op.out->size * sizeof(int32_t), true);
    return LKS_OK;
}

lks_status lks_pool_shape(const lks_place *p, const lks_window *w, lks_layer_info *info,
                          lks_error *err) {
    const lks_shape in = p->in[0];
    int before[2];
    int64_t padded[2];
    for (int d = 0; d < 2; d++) /* so that no window lies in the padding alone */
        if (w->padding == LKS_PAD_EXPLICIT && 2 * w->pad[d] > w->size[d])
            return lks_place_refuse(p, err, "padding %dx%d is more than half of the %dx%d window",
                                    w->pad[0], w->pad[1], w->size[0], w->size[1]);
    lks_window_pad(w, in, before, padded);
    if (w->size[0] > padded[0] || w->size[1] > padded[1])
        return lks_place_refuse(p, err, "%dx%d window on a %lldx%lld input", w->size[0], w->size[1],
                                (long long)padded[0], (long long)padded[1]);
    info->out = lks_window_outputs(w, padded, in.channels);
    info->flop = (double)info->out.rows * info->out.columns * in.channels * w->size[0] * w->size[1];
    return LKS_OK;
}

void lks_pool_complete(lks_window *w) {
    if (w->stride[0] == 0)
        memcpy(w->stride, w->size, sizeof w->stride);
}
