#include "files/tiff_tag.h"

enum { ENTRY_BYTES = 12, TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };

typedef struct tiff {
    const unsigned char *bytes;
    size_t count;
    bool big_endian;
} tiff;

/* @p size bytes from @p at on, all of which are there, as one number. */
static uint32_t number(const tiff *t, size_t at, int size) {
    uint32_t value = 0;
    for (int i = 0; i < size; i++) {
        const size_t place = at + (size_t)(t->big_endian ? i : size - 1 - i);
        value = value << 8 | t->bytes[place];
    }
    return value;
}

static bool open_tiff(tiff *t, const unsigned char *bytes, size_t count) {
    if (count < 8 || bytes[0] != bytes[1] || (bytes[0] != 'I' && bytes[0] != 'M'))
        return false;
    *t = (tiff){bytes, count, bytes[0] == 'M'};
    return number(t, 2, 2) == 42;
}

static uint32_t single_value(const tiff *t, size_t entry) {
    const uint32_t type = number(t, entry + 2, 2), values = number(t, entry + 4, 4);
    const int size = type == TYPE_BYTE ? 1 : type == TYPE_SHORT ? 2 : type == TYPE_LONG ? 4 : 0;
    return values == 1 && size ? number(t, entry + 8, size) : 0;
}

bool lks_tiff_tag(const unsigned char *bytes, size_t count, unsigned tag, uint32_t *value) {
    tiff t;
    if (!open_tiff(&t, bytes, count))
        return false;
    const size_t directory = number(&t, 4, 4);
    if (directory < 8 || directory > count - 2)
        return false;
    const size_t entries = number(&t, directory, 2);
    for (size_t i = 0; i < entries; i++) {
        const size_t entry = directory + 2 + ENTRY_BYTES * i;
        if (entry + ENTRY_BYTES > count)
            return false;
        if (number(&t, entry, 2) == tag) {
            *value = single_value(&t, entry);
            return true;
        }
    }
    return false;
}
