#include "data/data.h"

#include <math.h>

__extension__ typedef unsigned __int128 u128;

/* One image's sums fit in 64 bits (2^28 bytes at most), so the words are plain sums of each image's
 * halves: the same whatever ranks the images were spread over. */
void lks_pixel_sums_add(lks_pixel_sums *sums, const uint8_t *image, int64_t pixels, int channels) {
    for (int c = 0; c < channels; c++) {
        uint64_t sum = 0, squares = 0;
        for (int64_t p = 0; p < pixels; p++) {
            const uint32_t byte = image[p * channels + c];
            sum += byte;
            squares += byte * byte;
        }
        sums->words[c][0] += (int64_t)(sum >> 32);
        sums->words[c][1] += (int64_t)(sum & UINT32_MAX);
        sums->words[c][2] += (int64_t)(squares >> 32);
        sums->words[c][3] += (int64_t)(squares & UINT32_MAX);
    }
    sums->pixels += pixels;
}

static u128 joined(int64_t hi, int64_t lo) {
    return ((u128)(uint64_t)hi << 32) + (uint64_t)lo;
}

void lks_pixel_sums_result(const lks_pixel_sums *sums, int channels, double *mean, double *std) {
    const u128 n = (u128)(uint64_t)sums->pixels;
    for (int c = 0; c < channels; c++) {
        const int64_t *words = sums->words[c];
        const u128 sum = joined(words[0], words[1]), squares = joined(words[2], words[3]);
        const u128 spread = n * squares - sum * sum; /* (n * standard deviation * 255)^2 >= 0 */
        const double scale = (double)(255 * n);
        mean[c] = n ? (double)sum / scale : 0.0;
        std[c] = spread ? sqrt((double)spread) / scale : 1.0;
    }
}

void lks_normalization_table(float (*lut)[256], int channels, const double *mean,
                             const double *std) {
    for (int c = 0; c < channels; c++)
        for (int b = 0; b < 256; b++)
            lut[c][b] = (float)((b / 255.0 - mean[c]) / std[c]);
}
