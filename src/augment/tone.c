/* Contrast and brightness. */
#include "augment/operation.h"

enum { CONTRAST, BRIGHTNESS };

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(contrast),
     .meaning = "distances from the image's mean are multiplied by 1 plus or minus up to that",
     .type = LKS_OPT_DOUBLE, .max = 1, .preset = "0"},
    {LKS_AUGMENT_KEY(brightness),
     .meaning = "pixels become lighter or darker by up to that share of the whole range",
     .type = LKS_OPT_DOUBLE, .max = 1, .preset = "0"}};

static bool is_on(const lks_augment_config *c) {
    return c->contrast > 0 || c->brightness > 0;
}

static void apply(lks_canvas *canvas, const lks_stream *s) {
    const lks_augment_config *c = canvas->config;
    const double contrast = 1 + c->contrast * lks_either_way(s, CONTRAST);
    const double lighter = 255 * c->brightness * lks_either_way(s, BRIGHTNESS);
    const size_t n = lks_bytes_of(&canvas->shape);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += canvas->image[i];
    const double mean = (double)sum / (double)n;
    uint8_t becomes[256];
    for (int x = 0; x < 256; x++)
        becomes[x] = lks_to_byte(mean + contrast * (x - mean) + lighter);
    for (size_t i = 0; i < n; i++)
        canvas->image[i] = becomes[canvas->image[i]];
}

const lks_augment_operation lks_augment_tone = {.stream = 5,
                                                .options = options,
                                                .n_options = sizeof options / sizeof *options,
                                                .is_on = is_on,
                                                .apply = apply};
