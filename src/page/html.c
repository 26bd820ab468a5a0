/* A page in the making. */
#include "page/html.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/utf8.h"
#include "lockstep/picture.h"

extern const lks_embedded lks_page_assets[];

/* Room for n more bytes, or NULL. */
static char *room(lks_html *page, size_t n) {
    if (page->failed)
        return NULL;
    if (n > page->capacity - page->size) {
        size_t capacity = (page->size + n) * 2;
        char *text = realloc(page->text, capacity);
        if (!text) {
            page->failed = true;
            return NULL;
        }
        page->text = text;
        page->capacity = capacity;
    }
    page->size += n;
    return page->text + page->size - n;
}

void lks_html_bytes(lks_html *page, const void *bytes, size_t n) {
    char *to = room(page, n);
    if (to)
        memcpy(to, bytes, n);
}

void lks_html_add(lks_html *page, const char *markup) {
    lks_html_bytes(page, markup, strlen(markup));
}

void lks_html_printf(lks_html *page, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *to = n < 0 ? NULL : room(page, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        page->size--; /* the terminator */
    }
    va_end(again);
    va_end(args);
}

void lks_html_text(lks_html *page, const char *text) {
    static const char *const entity[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    while (*text) {
        const size_t n = lks_utf8_shown(text, strnlen(text, 4));
        const char *other = entity[(unsigned char)*text];
        if (other)
            lks_html_add(page, other);
        else if (n || *text == '\n' || *text == '\t')
            lks_html_bytes(page, text, n ? n : 1);
        else
            lks_html_add(page, "\uFFFD");
        text += n ? n : 1;
    }
}

void lks_html_base64(lks_html *page, const void *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = bytes;
    char *to = room(page, (n + 2) / 3 * 4);
    for (size_t i = 0; to && i < n; i += 3, to += 4) {
        size_t left = n - i;
        uint32_t three = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                         (left > 2 ? from[i + 2] : 0);
        to[0] = digits[three >> 18];
        to[1] = digits[three >> 12 & 63];
        to[2] = left > 1 ? digits[three >> 6 & 63] : '=';
        to[3] = left > 2 ? digits[three & 63] : '=';
    }
}

void lks_html_picture(lks_html *page, const unsigned char *pixels, int rows, int columns,
                      int channels, int scale, const char *alt) {
    unsigned char *png;
    size_t size;
    lks_error err;
    if (lks_png_encode(pixels, rows, columns, channels, &png, &size, &err) != LKS_OK) {
        page->failed = true;
        return;
    }
    lks_html_printf(page, "<img class=\"pixels\" width=\"%d\" height=\"%d\" alt=\"",
                    columns * scale, rows * scale);
    lks_html_text(page, alt);
    lks_html_add(page, "\" src=\"data:image/png;base64,");
    lks_html_base64(page, png, size);
    lks_html_add(page, "\">");
    free(png);
}

void lks_html_asset(lks_html *page, const char *name) {
    const lks_embedded *asset = lks_page_assets;
    while (asset->name && strcmp(asset->name, name) != 0)
        asset++;
    if (asset->name)
        lks_html_bytes(page, asset->text, asset->size);
    else
        page->missing = name;
}

lks_status lks_html_status(const lks_html *page, lks_error *err) {
    if (page->missing)
        return lks_fail(err, LKS_ERR_IO, "this program was built without the page's file '%s'",
                        page->missing);
    return page->failed ? lks_fail(err, LKS_ERR_MEMORY,
                                   "no memory for a page of more than %zu bytes", page->size)
                        : LKS_OK;
}

void lks_html_free(lks_html *page) {
    free(page->text);
    *page = (lks_html){0};
}
