#include "tool/view/preview.h"

#include <stdio.h>

#include "feed/preview/preview.h"
#include "base/memory.h"
#include "pictures/sheet.h"

enum { MARGIN = 3 * LKS_SHEET_GLYPH_COLUMNS + 2 * LKS_SHEET_GAP, SMALL = 48, APART = 8 };

static int taller(int rows) {
    return rows > LKS_SHEET_GLYPH_ROWS ? rows : LKS_SHEET_GLYPH_ROWS;
}

static void draw(const lks_sheet *sheet, const lks_preview *p, uint8_t *cell, int scale) {
    const lks_shape s = p->shape;
    for (int i = 0; i < p->images; i++) {
        const int top = LKS_SHEET_GAP + i * (taller(s.rows * scale) + LKS_SHEET_GAP);
        char label[16];
        snprintf(label, sizeof label, "%3d", p->labels[i]);
        lks_sheet_text(sheet, top, LKS_SHEET_GAP, label);
        for (int e = 0; e <= p->epochs; e++) {
            const int left = MARGIN + e * (s.columns * scale + LKS_SHEET_GAP) + (e > 0 ? APART : 0);
            lks_preview_put(p, i, e, cell, s.columns);
            lks_sheet_image(sheet, top, left, cell, s.rows, s.columns, scale);
        }
    }
}

static lks_status write_sheet(const lks_preview *p, const char *path, lks_error *err) {
    const lks_shape s = p->shape;
    const int scale = s.rows <= SMALL && s.columns <= SMALL ? 2 : 1;
    const int channels = lks_preview_channels(p);
    lks_sheet sheet;
    LKS_TRY(lks_sheet_open(
        &sheet, LKS_SHEET_GAP + p->images * (taller(s.rows * scale) + LKS_SHEET_GAP),
        MARGIN + APART + (1 + p->epochs) * (s.columns * scale + LKS_SHEET_GAP), channels, err));
    uint8_t *cell =
        lks_alloc((size_t)s.rows * (size_t)s.columns, (size_t)channels, "an image", err);
    lks_status status = cell ? LKS_OK : err->status;
    if (cell) {
        draw(&sheet, p, cell, scale);
        status = lks_sheet_publish(&sheet, path, err);
    }
    lks_free(cell);
    lks_sheet_free(&sheet);
    return status;
}

lks_status lks_view_write_preview(const lks_config *config, const char *path, lks_error *err) {
    lks_preview p;
    lks_status status = lks_preview_make(&p, config, LKS_PREVIEW_IMAGES, LKS_PREVIEW_EPOCHS, err);
    if (status == LKS_OK)
        status = write_sheet(&p, path, err);
    lks_preview_free(&p);
    return status;
}
