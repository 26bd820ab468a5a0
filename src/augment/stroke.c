/* Stroke width: light strokes on a dark ground become thicker (dilation) or thinner (erosion), by 3 x 3 pixels at most,
 * the steps of grey morphology. */
#include "augment/operation.h"

#include <string.h>

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(stroke),
     .meaning = "light strokes become thicker or thinner by up to that many pixels on each side",
     .type = LKS_OPT_DOUBLE, .max = 1, .preset = "0"}};

static bool is_on(const lks_augment_config *c) {
    return c->stroke > 0;
}

static uint8_t extreme(uint8_t a, uint8_t b, bool largest) {
    return (a > b) == largest ? a : b;
}

/* to[i] = the extreme of from[i] and from[i +- step], as far as they are among the n. */
static void spread(uint8_t *restrict to, const uint8_t *restrict from, size_t n, size_t step,
                   bool largest) {
    memcpy(to, from, n);
    if (n <= step)
        return;
    for (size_t i = step; i < n; i++)
        to[i] = extreme(to[i], from[i - step], largest);
    for (size_t i = 0; i + step < n; i++)
        to[i] = extreme(to[i], from[i + step], largest);
}

static void blend(uint8_t *image, const uint8_t *extremes, size_t n, int share) {
    for (size_t i = 0; i < n; i++)
        image[i] = (uint8_t)(image[i] + (((extremes[i] - image[i]) * share + 128) >> 8));
}

static void apply(lks_canvas *canvas, const lks_stream *s) {
    const lks_shape *shape = &canvas->shape;
    const size_t line = (size_t)shape->columns * (size_t)shape->channels;
    const size_t bytes = lks_bytes_of(shape);
    const double width = canvas->config->stroke * lks_either_way(s, 0);
    const bool thicker = width > 0;
    const int share = (int)((thicker ? width : -width) * 256 + 0.5);
    uint8_t *along = (uint8_t *)canvas->words;
    for (size_t at = 0; at < bytes; at += line)
        spread(along + at, canvas->image + at, line, (size_t)shape->channels, thicker);
    spread(canvas->other, along, bytes, line, thicker);
    blend(canvas->image, canvas->other, bytes, share);
}

const lks_augment_operation lks_augment_stroke = {.stream = 4,
                                                  .options = options,
                                                  .n_options = sizeof options / sizeof *options,
                                                  .is_on = is_on,
                                                  .apply = apply};
