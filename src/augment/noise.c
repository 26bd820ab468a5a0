/* Noise, for each value by itself. The sum of four uniform bytes stands for a normal number: it is one random word, whole,
 * and within 4 % of the normal distribution up to two deviations. */
#include "augment/operation.h"

#include <math.h>

static const lks_option options[] = {
    {LKS_AUGMENT_KEY(noise),
     .meaning = "standard deviation of noise that is added to each value, as a share of the range",
     .type = LKS_OPT_DOUBLE, .max = 1, .preset = "0"}};

static bool is_on(const lks_augment_config *c) {
    return c->noise > 0;
}

static int32_t sum_of_bytes(uint32_t word) {
    return (int32_t)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
}

static uint8_t clamp(int32_t x) {
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

static void apply(lks_canvas *canvas, const lks_stream *s) {
    const size_t n = lks_bytes_of(&canvas->shape);
    const double deviation = sqrt(4 * (256.0 * 256 - 1) / 12); /* of the sum; its mean is 510 */
    const int32_t factor = (int32_t)(canvas->config->noise * 255 / deviation * 65536 + 0.5);
    canvas->kernels->philox(canvas->words, s, 0, (n + 3) / 4);
    for (size_t i = 0; i < n; i++) {
        const int32_t way = (sum_of_bytes(canvas->words[i]) - 510) * factor;
        canvas->image[i] = clamp(canvas->image[i] + ((way + 32768) >> 16));
    }
}

const lks_augment_operation lks_augment_noise = {.stream = 6,
                                                 .options = options,
                                                 .n_options = sizeof options / sizeof *options,
                                                 .is_on = is_on,
                                                 .apply = apply};
