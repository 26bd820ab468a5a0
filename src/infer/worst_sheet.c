#include <stdio.h>
#include <string.h>

#include "infer/worst.h"
#include "base/memory.h"
#include "lockstep/picture.h"
#include "pictures/sheet.h"

enum { EACH = 10, LARGEST = 128, WISHED = 84, BESIDE = 8 };

/* How images appear on the sheet: larger, or smaller, or with one channel of those that no PNG has. */
typedef struct cell {
    int rows, columns, channels, scale; /* rows, columns: before they are enlarged */
    int wide, high;                     /* with the text below */
} cell;

static cell make_cell(lks_shape s) {
    const int longest = s.rows > s.columns ? s.rows : s.columns;
    cell c = {s.rows, s.columns, s.channels == 3 ? 3 : 1, 1, 0, 0};
    if (longest > LARGEST) {
        c.rows = (int)((int64_t)s.rows * LARGEST / longest);
        c.columns = (int)((int64_t)s.columns * LARGEST / longest);
        c.rows += c.rows == 0;
        c.columns += c.columns == 0;
    } else if (2 * longest <= WISHED)
        c.scale = WISHED / longest;
    const int text = 8 * LKS_SHEET_GLYPH_COLUMNS;
    c.wide = (c.columns * c.scale > text ? c.columns * c.scale : text) + BESIDE;
    c.high = c.rows * c.scale + 2 * (LKS_SHEET_GAP + LKS_SHEET_GLYPH_ROWS) + BESIDE;
    return c;
}

static lks_status draw_image(const lks_sheet *sheet, const cell *c, int top, int left,
                             const uint8_t *pixels, lks_shape shape, lks_error *err) {
    const size_t n = (size_t)shape.rows * (size_t)shape.columns, kept = (size_t)c->channels;
    const lks_picture_form form = {c->rows, c->columns, c->channels, 0, false};
    lks_picture copy = {shape.rows, shape.columns, c->channels,
                        lks_alloc(n, kept, "an image", err)};
    uint8_t *fit = lks_alloc((size_t)c->rows * (size_t)c->columns, kept, "an image", err);
    lks_status status = copy.pixels && fit ? LKS_OK : err->status;
    for (size_t i = 0; status == LKS_OK && i < n; i++)
        memcpy(copy.pixels + i * kept, pixels + i * (size_t)shape.channels, kept);
    if (status == LKS_OK)
        status = lks_picture_fit(&copy, &form, fit, err);
    if (status == LKS_OK)
        lks_sheet_image(sheet, top, left, fit, c->rows, c->columns, c->scale);
    lks_picture_free(&copy);
    lks_free(fit);
    return status;
}

static lks_status draw(const lks_sheet *sheet, const cell *c, int i, const lks_worst *w,
                       const uint8_t *pixels, lks_shape shape, lks_error *err) {
    char text[32];
    const int left = BESIDE + i % EACH * c->wide;
    int top = BESIDE + i / EACH * c->high;
    LKS_TRY(draw_image(sheet, c, top, left, pixels, shape, err));
    top += c->rows * c->scale + LKS_SHEET_GAP;
    snprintf(text, sizeof text, "%lu", (unsigned long)w->id);
    lks_sheet_text(sheet, top, left, text);
    snprintf(text, sizeof text, "%d>%d", w->label, w->answer);
    lks_sheet_text(sheet, top + LKS_SHEET_GLYPH_ROWS + LKS_SHEET_GAP, left, text);
    return LKS_OK;
}

lks_status lks_worst_draw(const lks_worst *list, int n, const uint8_t *pixels, lks_shape shape,
                          lks_sheet *sheet, lks_error *err) {
    const cell c = make_cell(shape);
    const size_t bytes = (size_t)shape.rows * (size_t)shape.columns * (size_t)shape.channels;
    const int columns = n < EACH ? n : EACH, rows = (n + EACH - 1) / EACH;
    LKS_TRY(
        lks_sheet_open(sheet, BESIDE + rows * c.high, BESIDE + columns * c.wide, c.channels, err));
    lks_status status = LKS_OK;
    for (int i = 0; i < n && status == LKS_OK; i++)
        status = draw(sheet, &c, i, &list[i], pixels + (size_t)i * bytes, shape, err);
    if (status != LKS_OK)
        lks_sheet_free(sheet);
    return status;
}

lks_status lks_worst_sheet(const lks_worst *list, int n, const uint8_t *pixels, lks_shape shape,
                           const char *path, lks_error *err) {
    lks_sheet sheet;
    LKS_TRY(lks_worst_draw(list, n, pixels, shape, &sheet, err));
    const lks_status status = lks_sheet_publish(&sheet, path, err);
    lks_sheet_free(&sheet);
    return status;
}
