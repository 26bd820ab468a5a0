/* Light or dark, and what is behind glass. */

#include "base/memory.h"
#include "pictures/ink/steps.h"
#include "pictures/picture_resize.h"

enum {
    SKEW_PARTS = 4, /* the skewness counts from 1/2 on: its square from 1/4 */
    DARK =
        128, /* ratios count as of values that are this much lighter: the noise of black things is little */
    ONE_COLOUR =
        24 /* colours of strokes whose alpha alone draws may differ by this much: edges are rounded */
};

static size_t pixels_of(const lks_picture *p) {
    return (size_t)p->rows * (size_t)p->columns;
}

/* --- alpha ------------------------------------------------------------------------------------ */

/* True if all pixels that are more to be seen than not have one colour, and some are not. */
static bool alpha_draws(const lks_picture *p) {
    const size_t n = pixels_of(p), colours = (size_t)p->channels - 1;
    int low[3] = {255, 255, 255}, high[3] = {0, 0, 0};
    bool glass = false;
    const uint8_t *v = p->pixels;
    for (size_t i = 0; i < n; i++, v += p->channels) {
        if (v[colours] < 128) {
            glass = true;
            continue;
        }
        for (size_t c = 0; c < colours; c++) {
            low[c] = v[c] < low[c] ? v[c] : low[c];
            high[c] = v[c] > high[c] ? v[c] : high[c];
        }
    }
    for (size_t c = 0; c < colours; c++)
        if (high[c] - low[c] > ONE_COLOUR)
            return false;
    return glass;
}

/* A ground that what is to be seen stands out from: paper that fills most of the picture goes on, strokes get the
 * other. */
static int ground_behind(const lks_picture *p) {
    const size_t n = pixels_of(p), colours = (size_t)p->channels - 1;
    int64_t seen = 0, light = 0;
    const uint8_t *v = p->pixels;
    for (size_t i = 0; i < n; i++, v += p->channels) {
        const int alpha = v[colours];
        seen += alpha;
        light += alpha * (colours == 1 ? v[0] : (v[0] + 2 * v[1] + v[2]) / 4);
    }
    const bool is_light = light > 127 * seen, is_paper = 2 * seen > 255 * (int64_t)n;
    return is_light == is_paper ? 255 : 0;
}

void lks_ink_drop_alpha(lks_picture *p) {
    if (p->channels % 2)
        return;
    if (lks_picture_is_opaque(p) || !alpha_draws(p)) {
        lks_picture_flatten(p, ground_behind(p));
        return;
    }
    const size_t n = pixels_of(p), channels = (size_t)p->channels;
    for (size_t i = 0; i < n; i++)
        p->pixels[i] = p->pixels[(i + 1) * channels - 1];
    p->channels = 1;
}

/* --- light or dark ---------------------------------------------------------------------------- */

static int luma(const uint8_t *v, int channels) {
    return channels == 1 ? v[0] : (19595 * v[0] + 38470 * v[1] + 7471 * v[2] + 32768) >> 16;
}

static int64_t *integral(const lks_picture *p, lks_error *err) {
    const size_t stride = (size_t)p->columns + 1;
    int64_t *sums = lks_alloc((size_t)p->rows + 1, stride * sizeof *sums, "sums of a picture", err);
    const uint8_t *v = p->pixels;
    for (int y = 0; sums && y < p->rows; y++) {
        int64_t row = 0;
        int64_t *above = sums + (size_t)y * stride;
        for (int x = 1; x <= p->columns; x++, v += p->channels) {
            row += luma(v, p->channels);
            above[stride + (size_t)x] = above[x] + row;
        }
    }
    return sums;
}

/* The mean of the outermost pixels, each once, against that of all: more, by sign. */
static bool border_is_light(const lks_picture *p) {
    const int64_t all = (int64_t)p->rows * p->columns;
    int64_t sum = 0, border = 0, n = 0;
    const uint8_t *v = p->pixels;
    for (int y = 0; y < p->rows; y++)
        for (int x = 0; x < p->columns; x++, v += p->channels) {
            const int value = luma(v, p->channels);
            sum += value;
            if (y == 0 || x == 0 || y == p->rows - 1 || x == p->columns - 1) {
                border += value;
                n++;
            }
        }
    return border * all > sum * n;
}

/* Which way values differ from the mean around them, by the skewness over all pixels: 1 light is the rarer, -1 dark, 0
 * neither. In ratio to how light both are, where asked for: then paper in a shadow counts as much as paper beside it. */
static int skew(const lks_picture *p, const int64_t *sums, bool in_ratio) {
    const int shorter = p->rows < p->columns ? p->rows : p->columns;
    const int reach = shorter / 6 > 2 ? shorter / 6 : 2;
    const int64_t stride = p->columns + 1, all = (int64_t)p->rows * p->columns;
    int64_t square = 0, cube = 0;
    const uint8_t *v = p->pixels;
    for (int y = 0; y < p->rows; y++) {
        const int64_t top = y > reach ? y - reach : 0,
                      end = y + reach + 1 < p->rows ? y + reach + 1 : p->rows;
        for (int x = 0; x < p->columns; x++, v += p->channels) {
            const int64_t left = x > reach ? x - reach : 0,
                          right = x + reach + 1 < p->columns ? x + reach + 1 : p->columns;
            const int64_t sum = sums[end * stride + right] - sums[end * stride + left] -
                                sums[top * stride + right] + sums[top * stride + left];
            const int64_t n = (end - top) * (right - left), own = luma(v, p->channels) * n;
            const int64_t off =
                in_ratio ? (own - sum) * 256 / (own + sum + DARK * n) : (own - sum) / n;
            square += off * off;
            cube += off * off * off;
        }
    }
    square /= all;
    cube /= all;
    const bool skewed = SKEW_PARTS * cube * cube >= square * square * square;
    return !skewed ? 0 : cube < 0 ? -1 : 1;
}

/* Ink is the rarer: how pixels differ from the mean around them is skewed towards it. Shadows and the edges of sheets
 * have as much on one side as on the other. Where neither is rare, as when a thick digit fills the picture, paper is
 * what the border has more of. Where light is rare, and at the border, it may be what a deep shadow has left. */
lks_status lks_ink_is_dark(const lks_picture *p, bool *dark, lks_error *err) {
    int64_t *sums = integral(p, err);
    if (!sums)
        return LKS_ERR_MEMORY;
    const bool light_border = border_is_light(p);
    int rarer = skew(p, sums, false);
    if (rarer > 0 && light_border)
        rarer = skew(p, sums, true);
    *dark = rarer != 0 ? rarer < 0 : light_border;
    lks_free(sums);
    return LKS_OK;
}
