/* Elastic distortion: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual
 * document analysis", ICDAR 2003. Every pixel is moved by a random field, uniform and made smooth by a Gaussian.
 * Their strength alpha multiplies the smooth field, whose deviation shrinks with sigma; here the key is the deviation
 * of the displacement itself. Their alpha 34 and sigma 4 (of 29 x 29) are 1.4 pixels. */
#include "augment/operation.h"

#include <math.h>

#include "base/math.h"

#define ONE        (1 << 15) /* of the field and of the weights */
#define RADIUS_MAX 60

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(elastic),
     .meaning = "elastic distortion (Simard et al. 2003): standard deviation of how far a pixel "
                "moves, in pixels, in each direction",
     .type = LKS_OPT_DOUBLE, .max = 100, .preset = "0"},
    {LKS_AUGMENT_KEY(elastic_sigma),
     .meaning = "deviation of the Gaussian that makes its field smooth, in pixels",
     .type = LKS_OPT_DOUBLE, .min = 0.5, .max = 20, .preset = "4"}};

static bool is_on(const lks_augment_config *c) {
    return c->elastic > 0;
}

/* Three deviations: beyond are 0.3 % of the weight. */
static int radius_of(const lks_augment_config *c) {
    return (int)ceil(3 * c->elastic_sigma);
}

static size_t field_of(const lks_augment_config *c, const lks_shape *s) {
    const size_t frame = 2 * (size_t)radius_of(c);
    return ((size_t)s->rows + frame) * ((size_t)s->columns + frame);
}

/* Blocks of random numbers of which a field is made, two of a word. */
static size_t blocks_of(size_t field) {
    return (field + 7) / 8;
}

size_t lks_elastic_room(const lks_augment_config *c, const lks_shape *s) {
    const size_t blocks = blocks_of(field_of(c, s));
    const size_t pixels = (size_t)s->rows * (size_t)s->columns;
    const size_t frame = 2 * (size_t)radius_of(c) * (size_t)s->columns;
    return is_on(c) ? 12 * blocks + 2 * pixels + frame : 0;
}

/* The sum of their squares, of weights whose sum is 1: of independent numbers of variance v, a sum of both directions has
 * variance v times its square. */
static double make_weights(int32_t weights[2 * RADIUS_MAX + 1], int radius, double sigma) {
    double exact[2 * RADIUS_MAX + 1], sum = 0, squares = 0;
    for (int k = -radius; k <= radius; k++)
        sum += exact[k + radius] = lks_exp(-0.5 * k * k / (sigma * sigma));
    for (int k = 0; k <= 2 * radius; k++) {
        weights[k] = (int32_t)floor(exact[k] / sum * ONE + 0.5);
        squares += (exact[k] / sum) * (exact[k] / sum);
    }
    return squares;
}

/* Adds factor times the smooth field to a direction of the map. */
static void bend(int32_t *to, const int32_t *smooth, size_t n, float factor) {
    const float most = (float)LKS_BEND_MAX * LKS_PIXEL;
    for (size_t i = 0; i < n; i++) {
        const float way = (float)smooth[i] * factor;
        const float low = way < most ? way : most;
        to[i] += (int32_t)(low > -most ? low : -most);
    }
}

static void apply(lks_canvas *canvas, const lks_stream *s) {
    const lks_augment_config *c = canvas->config;
    const int radius = radius_of(c), rows = canvas->shape.rows, columns = canvas->shape.columns;
    const size_t n = (size_t)rows * (size_t)columns;
    const size_t blocks = blocks_of(field_of(c, &canvas->shape));
    int32_t weights[2 * RADIUS_MAX + 1];
    const double squares = make_weights(weights, radius, c->elastic_sigma);
    const double deviation = squares * sqrt(1.0 / 3) * ONE; /* of the smooth field */
    const float factor = (float)(c->elastic / deviation * LKS_PIXEL);
    int32_t *field = canvas->field, *smooth = field + 8 * blocks;
    uint32_t *words = (uint32_t *)(smooth + n);
    int32_t *room = (int32_t *)words + 4 * blocks;
    lks_canvas_bend(canvas);
    for (int d = 0; d < 2; d++) {
        canvas->kernels->philox(words, s, d * blocks, blocks);
        for (size_t i = 0; i < 4 * blocks; i++) {
            field[2 * i] = (int32_t)(words[i] & 0xFFFF) - ONE;
            field[2 * i + 1] = (int32_t)(words[i] >> 16) - ONE;
        }
        const lks_smooth_args a = {rows, columns, radius, weights, field, room, smooth};
        canvas->kernels->image.smooth(&a);
        bend(d ? canvas->map.right : canvas->map.down, smooth, n, factor);
    }
}

const lks_augment_operation lks_augment_elastic = {.stream = 2,
                                                   .moves = true,
                                                   .options = options,
                                                   .n_options = sizeof options / sizeof *options,
                                                   .is_on = is_on,
                                                   .apply = apply};
