/* Batch normalisation over the global batch (Ioffe & Szegedy, ICML 2015), with the ReLU that follows
 * it: every channel minus its mean over all samples and pixels, divided by its standard deviation,
 * then scaled and shifted.
 *
 * The sums of x and x^2, and backward those of dy and dy * xhat, are made per chunk in double and
 * added up exactly over chunks, threads and ranks. The running moments move with every training
 * batch: (1 - momentum) * running + momentum * batch, with the unbiased variance. */
#include "nn/layer.h"
#include "nn/engine/apart.h"
#include "nn/sums.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

typedef struct settings {
    double momentum; /* weight of a batch's moments in the running ones */
    double epsilon;  /* added to the variance */
    bool affine;     /* a trainable scale and shift follow */
} settings;

typedef struct batchnorm_op {
    lks_op op;
    int channels, pixels;
    int width; /* channels padded: what lies behind the last is 0 in arrays for the kernels */
    double momentum, epsilon;
    bool affine, relu;
    double *partial;               /* [threads][2][width] of one chunk; 0 before and after */
    lks_limbs *sums;               /* [threads][2][channels] */
    int64_t *samples;              /* [threads] */
    int64_t *message;              /* samples, then the limbs [2][channels] */
    double *mean;                  /* [width] of the batch */
    double *factor;                /* [width] 1 / standard deviation of the batch */
    int64_t n;                     /* values per channel in the global batch */
    float *centre, *scale, *shift; /* [width] forward */
    float *slope, *constant;       /* [width] backward */
} batchnorm_op;

static float *running_mean(const batchnorm_op *b) {
    return b->op.weights + (b->affine ? 2 * b->channels : 0);
}

static double gamma_of(const batchnorm_op *b, int c) {
    return b->affine ? (double)b->op.weights[c] : 1.0;
}

static void set_forward(batchnorm_op *b, int c, double mean, double factor) {
    b->centre[c] = (float)mean;
    b->scale[c] = (float)(gamma_of(b, c) * factor);
    b->shift[c] = b->affine ? b->op.weights[b->channels + c] : 0.0f;
}

/* [2][width] */
static double *partial_of(const batchnorm_op *b, const lks_worker *w) {
    return b->partial + w->index * 2 * (size_t)b->width;
}

static lks_norm_args arguments(const batchnorm_op *b, const lks_worker *w, int first, int count) {
    return (lks_norm_args){.x = lks_value(b->op.in, w, first),
                           .pixels = (size_t)count * b->pixels,
                           .channels = b->width,
                           .centre = b->centre,
                           .scale = b->scale,
                           .shift = b->shift,
                           .relu = b->relu};
}

static lks_norm_args arguments_at(const batchnorm_op *b, const lks_worker *w, int sample,
                                  size_t pixel, size_t count) {
    lks_norm_args a = arguments(b, w, sample, 1);
    a.x += pixel * (size_t)b->width;
    a.pixels = count;
    return a;
}

static size_t row_floats(const batchnorm_op *b) {
    return (size_t)b->op.in->shape.columns * (size_t)b->width;
}

/* The pixels from p on that are worked on together: whole rows, as they are made; 0: there are no more. */
static size_t piece_at(const batchnorm_op *b, size_t p) {
    const size_t rows = lks_made_floats(row_floats(b)) / row_floats(b);
    const size_t most = rows * (size_t)b->op.in->shape.columns, left = (size_t)b->pixels - p;
    return left < most ? left : most;
}

/* Where the output's gradient has to be made. */
static void made_gradient_moments(const batchnorm_op *b, lks_worker *w, int first, int count) {
    const lks_op *maker = b->op.out->gradient_maker;
    double *sum = partial_of(b, w), *second = sum + b->width;
    for (int s = first; s < first + count; s++)
        for (size_t p = 0, n; (n = piece_at(b, p)) > 0; p += n) {
            const lks_norm_args a = arguments_at(b, w, s, p, n);
            maker->class->make_dx(maker, w, w->scratch, s, p, n);
            b->op.model->kernels->norm.gradient_moments(sum, second, w->scratch, b->mean, b->factor,
                                                        &a);
        }
}

static void moments(lks_op *op, lks_worker *w, int first, int count, bool backward) {
    const batchnorm_op *b = (const batchnorm_op *)op;
    const lks_kernels *k = op->model->kernels;
    const lks_norm_args a = arguments(b, w, first, count);
    double *sum = partial_of(b, w), *second = sum + b->width;
    if (!backward)
        k->norm.moments(sum, second, a.x, a.pixels, a.channels);
    else if (op->out->gradient_maker)
        made_gradient_moments(b, w, first, count);
    else
        k->norm.gradient_moments(sum, second, lks_gradient(op->out, w, first), b->mean, b->factor,
                                 &a);
}

static void add_moments(lks_op *op, lks_worker *w, int count, bool backward) {
    batchnorm_op *b = (batchnorm_op *)op;
    size_t channels = (size_t)b->channels, width = (size_t)b->width;
    double *sum = partial_of(b, w), *second = sum + width;
    lks_limbs *sums = b->sums + w->index * 2 * channels;
    const bool alone = op->model->gathered.asked.alone;
    for (size_t c = 0; c < channels && !alone; c++)
        if (!lks_limbs_add(&sums[c], sum[c]) || !lks_limbs_add(&sums[channels + c], second[c]))
            w->bad[op->index] = 1;
    b->samples[w->index] += alone ? 0 : count;
    lks_apart_moments(op, w, sum, 2 * width);
    if (backward && b->affine) {
        /* The scale's gradient is the sum of dy * xhat, the shift's that of dy. */
        for (size_t c = 0; c < channels; c++) {
            w->scratch[c] = (float)second[c];
            w->scratch[channels + c] = (float)sum[c];
        }
        lks_op_add(op, w, w->index, 0, w->scratch, 2 * channels);
    }
    memset(sum, 0, 2 * width * sizeof *sum);
}

/* Adds up all threads' and all ranks' sums; *n becomes the number of values per channel. */
static void add_up(batchnorm_op *b) {
    const lks_model *m = b->op.model;
    size_t each = 2 * (size_t)b->channels;
    lks_limbs *sums = (lks_limbs *)(b->message + 1);
    memset(b->message, 0, sizeof *b->message + each * sizeof *sums);
    for (int t = 0; t < m->threads; t++) {
        b->message[0] += b->samples[t];
        for (size_t i = 0; i < each; i++)
            sums[i] = lks_limbs_sum(sums[i], b->sums[t * each + i]);
    }
    memset(b->samples, 0, (size_t)m->threads * sizeof *b->samples);
    memset(b->sums, 0, (size_t)m->threads * each * sizeof *b->sums);
    if (m->rendezvous.sum)
        m->rendezvous.sum(m->rendezvous.context, b->message, 1 + 2 * each);
    b->n = b->message[0] * b->pixels;
}

static double total(const batchnorm_op *b, int which, int c) {
    const lks_limbs *sums = (const lks_limbs *)(b->message + 1);
    return lks_limbs_value(sums[which * b->channels + c]);
}

static float blend(double momentum, float running, double batch) {
    return (float)((1 - momentum) * (double)running + momentum * batch);
}

static bool touch_running(const batchnorm_op *b, bool wrote) {
    const lks_rendezvous *r = &b->op.model->rendezvous;
    return !r->touch || r->touch(r->watcher, running_mean(b), 2 * (size_t)b->channels, wrote);
}

/* With moments of a batch of n values: the unbiased variance. */
static void move_running(batchnorm_op *b, int c, double mean, double variance, double n) {
    float *running = running_mean(b);
    running[c] = blend(b->momentum, running[c], mean);
    running[b->channels + c] = blend(b->momentum, running[b->channels + c],
                                     b->n > 1 ? variance * (n / (n - 1)) : variance);
}

static void agree(lks_op *op, bool backward) {
    batchnorm_op *b = (batchnorm_op *)op;
    add_up(b);
    const bool moves = !backward && touch_running(b, false);
    double n = (double)b->n;
    for (int c = 0; c < b->channels; c++) {
        if (backward) {
            double scale = gamma_of(b, c) * b->factor[c];
            b->slope[c] = (float)(-scale * b->factor[c] * (total(b, 1, c) / n));
            b->constant[c] = (float)(-scale * (total(b, 0, c) / n));
            continue;
        }
        double mean = total(b, 0, c) / n, variance = total(b, 1, c) / n - mean * mean;
        variance = variance > 0 ? variance : 0;
        b->mean[c] = mean;
        b->factor[c] = 1 / sqrt(variance + b->epsilon);
        set_forward(b, c, mean, b->factor[c]);
        if (moves)
            move_running(b, c, mean, variance, n);
    }
    if (moves)
        touch_running(b, true);
}

/* With the running moments: for evaluation, and where the layer is frozen. */
static void pack(lks_op *op, int part, int parts) {
    batchnorm_op *b = (batchnorm_op *)op;
    lks_span mine = lks_part(b->channels, part, parts);
    const float *running = running_mean(b);
    for (int c = mine.first; c < mine.first + mine.count; c++)
        set_forward(b, c, (double)running[c],
                    1 / sqrt((double)running[b->channels + c] + b->epsilon));
}

static void forward(lks_op *op, lks_worker *w, int first, int count) {
    const lks_norm_args a = arguments((const batchnorm_op *)op, w, first, count);
    if (!op->out->value_maker)
        op->model->kernels->norm.normalise(lks_value(op->out, w, first), &a);
}

static void make_value(const lks_op *op, const lks_worker *w, float *to, int sample, size_t pixel,
                       size_t count) {
    const lks_norm_args a = arguments_at((const batchnorm_op *)op, w, sample, pixel, count);
    op->model->kernels->norm.normalise(to, &a);
}

/* Frozen: slope and constant stay 0. */
static void make_dx(const lks_op *op, const lks_worker *w, float *to, int sample, size_t pixel,
                    size_t count) {
    const batchnorm_op *b = (const batchnorm_op *)op;
    const lks_norm_args a = arguments_at(b, w, sample, pixel, count);
    const lks_op *maker = op->out->gradient_maker;
    const float *dy = to;
    if (maker)
        maker->class->make_dx(maker, w, to, sample, pixel, count);
    else
        dy = lks_gradient(op->out, w, sample) + pixel * (size_t)b->width;
    op->model->kernels->norm.normalise_backward(to, dy, b->slope, b->constant, &a);
}

static void backward(lks_op *op, lks_worker *w, int first, int count) {
    const batchnorm_op *b = (const batchnorm_op *)op;
    if (!op->dx || op->in->gradient_maker)
        return;
    for (int s = first; s < first + count; s++)
        for (size_t p = 0, n; (n = piece_at(b, p)) > 0; p += n) {
            float *dx = (float *)lks_sample(op->dx, w, s) + p * (size_t)b->width;
            make_dx(op, w, dx, s, p, n);
        }
}

static void collect(lks_op *op, int64_t *exact, float *plain, int part, int parts) {
    (void)parts;
    const batchnorm_op *b = (const batchnorm_op *)op;
    if (part != 0)
        return;
    size_t n = b->affine ? 2 * (size_t)b->channels : 0;
    if (n)
        lks_op_take(op, 0, n, 0, 1, exact, plain);
    for (size_t i = n; i < op->n_flat; i++) /* the running moments */
        if (plain)
            plain[op->offset + i] = 0;
        else
            exact[op->offset + i] = 0;
}

static lks_status allocate(batchnorm_op *b, lks_error *err) {
    lks_op *op = &b->op;
    size_t threads = (size_t)op->model->threads, channels = (size_t)b->channels;
    size_t width = (size_t)b->width;
    b->partial = lks_op_alloc(op, threads * 2 * width, sizeof(double), err);
    b->sums = lks_op_alloc(op, threads * 2 * channels, sizeof(lks_limbs), err);
    b->samples = lks_op_alloc(op, threads, sizeof(int64_t), err);
    b->message = lks_op_alloc(op, 1 + 4 * channels, sizeof(int64_t), err);
    b->mean = lks_op_alloc(op, width, sizeof(double), err);
    b->factor = lks_op_alloc(op, width, sizeof(double), err);
    b->centre = lks_op_alloc(op, 5 * width, sizeof(float), err);
    if (!b->partial || !b->sums || !b->samples || !b->message || !b->mean || !b->factor ||
        !b->centre)
        return err->status;
    b->scale = b->centre + width;
    b->shift = b->scale + width;
    b->slope = b->shift + width;
    b->constant = b->slope + width;
    op->scratch_floats = 2 * channels;
    if (op->scratch_floats < lks_made_floats(row_floats(b)))
        op->scratch_floats = lks_made_floats(row_floats(b));
    return lks_op_sums(op, 2 * channels, false, err);
}

static lks_status make(lks_site *site, lks_error *err) {
    static const lks_op_class class = {.forward = forward,
                                       .backward = backward,
                                       .make_value = make_value,
                                       .make_dx = make_dx,
                                       .pack = pack,
                                       .collect = collect,
                                       .moments = moments,
                                       .add_moments = add_moments,
                                       .agree = agree};
    const settings *s = lks_settings(site->layer);
    batchnorm_op *b = lks_alloc(1, sizeof *b, "a batch normalisation", err);
    if (!b)
        return err->status;
    lks_activation *in = b->op.in = lks_site_input(site, 0);
    b->op.trained = site->layer->trainable;
    b->op.traits = (lks_op_traits){.dx_over_dy = true, .keeps_dy = true, .takes_made = true};
    b->relu = lks_site_takes(site, LKS_FUSES_RELU);
    b->channels = in->shape.channels;
    b->width = in->stride;
    b->pixels = in->shape.rows * in->shape.columns;
    b->momentum = s->momentum;
    b->epsilon = s->epsilon;
    b->affine = s->affine;
    LKS_TRY(lks_site_append(site, &b->op, &class, in->stride, err));
    lks_op_make_gradient(&b->op);
    LKS_TRY(lks_op_tensors(&b->op, site->info, err));
    return allocate(b, err);
}

/* The scale and the running variance start at 1, the shift and the running mean at 0. */
static lks_status shape(const lks_place *p, lks_layer_info *info, lks_error *err) {
    (void)err;
    const int64_t channels = p->in[0].channels;
    info->flop *= 4;
    if (((const settings *)lks_settings(p->layer))->affine) {
        lks_info_tensor(info, "weight", LKS_ROLE_NORM, 1, &channels)->start = 1;
        lks_info_tensor(info, "bias", LKS_ROLE_NORM, 1, &channels);
    }
    lks_info_tensor(info, "running_mean", LKS_ROLE_MOMENT, 1, &channels);
    lks_info_tensor(info, "running_var", LKS_ROLE_MOMENT, 1, &channels)->start = 1;
    return LKS_OK;
}

static const lks_option options[] = {
    {"momentum",
     "weight m of a batch's moments in the running ones, as in PyTorch: new = (1 - m) * old + m * "
     "batch; Keras's momentum is 1 - m",
     LKS_OPT_DOUBLE, .offset = LKS_SETTING(settings, momentum), .max = 1, .min_open = true,
     .preset = "0.1"},
    {"epsilon", "added to the variance", LKS_OPT_DOUBLE, .offset = LKS_SETTING(settings, epsilon),
     .min = 1e-12, .max = 1, .preset = "1e-5"},
    {"affine", "a trainable scale and shift follow", LKS_OPT_BOOL,
     .offset = LKS_SETTING(settings, affine), .preset = "true"},
    LKS_WEIGHTED_LAYER_OPTIONS};
static const lks_layer_rules rules = {.shape = shape,
                                      .make = make,
                                      .wants_image = true,
                                      .pads_input = true,
                                      .gives_logits = true,
                                      .refines_maps = true,
                                      .script = "normalisation"};
const lks_layer_kind lks_layer_batchnorm = {
    .name = "batchnorm",
    .stem = "bn",
    .meaning = "each channel minus its mean, divided by its standard deviation, over the global "
               "batch",
    .example = "- conv2d: {filters: 32, kernel: 3, bias: false}\n"
               "- batchnorm\n"
               "- relu\n",
    .options = options,
    .n_options = LKS_COUNT(options),
    .rules = &rules};
