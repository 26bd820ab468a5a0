#include "feed/survey.h"

#include <string.h>

void lks_survey_start(lks_survey *s, int channels) {
    *s = (lks_survey){.channels = channels, .first_one_colour = -1};
    memset(s->low, UINT8_MAX, sizeof s->low);
}

/* Plain loops over bytes, which compilers turn into vectors. */
static void add_grey(lks_survey *s, const uint8_t *image, size_t bytes) {
    uint8_t low = s->low[0], high = s->high[0];
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes; i++) {
        low = image[i] < low ? image[i] : low;
        high = image[i] > high ? image[i] : high;
    }
    for (size_t i = 0; i < bytes; i++)
        sum += image[i]; /* at most 2^24 bytes of 255 at a time */
    s->low[0] = low;
    s->high[0] = high;
    s->sum += sum;
}

static void add_colour(lks_survey *s, const uint8_t *image, size_t bytes) {
    const size_t channels = (size_t)s->channels;
    for (size_t c = 0; c < channels; c++) {
        uint8_t low = s->low[c], high = s->high[c];
        for (size_t i = c; i < bytes; i += channels) {
            low = image[i] < low ? image[i] : low;
            high = image[i] > high ? image[i] : high;
            s->sum += image[i];
        }
        s->low[c] = low;
        s->high[c] = high;
    }
}

bool lks_survey_add(lks_survey *s, int64_t id, const uint8_t *image, size_t bytes) {
    enum { PIECE = 1 << 24 };
    const size_t channels = (size_t)s->channels;
    for (size_t at = 0; s->channels == 1 && at < bytes; at += PIECE)
        add_grey(s, image + at, bytes - at < PIECE ? bytes - at : PIECE);
    if (s->channels > 1)
        add_colour(s, image, bytes);
    s->images++;
    s->values += (int64_t)bytes;
    /* equal to itself moved by a pixel */
    const bool flat = bytes > channels && memcmp(image, image + channels, bytes - channels) == 0;
    if (flat && s->one_colour++ == 0)
        s->first_one_colour = id;
    return flat;
}

void lks_survey_add_labels(lks_survey *s, const uint8_t *labels, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        s->labels[labels[i]]++;
}

double lks_survey_mean(const lks_survey *s) {
    return s->values ? (double)s->sum / (double)s->values : 0;
}

int lks_survey_low(const lks_survey *s) {
    int low = UINT8_MAX;
    for (int c = 0; c < s->channels; c++)
        low = s->low[c] < low ? s->low[c] : low;
    return low;
}

int lks_survey_high(const lks_survey *s) {
    int high = 0;
    for (int c = 0; c < s->channels; c++)
        high = s->high[c] > high ? s->high[c] : high;
    return high;
}
