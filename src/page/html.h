/* A page in the making: text that grows. Running out of memory is remembered and said once, at the
 * end, so that a section can be written without a check after every line. */
#ifndef LKS_PAGE_HTML_H
#define LKS_PAGE_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "lockstep/status.h"

/* Zero-initialise; free with lks_html_free(). */
typedef struct lks_html {
    char *text; /* [size], not terminated */
    size_t size, capacity;
    bool failed;         /* memory was short */
    const char *missing; /* an asset that is not there, or NULL */
} lks_html;

/* Adds markup as it is. */
void lks_html_add(lks_html *page, const char *markup);
void lks_html_bytes(lks_html *page, const void *bytes, size_t n);
void lks_html_printf(lks_html *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds text, escaped for content and for quoted attributes; what lks_utf8_shown() does not count becomes
 * U+FFFD. */
void lks_html_text(lks_html *page, const char *text);

/* Adds bytes in Base64 (RFC 4648, with padding). */
void lks_html_base64(lks_html *page, const void *bytes, size_t n);

/* Adds the file NAME of assets/ in this folder. */
void lks_html_asset(lks_html *page, const char *name);

/* Adds an <img> of a PNG made of 8-bit pixels, enlarged without smoothing by class "pixels", `scale`
 * times; `alt` is escaped. */
void lks_html_picture(lks_html *page, const unsigned char *pixels, int rows, int columns,
                      int channels, int scale, const char *alt);

/* LKS_OK; LKS_ERR_MEMORY if something did not fit, LKS_ERR_IO if an asset is not there. */
lks_status lks_html_status(const lks_html *page, lks_error *err);
void lks_html_free(lks_html *page);

#endif
