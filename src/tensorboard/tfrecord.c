#include "tensorboard/tfrecord.h"

#include <stdint.h>

#include "tensorboard/crc32c.h"

enum { LENGTH = 8, CHECK = 4 };

/* A checksum is not kept as it is: that of data which hold checksums would be weak. */
static uint32_t masked_crc(const unsigned char *bytes, size_t n) {
    const uint32_t crc = lks_crc32c(bytes, n);
    return (crc >> 15 | crc << 17) + UINT32_C(0xA282EAD8);
}

static void to_little_endian(uint64_t value, unsigned char *bytes, int n) {
    for (int i = 0; i < n; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t from_little_endian(const unsigned char *bytes, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

void lks_tfrecord_put(FILE *to, const void *bytes, size_t size) {
    unsigned char head[LENGTH + CHECK], tail[CHECK];
    to_little_endian(size, head, LENGTH);
    to_little_endian(masked_crc(head, LENGTH), head + LENGTH, CHECK);
    to_little_endian(masked_crc(bytes, size), tail, CHECK);
    fwrite(head, 1, sizeof head, to);
    fwrite(bytes, 1, size, to);
    fwrite(tail, 1, sizeof tail, to);
}

static bool is_checked(const unsigned char *bytes, size_t n) {
    return from_little_endian(bytes + n, CHECK) == masked_crc(bytes, n);
}

bool lks_tfrecord_get(const unsigned char *file, size_t size, size_t *at,
                      const unsigned char **bytes, size_t *n) {
    const unsigned char *record = file + *at;
    const size_t left = size - *at, around = LENGTH + CHECK + CHECK;
    if (left < around || !is_checked(record, LENGTH))
        return false;
    const uint64_t length = from_little_endian(record, LENGTH);
    if (length > left - around || !is_checked(record + LENGTH + CHECK, (size_t)length))
        return false;
    *bytes = record + LENGTH + CHECK;
    *n = (size_t)length;
    *at += around + *n;
    return true;
}
