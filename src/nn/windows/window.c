#include "nn/windows/window.h"

#include <string.h>

void lks_window_pad(const lks_window *w, lks_shape in, int before[2], int64_t padded[2]) {
    const int size[2] = {in.rows, in.columns};
    for (int d = 0; d < 2; d++) {
        int64_t total = 0;
        before[d] = 0;
        if (w->padding == LKS_PAD_EXPLICIT) {
            before[d] = w->pad[d];
            total = 2 * (int64_t)w->pad[d];
        } else if (w->padding == LKS_PAD_SAME) {
            int64_t outputs = (size[d] + (int64_t)w->stride[d] - 1) / w->stride[d];
            total = (outputs - 1) * w->stride[d] + w->size[d] - size[d];
            total = total > 0 ? total : 0;
            before[d] = (int)(total / 2);
        }
        padded[d] = size[d] + total;
    }
}

lks_shape lks_window_outputs(const lks_window *w, const int64_t padded[2], int channels) {
    return (lks_shape){(int)((padded[0] - w->size[0]) / w->stride[0] + 1),
                       (int)((padded[1] - w->size[1]) / w->stride[1] + 1), channels};
}

lks_canvas lks_canvas_of(const lks_window *w, const lks_activation *in) {
    lks_canvas c = {.in = in};
    int64_t padded[2];
    lks_window_pad(w, in->shape, c.pad, padded);
    c.rows = (int)padded[0];
    c.columns = (int)padded[1];
    return c;
}

bool lks_canvas_has_border(const lks_canvas *c) {
    return c->rows != c->in->shape.rows || c->columns != c->in->shape.columns;
}

size_t lks_canvas_size(const lks_canvas *c) {
    return (size_t)c->rows * c->columns * c->in->stride;
}

size_t lks_canvas_step(const lks_canvas *c) {
    return c->padded.each ? lks_canvas_size(c) : c->in->size;
}

const float *lks_canvas_image(const lks_canvas *c, const lks_worker *w, int sample) {
    return lks_sample(c->padded.each ? &c->padded : &c->in->value, w, sample);
}

/* The first float of row y of the image within its border. */
static size_t row_at(const lks_canvas *c, int y) {
    return ((size_t)(c->pad[0] + y) * c->columns + c->pad[1]) * c->in->stride;
}

/* Makes an image in its frame, row by row where there is a border. */
static void make(const lks_canvas *c, const lks_worker *w, float *to, int sample) {
    const lks_op *maker = c->in->value_maker;
    const size_t columns = (size_t)c->in->shape.columns, rows = (size_t)c->in->shape.rows;
    const bool whole = !lks_canvas_has_border(c);
    for (size_t y = 0; y < (whole ? 1 : rows); y++)
        maker->class->make_value(maker, w, to + row_at(c, (int)y), sample, y * columns,
                                 whole ? rows * columns : columns);
}

void lks_canvas_fill(const lks_canvas *c, const lks_worker *w, int sample) {
    size_t row = (size_t)c->in->shape.columns * c->in->stride;
    float *to = lks_sample(&c->padded, w, sample);
    if (c->in->value_maker) {
        make(c, w, to, sample);
        return;
    }
    const float *from = lks_value(c->in, w, sample);
    for (int y = 0; y < c->in->shape.rows; y++) /* the border is zero from the start */
        memcpy(to + row_at(c, y), from + y * row, row * sizeof(float));
}

void lks_canvas_crop(const lks_canvas *c, float *to, const float *from) {
    size_t row = (size_t)c->in->shape.columns * c->in->stride;
    for (int y = 0; y < c->in->shape.rows; y++)
        memcpy(to + y * row, from + row_at(c, y), row * sizeof(float));
}
