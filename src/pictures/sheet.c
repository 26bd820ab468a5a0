#include "pictures/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lockstep/picture.h"
#include "files/publish.h"

enum { GROUND = 96, INK = 255 };

/* Characters of 3 x 5 dots, drawn twice as large; a row of dots is three bits. */
enum { DOTS = 5, DOT = 2, ARROW = 10 };
static const unsigned char glyphs[ARROW + 1][DOTS] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7},
    {5, 5, 7, 1, 1}, {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 1, 2, 2},
    {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}, {4, 2, 1, 2, 4}};

lks_status lks_sheet_open(lks_sheet *s, int rows, int columns, int channels, lks_error *err) {
    const size_t bytes = (size_t)rows * (size_t)columns * (size_t)channels;
    *s = (lks_sheet){rows, columns, channels, lks_alloc(bytes, 1, "the sheet", err)};
    if (!s->pixels)
        return err->status;
    memset(s->pixels, GROUND, bytes);
    return LKS_OK;
}

static uint8_t *pixel_at(const lks_sheet *s, int row, int column) {
    if (row < 0 || row >= s->rows || column < 0 || column >= s->columns)
        return NULL;
    return s->pixels + ((size_t)row * (size_t)s->columns + (size_t)column) * (size_t)s->channels;
}

void lks_sheet_image(const lks_sheet *s, int top, int left, const uint8_t *pixels, int rows,
                     int columns, int scale) {
    for (int r = 0; r < rows * scale; r++)
        for (int c = 0; c < columns * scale; c++) {
            uint8_t *to = pixel_at(s, top + r, left + c);
            const size_t from = (size_t)(r / scale) * (size_t)columns + (size_t)(c / scale);
            if (to)
                memcpy(to, pixels + from * (size_t)s->channels, (size_t)s->channels);
        }
}

static void draw_glyph(const lks_sheet *s, int top, int left, int glyph) {
    for (int r = 0; r < DOTS * DOT; r++)
        for (int k = 0; k < 3 * DOT; k++) {
            uint8_t *to = pixel_at(s, top + r, left + k);
            if (to && glyphs[glyph][r / DOT] >> (2 - k / DOT) & 1)
                memset(to, INK, (size_t)s->channels);
        }
}

void lks_sheet_text(const lks_sheet *s, int top, int left, const char *text) {
    for (; *text; text++, left += LKS_SHEET_GLYPH_COLUMNS)
        if (*text == '>' || (*text >= '0' && *text <= '9'))
            draw_glyph(s, top, left, *text == '>' ? ARROW : *text - '0');
}

lks_status lks_sheet_publish(const lks_sheet *s, const char *path, lks_error *err) {
    unsigned char *png;
    size_t size;
    LKS_TRY(lks_png_encode(s->pixels, s->rows, s->columns, s->channels, &png, &size, err));
    const lks_status status = lks_publish_text(path, (const char *)png, size, err);
    free(png);
    return status;
}

void lks_sheet_free(lks_sheet *s) {
    lks_free(s->pixels);
    *s = (lks_sheet){0};
}
