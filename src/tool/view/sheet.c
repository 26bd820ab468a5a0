#include <stdlib.h>
#include <string.h>

#include "lockstep/memory.h"
#include "lockstep/publish.h"
#include "tool/view/view.h"

enum { GAP = 2, BETWEEN_PARTS = 12, GROUND = 96, INK = 255 };

/* Digits of 3 x 5 dots, drawn twice as large; a row of dots is three bits. */
enum { DOTS = 5, DOT = 2, DIGIT_COLUMNS = 8, MARGIN = 3 * DIGIT_COLUMNS + 2 * GAP };
static const unsigned char digits[10][DOTS] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1},
    {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 1, 2, 2}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7}};

typedef struct canvas {
    int rows, columns, channels;
    uint8_t *pixels;
} canvas;

static void set_pixel(const canvas *c, int row, int column, uint8_t value) {
    memset(c->pixels + ((size_t)row * (size_t)c->columns + (size_t)column) * (size_t)c->channels,
           value, (size_t)c->channels);
}

static void draw_digit(const canvas *c, int top, int left, int digit) {
    for (int r = 0; r < DOTS * DOT; r++)
        for (int k = 0; k < 3 * DOT; k++)
            if (digits[digit][r / DOT] >> (2 - k / DOT) & 1 && top + r < c->rows)
                set_pixel(c, top + r, left + k, INK);
}

/* Right-aligned: up to three digits. */
static void draw_number(const canvas *c, int top, int number) {
    int place = 3;
    do {
        draw_digit(c, top, GAP + --place * DIGIT_COLUMNS, number % 10);
        number /= 10;
    } while (number > 0);
}

static void draw_cell(const canvas *c, const lks_view *v, int top, int left, const uint8_t *cell) {
    const size_t row = (size_t)v->cell_columns * (size_t)v->cell_channels;
    for (int r = 0; r < v->cell_rows; r++)
        memcpy(c->pixels +
                   ((size_t)(top + r) * (size_t)c->columns + (size_t)left) * (size_t)c->channels,
               cell + (size_t)r * row, row);
}

static int part_columns(const lks_view *v) {
    return LKS_VIEW_EACH * (v->cell_columns + GAP);
}

static void draw_row(const canvas *c, const lks_view *v, int row, int of_class, bool numbered) {
    const size_t bytes = (size_t)v->cell_rows * (size_t)v->cell_columns * (size_t)v->cell_channels;
    const int high = v->cell_rows > DOTS * DOT ? v->cell_rows : DOTS * DOT;
    const int top = GAP + row * (high + GAP);
    if (numbered)
        draw_number(c, top, of_class);
    for (int part = 0, left = MARGIN; part < 2; part++) {
        const lks_part_view *p = &v->part[part];
        if (!p->count)
            continue;
        const int shown = numbered ? p->on_sheet[of_class] : p->on_sheet[0] - row * LKS_VIEW_EACH;
        const uint8_t *cells = p->cells + (size_t)of_class * LKS_VIEW_EACH * bytes;
        for (int i = 0; i < shown && i < LKS_VIEW_EACH; i++)
            draw_cell(c, v, top, left + i * (v->cell_columns + GAP), cells + (size_t)i * bytes);
        left += part_columns(v) + BETWEEN_PARTS;
    }
}

static lks_status publish(const canvas *c, const char *path, lks_error *err) {
    unsigned char *png;
    size_t size;
    LKS_TRY(lks_png_encode(c->pixels, c->rows, c->columns, c->channels, &png, &size, err));
    const lks_status status = lks_publish_text(path, (const char *)png, size, err);
    free(png);
    return status;
}

lks_status lks_view_write_sheet(const lks_view *v, const char *path, lks_error *err) {
    const bool numbered = v->folder || v->part[0].labels_path[0] || v->part[1].labels_path[0];
    const int shown = v->part[0].on_sheet[0];
    const int rows = numbered ? v->classes : (shown + LKS_VIEW_EACH - 1) / LKS_VIEW_EACH;
    const int high = v->cell_rows > DOTS * DOT ? v->cell_rows : DOTS * DOT;
    const int parts = (v->part[0].count > 0) + (v->part[1].count > 0);
    canvas c = {GAP + rows * (high + GAP),
                MARGIN + parts * part_columns(v) + (parts - 1) * BETWEEN_PARTS, v->cell_channels,
                NULL};
    const size_t bytes = (size_t)c.rows * (size_t)c.columns * (size_t)c.channels;
    c.pixels = lks_alloc(bytes, 1, "the sheet", err);
    if (!c.pixels)
        return err->status;
    memset(c.pixels, GROUND, bytes);
    for (int row = 0; row < rows; row++)
        draw_row(&c, v, row, row, numbered);
    const lks_status status = publish(&c, path, err);
    lks_free(c.pixels);
    return status;
}
