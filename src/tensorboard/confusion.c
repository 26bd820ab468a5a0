#include "tensorboard/confusion.h"

#include <math.h>
#include <stdio.h>

enum { NUMBERED = 20, CELL = 44, LEAST_CELL = 3, SIDE = 600, BETWEEN = 1 };

/* How the matrix lies on the sheet. */
typedef struct layout {
    int classes, cell;
    int before; /* columns and rows for the classes' numbers */
} layout;

static layout lay_out(int classes) {
    if (classes <= NUMBERED)
        return (layout){classes, CELL, CELL / 2};
    const int cell = SIDE / classes;
    return (layout){classes, cell > LEAST_CELL ? cell : LEAST_CELL, BETWEEN};
}

static int place_of(const layout *l, int class_index) {
    return l->before + class_index * (l->cell + BETWEEN);
}

/* The square root shows what is rare. */
static void draw_cell(const lks_sheet *s, const layout *l, int row, int column, double share) {
    const uint8_t bright = (uint8_t)lrint(40 + 160 * sqrt(share)), dark = 32;
    const uint8_t right[3] = {dark, bright, dark}, wrong[3] = {bright, dark, dark};
    const uint8_t none[3] = {dark, dark, dark};
    const uint8_t *colour = share == 0 ? none : row == column ? right : wrong;
    lks_sheet_image(s, place_of(l, row), place_of(l, column), colour, 1, 1, l->cell);
}

static void draw_number(const lks_sheet *s, int top, int left, int64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    lks_sheet_text(s, top, left, text);
}

static void draw_row(const lks_sheet *s, const layout *l, const lks_counts *c, int row) {
    const int64_t *counts = c->confusion + row * l->classes;
    int64_t all = 0;
    for (int k = 0; k < l->classes; k++)
        all += counts[k];
    for (int k = 0; k < l->classes; k++) {
        draw_cell(s, l, row, k, all ? (double)counts[k] / (double)all : 0);
        if (l->classes <= NUMBERED && counts[k])
            draw_number(s, place_of(l, row) + (l->cell - LKS_SHEET_GLYPH_ROWS) / 2,
                        place_of(l, k) + LKS_SHEET_GAP, counts[k]);
    }
}

lks_status lks_confusion_draw(lks_sheet *sheet, const lks_counts *counts, lks_error *err) {
    const layout l = lay_out(counts->classes);
    const int side = place_of(&l, l.classes);
    LKS_TRY(lks_sheet_open(sheet, side, side, 3, err));
    for (int k = 0; k < l.classes; k++) {
        draw_row(sheet, &l, counts, k);
        if (l.classes > NUMBERED)
            continue;
        draw_number(sheet, place_of(&l, k) + LKS_SHEET_GLYPH_ROWS, LKS_SHEET_GAP, k);
        draw_number(sheet, LKS_SHEET_GLYPH_ROWS / 2, place_of(&l, k) + LKS_SHEET_GLYPH_COLUMNS, k);
    }
    return LKS_OK;
}
