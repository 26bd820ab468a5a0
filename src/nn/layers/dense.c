/* Fully connected layer, with the ReLU that follows it: a convolution whose "pixels" are samples.
 */
#include "nn/layer.h"
#include "nn/products/bf16_layer.h"
#include "nn/sums.h"

#include "base/memory.h"

typedef struct settings {
    int units;
    bool bias;
} settings;

typedef struct dense_op {
    lks_op op;
    int units, blocks, inputs; /* inputs: logical, unpadded */
    bool relu;
    int32_t *in_offset,
        *out_offset; /* [chunk]: sample i of a call in the input and output arrays */
    int32_t *run_offset, *element_offset, *zero; /* [pixels], [inputs], {0} */
    int n_runs, run_length;
    float *forward_w;  /* [blocks][inputs][16] */
    float *bias;       /* [blocks * 16] */
    float *backward_w; /* [in size / 16][units][16] */
} dense_op;

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const dense_op *d = (const dense_op *)op;
    const lks_forward_args a = {.x = lks_value(op->in, w, first),
                                .n_pixels = count,
                                .pixel_offset = d->in_offset,
                                .n_runs = d->n_runs,
                                .run_length = d->run_length,
                                .run_offset = d->run_offset,
                                .blocks = d->blocks,
                                .weights = d->forward_w,
                                .bias = d->bias,
                                .relu = d->relu,
                                .out = lks_value(op->out, w, first)};
    op->model->kernels->forward(&a);
    w->products += (int64_t)count * d->inputs * d->units;
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const dense_op *d = (const dense_op *)op;
    float *dy = lks_gradient(op->out, w, first);
    if (d->relu)
        op->model->kernels->relu_backward(dy, dy, lks_value(op->out, w, first),
                                          op->out->size * count);
    if (!op->dx)
        return;
    const lks_forward_args a = {.x = dy,
                                .n_pixels = count,
                                .pixel_offset = d->out_offset,
                                .n_runs = 1,
                                .run_length = d->units,
                                .run_offset = d->zero,
                                .blocks = (int)(op->in->size / LKS_BLOCK),
                                .weights = d->backward_w,
                                .out = lks_sample(op->dx, w, first)};
    op->model->kernels->forward(&a);
    w->products += (int64_t)count * d->inputs * d->units;
}

static lks_span rows(const lks_op *op, int part, int parts) {
    return lks_part(((const dense_op *)op)->inputs, part, parts);
}

/* Sums are [inputs][blocks * 16], then the bias. */
static void weights(lks_op *op, lks_worker *w, int slot, int first, int count, int part,
                    int parts) {
    const dense_op *d = (const dense_op *)op;
    lks_wgrad_args a = {.x = lks_value(op->in, w, first),
                        .x_stride = op->in->size,
                        .dy = lks_gradient(op->out, w, first),
                        .dy_stride = op->out->size,
                        .rows = 1,
                        .columns = 1,
                        .pixel_offset = d->zero,
                        .channels = d->blocks * LKS_BLOCK};
    lks_span inputs = rows(op, part, parts);
    lks_op_wgrad(op, w, slot, &a, count, d->element_offset, inputs);
    w->products += (int64_t)count * inputs.count * d->units;
    if (part == 0 && op->n_bias)
        lks_op_bias(op, w, slot, a.dy, count, 1, a.channels);
}

static void pack(lks_op *op, int part, int parts) {
    dense_op *d = (dense_op *)op;
    lks_span inputs = lks_part(d->inputs, part, parts);
    for (int i = inputs.first; i < inputs.first + inputs.count; i++) {
        const float *from = op->weights + (size_t)i * d->units;
        int column = d->element_offset[i];
        float *back = d->backward_w
                          ? d->backward_w + (size_t)(column / LKS_BLOCK) * d->units * LKS_BLOCK +
                                column % LKS_BLOCK
                          : NULL;
        for (int o = 0; o < d->units; o++) {
            d->forward_w[((size_t)(o / LKS_BLOCK) * d->inputs + i) * LKS_BLOCK + o % LKS_BLOCK] =
                from[o];
            if (back)
                back[(size_t)o * LKS_BLOCK] = from[o];
        }
    }
    for (int o = 0; part == 0 && o < op->n_bias; o++)
        d->bias[o] = op->weights[op->n_weights + o];
}

static void **packed(lks_op *op, int k, size_t *bytes) {
    dense_op *d = (dense_op *)op;
    const size_t outputs = (size_t)d->blocks * LKS_BLOCK;
    float **const arrays[] = {&d->bias, &d->forward_w, &d->backward_w};
    const size_t counts[] = {outputs, (size_t)d->inputs * outputs, op->in->size * (size_t)d->units};
    if (k == 3 || !*arrays[k])
        return NULL;
    *bytes = counts[k] * sizeof(float);
    return (void **)arrays[k];
}

static void collect(lks_op *op, int64_t *exact, float *plain, int part, int parts) {
    const dense_op *d = (const dense_op *)op;
    size_t padded = (size_t)d->blocks * LKS_BLOCK;
    lks_op_take_rows(op, d->inputs, (size_t)d->units, padded, exact, plain, part, parts);
    if (part == 0 && op->n_bias)
        lks_op_take_bias(op, padded, exact, plain);
}

static void fill_offsets(dense_op *d) {
    const lks_activation *in = d->op.in;
    int channels = in->shape.channels, pixels = in->shape.rows * in->shape.columns;
    for (int s = 0; s < d->op.model->chunk; s++) {
        d->in_offset[s] = (int32_t)(s * in->size);
        d->out_offset[s] = s * d->blocks * LKS_BLOCK;
    }
    for (int i = 0; i < d->inputs; i++)
        d->element_offset[i] = i / channels * in->stride + i % channels;
    bool whole = in->stride == channels; /* one run where no channel padding interrupts it */
    d->n_runs = whole ? 1 : pixels;
    d->run_length = whole ? d->inputs : channels;
    for (int r = 0; r < d->n_runs; r++)
        d->run_offset[r] = r * in->stride;
}

static lks_status allocate(dense_op *d, lks_error *err) {
    lks_model *m = d->op.model;
    const lks_activation *in = d->op.in;
    size_t inputs = (size_t)d->inputs, outputs = (size_t)d->blocks * LKS_BLOCK;
    size_t chunk = (size_t)m->chunk;
    if (chunk * in->size > INT32_MAX || chunk * outputs > INT32_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "layer '%s': %zu samples of %zu values are too many in one chunk; use a "
                        "smaller train.chunk",
                        d->op.name, chunk, in->size);
    d->in_offset = lks_op_alloc(&d->op, chunk, sizeof(int32_t), err);
    d->out_offset = lks_op_alloc(&d->op, chunk, sizeof(int32_t), err);
    d->run_offset = lks_op_alloc(&d->op, inputs, sizeof(int32_t), err);
    d->element_offset = lks_op_alloc(&d->op, inputs, sizeof(int32_t), err);
    d->zero = lks_op_alloc(&d->op, 1, sizeof(int32_t), err);
    d->forward_w = lks_op_alloc(&d->op, inputs * outputs, sizeof(float), err);
    d->bias = lks_op_alloc(&d->op, outputs, sizeof(float), err);
    if (in->gradient)
        d->backward_w = lks_op_alloc(&d->op, in->size * (size_t)d->units, sizeof(float), err);
    if (!d->in_offset || !d->out_offset || !d->run_offset || !d->element_offset || !d->zero ||
        !d->forward_w || !d->bias || (in->gradient && !d->backward_w))
        return err->status;
    d->op.scratch_floats = outputs;
    return lks_op_sums(&d->op, (inputs + (d->op.n_bias > 0)) * outputs, true, err);
}

static lks_status make_bf16(lks_site *site, lks_error *err) {
    const settings *s = lks_settings(site->layer);
    const lks_activation *in = lks_site_input(site, 0);
    lks_linear l = lks_linear_dense(in->shape, in->stride);
    l.filters = s->units;
    l.relu = lks_site_takes(site, LKS_FUSES_RELU);
    return lks_bf16_layer_new(site, &l, true, err);
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {.forward = forward,
                                       .backward = backward,
                                       .weights = weights,
                                       .rows = rows,
                                       .pack = pack,
                                       .packed = packed,
                                       .collect = collect};
    const settings *s = lks_settings(site->layer);
    if (site->config->train.precision == LKS_BF16)
        return make_bf16(site, err);
    dense_op *d = lks_alloc(1, sizeof *d, "a dense layer", err);
    if (!d)
        return err->status;
    d->op.in = lks_site_input(site, 0);
    d->op.trained = site->layer->trainable;
    const lks_shape in = d->op.in->shape;
    d->relu = lks_site_takes(site, LKS_FUSES_RELU);
    d->units = s->units;
    d->blocks = lks_padded(s->units) / LKS_BLOCK;
    d->inputs = in.rows * in.columns * in.channels;
    LKS_TRY(lks_site_append(site, &d->op, &class, d->blocks * LKS_BLOCK, err));
    LKS_TRY(lks_op_tensors(&d->op, site->info, err));
    LKS_TRY(allocate(d, err));
    fill_offsets(d);
    return LKS_OK;
}

static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    const settings *s = lks_settings(p->layer);
    const lks_shape in = p->in[0];
    if (in.rows != 1 || in.columns != 1)
        return lks_place_refuse(p, err, "a %dx%dx%d input; put a flatten layer before it", in.rows,
                                in.columns, in.channels);
    if ((double)in.channels * s->units > 1e9)
        return lks_place_refuse(p, err, "more than 1e9 parameters");
    info->out = (lks_shape){1, 1, s->units};
    info->flop = 2.0 * in.channels * s->units;
    lks_info_weights(info, 2, (const int64_t[]){in.channels, s->units}, s->bias);
    return LKS_OK;
}

static const lks_option options[] = {{"units", "outputs", LKS_OPT_INT,
                                      .offset = LKS_SETTING(settings, units), .min = 1,
                                      .max = 1048576, .required = true},
                                     LKS_BIAS_OPTION(settings),
                                     LKS_WEIGHTED_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .new_channels = true,
                                      .gives_logits = true,
                                      .outputs = "units",
                                      .script = "dense"};
const lks_layer_kind lks_layer_dense = {
    .name = "dense",
    .stem = "dense",
    .meaning = "fully connected: each output is a weighted sum of all inputs",
    .example = "- flatten\n"
               "- dense: 128\n"
               "- relu\n",
    .options = options,
    .n_options = LKS_COUNT(options),
    .short_form = true,
    .rules = &rules};
