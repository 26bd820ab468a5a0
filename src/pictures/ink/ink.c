/* Ink from paper. */
#include "lockstep/ink.h"

#include <string.h>

#include "lockstep/memory.h"
#include "pictures/picture_resize.h"

enum { LEAST_CONTRAST = 16 };

/* How many pixels of the border there are of each value. */
static int64_t count_border(const lks_picture *p, int64_t counts[256]) {
    const int last = p->rows - 1;
    memset(counts, 0, 256 * sizeof *counts);
    for (int y = 0; y < p->rows; y++) {
        const uint8_t *row = p->pixels + (size_t)y * (size_t)p->columns;
        const int step = y == 0 || y == last || p->columns == 1 ? 1 : p->columns - 1;
        for (int x = 0; x < p->columns; x += step)
            counts[row[x]]++;
    }
    int64_t n = 0;
    for (int v = 0; v < 256; v++)
        n += counts[v];
    return n;
}

static bool is_dark_on_light(const int64_t counts[256], int64_t n) {
    int64_t sum = 0;
    for (int v = 0; v < 256; v++)
        sum += v * counts[v];
    return sum > 127 * n;
}

/* The smallest value that three quarters of the border do not exceed: the rest may be ink. */
static int ground_of(const int64_t counts[256], int64_t n) {
    int64_t below = 0;
    int v = 0;
    while ((below += counts[v]) * 4 < 3 * n)
        v++;
    return v;
}

static int largest(const uint8_t *v, size_t n) {
    int most = 0;
    for (size_t i = 0; i < n; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

/* From @p low on, which becomes 0, up to @p high, which becomes 255; ratios are kept, rounded. */
static void stretch(uint8_t *v, size_t n, int low, int high) {
    const int range = high - low;
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] <= low ? 0 : (uint8_t)(((v[i] - low) * 255 + range / 2) / range);
}

/* Light ink on black; all 0 where nothing stands out from the ground. */
static void separate(lks_ink *ink, lks_picture *p) {
    const size_t pixels = (size_t)p->rows * (size_t)p->columns;
    int64_t counts[256];
    int64_t n = count_border(p, counts);
    ink->dark_on_light = is_dark_on_light(counts, n);
    if (ink->dark_on_light) {
        for (size_t i = 0; i < pixels; i++)
            p->pixels[i] = (uint8_t)(255 - p->pixels[i]);
        n = count_border(p, counts);
    }
    const int ground = ground_of(counts, n), top = largest(p->pixels, pixels);
    ink->exact = ground == 0;
    ink->core = 1;
    if (top - ground < LEAST_CONTRAST)
        memset(p->pixels, 0, pixels);
    else if (ground > 0)
        stretch(p->pixels, pixels, ground + (top - ground) / 4, top);
    for (size_t i = 0; i < pixels; i++)
        ink->kept += p->pixels[i];
}

static lks_status shrink(lks_picture *p, int longest, lks_error *err) {
    const int side = p->rows > p->columns ? p->rows : p->columns;
    if (side <= longest)
        return LKS_OK;
    const int rows = lks_picture_scaled(p->rows, longest, side, longest);
    const int columns = lks_picture_scaled(p->columns, longest, side, longest);
    lks_picture small = {rows, columns, p->channels, NULL};
    const size_t row = (size_t)columns * (size_t)p->channels;
    small.pixels = lks_alloc((size_t)rows, row, "a picture", err);
    if (!small.pixels)
        return LKS_ERR_MEMORY;
    const lks_status status =
        lks_picture_resize(p, rows, columns, p->channels, small.pixels, row, err);
    lks_picture_free(p);
    *p = small;
    return status;
}

lks_status lks_ink_separate(lks_ink *ink, lks_picture *p, int longest, lks_error *err) {
    *ink = (lks_ink){.source_rows = p->rows, .source_columns = p->columns};
    lks_picture_flatten(p, 255);
    lks_picture_make_grey(p);
    LKS_TRY(shrink(p, longest, err));
    const size_t pixels = (size_t)p->rows * (size_t)p->columns;
    ink->values = lks_alloc(pixels, 1, "the ink of a picture", err);
    if (!ink->values)
        return LKS_ERR_MEMORY;
    ink->rows = p->rows;
    ink->columns = p->columns;
    separate(ink, p);
    memcpy(ink->values, p->pixels, pixels);
    return LKS_OK;
}

void lks_ink_free(lks_ink *ink) {
    lks_free(ink->values);
    *ink = (lks_ink){0};
}
