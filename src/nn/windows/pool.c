/* Pooling of any window, stride and padding, for where it does not follow a convolution as plain 2x2
 * max-pooling: the maximum, the mean of a window, the mean of a whole channel.
 *
 * A window is cut to the part that lies in the image; padding never wins a maximum, and counts in a
 * mean's divisor where the configuration says so. */
#include "nn/windows/pool.h"

#include <string.h>

#include "base/memory.h"

typedef struct pool_op {
    lks_op op;
    lks_window window;
    int before[2];
    bool count_padding;
    bool wide;         /* places are int32_t, else uint8_t */
    int rows;          /* of outputs whose inputs are made together */
    lks_samples place; /* maximum: [out size] which cell of its window it was */
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

static float cells_of(const pool_op *p, const lks_pool_args *a) {
    return p->count_padding ? (float)(p->window.size[0] * p->window.size[1])
                            : (float)(a->rows * a->columns);
}

/* A window and those beside it that are as wide. */
static lks_pool_args alike(const pool_op *p, int row, int column, window *w) {
    const lks_activation *in = p->op.in;
    *w = window_at(p, row, column);
    lks_pool_args a = {.rows = w->row_end - w->row,
                       .columns = w->column_end - w->column,
                       .channels = in->stride,
                       .row = (size_t)in->shape.columns * (size_t)in->stride,
                       .windows = 1,
                       .step = (size_t)p->window.stride[1] * (size_t)in->stride,
                       .wide = p->wide};
    for (; column + a.windows < p->op.out->shape.columns; a.windows++) {
        const window next = window_at(p, row, column + a.windows);
        if (next.column != w->column + a.windows * p->window.stride[1] ||
            next.column_end - next.column != a.columns)
            break;
    }
    return a;
}

/* The places of an image from an output on. */
static void *place_at(const pool_op *p, const lks_worker *w, int sample, size_t at) {
    char *place = p->place.each ? lks_sample(&p->place, w, sample) : NULL;
    return place ? place + at * (p->wide ? sizeof(int32_t) : 1) : NULL;
}

static size_t pixel(const lks_activation *a, int row, int column) {
    return ((size_t)row * (size_t)a->shape.columns + (size_t)column) * (size_t)a->stride;
}

/* A row of outputs; x begins with row `top` of the image. */
static void forward_row(const pool_op *p, lks_worker *w, int sample, int row, const float *x,
                        int top) {
    const lks_kernels *k = p->op.model->kernels;
    float *y = lks_value(p->op.out, w, sample);
    lks_pool_args a;
    for (int column = 0; column < p->op.out->shape.columns; column += a.windows) {
        window first;
        a = alike(p, row, column, &first);
        const size_t at = pixel(p->op.out, row, column);
        const float *from = x + pixel(p->op.in, first.row - top, first.column);
        if (p->place.each)
            k->pool.max(y + at, place_at(p, w, sample, at), from, &a);
        else
            k->pool.mean(y + at, from, cells_of(p, &a), &a);
    }
}

/* Makes what rows [row, end) of outputs read of the image; *top becomes its first row. */
static const float *made_rows(const pool_op *p, lks_worker *w, int sample, int row, int end,
                              int *top) {
    const lks_op *maker = p->op.in->value_maker;
    const size_t columns = (size_t)p->op.in->shape.columns;
    const window first = window_at(p, row, 0), last = window_at(p, end - 1, 0);
    *top = first.row;
    maker->class->make_value(maker, w, w->scratch, sample, (size_t)first.row * columns,
                             (size_t)(last.row_end - first.row) * columns);
    return w->scratch;
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const pool_op *p = (const pool_op *)op;
    const int rows = op->out->shape.rows;
    for (int s = first; s < first + count; s++)
        for (int row = 0; row < rows; row += p->rows) {
            const int end = rows - row < p->rows ? rows : row + p->rows;
            int top = 0;
            const float *x =
                op->in->value_maker ? made_rows(p, w, s, row, end, &top) : lks_value(op->in, w, s);
            for (int r = row; r < end; r++)
                forward_row(p, w, s, r, x, top);
        }
}

/* What a row of outputs gives to rows [top, end) of the image, of which dx begins with the first. */
static void backward_row(const pool_op *p, const lks_worker *w, float *dx, int sample, int row,
                         int top, int end) {
    const lks_kernels *k = p->op.model->kernels;
    const float *dy = lks_gradient(p->op.out, w, sample);
    lks_pool_args a;
    for (int column = 0; column < p->op.out->shape.columns; column += a.windows) {
        window first;
        a = alike(p, row, column, &first);
        const float cells = cells_of(p, &a);
        const int from = first.row < top ? top : first.row;
        const size_t at = pixel(p->op.out, row, column);
        float *to = dx + pixel(p->op.in, from - top, first.column);
        a.rows = (first.row_end < end ? first.row_end : end) - from;
        if (p->place.each)
            k->pool.max_backward(to, dy + at, place_at(p, w, sample, at),
                                 (from - first.row) * a.columns, &a);
        else
            k->pool.mean_backward(to, dy + at, cells, &a);
    }
}

/* Windows in row-major order: with overlapping windows that is the order of an input's sum. */
static void make_dx(const lks_op *op, const lks_worker *w, float *to, int sample, size_t at,
                    size_t count) {
    const pool_op *p = (const pool_op *)op;
    const size_t columns = (size_t)op->in->shape.columns;
    const int top = (int)(at / columns), end = (int)((at + count) / columns);
    memset(to, 0, count * (size_t)op->in->stride * sizeof *to);
    for (int row = 0; row < op->out->shape.rows; row++) {
        const window first = window_at(p, row, 0);
        if (first.row_end > top && first.row < end)
            backward_row(p, w, to, sample, row, top, end);
    }
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const lks_shape in = op->in->shape;
    for (int s = first; op->dx && !op->in->gradient_maker && s < first + count; s++)
        make_dx(op, w, lks_sample(op->dx, w, s), s, 0, (size_t)in.rows * (size_t)in.columns);
}

/* Where windows do not overlap, each input is made once only, and so is its gradient. */
static void have_made(pool_op *p) {
    lks_op *op = &p->op;
    const size_t row = (size_t)op->in->shape.columns * (size_t)op->in->stride;
    const int fit = (int)(lks_made_floats(row) / row), size = p->window.size[0];
    p->rows = fit > size ? (fit - size) / p->window.stride[0] + 1 : 1;
    if (p->window.stride[0] < size || p->window.stride[1] < p->window.size[1])
        return;
    lks_op_make_value(op->in);
    lks_op_make_gradient(op);
    if (op->in->value_maker)
        op->scratch_floats = row * (size_t)(fit > size ? fit : size);
}

lks_status lks_pool_new(lks_site *site, const lks_window *w, lks_pooling pooling, lks_error *err) {
    static const lks_op_class class = {
        .forward = forward, .backward = backward, .make_dx = make_dx};
    pool_op *p = lks_alloc(1, sizeof *p, "a pooling layer", err);
    if (!p)
        return err->status;
    const lks_activation *in = p->op.in = lks_site_input(site, 0);
    int64_t padded[2];
    p->window = *w;
    lks_window_pad(w, in->shape, p->before, padded);
    p->count_padding = pooling == LKS_POOL_MEAN_OF_WINDOW;
    p->wide = w->size[0] * w->size[1] > 256;
    p->op.traits.keeps_dy = true;
    LKS_TRY(lks_site_append(site, &p->op, &class, in->stride, err));
    have_made(p);
    if (pooling == LKS_POOL_LARGEST)
        lks_op_keep(&p->op, &p->place, p->op.out->size * (p->wide ? sizeof(int32_t) : 1), true);
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
