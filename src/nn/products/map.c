#include "nn/products/map.h"

#define DEPTH 32 /* elements of a block */

/* One direction of a phase: `n` outputs, at first_out, first_out + out_step, ...; output j reads `taps` neighbours of
 * the operand's image from `from` + j * from_step on (which may lie in the border), the first of them by tap
 * first_tap, the next by first_tap + tap_step, ... */
typedef struct axis {
    int n, first_out, out_step;
    int from, from_step;
    int taps, first_tap, tap_step;
} axis;

static axis forward_axis(const lks_linear *l, int d) {
    return (axis){.n = l->outputs[d],
                  .out_step = 1,
                  .from = -l->pad[d],
                  .from_step = l->stride[d],
                  .taps = l->kernel[d],
                  .tap_step = 1};
}

/* Input positions first, first + stride, ... are reached by taps `phase`, phase + stride, ..., each from one output
 * further back: in the order of outputs the taps come backwards. */
static axis back_axis(const lks_linear *l, int d, int first) {
    const int stride = l->stride[d], phase = (first + l->pad[d]) % stride;
    const int taps = phase < l->kernel[d] ? (l->kernel[d] - 1 - phase) / stride + 1 : 0;
    return (axis){.n = (l->size[d] - 1 - first) / stride + 1,
                  .first_out = first,
                  .out_step = stride,
                  .from = (first + l->pad[d]) / stride - (taps - 1),
                  .from_step = 1,
                  .taps = taps,
                  .first_tap = phase + (taps - 1) * stride,
                  .tap_step = -stride};
}

/* How many zeros the axis wants before and after `size` positions. */
static void widen(const axis *a, int size, int *before, int *after) {
    if (a->taps == 0)
        return;
    int end = a->from + (a->n - 1) * a->from_step + a->taps;
    *before = -a->from > *before ? -a->from : *before;
    *after = end - size > *after ? end - size : *after;
}

/* Offsets are int32. */
static lks_status check_size(const lks_op *op, const lks_plane *p, lks_error *err) {
    if (p->image > INT32_MAX / 2)
        return lks_fail(err, LKS_ERR_CONFIG, "layer '%s': images of %zu operands are too large",
                        op->name, p->image);
    return LKS_OK;
}

static int clamp(int n, int most) {
    return n < 0 ? 0 : n > most ? most : n;
}

/* What of a window at (row, column) lies within the image. */
static lks_reach reach_of(const lks_plane *p, const lks_phase *f, int row, int column) {
    int first = clamp(-column, f->run_taps), end = clamp(p->columns - column, f->run_taps);
    if (first >= end)
        return (lks_reach){0, 0, 0, 0};
    return (lks_reach){.first_run = (int16_t)clamp(-row, f->n_runs),
                       .end_run = (int16_t)clamp(p->rows - row, f->n_runs),
                       .first_block = (int16_t)((int64_t)first * p->channels / DEPTH),
                       .end_block = (int16_t)(((int64_t)end * p->channels + DEPTH - 1) / DEPTH)};
}

static void fill_pixel(const lks_map *m, lks_phase *f, const axis a[2], const int at[2], int i,
                       int out_columns) {
    int row = a[0].from + at[0] * a[0].from_step, column = a[1].from + at[1] * a[1].from_step;
    f->pixel_offset[i] = (int32_t)lks_plane_at(&m->plane, row, column);
    if (f->reach)
        f->reach[i] = reach_of(&m->plane, f, row, column);
    if (f->out_offset)
        f->out_offset[i] = ((a[0].first_out + at[0] * a[0].out_step) * out_columns +
                            a[1].first_out + at[1] * a[1].out_step) *
                           m->blocks * LKS_BLOCK;
}

/* Pixels row by row, or window by window where there is pooling. */
static void fill_pixels(const lks_map *m, lks_phase *f, const axis a[2], int window,
                        int out_columns) {
    int i = 0;
    for (int y = 0; y < a[0].n; y += window)
        for (int x = 0; x < a[1].n; x += window)
            for (int k = 0; k < window * window; k++)
                fill_pixel(m, f, a, (const int[]){y + k / window, x + k % window}, i++,
                           out_columns);
}

static void fill_taps(const lks_map *m, lks_phase *f, const axis a[2], int kernel_columns) {
    for (int r = 0; r < f->n_runs; r++) {
        f->run_offset[r] = r * m->plane.pitch * m->plane.channels;
        for (int t = 0; t < f->run_taps; t++)
            f->tap[r * f->run_taps + t] = (a[0].first_tap + r * a[0].tap_step) * kernel_columns +
                                          a[1].first_tap + t * a[1].tap_step;
    }
}

static size_t packed_bytes(const lks_map *m, const lks_phase *f) {
    return m->plane.unit->packed_bytes(f->n_runs, f->run_taps * m->plane.channels, m->blocks,
                                       m->one_block);
}

static lks_status add_phase(lks_map *m, lks_op *op, const lks_linear *l, const axis a[2],
                            const int out_size[2], int window, lks_error *err) {
    if (a[0].taps == 0 || a[1].taps == 0) {
        m->gaps = true;
        return LKS_OK;
    }
    lks_phase *f = &m->phases[m->n_phases++];
    *f = (lks_phase){.n_pixels = a[0].n * a[1].n, .n_runs = a[0].taps, .run_taps = a[1].taps};
    const size_t pixels = (size_t)f->n_pixels, taps = (size_t)f->n_runs * (size_t)f->run_taps;
    const int length = f->run_taps * m->plane.channels;
    const bool scattered = window == 1 && (a[0].n != out_size[0] || a[1].n != out_size[1]);
    const lks_plane *p = &m->plane;
    const bool bordered = p->pitch > p->columns || p->top > 0 || p->bottom > 0;
    f->pixel_offset = lks_op_alloc(op, pixels, sizeof *f->pixel_offset, err);
    f->run_offset = lks_op_alloc(op, (size_t)f->n_runs, sizeof *f->run_offset, err);
    f->tap = lks_op_alloc(op, taps, sizeof *f->tap, err);
    f->weights = lks_op_alloc(op, packed_bytes(m, f), 1, err);
    if (!f->pixel_offset || !f->run_offset || !f->tap || !f->weights)
        return err->status;
    if (scattered && !(f->out_offset = lks_op_alloc(op, pixels, sizeof *f->out_offset, err)))
        return err->status;
    if (bordered && !m->one_block && length / DEPTH < INT16_MAX && f->n_runs <= INT16_MAX &&
        !(f->reach = lks_op_alloc(op, pixels, sizeof *f->reach, err)))
        return err->status;
    fill_pixels(m, f, a, window, out_size[1]);
    fill_taps(m, f, a, l->kernel[1]);
    return LKS_OK;
}

lks_status lks_map_forward(lks_map *m, lks_op *op, const lks_linear *l, const lks_products *unit,
                           lks_error *err) {
    const axis a[2] = {forward_axis(l, 0), forward_axis(l, 1)};
    int before[2] = {0, 0}, after[2] = {0, 0};
    for (int d = 0; d < 2; d++)
        widen(&a[d], l->size[d], &before[d], &after[d]);
    *m = (lks_map){.plane = lks_plane_of(unit, l->size, l->stored, before, after),
                   .outputs = l->filters,
                   .blocks = lks_padded(l->filters) / LKS_BLOCK,
                   .logical_channels = l->channels,
                   .one_block = lks_linear_in_one_block(l),
                   .tap_step = (size_t)l->channels * (size_t)l->filters,
                   .channel_step = (size_t)l->filters,
                   .output_step = 1};
    LKS_TRY(check_size(op, &m->plane, err));
    m->phases = lks_op_alloc(op, 1, sizeof *m->phases, err);
    if (!m->phases)
        return err->status;
    return add_phase(m, op, l, a, l->outputs, l->pool ? 2 : 1, err);
}

lks_status lks_map_back(lks_map *m, lks_op *op, const lks_linear *l, const lks_products *unit,
                        lks_error *err) {
    int before[2] = {0, 0}, after[2] = {0, 0}, n[2];
    for (int d = 0; d < 2; d++) {
        n[d] = l->stride[d] < l->size[d] ? l->stride[d] : l->size[d];
        for (int first = 0; first < n[d]; first++) {
            const axis a = back_axis(l, d, first);
            widen(&a, l->outputs[d], &before[d], &after[d]);
        }
    }
    *m = (lks_map){.plane = lks_plane_of(unit, l->outputs, lks_padded(l->filters), before, after),
                   .outputs = l->channels,
                   .blocks = l->stored / LKS_BLOCK,
                   .logical_channels = l->filters,
                   .tap_step = (size_t)l->channels * (size_t)l->filters,
                   .channel_step = 1,
                   .output_step = (size_t)l->filters};
    LKS_TRY(check_size(op, &m->plane, err));
    m->phases = lks_op_alloc(op, (size_t)n[0] * (size_t)n[1], sizeof *m->phases, err);
    if (!m->phases)
        return err->status;
    for (int i = 0; i < n[0] * n[1]; i++) {
        const axis a[2] = {back_axis(l, 0, i / n[1]), back_axis(l, 1, i % n[1])};
        LKS_TRY(add_phase(m, op, l, a, l->size, 1, err));
    }
    return LKS_OK;
}

void lks_map_pack(const lks_map *m, const float *weights, int part, int parts) {
    for (int i = 0; i < m->n_phases; i++) {
        const lks_phase *f = &m->phases[i];
        const lks_pack_args a = {.w = weights,
                                 .n_runs = f->n_runs,
                                 .run_taps = f->run_taps,
                                 .tap = f->tap,
                                 .channels = m->plane.channels,
                                 .logical_channels = m->logical_channels,
                                 .outputs = m->outputs,
                                 .tap_step = m->tap_step,
                                 .channel_step = m->channel_step,
                                 .output_step = m->output_step,
                                 .one_block = m->one_block,
                                 .out = f->weights};
        m->plane.unit->pack(&a, part, parts);
    }
}

void **lks_map_packed(const lks_map *m, int k, size_t *bytes) {
    if (k >= m->n_phases)
        return NULL;
    *bytes = packed_bytes(m, &m->phases[k]);
    return &m->phases[k].weights;
}

void lks_map_run(const lks_map *m, const void *plane, int count, const lks_map_output *o) {
    for (size_t i = 0; m->gaps && i < o->size * (size_t)count; i++)
        o->out[i] = 0.0f;
    for (int i = 0; i < m->n_phases; i++) {
        const lks_phase *f = &m->phases[i];
        const lks_product_args a = {.x = plane,
                                    .x_stride = m->plane.image,
                                    .images = count,
                                    .n_pixels = f->n_pixels,
                                    .pixel_offset = f->pixel_offset,
                                    .reach = f->reach,
                                    .n_runs = f->n_runs,
                                    .run_length = f->run_taps * m->plane.channels,
                                    .run_offset = f->run_offset,
                                    .one_block = m->one_block,
                                    .blocks = m->blocks,
                                    .weights = f->weights,
                                    .bias = o->bias,
                                    .relu = o->relu,
                                    .out = o->out,
                                    .out_stride = o->size,
                                    .out_offset = f->out_offset,
                                    .argmax = o->argmax};
        m->plane.unit->product(&a);
    }
}
