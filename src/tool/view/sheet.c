#include <stdio.h>
#include <string.h>

#include "pictures/sheet.h"
#include "tool/view/view.h"

enum {
    GAP = LKS_SHEET_GAP,
    BETWEEN_PARTS = 12,
    MARGIN = 3 * LKS_SHEET_GLYPH_COLUMNS + 2 * GAP /* for a number of up to three digits */
};

static void draw_number(const lks_sheet *s, int top, int number) {
    char text[16];
    snprintf(text, sizeof text, "%3d", number);
    lks_sheet_text(s, top, GAP, text);
}

static int part_columns(const lks_view *v) {
    return LKS_VIEW_EACH * (v->cell_columns + GAP);
}

static int row_pixels(const lks_view *v) {
    return GAP + (v->cell_rows > LKS_SHEET_GLYPH_ROWS ? v->cell_rows : LKS_SHEET_GLYPH_ROWS);
}

static void draw_row(const lks_sheet *s, const lks_view *v, int row, int of_class, bool numbered) {
    const size_t bytes = (size_t)v->cell_rows * (size_t)v->cell_columns * (size_t)v->cell_channels;
    const int top = GAP + row * row_pixels(v);
    if (numbered)
        draw_number(s, top, of_class);
    for (int part = 0, left = MARGIN; part < 2; part++) {
        const lks_part_view *p = &v->part[part];
        if (!p->count)
            continue;
        const int shown = numbered ? p->on_sheet[of_class] : p->on_sheet[0] - row * LKS_VIEW_EACH;
        const uint8_t *cells = p->cells + (size_t)of_class * LKS_VIEW_EACH * bytes;
        for (int i = 0; i < shown && i < LKS_VIEW_EACH; i++)
            lks_sheet_image(s, top, left + i * (v->cell_columns + GAP), cells + (size_t)i * bytes,
                            v->cell_rows, v->cell_columns, 1);
        left += part_columns(v) + BETWEEN_PARTS;
    }
}

lks_status lks_view_write_sheet(const lks_view *v, const char *path, lks_error *err) {
    const bool numbered = v->folder || v->part[0].labels_path[0] || v->part[1].labels_path[0];
    const int shown = v->part[0].on_sheet[0];
    const int rows = numbered ? v->classes : (shown + LKS_VIEW_EACH - 1) / LKS_VIEW_EACH;
    const int parts = (v->part[0].count > 0) + (v->part[1].count > 0);
    lks_sheet s;
    LKS_TRY(lks_sheet_open(&s, GAP + rows * row_pixels(v),
                           MARGIN + parts * part_columns(v) + (parts - 1) * BETWEEN_PARTS,
                           v->cell_channels, err));
    for (int row = 0; row < rows; row++)
        draw_row(&s, v, row, row, numbered);
    const lks_status status = lks_sheet_publish(&s, path, err);
    lks_sheet_free(&s);
    return status;
}
