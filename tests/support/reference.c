#include "support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lockstep/philox.h"
#include "support/reference_settings.h"

#define ROUNDING 0x1p-24

/* A number, and how far a float computation may be from it. */
typedef struct value {
    double is, error;
} value;

typedef struct layer {
    settings own;
    const settings *config; /* own */
    lks_shape in, out;
    size_t weights, bias; /* places in the flat arrays */
    int pad[2];
    value *y, *dy; /* [out] */
    value *x;      /* [in] as its products take it */
    size_t *pick;  /* maxpool: [out] the input that won */
    double *keep;  /* dropout: [out] 0 or the scale */
} layer;

struct lks_reference {
    const lks_config *config;
    lks_shape input;
    const float (*pixels)[256];
    layer *layers;
    int n_layers;
    value *x, *dx; /* the input image */
    double *gradient, *bound, *size;
    int *terms; /* of each weight's gradient, in one chunk */
    lks_reference_view view;
};

static void *get(size_t count, size_t size) {
    void *p = calloc(count + 1, size);
    if (!p) {
        perror("calloc");
        exit(1);
    }
    return p;
}

static size_t values(lks_shape s) {
    return (size_t)s.rows * (size_t)s.columns * (size_t)s.channels;
}

static size_t place(lks_shape s, int row, int column, int channel) {
    return ((size_t)row * (size_t)s.columns + (size_t)column) * (size_t)s.channels +
           (size_t)channel;
}

static bool inside(lks_shape s, int row, int column) {
    return row >= 0 && row < s.rows && column >= 0 && column < s.columns;
}

/* What adding up @p terms numbers whose absolute values sum to @p size may lose. */
static double sum_error(double terms, double size) {
    return 4 * sqrt(terms) * ROUNDING * size;
}

/* A running sum of products with weights: their signs are mixed, so errors add up in quadrature. */
typedef struct sum {
    double is, variance, size;
} sum;

static double product_error(value a, value b) {
    return fabs(a.is) * b.error + a.error * fabs(b.is) + a.error * b.error;
}

static void add_product(sum *s, value a, value b) {
    double error = product_error(a, b);
    s->is += a.is * b.is;
    s->size += fabs(a.is * b.is);
    s->variance += error * error;
}

static value sum_value(sum s, double terms) {
    return (value){s.is, sqrt(s.variance) + sum_error(terms, s.size)};
}

/* The nearest number of 8 significant bits, ties to even; 0 below 2^-50. */
static double nearest_bf16(double x) {
    int exponent;
    double digits = frexp(x, &exponent);
    return fabs(x) < 0x1p-50 ? 0 : ldexp(rint(ldexp(digits, 8)), exponent - 8);
}

/* Whether the layer's products are of bfloat16. */
static bool rounds(const lks_reference *r, const layer *l) {
    bool multiplies =
        (l->config->kind == CONV2D && l->config->groups == 1) || l->config->kind == DENSE;
    return multiplies && r->config->train.precision == LKS_BF16;
}

/* What a product takes of n numbers. Where float's may lie on the other side of a tie, it is one step away. */
static void round_operands(value *out, const value *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double is = nearest_bf16(v[i].is), low = nearest_bf16(v[i].is - v[i].error);
        out[i] = (value){is, fmax(nearest_bf16(v[i].is + v[i].error) - is, is - low)};
    }
}

static void decide(lks_reference *r, bool close, uint64_t decision) {
    r->view.decisions++;
    r->view.close_calls += close;
    r->view.signature = (r->view.signature ^ decision) * UINT64_C(0x100000001b3);
}

/* Whether a difference that decides could be lost in float. One of exactly 0 comes from numbers
 * that are exact, or from equal inputs: there float finds 0 as well. */
static bool closer(double difference, double error) {
    return difference != 0 && fabs(difference) <= error;
}

/* --- Shapes ----------------------------------------------------------------------------------- */

static bool is_pool(layer_kind kind) {
    return kind == MAXPOOL || kind == AVGPOOL;
}

/* Outputs along one dimension, and the padding before its first input. 'same': as many outputs as
 * inputs, divided by the stride and rounded up; the padding needed goes half before, and half or one
 * more behind. */
static int outputs_of(const settings *c, int d, int inputs, int *before) {
    int stride = c->stride[d], kernel = is_pool(c->kind) ? c->window[d] : c->kernel[d];
    if (c->padding != LKS_PAD_SAME) {
        *before = c->padding == LKS_PAD_EXPLICIT ? c->pad[d] : 0;
        return (inputs + 2 * *before - kernel) / stride + 1;
    }
    int outputs = inputs / stride + (inputs % stride != 0);
    int reach = (outputs - 1) * stride + kernel;
    *before = reach > inputs ? (reach - inputs) / 2 : 0;
    return outputs;
}

static lks_shape layer_shape(layer *l, lks_shape in, size_t *weights, size_t *biases) {
    const settings *c = l->config;
    *weights = *biases = 0;
    switch (c->kind) {
    case CONV2D:
        *weights = (size_t)(c->kernel[0] * c->kernel[1] * in.channels / c->groups * c->filters);
        *biases = c->bias ? (size_t)c->filters : 0;
        return (lks_shape){outputs_of(c, 0, in.rows, &l->pad[0]),
                           outputs_of(c, 1, in.columns, &l->pad[1]), c->filters};
    case MAXPOOL:
    case AVGPOOL:
        return (lks_shape){outputs_of(c, 0, in.rows, &l->pad[0]),
                           outputs_of(c, 1, in.columns, &l->pad[1]), in.channels};
    case GLOBAL_AVGPOOL:
        return (lks_shape){1, 1, in.channels};
    case DENSE:
        *weights = values(in) * (size_t)c->units;
        *biases = c->bias ? (size_t)c->units : 0;
        return (lks_shape){1, 1, c->units};
    case FLATTEN:
        return (lks_shape){1, 1, (int)values(in)};
    case RELU:
    case LEAKY_RELU:
    case TANH:
    case SIGMOID:
    case GELU:
    case SILU:
    case DROPOUT:
        return in;
    case KINDS:
        break;
    }
    abort();
}

lks_reference *lks_reference_new(const lks_config *config, lks_shape input,
                                 const float (*pixels)[256]) {
    lks_reference *r = get(1, sizeof *r);
    r->config = config;
    r->input = input;
    r->pixels = pixels;
    r->n_layers = config->n_layers;
    r->layers = get((size_t)r->n_layers, sizeof *r->layers);
    r->x = get(values(input), sizeof *r->x);
    r->dx = get(values(input), sizeof *r->dx);
    lks_shape shape = input;
    for (int i = 0; i < r->n_layers; i++) {
        layer *l = &r->layers[i];
        size_t weights, biases;
        l->own = settings_of(&config->layers[i]);
        l->config = &l->own;
        l->in = shape;
        l->out = shape = layer_shape(l, shape, &weights, &biases);
        l->weights = r->view.n_weights;
        l->bias = l->weights + weights;
        r->view.n_weights = l->bias + biases;
        l->y = get(values(shape), sizeof *l->y);
        l->dy = get(values(shape), sizeof *l->dy);
        l->x = get(values(l->in), sizeof *l->x);
        l->pick = get(values(shape), sizeof *l->pick);
        l->keep = get(values(shape), sizeof *l->keep);
    }
    r->view.weights = get(r->view.n_weights, sizeof(double));
    r->view.gradient = r->gradient = get(r->view.n_weights, sizeof(double));
    r->view.bound = r->bound = get(r->view.n_weights, sizeof(double));
    r->view.size = r->size = get(r->view.n_weights, sizeof(double));
    r->terms = get(r->view.n_weights, sizeof *r->terms);
    return r;
}

void lks_reference_free(lks_reference *r) {
    for (int i = 0; i < r->n_layers; i++) {
        free(r->layers[i].y);
        free(r->layers[i].dy);
        free(r->layers[i].x);
        free(r->layers[i].pick);
        free(r->layers[i].keep);
    }
    free(r->layers);
    free(r->x);
    free(r->dx);
    free(r->view.weights);
    free(r->gradient);
    free(r->bound);
    free(r->size);
    free(r->terms);
    free(r);
}

lks_reference_view *lks_reference_look(lks_reference *r) {
    return &r->view;
}

/* --- Forward ---------------------------------------------------------------------------------- */

static value weight(const lks_reference *r, const layer *l, size_t at) {
    double w = r->view.weights[at];
    return (value){rounds(r, l) ? nearest_bf16(w) : w, 0};
}

static sum start_with_bias(const lks_reference *r, const layer *l, int channel) {
    sum s = {0, 0, 0};
    if (l->config->bias)
        add_product(&s, (value){1, 0}, (value){r->view.weights[l->bias + (size_t)channel], 0});
    return s;
}

/* The input channels that a filter reads: those of its group. */
static void channels_of(const layer *l, int filter, int *first, int *end) {
    const settings *c = l->config;
    int group = filter / (c->filters / c->groups), each = l->in.channels / c->groups;
    *first = group * each;
    *end = *first + each;
}

/* Place of weight [ky][kx][in][out], `in` counted in the group. */
static size_t conv_weight(const layer *l, int ky, int kx, int in, int out) {
    const settings *c = l->config;
    return l->weights +
           (((size_t)ky * (size_t)c->kernel[1] + (size_t)kx) *
                (size_t)(l->in.channels / c->groups) +
            (size_t)in) *
               (size_t)c->filters +
           (size_t)out;
}

static value conv_at(const lks_reference *r, const layer *l, const value *x, int row, int column,
                     int filter) {
    const settings *c = l->config;
    sum s = start_with_bias(r, l, filter);
    int first, end;
    channels_of(l, filter, &first, &end);
    for (int ky = 0; ky < c->kernel[0]; ky++)
        for (int kx = 0; kx < c->kernel[1]; kx++) {
            int y0 = row * c->stride[0] + ky - l->pad[0];
            int x0 = column * c->stride[1] + kx - l->pad[1];
            for (int i = first; inside(l->in, y0, x0) && i < end; i++)
                add_product(&s, x[place(l->in, y0, x0, i)],
                            weight(r, l, conv_weight(l, ky, kx, i - first, filter)));
        }
    return sum_value(s, c->kernel[0] * c->kernel[1] * (end - first) + 1);
}

/* The inputs of one output: rows [row, row_end), columns [column, column_end) of the image. */
typedef struct window {
    int row, row_end, column, column_end, cells;
} window;

static int least(int a, int b) {
    return a < b ? a : b;
}

static window window_at(const layer *l, int row, int column) {
    const settings *c = l->config;
    if (c->kind == GLOBAL_AVGPOOL)
        return (window){0, l->in.rows, 0, l->in.columns, l->in.rows * l->in.columns};
    int y = row * c->stride[0] - l->pad[0], x = column * c->stride[1] - l->pad[1];
    window w = {y > 0 ? y : 0, least(y + c->window[0], l->in.rows), x > 0 ? x : 0,
                least(x + c->window[1], l->in.columns), c->window[0] * c->window[1]};
    if (!c->count_padding)
        w.cells = (w.row_end - w.row) * (w.column_end - w.column);
    return w;
}

/* The first of the largest, in row-major order. */
static value pool_at(lks_reference *r, layer *l, const value *x, window w, int channel,
                     size_t *pick) {
    size_t best = place(l->in, w.row, w.column, channel);
    for (int i = w.row; i < w.row_end; i++)
        for (int j = w.column; j < w.column_end; j++) {
            size_t at = place(l->in, i, j, channel);
            if (x[at].is > x[best].is)
                best = at;
        }
    double error = 0;
    bool close = false;
    for (int i = w.row; i < w.row_end; i++)
        for (int j = w.column; j < w.column_end; j++) {
            size_t at = place(l->in, i, j, channel);
            double both = x[at].error + x[best].error;
            close |= closer(x[best].is - x[at].is, both);
            error = fmax(error, x[at].error);
        }
    decide(r, close, best);
    *pick = best;
    return (value){x[best].is, error};
}

/* All weights are positive: the inputs' errors add up as they are. */
static value mean_at(const layer *l, const value *x, window w, int channel) {
    double total = 0, error = 0, size = 0;
    for (int i = w.row; i < w.row_end; i++)
        for (int j = w.column; j < w.column_end; j++) {
            value v = x[place(l->in, i, j, channel)];
            total += v.is;
            error += v.error;
            size += fabs(v.is);
        }
    error += sum_error(w.cells, size);
    return (value){total / w.cells, error / w.cells};
}

static void pool_forward(lks_reference *r, layer *l, const value *x) {
    for (int row = 0; row < l->out.rows; row++)
        for (int column = 0; column < l->out.columns; column++)
            for (int c = 0; c < l->out.channels; c++) {
                size_t at = place(l->out, row, column, c);
                window w = window_at(l, row, column);
                l->y[at] = l->config->kind == MAXPOOL ? pool_at(r, l, x, w, c, &l->pick[at])
                                                      : mean_at(l, x, w, c);
            }
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* The argument of the sigmoid in GELU's approximation, 2 sqrt(2/pi) (x + 0.044715 x^3). */
static double gelu_argument(double x) {
    return sqrt(8 / M_PI) * (x + 0.044715 * x * x * x);
}

static double activation_of(const settings *c, double x) {
    switch (c->kind) {
    case LEAKY_RELU:
        return x > 0 ? x : (float)c->slope * x;
    case TANH:
        return tanh(x);
    case SIGMOID:
        return sigmoid(x);
    case SILU:
        return x * sigmoid(x);
    default:
        return c->tanh_form ? x * sigmoid(gelu_argument(x)) : x * 0.5 * erfc(-x * M_SQRT1_2);
    }
}

static double slope_of(const settings *c, double x) {
    double s;
    switch (c->kind) {
    case LEAKY_RELU:
        return x > 0 ? 1 : (float)c->slope;
    case TANH:
        return 1 - tanh(x) * tanh(x);
    case SIGMOID:
        return sigmoid(x) * (1 - sigmoid(x));
    case SILU:
        return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
    default:
        if (!c->tanh_form)
            return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-x * x / 2) / sqrt(2 * M_PI);
        s = sigmoid(gelu_argument(x));
        return s + x * s * (1 - s) * sqrt(8 / M_PI) * (1 + 3 * 0.044715 * x * x);
    }
}

/* In float values are off by up to 2^-23 max(1, |x|), slopes by 3 * 2^-24 (test_activation.c). No
 * second derivative exceeds 1. */
static void activation_forward(lks_reference *r, layer *l, const value *x) {
    for (size_t i = 0; i < values(l->out); i++) {
        double slope = fabs(slope_of(l->config, x[i].is));
        if (l->config->kind == LEAKY_RELU) {
            decide(r, closer(x[i].is, x[i].error), x[i].is > 0);
            slope = 1;
        }
        l->y[i] = (value){activation_of(l->config, x[i].is),
                          x[i].error * slope + 2 * ROUNDING * fmax(1, fabs(x[i].is))};
    }
}

static value activation_slope(const layer *l, value x) {
    bool smooth = l->config->kind != LEAKY_RELU;
    return (value){slope_of(l->config, x.is), 3 * ROUNDING + (smooth ? x.error : 0)};
}

static void relu_forward(lks_reference *r, layer *l, const value *x) {
    for (size_t i = 0; i < values(l->out); i++) {
        decide(r, closer(x[i].is, x[i].error), x[i].is > 0);
        l->y[i] = x[i].is > 0 ? x[i] : (value){0, 0};
    }
}

/* Element e is kept where word e of the stream is at least rate * 2^32; the words come from the
 * bare generator: counter {e / 4, sample id, epoch, purpose 4 and layer}, key seed. */
static void dropout_forward(const lks_reference *r, layer *l, const value *x, bool training,
                            uint32_t epoch, uint32_t id) {
    double rate = l->config->rate;
    uint64_t seed = r->config->seed;
    const uint32_t key[2] = {(uint32_t)(seed & 0xffffffff), (uint32_t)(seed >> 32)};
    for (size_t e = 0; e < values(l->out); e++) {
        const uint32_t counter[4] = {(uint32_t)(e / 4), id, epoch,
                                     UINT32_C(4) << 24 | (uint32_t)(l - r->layers)};
        uint32_t words[4];
        lks_philox4x32_10(counter, key, words);
        l->keep[e] = !training ? 1 : words[e % 4] >= floor(rate * 0x1p32) ? 1 / (1 - rate) : 0;
        double y = x[e].is * l->keep[e];
        l->y[e] = (value){y, x[e].error * l->keep[e] + (training ? 2 * ROUNDING * fabs(y) : 0)};
    }
}

static void dense_forward(const lks_reference *r, layer *l, const value *x) {
    size_t inputs = values(l->in), units = (size_t)l->config->units;
    for (size_t o = 0; o < units; o++) {
        sum s = start_with_bias(r, l, (int)o);
        for (size_t i = 0; i < inputs; i++)
            add_product(&s, x[i], weight(r, l, l->weights + i * units + o));
        l->y[o] = sum_value(s, (double)inputs + 1);
    }
}

static void layer_forward(lks_reference *r, layer *l, const value *x, bool training, uint32_t epoch,
                          uint32_t id) {
    if (rounds(r, l)) {
        round_operands(l->x, x, values(l->in));
        x = l->x;
    }
    switch (l->config->kind) {
    case CONV2D:
        for (int row = 0; row < l->out.rows; row++)
            for (int column = 0; column < l->out.columns; column++)
                for (int c = 0; c < l->out.channels; c++)
                    l->y[place(l->out, row, column, c)] = conv_at(r, l, x, row, column, c);
        break;
    case MAXPOOL:
    case AVGPOOL:
    case GLOBAL_AVGPOOL:
        pool_forward(r, l, x);
        break;
    case DENSE:
        dense_forward(r, l, x);
        break;
    case RELU:
        relu_forward(r, l, x);
        break;
    case LEAKY_RELU:
    case TANH:
    case SIGMOID:
    case GELU:
    case SILU:
        activation_forward(r, l, x);
        break;
    case DROPOUT:
        dropout_forward(r, l, x, training, epoch, id);
        break;
    case FLATTEN: /* [row][column][channel] is the order already */
        memcpy(l->y, x, values(l->out) * sizeof *x);
        break;
    case KINDS: /* refused by settings_of() */
        break;
    }
}

static void forward(lks_reference *r, const lks_batch *b, int sample, bool training) {
    size_t n = values(r->input), channels = (size_t)r->input.channels;
    const uint8_t *bytes = b->images + (size_t)sample * n;
    for (size_t i = 0; i < n; i++)
        r->x[i] = (value){r->pixels[i % channels][bytes[i]], 0};
    uint32_t id = training ? b->ids[sample] : 0;
    for (int i = 0; i < r->n_layers; i++)
        layer_forward(r, &r->layers[i], i ? r->layers[i - 1].y : r->x, training, b->epoch, id);
}

/* Softmax cross-entropy: loss, correctness, and dy of the last layer. */
static void loss(lks_reference *r, int label) {
    layer *last = &r->layers[r->n_layers - 1];
    const value *z = last->y;
    int n = last->out.channels, best = 0;
    double total = 0, error = 0;
    bool close = false;
    for (int c = 0; c < n; c++) {
        best = z[c].is > z[best].is ? c : best;
        error = fmax(error, z[c].error);
    }
    for (int c = 0; c < n; c++) {
        total += exp(z[c].is - z[best].is);
        close |= closer(z[best].is - z[c].is, 2 * error);
    }
    for (int c = 0; c < n; c++) {
        double p = exp(z[c].is - z[best].is) / total, d = p - (c == label);
        last->dy[c] = (value){d, 2.1 * error * p + 2 * ROUNDING * fabs(d)};
    }
    decide(r, close, (uint64_t)best);
    r->view.correct += best == label;
    r->view.loss += log(total) + z[best].is - z[label].is;
    r->view.loss_bound += 2 * error + 1e-14 * (1 + fabs(z[label].is));
}

/* --- Backward --------------------------------------------------------------------------------- */

/* All pixels of a sample share the errors of its logits: they add up as they are. */
static void add_weight_gradient(lks_reference *r, size_t at, value x, value dy, int terms) {
    r->gradient[at] += x.is * dy.is;
    r->bound[at] += product_error(x, dy);
    r->size[at] += fabs(x.is * dy.is);
    r->terms[at] = terms;
}

static void conv_backward(lks_reference *r, const layer *l, const value *x, sum *dx, int row,
                          int column, int filter, value dy) {
    const settings *c = l->config;
    int terms = r->config->train.chunk * l->out.rows * l->out.columns, first, end;
    channels_of(l, filter, &first, &end);
    for (int ky = 0; ky < c->kernel[0]; ky++)
        for (int kx = 0; kx < c->kernel[1]; kx++) {
            int y0 = row * c->stride[0] + ky - l->pad[0];
            int x0 = column * c->stride[1] + kx - l->pad[1];
            for (int i = first; inside(l->in, y0, x0) && i < end; i++) {
                size_t w = conv_weight(l, ky, kx, i - first, filter), at = place(l->in, y0, x0, i);
                add_product(&dx[at], weight(r, l, w), dy);
                add_weight_gradient(r, w, x[at], dy, terms);
            }
        }
    if (c->bias)
        add_weight_gradient(r, l->bias + (size_t)filter, (value){1, 0}, dy, terms);
}

static void dense_backward(lks_reference *r, const layer *l, const value *x, sum *dx) {
    size_t inputs = values(l->in), units = (size_t)l->config->units;
    for (size_t o = 0; o < units; o++) {
        for (size_t i = 0; i < inputs; i++) {
            add_product(&dx[i], weight(r, l, l->weights + i * units + o), l->dy[o]);
            add_weight_gradient(r, l->weights + i * units + o, x[i], l->dy[o],
                                r->config->train.chunk);
        }
        if (l->config->bias)
            add_weight_gradient(r, l->bias + o, (value){1, 0}, l->dy[o], r->config->train.chunk);
    }
}

/* Most terms that one element of dx is the sum of. */
static double input_terms(const layer *l) {
    const settings *c = l->config;
    switch (c->kind) {
    case CONV2D:
        return c->kernel[0] * c->kernel[1] * (c->filters / c->groups);
    case MAXPOOL:
    case AVGPOOL:
        return c->window[0] * c->window[1];
    case DENSE:
        return c->units;
    default:
        return 1;
    }
}

static void mean_backward(const layer *l, sum *dx) {
    for (int row = 0; row < l->out.rows; row++)
        for (int column = 0; column < l->out.columns; column++) {
            window w = window_at(l, row, column);
            const value share = {1.0 / w.cells, ROUNDING / w.cells};
            for (int i = w.row; i < w.row_end; i++)
                for (int j = w.column; j < w.column_end; j++)
                    for (int c = 0; c < l->out.channels; c++)
                        add_product(&dx[place(l->in, i, j, c)], share,
                                    l->dy[place(l->out, row, column, c)]);
        }
}

static void layer_backward(lks_reference *r, const layer *l, const value *x, value *dx) {
    sum *sums = get(values(l->in), sizeof *sums);
    const value one = {1, 0};
    if (rounds(r, l)) {
        round_operands(l->dy, l->dy, values(l->out));
        x = l->x;
    }
    switch (l->config->kind) {
    case CONV2D:
        for (int row = 0; row < l->out.rows; row++)
            for (int column = 0; column < l->out.columns; column++)
                for (int f = 0; f < l->out.channels; f++)
                    conv_backward(r, l, x, sums, row, column, f,
                                  l->dy[place(l->out, row, column, f)]);
        break;
    case MAXPOOL:
        for (size_t i = 0; i < values(l->out); i++)
            add_product(&sums[l->pick[i]], one, l->dy[i]);
        break;
    case AVGPOOL:
    case GLOBAL_AVGPOOL:
        mean_backward(l, sums);
        break;
    case DENSE:
        dense_backward(r, l, x, sums);
        break;
    case RELU:
        for (size_t i = 0; i < values(l->out); i++)
            add_product(&sums[i], (value){x[i].is > 0, 0}, l->dy[i]);
        break;
    case LEAKY_RELU:
    case TANH:
    case SIGMOID:
    case GELU:
    case SILU:
        for (size_t i = 0; i < values(l->out); i++)
            add_product(&sums[i], activation_slope(l, x[i]), l->dy[i]);
        break;
    case DROPOUT:
        for (size_t i = 0; i < values(l->out); i++)
            add_product(&sums[i], (value){l->keep[i], 2 * ROUNDING * l->keep[i]}, l->dy[i]);
        break;
    default:
        for (size_t i = 0; i < values(l->out); i++)
            add_product(&sums[i], one, l->dy[i]);
        break;
    }
    for (size_t i = 0; i < values(l->in); i++)
        dx[i] = sum_value(sums[i], input_terms(l));
    free(sums);
}

static void backward(lks_reference *r) {
    for (int i = r->n_layers - 1; i >= 0; i--)
        layer_backward(r, &r->layers[i], i ? r->layers[i - 1].y : r->x,
                       i ? r->layers[i - 1].dy : r->dx);
}

/* --- Batches ---------------------------------------------------------------------------------- */

static void clear(lks_reference *r) {
    lks_reference_view *v = &r->view;
    v->loss = v->loss_bound = 0;
    v->correct = v->decisions = v->close_calls = 0;
    v->signature = UINT64_C(0xcbf29ce484222325);
    memset(r->gradient, 0, v->n_weights * sizeof(double));
    memset(r->bound, 0, v->n_weights * sizeof(double));
    memset(r->size, 0, v->n_weights * sizeof(double));
}

void lks_reference_loss(lks_reference *r, const lks_batch *batch) {
    clear(r);
    for (int s = 0; s < batch->n; s++) {
        forward(r, batch, s, true);
        loss(r, batch->labels[s]);
    }
}

void lks_reference_train(lks_reference *r, const lks_batch *batch) {
    clear(r);
    for (int s = 0; s < batch->n; s++) {
        forward(r, batch, s, true);
        loss(r, batch->labels[s]);
        backward(r);
    }
    int chunk = r->config->train.chunk, chunks = (batch->n + chunk - 1) / chunk;
    for (size_t i = 0; i < r->view.n_weights; i++)
        r->bound[i] += sum_error(r->terms[i], r->size[i] + r->bound[i]) + chunks * 0x1p-31;
}

void lks_reference_logits(lks_reference *r, const lks_batch *batch, int sample, double *logits,
                          double *bound) {
    forward(r, batch, sample, false);
    const layer *last = &r->layers[r->n_layers - 1];
    for (int c = 0; c < last->out.channels; c++) {
        logits[c] = last->y[c].is;
        bound[c] = last->y[c].error;
    }
}
