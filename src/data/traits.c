/* Bounds of what training images are like. */
#include "data/traits.h"

#include <string.h>

enum { INK = 128, TRIM = 2000, SIXTEENTHS = 16 };

static int least(int64_t value) {
    return value < LKS_TRAIT_BINS ? (int)value : LKS_TRAIT_BINS - 1;
}

static bool is_ink(const uint8_t *image, int rows, int columns, int y, int x) {
    return y >= 0 && y < rows && x >= 0 && x < columns && image[(int64_t)y * columns + x] >= INK;
}

/* Sides of one pixel of ink that face no other. */
static int open_sides(const uint8_t *image, int rows, int columns, int y, int x) {
    return !is_ink(image, rows, columns, y - 1, x) + !is_ink(image, rows, columns, y + 1, x) +
           !is_ink(image, rows, columns, y, x - 1) + !is_ink(image, rows, columns, y, x + 1);
}

void lks_traits_measure(const uint8_t *image, int rows, int columns, int values[LKS_TRAITS]) {
    int64_t sum = 0, area = 0, outline = 0;
    int top = rows, bottom = -1, left = columns, right = -1;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            const int v = image[(int64_t)y * columns + x];
            sum += v;
            if (v < INK)
                continue;
            area++;
            outline += open_sides(image, rows, columns, y, x);
            top = y < top ? y : top;
            bottom = y;
            left = x < left ? x : left;
            right = x > right ? x : right;
        }
    memset(values, 0, LKS_TRAITS * sizeof *values);
    values[LKS_TRAIT_INK] = least(1000 * sum / ((int64_t)255 * rows * columns));
    if (area == 0)
        return;
    const int64_t down = (int64_t)1000 * (bottom - top + 1) / rows;
    const int64_t across = (int64_t)1000 * (right - left + 1) / columns;
    values[LKS_TRAIT_EXTENT] = least(down > across ? down : across);
    values[LKS_TRAIT_STROKE] = least(2 * SIXTEENTHS * area / outline);
}

void lks_traits_count(lks_trait_counts *counts, const uint8_t *image, int rows, int columns) {
    int values[LKS_TRAITS];
    lks_traits_measure(image, rows, columns, values);
    counts->images++;
    for (int t = 0; t < LKS_TRAITS; t++)
        counts->of[t][values[t]]++;
}

/* The first bin, from `first` on in steps of `step`, at which more than `spared` images were met. */
static int bound(const int64_t counts[LKS_TRAIT_BINS], int first, int step, int64_t spared) {
    int64_t met = counts[first];
    int bin = first;
    while (met <= spared) {
        bin += step;
        met += counts[bin];
    }
    return bin;
}

void lks_traits_conclude(lks_traits *traits, const lks_trait_counts *counts) {
    *traits = (lks_traits){
        .images = counts->images, .looked = counts->looked, .centred = counts->centred};
    for (int t = 0; counts->images > 0 && t < LKS_TRAITS; t++) {
        traits->low[t] = bound(counts->of[t], 0, 1, counts->images / TRIM);
        traits->high[t] = bound(counts->of[t], LKS_TRAIT_BINS - 1, -1, counts->images / TRIM);
    }
}

unsigned lks_traits_beyond(const lks_traits *traits, const int values[LKS_TRAITS]) {
    unsigned beyond = 0;
    for (int t = 0; traits->images > 0 && t < LKS_TRAITS; t++) {
        beyond |= (unsigned)(values[t] < traits->low[t]) << (2 * t);
        beyond |= (unsigned)(values[t] > traits->high[t]) << (2 * t + 1);
    }
    return beyond;
}

bool lks_traits_are_centred(const lks_traits *traits) {
    return traits->looked > 0 && traits->centred * 10 >= traits->looked * 9;
}
