/* Two-dimensional convolution (cross-correlation, as in every framework), with the ReLU and 2x2
 * max-pooling that follow it.
 *
 * Positions that floor pooling discards are never computed. Behind pooling most output gradients are
 * zero: backward lists the others per channel, and the gradients of input and weights walk those
 * lists. Without pooling dense kernels do it: the input gradient is a transposed convolution, the
 * weight gradient has outputs in lanes. Both ways sum in the same order, (filter, row, column) and
 * (sample, row, column), so the choice moves no bit. 3 x 3 kernels between many channels take
 * Winograd's way instead, forward and wherever backward is dense. With train.precision bf16 all of it is
 * products/bf16_layer.c's. */
#include "nn/windows/grouped.h"
#include "nn/products/bf16_layer.h"
#include "nn/sums.h"
#include "nn/windows/transposed.h"
#include "nn/windows/winograd.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

typedef struct settings {
    lks_window window;
    int filters; /* output channels */
    int groups;
    bool bias;
} settings;
static_assert(sizeof(settings) <= LKS_LAYER_SETTINGS_BYTES, "raise LKS_LAYER_SETTINGS_BYTES");

/* Gradients by lists. */
typedef struct kept_lists {
    int capacity;            /* entries per channel */
    lks_listed_pixel *pixel; /* [pixels] */
    lks_samples entries;     /* lks_entry [filters padded][capacity] */
    lks_samples count;       /* int32_t [filters padded] */
} kept_lists;

typedef struct conv_op {
    lks_op op;
    lks_window window;
    int filters;
    bool relu, pool;
    bool sparse;      /* gradients by lists */
    bool dense_dx;    /* input gradients by a convolution */
    bool by_winograd; /* forward, and the input gradients where dense_dx */
    lks_winograd ahead, back;
    lks_transposed transposed; /* where dense_dx and not by_winograd */
    int pad[2];                /* zero rows above the input, columns to the left */
    lks_canvas canvas;         /* the input with its border; without for Winograd's tiles */
    int out_rows, out_columns; /* pixels computed: whole windows only */
    int taps;                  /* kernel rows x columns */
    int blocks;                /* of output channels */
    int32_t *pixel_offset, *run_offset, *tap_offset, *element_offset;
    int n_runs, run_length;
    lks_samples argmax; /* where c.pool: [out size] bytes */
    float *forward_w;   /* [blocks][taps * channels][16] */
    float *bias;        /* [blocks * 16] */
    float *backward_w;  /* [filters][taps][stride] */
    kept_lists listed;
} conv_op;

/* Input and output channels that meet in a product. */
static int64_t pairs(const conv_op *c) {
    return (int64_t)c->op.in->shape.channels * c->filters;
}

static uint8_t *argmax_of(const conv_op *c, const lks_worker *w, int sample) {
    return c->pool ? lks_sample(&c->argmax, w, sample) : NULL;
}

/* What Winograd's tiles are cut from has no border. */
static const float *tiled_image(const conv_op *c, const lks_worker *w, int sample) {
    return lks_canvas_has_border(&c->canvas) ? lks_value(c->op.in, w, sample)
                                             : lks_canvas_image(&c->canvas, w, sample);
}

static void fill_canvases(const conv_op *c, const lks_worker *w, int first, int count) {
    for (int s = first; s < first + count; s++)
        lks_canvas_fill(&c->canvas, w, s);
}

static void forward_by_winograd(const conv_op *c, lks_worker *w, int first, int count) {
    const lks_activation *in = c->op.in, *out = c->op.out;
    const lks_winograd_run r = {.x = tiled_image(c, w, first),
                                .x_size = in->size,
                                .bias = c->bias,
                                .relu = c->relu,
                                .out = lks_value(out, w, first),
                                .argmax = argmax_of(c, w, first),
                                .out_size = out->size,
                                .count = count};
    lks_winograd_convolve(&c->ahead, &r, w->scratch);
    w->products += lks_winograd_products(&c->ahead, count) * pairs(c);
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    conv_op *c = (conv_op *)op;
    if (c->canvas.padded.each)
        fill_canvases(c, w, first, count);
    if (c->by_winograd) {
        forward_by_winograd(c, w, first, count);
        return;
    }
    lks_forward_args a = {.n_pixels = c->out_rows * c->out_columns,
                          .pixel_offset = c->pixel_offset,
                          .n_runs = c->n_runs,
                          .run_length = c->run_length,
                          .run_offset = c->run_offset,
                          .blocks = c->blocks,
                          .weights = c->forward_w,
                          .bias = c->bias,
                          .relu = c->relu};
    for (int s = first; s < first + count; s++) {
        a.x = lks_canvas_image(&c->canvas, w, s);
        a.out = lks_value(op->out, w, s);
        a.argmax = argmax_of(c, w, s);
        op->model->kernels->forward(&a);
    }
    w->products += (int64_t)count * a.n_pixels * c->taps * pairs(c);
}

static void make_list(const conv_op *c, lks_worker *w, int s) {
    const lks_activation *out = c->op.out;
    const lks_list_args a = {.dy = lks_gradient(out, w, s),
                             .argmax = argmax_of(c, w, s),
                             .window_rows = out->shape.rows,
                             .window_columns = out->shape.columns,
                             .channels = c->blocks * LKS_BLOCK,
                             .pixel = c->listed.pixel,
                             .capacity = c->listed.capacity,
                             .entries = lks_sample(&c->listed.entries, w, s),
                             .count = lks_sample(&c->listed.count, w, s),
                             .scratch = (uint32_t *)w->scratch};
    c->op.model->kernels->list(&a);
}

/* The lists of one sample for filters [oc). */
static lks_lists lists_of(const conv_op *c, const lks_worker *w, int s, lks_span oc) {
    const lks_entry *entries = lks_sample(&c->listed.entries, w, s);
    const int32_t *count = lks_sample(&c->listed.count, w, s);
    return (lks_lists){.entries = entries + (size_t)oc.first * c->listed.capacity,
                       .count = count + oc.first,
                       .capacity = c->listed.capacity,
                       .filters = oc.count,
                       .rows = c->window.size[0],
                       .columns = c->window.size[1],
                       .row_step = c->canvas.columns * c->op.in->stride,
                       .channels = c->op.in->stride};
}

static int64_t listed_products(const conv_op *c, const lks_lists *l) {
    int64_t listed = 0;
    for (int f = 0; f < l->filters; f++)
        listed += l->count[f];
    return listed * c->taps * c->op.in->shape.channels;
}

/* dx of one image; a padded image is summed up in the worker's scratch and cropped. The ReLU before it is taken while
 * dx is in the first-level cache. */
static void input_gradient(const conv_op *c, lks_worker *w, int s) {
    const lks_activation *in = c->op.in;
    const bool crops = lks_canvas_has_border(&c->canvas);
    float *cropped = lks_sample(c->op.dx, w, s);
    float *dx = crops ? w->scratch : cropped;
    memset(dx, 0, lks_canvas_size(&c->canvas) * sizeof(float));
    const lks_lists l = lists_of(c, w, s, (lks_span){0, c->filters});
    c->op.model->kernels->scatter(dx, c->backward_w, &l);
    w->products += listed_products(c, &l);
    if (crops)
        lks_canvas_crop(&c->canvas, cropped, dx);
    if (in->relu_done)
        c->op.model->kernels->relu_backward(cropped, cropped, lks_value(in, w, s), in->size);
}

static void input_gradients_by_winograd(const conv_op *c, lks_worker *w, int first, int count) {
    const lks_activation *in = c->op.in, *out = c->op.out;
    const lks_winograd_run r = {.x = lks_gradient(out, w, first),
                                .x_size = out->size,
                                .out = lks_sample(c->op.dx, w, first),
                                .out_size = in->size,
                                .count = count};
    lks_winograd_convolve(&c->back, &r, w->scratch);
    w->products += lks_winograd_products(&c->back, count) * pairs(c);
}

/* ReLU's part comes first and in place, so that nothing else has to know of it. An input that nobody keeps is made once
 * more for weights(), here, where each image is one thread's. */
static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const conv_op *c = (const conv_op *)op;
    if (op->in->value_maker && op->trained)
        fill_canvases(c, w, first, count);
    float *dy = lks_gradient(op->out, w, first);
    if (c->relu && !op->out->relu_done)
        op->model->kernels->relu_backward(dy, dy, lks_value(op->out, w, first),
                                          op->out->size * count);
    if (op->dx && c->dense_dx && c->by_winograd)
        input_gradients_by_winograd(c, w, first, count);
    else if (op->dx && c->dense_dx) {
        lks_transposed_run(&c->transposed, w, first, count);
        w->products += c->transposed.products * count * pairs(c);
    }
    for (int s = first; c->sparse && s < first + count; s++) {
        make_list(c, w, s);
        if (op->dx)
            input_gradient(c, w, s);
    }
}

/* Sums are [filters][taps][stride], then the bias. */
static void sparse_weights(conv_op *c, lks_worker *w, int slot, int first, int count, lks_span oc) {
    size_t each = (size_t)c->taps * c->op.in->stride;
    memset(w->scratch, 0, each * (size_t)oc.count * sizeof(float));
    for (int s = first; s < first + count; s++) {
        const lks_lists l = lists_of(c, w, s, oc);
        c->op.model->kernels->gather(w->scratch, lks_canvas_image(&c->canvas, w, s), &l);
        w->products += listed_products(c, &l);
    }
    lks_op_add(&c->op, w, slot, (size_t)oc.first * each, w->scratch, each * (size_t)oc.count);
}

/* Sums are [taps * channels][blocks * 16], then the bias. */
static void dense_weights(conv_op *c, lks_worker *w, int slot, int first, int count,
                          lks_span elements) {
    const lks_activation *out = c->op.out;
    lks_wgrad_args a = {.x = lks_canvas_image(&c->canvas, w, first),
                        .x_stride = lks_canvas_step(&c->canvas),
                        .dy = lks_gradient(out, w, first),
                        .argmax = argmax_of(c, w, first),
                        .dy_stride = out->size,
                        .rows = c->out_rows,
                        .columns = c->out_columns,
                        .pixel_offset = c->pixel_offset,
                        .channels = c->blocks * LKS_BLOCK};
    lks_op_wgrad(&c->op, w, slot, &a, count, c->element_offset, elements);
    w->products += (int64_t)count * a.rows * a.columns * elements.count * c->filters;
}

/* The same sums as dense_weights(). */
static void weights_by_winograd(conv_op *c, lks_worker *w, int slot, int first, int count,
                                lks_span blocks) {
    const lks_activation *in = c->op.in, *out = c->op.out;
    const lks_winograd_run r = {
        .x = tiled_image(c, w, first), .x_size = in->size, .out_size = out->size, .count = count};
    if (blocks.count == 0)
        return;
    const float *dw = lks_winograd_weight_gradient(&c->ahead, &r, lks_gradient(out, w, first),
                                                   blocks, w->scratch);
    int filters = c->filters - blocks.first * LKS_BLOCK, most = blocks.count * LKS_BLOCK;
    w->products += lks_winograd_products(&c->ahead, count) * in->shape.channels *
                   (filters < most ? filters : most);
    size_t rows = (size_t)c->taps * in->shape.channels, width = (size_t)blocks.count * LKS_BLOCK;
    if (blocks.count == c->blocks) {
        lks_op_add(&c->op, w, slot, 0, dw, rows * width);
        return;
    }
    for (size_t row = 0; row < rows; row++)
        lks_op_add(&c->op, w, slot, (row * c->blocks + (size_t)blocks.first) * LKS_BLOCK,
                   dw + row * width, width);
}

static void weights(lks_op *op, lks_worker *w, int slot, int first, int count, int part,
                    int parts) {
    conv_op *c = (conv_op *)op;
    if (!c->sparse && c->by_winograd)
        weights_by_winograd(c, w, slot, first, count, lks_part(c->blocks, part, parts));
    else if (c->sparse)
        sparse_weights(c, w, slot, first, count, lks_part(c->filters, part, parts));
    else
        dense_weights(c, w, slot, first, count,
                      lks_part(c->taps * op->in->shape.channels, part, parts));
    if (part == 0 && op->n_bias)
        lks_op_bias(op, w, slot, lks_gradient(op->out, w, first), count, c->listed.capacity,
                    c->blocks * LKS_BLOCK);
}

static void pack(lks_op *op, int part, int parts) {
    conv_op *c = (conv_op *)op;
    if (c->by_winograd)
        lks_winograd_pack(&c->ahead, false, part, parts);
    if (c->by_winograd && c->dense_dx)
        lks_winograd_pack(&c->back, true, part, parts);
    else if (c->dense_dx)
        lks_transposed_pack(&c->transposed, part, parts);
    int filters = c->filters, channels = op->in->shape.channels;
    int elements = c->taps * channels;
    lks_span oc = lks_part(filters, part, parts);
    for (int o = oc.first; o < oc.first + oc.count; o++) {
        size_t to = (size_t)(o / LKS_BLOCK) * elements * LKS_BLOCK + o % LKS_BLOCK;
        for (int e = 0; c->forward_w && e < elements; e++)
            c->forward_w[to + (size_t)e * LKS_BLOCK] = op->weights[(size_t)e * filters + o];
        for (int e = 0; c->backward_w && e < elements; e++)
            c->backward_w[((size_t)o * c->taps + e / channels) * op->in->stride + e % channels] =
                op->weights[(size_t)e * filters + o];
        c->bias[o] = op->n_bias ? op->weights[op->n_weights + o] : 0.0f;
    }
}

static void collect(lks_op *op, int64_t *exact, float *plain, int part, int parts) {
    const conv_op *c = (const conv_op *)op;
    size_t filters = (size_t)c->filters, channels = (size_t)op->in->shape.channels;
    size_t padded = (size_t)c->blocks * LKS_BLOCK;
    if (c->sparse) {
        lks_span rows = lks_part((int)filters * c->taps, part, parts);
        for (int r = rows.first; r < rows.first + rows.count; r++) /* one filter and tap */
            lks_op_take(op, (size_t)r * op->in->stride, channels,
                        (size_t)(r % c->taps) * channels * filters + (size_t)(r / c->taps), filters,
                        exact, plain);
    } else {
        lks_op_take_rows(op, c->taps * (int)channels, filters, padded, exact, plain, part, parts);
    }
    if (part == 0)
        lks_op_take_bias(op, padded, exact, plain);
}

static void fill_offsets(conv_op *c) {
    int stride = c->op.in->stride, channels = c->op.in->shape.channels;
    int kernel_columns = c->window.size[1], i = 0;
    int window = c->pool ? 2 : 1;
    for (int y = 0; y < c->out_rows; y += window)
        for (int x = 0; x < c->out_columns; x += window)
            for (int k = 0; k < window * window; k++, i++)
                c->pixel_offset[i] = ((y + k / 2) * c->window.stride[0] * c->canvas.columns +
                                      (x + k % 2) * c->window.stride[1]) *
                                     stride;
    for (int y = 0, p = 0; c->sparse && y < c->out_rows; y++)
        for (int x = 0; x < c->out_columns; x++, p++) {
            const int w = y / 2 * (c->out_columns / 2) + x / 2;
            c->listed.pixel[p] = (lks_listed_pixel){c->pixel_offset[4 * w + y % 2 * 2 + x % 2], w};
        }
    for (int t = 0; t < c->taps; t++) {
        c->tap_offset[t] = ((t / kernel_columns) * c->canvas.columns + t % kernel_columns) * stride;
        for (int e = 0; e < channels; e++)
            c->element_offset[t * channels + e] = c->tap_offset[t] + e;
    }
    /* Without channel padding a kernel row is one run of consecutive floats. */
    bool whole_rows = stride == channels;
    c->n_runs = whole_rows ? c->window.size[0] : c->taps;
    c->run_length = whole_rows ? kernel_columns * channels : channels;
    for (int r = 0; r < c->n_runs; r++)
        c->run_offset[r] = c->tap_offset[whole_rows ? r * kernel_columns : r];
}

static lks_status create_winograd(conv_op *c, lks_error *err) {
    const lks_activation *in = c->op.in, *out = c->op.out;
    const lks_winograd_shape ahead = {.in = in->shape,
                                      .out = out->shape,
                                      .in_stride = in->stride,
                                      .out_stride = out->stride,
                                      .pad = {c->pad[0], c->pad[1]},
                                      .pool = c->pool};
    LKS_TRY(lks_winograd_create(&c->ahead, &c->op, &ahead, !c->sparse, err));
    if (!c->dense_dx)
        return LKS_OK;
    const lks_winograd_shape back = {.in = out->shape,
                                     .out = in->shape,
                                     .in_stride = out->stride,
                                     .out_stride = in->stride,
                                     .pad = {2 - c->pad[0], 2 - c->pad[1]}};
    return lks_winograd_create(&c->back, &c->op, &back, false, err);
}

static lks_status allocate(conv_op *c, lks_error *err) {
    const lks_activation *in = c->op.in, *out = c->op.out;
    size_t pixels = (size_t)c->out_rows * c->out_columns, filters = (size_t)c->blocks * LKS_BLOCK;
    size_t elements = (size_t)c->taps * in->shape.channels;
    bool scatters = in->gradient && !c->dense_dx;
    const bool made = in->value_maker != NULL;
    const bool pads = lks_canvas_has_border(&c->canvas);
    struct {
        void **at;
        size_t count, size;
        bool wanted;
    } buffers[] = {
        {(void **)&c->pixel_offset, pixels, sizeof(int32_t), true},
        {(void **)&c->listed.pixel, pixels, sizeof(lks_listed_pixel), c->sparse},
        {(void **)&c->run_offset, (size_t)c->taps, sizeof(int32_t), true},
        {(void **)&c->tap_offset, (size_t)c->taps, sizeof(int32_t), true},
        {(void **)&c->element_offset, elements, sizeof(int32_t), true},
        {(void **)&c->forward_w, elements * filters, sizeof(float), !c->by_winograd},
        {(void **)&c->bias, filters, sizeof(float), true},
        {(void **)&c->backward_w, filters * c->taps * in->stride, sizeof(float), scatters},
    };
    for (size_t b = 0; b < sizeof buffers / sizeof *buffers; b++)
        if (buffers[b].wanted) {
            *buffers[b].at = lks_op_alloc(&c->op, buffers[b].count, buffers[b].size, err);
            if (!*buffers[b].at)
                return err->status;
        }
    if (pads || made)
        lks_op_keep(&c->op, &c->canvas.padded, lks_canvas_size(&c->canvas) * sizeof(float), !made);
    if (c->pool)
        lks_op_keep(&c->op, &c->argmax, out->size, true);
    if (c->sparse) {
        lks_op_keep(&c->op, &c->listed.entries, filters * c->listed.capacity * sizeof(lks_entry),
                    false);
        lks_op_keep(&c->op, &c->listed.count, filters * sizeof(int32_t), false);
    }
    size_t sums = c->sparse ? filters * c->taps * in->stride : elements * filters;
    const size_t scratch[] = {lks_canvas_size(&c->canvas), c->sparse ? sums : 0,
                              c->sparse ? LKS_LIST_WORDS(c->listed.capacity) : 0, filters};
    for (size_t i = 0; i < LKS_COUNT(scratch); i++)
        if (scratch[i] > c->op.scratch_floats)
            c->op.scratch_floats = scratch[i];
    if (c->by_winograd)
        LKS_TRY(create_winograd(c, err));
    else if (c->dense_dx)
        LKS_TRY(lks_transposed_create(&c->transposed, &c->op, &c->window, c->pad, 1, err));
    return lks_op_sums(&c->op, sums + filters, false, err);
}

/* conv [relu] pool [relu] in any of its orders: max-pooling and ReLU commute. */
static void take_followers(lks_site *site, bool *relu, bool *pool) {
    *relu = lks_site_takes(site, LKS_FUSES_RELU);
    *pool = lks_site_takes(site, LKS_FUSES_MAXIMA);
    if (*pool && !*relu)
        *relu = lks_site_takes(site, LKS_FUSES_RELU);
}

static lks_status make_bf16(lks_site *site, lks_error *err) {
    const settings *s = lks_settings(site->layer);
    const lks_activation *in = lks_site_input(site, 0);
    const lks_canvas canvas = lks_canvas_of(&s->window, in);
    lks_linear l = {.size = {in->shape.rows, in->shape.columns},
                    .channels = in->shape.channels,
                    .stored = in->stride,
                    .filters = s->filters};
    take_followers(site, &l.relu, &l.pool);
    const int window = l.pool ? 2 : 1, *out[2] = {&site->info->out.rows, &site->info->out.columns};
    for (int d = 0; d < 2; d++) {
        l.kernel[d] = s->window.size[d];
        l.stride[d] = s->window.stride[d];
        l.pad[d] = canvas.pad[d];
        l.outputs[d] = *out[d] / window * window;
    }
    return lks_bf16_layer_new(site, &l, false, err);
}

static void set_canvas(conv_op *c) {
    lks_activation *in = c->op.in;
    c->canvas = lks_canvas_of(&c->window, in);
    memcpy(c->pad, c->canvas.pad, sizeof c->pad);
    if (c->by_winograd && !c->sparse)
        c->canvas = (lks_canvas){.in = in, .rows = in->shape.rows, .columns = in->shape.columns};
}

/* Batch normalisation's output is not kept where it can be made from its input when it is wanted: that reads as much
 * and writes to the cache only. Of one image all is kept: somebody may look at it. Lists need a border where Winograd's
 * tiles need none. */
static void have_input_made(const conv_op *c) {
    lks_activation *in = c->op.in;
    const bool two_forms = c->by_winograd && c->sparse && lks_canvas_has_border(&c->canvas);
    if (c->op.model->capacity > 1 && in->readers == 1 && in->op->class->make_value && !two_forms)
        in->value_maker = in->op;
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {.forward = forward,
                                       .backward = backward,
                                       .weights = weights,
                                       .pack = pack,
                                       .collect = collect};
    const settings *s = lks_settings(site->layer);
    if (s->groups > 1)
        return lks_grouped_new(site, &s->window, s->groups, err);
    if (site->config->train.precision == LKS_BF16)
        return make_bf16(site, err);
    conv_op *c = lks_alloc(1, sizeof *c, "a convolution", err);
    if (!c)
        return err->status;
    const lks_activation *in = c->op.in = lks_site_input(site, 0);
    c->op.trained = site->layer->trainable;
    c->window = s->window;
    c->filters = s->filters;
    take_followers(site, &c->relu, &c->pool);
    int window = c->pool ? 2 : 1;
    lks_shape out = site->info->out;
    out.rows /= window;
    out.columns /= window;
    c->out_rows = out.rows * window;
    c->out_columns = out.columns * window;
    c->taps = s->window.size[0] * s->window.size[1];
    c->blocks = lks_padded(s->filters) / LKS_BLOCK;
    c->listed.capacity = out.rows * out.columns;
    c->sparse = c->pool && in->stride % LKS_BLOCK == 0;
    c->dense_dx = !c->pool && in->gradient;
    c->by_winograd = lks_winograd_suits(&s->window, in->shape.channels, s->filters);
    set_canvas(c);
    LKS_TRY(lks_model_append(site->model, &c->op, &class, site->layer->name, out,
                             c->blocks * LKS_BLOCK, err));
    LKS_TRY(lks_op_tensors(&c->op, site->info, err));
    c->op.out->relu = c->relu;
    c->op.in->relu_done = c->sparse && in->gradient && in->relu && in->readers == 1;
    have_input_made(c);
    LKS_TRY(allocate(c, err));
    fill_offsets(c);
    return LKS_OK;
}

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    const settings *s = lks_settings(p->layer);
    const int *kernel = s->window.size;
    const lks_shape in = p->in[0];
    int before[2];
    int64_t padded[2];
    lks_window_pad(&s->window, in, before, padded);
    int64_t rows = padded[0], columns = padded[1];
    if ((double)rows * (double)columns * lks_padded(in.channels) > INT32_MAX / 8)
        return lks_place_refuse(p, err, "a padded input of %lldx%lldx%d values is too large",
                                (long long)rows, (long long)columns, in.channels);
    if (kernel[0] > rows || kernel[1] > columns)
        return lks_place_refuse(p, err, "%dx%d kernel on a %lldx%lld input", kernel[0], kernel[1],
                                (long long)rows, (long long)columns);
    if (in.channels % s->groups != 0 || s->filters % s->groups != 0)
        return lks_place_refuse(p, err,
                                "%d groups do not divide both the %d channels of its input and "
                                "its %d filters",
                                s->groups, in.channels, s->filters);
    const int inputs = in.channels / s->groups; /* that one filter reads */
    info->out = lks_window_outputs(&s->window, padded, s->filters);
    double taps = (double)kernel[0] * kernel[1] * inputs;
    if (taps * s->filters > 1e9)
        return lks_place_refuse(p, err, "more than 1e9 parameters");
    info->flop = 2 * taps * info->out.rows * info->out.columns * s->filters;
    lks_info_weights(info, 4, (const int64_t[]){kernel[0], kernel[1], inputs, s->filters}, s->bias);
    return LKS_OK;
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    const settings *s = lks_settings(layer);
    const int *kernel = s->window.size, *stride = s->window.stride;
    char groups[32] = "";
    if (s->groups > 1)
        snprintf(groups, sizeof groups, ", %d groups", s->groups);
    snprintf(text, size, "%d × %d%s%s", kernel[0], kernel[1],
             stride[0] > 1 || stride[1] > 1 ? ", strided" : "", groups);
}

static const lks_option options[] = {
    {"filters", "output channels", LKS_OPT_INT, .offset = LKS_SETTING(settings, filters), .min = 1,
     .max = 65536, .required = true},
    LKS_SIZE_OPTION(settings, "kernel", "size of the filter"),
    {"stride", "distance between two outputs", LKS_OPT_INT_PAIR,
     .offset = LKS_SETTING(settings, window.stride), .min = 1, .max = 4096, .preset = "1"},
    LKS_PADDING_OPTION(settings, "zeros"),
    {"groups",
     "number of groups that input channels and filters are divided into; a filter "
     "reads the channels of its own group. With the number of input channels: a "
     "depthwise convolution",
     LKS_OPT_INT, .offset = LKS_SETTING(settings, groups), .min = 1, .max = 65536, .preset = "1"},
    LKS_BIAS_OPTION(settings),
    LKS_WEIGHTED_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .new_channels = true,
                                      .wants_image = true,
                                      .gives_logits = true,
                                      .gives_maps = true,
                                      .outputs = "filters",
                                      .details = details,
                                      .script = "convolution"};
const lks_layer_kind lks_layer_conv2d = {
    .name = "conv2d",
    .stem = "conv",
    .meaning = "2-d convolution: each output is a weighted sum of the window around its place",
    .example = "- conv2d: {filters: 32, kernel: 3, padding: same}\n",
    .options = options,
    .n_options = LKS_COUNT(options),
    .short_form = true,
    .rules = &rules};
