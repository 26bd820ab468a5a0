/* IDX files made in memory: the other way of idx.c. */
#include <string.h>

#include "data/data.h"
#include "base/memory.h"

static uint8_t *put_big_endian_32(uint8_t *at, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(value >> shift);
    return at;
}

/* A file of n items of @p item_bytes behind a header of @p dimensions numbers; *at is where the
 * items belong. */
static lks_status start(lks_idx_bytes *file, const uint32_t *counts, int dimensions,
                        size_t item_bytes, uint8_t **at, lks_error *err) {
    const size_t header = 4 + 4 * (size_t)dimensions;
    file->size = header + counts[0] * item_bytes;
    file->bytes = lks_alloc(file->size, 1, "an IDX file", err);
    if (!file->bytes)
        return LKS_ERR_MEMORY;
    *at = put_big_endian_32(file->bytes, 0x800 | (uint32_t)dimensions);
    for (int i = 0; i < dimensions; i++)
        *at = put_big_endian_32(*at, counts[i]);
    return LKS_OK;
}

/* [pixel][channel] to [channel][pixel]. */
static void put_planes(uint8_t *at, const uint8_t *image, size_t pixels, size_t channels) {
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < pixels; p++)
            *at++ = image[p * channels + c];
}

lks_status lks_idx_make_images(lks_idx_bytes *file, const uint8_t *images, int rows, int columns,
                               int channels, const uint32_t *ids, int64_t n, lks_error *err) {
    const size_t pixels = (size_t)rows * (size_t)columns, bytes = pixels * (size_t)channels;
    const uint32_t planar[] = {(uint32_t)n, (uint32_t)channels, (uint32_t)rows, (uint32_t)columns};
    const uint32_t grey[] = {(uint32_t)n, (uint32_t)rows, (uint32_t)columns};
    uint8_t *at;
    *file = (lks_idx_bytes){0};
    LKS_TRY(start(file, channels == 1 ? grey : planar, channels == 1 ? 3 : 4, bytes, &at, err));
    for (int64_t i = 0; i < n; i++, at += bytes)
        put_planes(at, images + ids[i] * bytes, pixels, (size_t)channels);
    return LKS_OK;
}

lks_status lks_idx_make_labels(lks_idx_bytes *file, const uint8_t *labels, const uint32_t *ids,
                               int64_t n, lks_error *err) {
    uint8_t *at;
    *file = (lks_idx_bytes){0};
    LKS_TRY(start(file, &(uint32_t){(uint32_t)n}, 1, 1, &at, err));
    for (int64_t i = 0; i < n; i++)
        at[i] = labels[ids[i]];
    return LKS_OK;
}

void lks_idx_bytes_free(lks_idx_bytes *file) {
    lks_free(file->bytes);
    *file = (lks_idx_bytes){0};
}
