/* Convolutions, dense layers, and normalisations, which are folded into them or stand as convolutions of 1 x 1. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "export/c/int8/int8.h"
#include "export/c/kernels.h"

#include "export/c/text/int8_padding.c99"
#include "export/c/text/int8_limited.c99"
#include "export/c/text/int8_logit.c99"
#include "export/c/text/int8_shifted.c99"

#include "export/c/text/int8_convolution.c99"
#include "export/c/text/int8_convolve.c99"
#include "export/c/text/int8_convolve_last.c99"

#define TAPS_MAX  32768 /* products of 8 bits that a sum of 32 holds beside a bias of BIAS_BITS */
#define BIAS_BITS 29

/* The constants of a step; the arrays are behind it. */
typedef struct linear {
    convolution c;
    padding f;
    int8_t *weights;
    int32_t *bias, *multipliers;
    uint8_t *shifts;
} linear;

static lks_c_linear shape_of(const lks_c_step *s) {
    if (!lks_export_is(s->layer, "batchnorm"))
        return lks_c_linear_of(s);
    const lks_shape in = s->layer->in;
    return (lks_c_linear){.in = in,
                          .out = s->layer->out,
                          .window = {.size = {1, 1}, .stride = {1, 1}},
                          .groups = in.channels,
                          .count = (size_t)in.channels};
}

static size_t room(const lks_c_step *s) {
    const lks_c_linear l = shape_of(s);
    return lks_c_padded_room_of(&l);
}

/* --- real numbers ----------------------------------------------------------------------------- */

/* What a filter is, with the normalisation behind it: weights [count / filters] into w; returns the bias. */
static double filter_of(const lks_c_step *s, const lks_c_linear *l, int filter, double *w) {
    const size_t filters = (size_t)l->out.channels, taps = l->count / filters;
    double bias = l->bias ? (double)l->bias[filter] : 0;
    for (size_t k = 0; k < taps; k++)
        w[k] = l->weights ? (double)l->weights[k * filters + (size_t)filter] : 1;
    const lks_export_layer *norm = l->weights ? s->norm : s->layer;
    if (!norm)
        return bias;
    float numbers[3]; /* centre, scale, shift */
    lks_c_normalisation(norm, filter, numbers);
    for (size_t k = 0; k < taps; k++)
        w[k] *= (double)numbers[1];
    return (bias - (double)numbers[0]) * (double)numbers[1] + (double)numbers[2];
}

/* The scale of a filter's weights: so that the largest is 127, and the bias fits. */
static double scale_of(const double *w, size_t taps, double bias, double in_scale) {
    double largest = 0;
    for (size_t k = 0; k < taps; k++)
        largest = fmax(largest, fabs(w[k]));
    const double for_weights = largest / 127, for_bias = fabs(bias) / in_scale;
    if (for_weights > 0)
        return fmax(for_weights, ldexp(for_bias, -BIAS_BITS));
    return for_bias > 0 ? ldexp(for_bias, -20) : 1; /* nothing but a bias */
}

/* --- whole numbers ---------------------------------------------------------------------------- */

static lks_status round_filter(const lks_c_step *s, const lks_c_linear *l, int filter, linear *to,
                               double *w, lks_error *err) {
    const size_t taps = l->count / (size_t)l->out.channels;
    const lks_c_quantised *in = &s->plan->steps[s->inputs[0]].quantised;
    const double bias = filter_of(s, l, filter, w), scale = scale_of(w, taps, bias, in->scale);
    const double out_scale = lks_c_is_last(s) ? LKS_C_LOGIT : s->quantised.scale;
    int32_t sum = 0;
    lks_c_factor factor;
    for (size_t k = 0; k < taps; k++) {
        const int8_t q = (int8_t)rint(w[k] / scale);
        to->weights[(size_t)filter * taps + k] = q;
        sum += q;
    }
    to->bias[filter] = (int32_t)rint(bias / (in->scale * scale)) - in->zero_point * sum;
    LKS_TRY(lks_c_factor_of(s, in->scale * scale / out_scale, &factor, err));
    to->multipliers[filter] = factor.multiplier;
    to->shifts[filter] = (uint8_t)factor.shift;
    return LKS_OK;
}

static void fill_settings(const lks_c_step *s, const lks_c_linear *l, linear *to) {
    const lks_export_window *v = &l->window;
    to->c = (convolution){.columns = lks_c_padded(l, 1),
                          .channels = l->in.channels,
                          .kernel_rows = v->size[0],
                          .kernel_columns = v->size[1],
                          .row_stride = v->stride[0],
                          .column_stride = v->stride[1],
                          .out_rows = s->out.rows,
                          .out_columns = s->out.columns,
                          .filters = s->out.channels,
                          .groups = l->groups,
                          .pool = s->pool ? 2 : 1,
                          .zero_point = s->quantised.zero_point,
                          .weights = to->weights,
                          .bias = to->bias,
                          .multipliers = to->multipliers,
                          .shifts = to->shifts};
    to->f = (padding){.rows = l->in.rows,
                      .columns = l->in.columns,
                      .channels = l->in.channels,
                      .top = v->before[0],
                      .bottom = v->after[0],
                      .left = v->before[1],
                      .right = v->after[1],
                      .zero_point = s->plan->steps[s->inputs[0]].quantised.zero_point};
}

static linear *allocate(lks_c_step *s, const lks_c_linear *l, lks_error *err) {
    const size_t filters = (size_t)l->out.channels;
    linear *to = lks_c_constants(s, sizeof *to + filters * 9 + l->count, err);
    if (!to)
        return NULL;
    to->bias = (int32_t *)(to + 1);
    to->multipliers = to->bias + filters;
    to->shifts = (uint8_t *)(to->multipliers + filters);
    to->weights = (int8_t *)(to->shifts + filters);
    return to;
}

static lks_status build(lks_c_step *s, lks_error *err) {
    const lks_c_linear l = shape_of(s);
    const size_t taps = l.count / (size_t)l.out.channels;
    if (taps > TAPS_MAX)
        return lks_fail(err, LKS_ERR_CONFIG,
                        "layer '%s': a sum of %zu products does not fit into 32 bits; export it "
                        "without --int8",
                        s->layer->config->name, taps);
    linear *to = allocate(s, &l, err);
    double *w = lks_alloc(taps, sizeof *w, "a layer in whole numbers", err);
    lks_status status = to && w ? LKS_OK : err->status;
    for (int f = 0; status == LKS_OK && f < l.out.channels; f++)
        status = round_filter(s, &l, f, to, w, err);
    if (status == LKS_OK)
        fill_settings(s, &l, to);
    lks_free(w);
    return status;
}

static void run(const lks_c_step *s, const lks_c_run *r) {
    const linear *own = s->constants;
    const int8_t *x = lks_c_in(s, 0, r);
    int8_t *padded = r->scratch + s->room.at;
    if (s->room.floats > 0)
        pad_image(&own->f, x, padded);
    x = s->room.floats > 0 ? padded : x;
    if (lks_c_is_last(s))
        convolve_last(&own->c, x, r->logits);
    else
        convolve(&own->c, x, lks_c_out(s, r));
}

/* --- text ------------------------------------------------------------------------------------- */

static void write_padding(lks_c_writer *w, const lks_c_step *s, const padding *f) {
    const lks_c_member members[] = {
        {"rows", f->rows, NULL},         {"columns", f->columns, NULL},
        {"channels", f->channels, NULL}, {"top", f->top, NULL},
        {"bottom", f->bottom, NULL},     {"left", f->left, NULL},
        {"right", f->right, NULL},       {"zero_point", f->zero_point, NULL}};
    lks_c_constant(w, s, "padding", "padding", members, LKS_COUNT(members));
}

static lks_status declare(lks_c_writer *w, const lks_c_step *s, lks_error *err) {
    (void)err;
    const linear *own = s->constants;
    const convolution *c = &own->c;
    const size_t filters = (size_t)c->filters;
    const lks_c_member members[] = {{"columns", c->columns, NULL},
                                    {"channels", c->channels, NULL},
                                    {"kernel_rows", c->kernel_rows, NULL},
                                    {"kernel_columns", c->kernel_columns, NULL},
                                    {"row_stride", c->row_stride, NULL},
                                    {"column_stride", c->column_stride, NULL},
                                    {"out_rows", c->out_rows, NULL},
                                    {"out_columns", c->out_columns, NULL},
                                    {"filters", c->filters, NULL},
                                    {"groups", c->groups, NULL},
                                    {"pool", c->pool, NULL},
                                    {"zero_point", c->zero_point, NULL},
                                    {"weights", 0, "weights"},
                                    {"bias", 0, "bias"},
                                    {"multipliers", 0, "multipliers"},
                                    {"shifts", 0, "shifts"}};
    lks_c_int8s(w, s, "weights", own->weights, shape_of(s).count);
    lks_c_int32s(w, s, "bias", own->bias, filters);
    lks_c_int32s(w, s, "multipliers", own->multipliers, filters);
    lks_c_uint8s(w, s, "shifts", own->shifts, filters);
    if (s->room.floats > 0)
        write_padding(w, s, &own->f);
    lks_c_constant(w, s, "convolution", "layer", members, LKS_COUNT(members));
    return LKS_OK;
}

static void call(lks_c_writer *w, const lks_c_step *s) {
    lks_c_padded_call(w, s, lks_c_is_last(s) ? "convolve_last" : "convolve");
}

static void texts(lks_c_writer *w, const lks_c_step *s) {
    if (s->room.floats > 0)
        lks_c_part(w, "int8_padding");
    lks_c_part(w, lks_c_is_last(s) ? "int8_convolve_last" : "int8_convolve");
}

const lks_c_kernel lks_c_int8_linear = {.texts = texts,
                                        .room = room,
                                        .build = build,
                                        .run = run,
                                        .declare = declare,
                                        .call = call,
                                        .takes_norm = true,
                                        .takes_relu = true,
                                        .takes_pool = true,
                                        .gives_logits = true};
