#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t lks_utf8_sequence(const char *text, size_t length) {
    const unsigned char *s = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n > length)
        return 0;
    uint32_t code = s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3F);
    }
    bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
    bool surrogate = code >= 0xD800 && code < 0xE000;
    return overlong || surrogate || code > 0x10FFFF ? 0 : n;
}

uint32_t lks_utf8_code(const char *text, size_t n) {
    uint32_t code = n == 1 ? (unsigned char)text[0] : (unsigned char)text[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3F);
    return code;
}

static bool is_obeyed(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

size_t lks_utf8_shown(const char *text, size_t length) {
    const size_t n = lks_utf8_sequence(text, length);
    return n && is_obeyed(lks_utf8_code(text, n)) ? 0 : n;
}

void lks_utf8_disarm(char *text, size_t length) {
    for (size_t i = 0, n; i < length; i += n ? n : 1) {
        n = lks_utf8_shown(text + i, length - i);
        if (n == 0 && text[i] != '\n' && text[i] != '\t')
            text[i] = '?';
    }
}

char *lks_printable(char *out, size_t size, const char *text, size_t length) {
    size_t used = 0, fits = 0; /* fits: where "..." can still be put */
    for (size_t i = 0; i < length;) {
        size_t n = lks_utf8_shown(text + i, length - i);
        const bool shown = n > 0;
        n = shown ? n : 1;
        if (used + n + 1 > size) {
            memcpy(out + fits, "...", 4);
            return out;
        }
        if (shown)
            memcpy(out + used, text + i, n);
        else
            out[used] = '?';
        used += n;
        if (used + 4 <= size)
            fits = used;
        i += n;
    }
    out[used] = '\0';
    return out;
}
