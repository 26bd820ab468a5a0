/* A block of 16 outputs is a convolution of its own: from the input channels that any of its outputs
 * reads. Within a block that spans several groups, weights are 0 where an output does not read a
 * channel: with 16 and more outputs a group nothing is multiplied in vain, in a depthwise convolution
 * 15 products of 16, which is still less than to do without the groups as soon as there are more
 * channels. Every output is a chain over (kernel row, column, channel) from the bias, every weight's
 * gradient one over (sample, row, column). */
#include "nn/windows/grouped.h"

#include <string.h>

#include "base/memory.h"
#include "nn/sums.h"
#include "nn/windows/transposed.h"

typedef struct block {
    lks_span channels; /* of the input that its outputs read */
    size_t element;    /* its first one of all blocks' elements; an element is (tap, channel) */
} block;

typedef struct grouped_op {
    lks_op op;
    lks_window window;
    lks_canvas canvas;
    lks_transposed transposed; /* where the input's gradient is wanted */
    bool relu;
    int groups, filters;
    int inputs, outputs; /* channels of one group */
    int taps, pixels, blocks;
    size_t elements;
    block *block;
    int32_t *pixel_offset, *out_offset; /* [pixels] */
    int32_t *tap_offset;                /* [taps] */
    int32_t *element_offset;            /* [elements] */
    float *forward_w;                   /* [elements][16] */
    float *bias;                        /* [blocks * 16] */
} grouped_op;

static int64_t products(const grouped_op *g, int count) {
    return (int64_t)count * g->pixels * g->taps * g->inputs * g->filters;
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const grouped_op *g = (const grouped_op *)op;
    for (int s = first; s < first + count; s++) {
        if (g->canvas.padded.each)
            lks_canvas_fill(&g->canvas, w, s);
        for (int b = 0; b < g->blocks; b++) {
            const block *k = &g->block[b];
            const lks_forward_args a = {.x = lks_canvas_image(&g->canvas, w, s) + k->channels.first,
                                        .n_pixels = g->pixels,
                                        .pixel_offset = g->pixel_offset,
                                        .out_offset = g->out_offset,
                                        .n_runs = g->taps,
                                        .run_length = k->channels.count,
                                        .run_offset = g->tap_offset,
                                        .blocks = 1,
                                        .weights = g->forward_w + k->element * LKS_BLOCK,
                                        .bias = g->bias + (size_t)b * LKS_BLOCK,
                                        .relu = g->relu,
                                        .out = lks_value(op->out, w, s) + (size_t)b * LKS_BLOCK};
            op->model->kernels->forward(&a);
        }
    }
    w->products += products(g, count);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const grouped_op *g = (const grouped_op *)op;
    float *dy = lks_gradient(op->out, w, first);
    if (g->relu)
        op->model->kernels->relu_backward(dy, dy, lks_value(op->out, w, first),
                                          op->out->size * count);
    if (!op->dx)
        return;
    lks_transposed_run(&g->transposed, w, first, count);
    w->products += g->transposed.products * count * g->inputs * g->filters;
}

/* A block's output gradients of `count` samples, [count][pixels][16], in the worker's scratch. */
static const float *block_of_gradients(const grouped_op *g, lks_worker *w, int b, int first,
                                       int count) {
    const lks_activation *out = g->op.out;
    float *to = w->scratch;
    for (int s = first; s < first + count; s++) {
        const float *from = lks_gradient(out, w, s) + (size_t)b * LKS_BLOCK;
        for (int p = 0; p < g->pixels; p++, to += LKS_BLOCK)
            memcpy(to, from + (size_t)p * out->stride, LKS_BLOCK * sizeof *to);
    }
    return w->scratch;
}

/* Elements [span) of block b. Sums are [elements][16], then the bias. */
static void block_weights(grouped_op *g, lks_worker *w, int slot, int first, int count, int b,
                          lks_span span) {
    lks_wgrad_args a = {.x = lks_canvas_image(&g->canvas, w, first),
                        .x_stride = lks_canvas_step(&g->canvas),
                        .dy = block_of_gradients(g, w, b, first, count),
                        .dy_stride = (size_t)g->pixels * LKS_BLOCK,
                        .rows = g->op.out->shape.rows,
                        .columns = g->op.out->shape.columns,
                        .pixel_offset = g->pixel_offset,
                        .channels = LKS_BLOCK};
    lks_op_wgrad(&g->op, w, slot, &a, count, g->element_offset, span);
}

static size_t elements_of(const grouped_op *g, int b) {
    return (size_t)g->taps * (size_t)g->block[b].channels.count;
}

static void weights(lks_op *op, lks_worker *w, int slot, int first, int count, int part,
                    int parts) {
    grouped_op *g = (grouped_op *)op;
    const lks_span mine = lks_part((int)g->elements, part, parts);
    const size_t from = (size_t)mine.first, to = from + (size_t)mine.count;
    for (int b = 0; b < g->blocks; b++) {
        size_t start = g->block[b].element, end = start + elements_of(g, b);
        start = start > from ? start : from;
        end = end < to ? end : to;
        if (start < end)
            block_weights(g, w, slot, first, count, b, (lks_span){(int)start, (int)(end - start)});
    }
    if (part != 0)
        return;
    w->products += products(g, count);
    if (op->n_bias)
        lks_op_bias(op, w, slot, lks_gradient(op->out, w, first), count, g->pixels,
                    g->blocks * LKS_BLOCK);
}

/* The element of weight (tap, i, output o), where i counts the channels of the output's group. */
static size_t element_at(const grouped_op *g, int tap, int i, int o) {
    const block *k = &g->block[o / LKS_BLOCK];
    const int channel = o / g->outputs * g->inputs + i;
    return k->element + (size_t)tap * k->channels.count + (size_t)(channel - k->channels.first);
}

static void pack(lks_op *op, int part, int parts) {
    grouped_op *g = (grouped_op *)op;
    if (op->in->gradient)
        lks_transposed_pack(&g->transposed, part, parts);
    const lks_span oc = lks_part(g->filters, part, parts);
    for (int o = oc.first; o < oc.first + oc.count; o++) {
        for (int e = 0; e < g->taps * g->inputs; e++)
            g->forward_w[element_at(g, e / g->inputs, e % g->inputs, o) * LKS_BLOCK +
                         o % LKS_BLOCK] = op->weights[(size_t)e * g->filters + o];
        g->bias[o] = op->n_bias ? op->weights[op->n_weights + o] : 0.0f;
    }
}

/* Outputs of one block and one group stand side by side in the sums as in the weights. */
static void collect(lks_op *op, int64_t *exact, float *plain, int part, int parts) {
    const grouped_op *g = (const grouped_op *)op;
    const lks_span mine = lks_part(g->taps * g->inputs, part, parts);
    for (int e = mine.first; e < mine.first + mine.count; e++)
        for (int o = 0, n; o < g->filters; o += n) {
            const int left_in_block = LKS_BLOCK - o % LKS_BLOCK;
            n = g->outputs - o % g->outputs;
            n = n < left_in_block ? n : left_in_block;
            const size_t at = element_at(g, e / g->inputs, e % g->inputs, o) * LKS_BLOCK;
            lks_op_take(op, at + o % LKS_BLOCK, (size_t)n, (size_t)e * g->filters + o, 1, exact,
                        plain);
        }
    if (part == 0 && op->n_bias)
        lks_op_take_bias(op, (size_t)g->blocks * LKS_BLOCK, exact, plain);
}

/* Blocks have at most taps x channels elements each. */
static void fill_blocks(grouped_op *g) {
    for (int b = 0; b < g->blocks; b++) {
        const int first = b * LKS_BLOCK;
        int last = first + LKS_BLOCK - 1;
        last = last < g->filters ? last : g->filters - 1;
        const int from = first / g->outputs * g->inputs, end = (last / g->outputs + 1) * g->inputs;
        g->block[b] = (block){{from, end - from}, g->elements};
        g->elements += elements_of(g, b);
    }
}

static void fill_offsets(grouped_op *g) {
    const lks_activation *in = g->op.in, *out = g->op.out;
    for (int p = 0; p < g->pixels; p++) {
        const int row = p / out->shape.columns, column = p % out->shape.columns;
        g->pixel_offset[p] =
            (row * g->window.stride[0] * g->canvas.columns + column * g->window.stride[1]) *
            in->stride;
        g->out_offset[p] = p * out->stride;
    }
    for (int t = 0; t < g->taps; t++)
        g->tap_offset[t] =
            (t / g->window.size[1] * g->canvas.columns + t % g->window.size[1]) * in->stride;
    for (int b = 0; b < g->blocks; b++)
        for (size_t e = 0; e < elements_of(g, b); e++) {
            const lks_span c = g->block[b].channels;
            g->element_offset[g->block[b].element + e] =
                g->tap_offset[e / (size_t)c.count] + c.first + (int32_t)(e % (size_t)c.count);
        }
}

static lks_status allocate(grouped_op *g, lks_error *err) {
    lks_op *op = &g->op;
    const lks_model *m = op->model;
    const size_t outputs = (size_t)g->blocks * LKS_BLOCK;
    g->block = lks_op_alloc(op, (size_t)g->blocks, sizeof *g->block, err);
    if (!g->block)
        return err->status;
    fill_blocks(g);
    g->pixel_offset = lks_op_alloc(op, (size_t)g->pixels, sizeof(int32_t), err);
    g->out_offset = lks_op_alloc(op, (size_t)g->pixels, sizeof(int32_t), err);
    g->tap_offset = lks_op_alloc(op, (size_t)g->taps, sizeof(int32_t), err);
    g->element_offset = lks_op_alloc(op, g->elements, sizeof(int32_t), err);
    g->forward_w = lks_op_alloc(op, g->elements * LKS_BLOCK, sizeof(float), err);
    g->bias = lks_op_alloc(op, outputs, sizeof(float), err);
    if (!g->pixel_offset || !g->out_offset || !g->tap_offset || !g->element_offset ||
        !g->forward_w || !g->bias)
        return err->status;
    if (lks_canvas_has_border(&g->canvas))
        lks_op_keep(op, &g->canvas.padded, lks_canvas_size(&g->canvas) * sizeof(float), true);
    const size_t gradients = (size_t)m->chunk * g->pixels * LKS_BLOCK;
    op->scratch_floats = gradients > outputs ? gradients : outputs;
    if (op->in->gradient)
        LKS_TRY(
            lks_transposed_create(&g->transposed, op, &g->window, g->canvas.pad, g->groups, err));
    return lks_op_sums(op, g->elements * LKS_BLOCK + outputs, false, err);
}

lks_status lks_grouped_new(lks_site *site, const lks_window *window, int groups, lks_error *err) {
    static const lks_op_class class = {.forward = forward,
                                       .backward = backward,
                                       .weights = weights,
                                       .pack = pack,
                                       .collect = collect};
    grouped_op *g = lks_alloc(1, sizeof *g, "a convolution", err);
    if (!g)
        return err->status;
    const lks_shape out = site->info->out;
    g->op.in = lks_site_input(site, 0);
    g->op.trained = site->layer->trainable;
    g->window = *window;
    g->canvas = lks_canvas_of(window, g->op.in);
    g->relu = lks_site_takes(site, LKS_FUSES_RELU);
    g->groups = groups;
    g->filters = out.channels;
    g->inputs = g->op.in->shape.channels / groups;
    g->outputs = out.channels / groups;
    g->taps = window->size[0] * window->size[1];
    g->pixels = out.rows * out.columns;
    g->blocks = lks_padded(out.channels) / LKS_BLOCK;
    LKS_TRY(lks_site_append(site, &g->op, &class, g->blocks * LKS_BLOCK, err));
    LKS_TRY(lks_op_tensors(&g->op, site->info, err));
    LKS_TRY(allocate(g, err));
    fill_offsets(g);
    return LKS_OK;
}
