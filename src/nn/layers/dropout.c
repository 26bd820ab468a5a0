/* Inverted dropout (Srivastava et al., JMLR 2014): in training an element is kept with probability
 * 1 - rate and scaled by 1 / (1 - rate). Element e of a sample is kept where word e of the stream
 * (seed, dropout, layer, epoch, sample id) is at least rate * 2^32. */
#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

typedef struct settings {
    double rate; /* share of elements dropped, 0 <= rate < 1 */
} settings;

typedef struct dropout_op {
    lks_op op;
    uint32_t unit, threshold;
    float scale;
    lks_samples keep; /* [size] bytes */
    uint32_t *words;  /* [threads][elements rounded up to whole Philox blocks] */
    size_t words_each;
} dropout_op;

static void drop_one(const dropout_op *d, const lks_worker *w, int s) {
    const lks_model *m = d->op.model;
    const lks_activation *in = d->op.in;
    lks_stream stream =
        lks_stream_make(m->seed, LKS_PURPOSE_DROPOUT, d->unit, m->batch.epoch, m->batch.ids[s]);
    uint32_t *words = d->words + (size_t)w->index * d->words_each;
    const float *x = lks_value(in, w, s);
    float *y = lks_value(d->op.out, w, s);
    uint8_t *keep = lks_sample(&d->keep, w, s);
    m->kernels->philox(words, &stream, 0, d->words_each / 4);
    /* Words are counted in logical elements, so channel padding is stepped over. */
    bool whole = in->stride == in->shape.channels;
    size_t pixels = (size_t)in->shape.rows * in->shape.columns;
    size_t runs = whole ? 1 : pixels, run = whole ? in->size : (size_t)in->shape.channels;
    for (size_t r = 0; r < runs; r++) {
        size_t at = r * (whole ? 0 : (size_t)in->stride);
        m->kernels->dropout.forward(y + at, keep + at, x + at, words + r * run, run, d->threshold,
                                    d->scale);
    }
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const dropout_op *d = (const dropout_op *)op;
    if (d->threshold == 0) {
        memcpy(lks_value(op->out, w, first), lks_value(op->in, w, first),
               op->out->size * count * sizeof(float));
        return;
    }
    for (int s = first; s < first + count; s++)
        drop_one(d, w, s);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const dropout_op *d = (const dropout_op *)op;
    if (!op->dx)
        return;
    const float *dy = lks_gradient(op->out, w, first);
    float *dx = lks_sample(op->dx, w, first);
    size_t n = op->out->size * count;
    if (d->threshold == 0)
        memcpy(dx, dy, n * sizeof(float));
    else
        op->model->kernels->dropout.backward(dx, dy, lks_sample(&d->keep, w, first), n, d->scale);
}

static double rate_of(const lks_layer_config *layer) {
    return ((const settings *)lks_settings(layer))->rate;
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {
        .forward = forward, .idle_in_evaluation = true, .backward = backward};
    const lks_model *m = site->model;
    dropout_op *d = lks_alloc(1, sizeof *d, "a dropout layer", err);
    if (!d)
        return err->status;
    const lks_activation *in = d->op.in = lks_site_input(site, 0);
    const double rate = rate_of(site->layer);
    size_t elements = (size_t)in->shape.rows * in->shape.columns * in->shape.channels;
    d->unit = (uint32_t)site->index;
    d->threshold = (uint32_t)(rate * 4294967296.0);
    d->scale = (float)(1.0 / (1.0 - rate));
    d->words_each = (elements + 3) / 4 * 4;
    LKS_TRY(lks_model_append(site->model, &d->op, &class, site->layer->name, in->shape, in->stride,
                             err));
    lks_op_keep(&d->op, &d->keep, in->size, true);
    d->words = lks_op_alloc(&d->op, d->words_each * m->threads, sizeof(uint32_t), err);
    return d->words ? LKS_OK : err->status;
}

static void details(const lks_layer_config *layer, char *text, size_t size) {
    snprintf(text, size, "%g", rate_of(layer));
}

static const lks_option options[] = {
    {"rate", "share of the elements that are dropped while training", LKS_OPT_DOUBLE,
     .offset = LKS_SETTING(settings, rate), .max = 1, .max_open = true, .required = true},
    LKS_LAYER_OPTIONS};
static const lks_layer_rules rules = {
    .make = make, .details = details, .script = "unchanged(shape => shape)"};
const lks_layer_kind lks_layer_dropout = {.name = "dropout",
                                          .stem = "dropout",
                                          .meaning = "zeroes elements at random while training",
                                          .example = "- flatten\n"
                                                     "- dropout: 0.5\n",
                                          .options = options,
                                          .n_options = LKS_COUNT(options),
                                          .short_form = true,
                                          .rules = &rules};
