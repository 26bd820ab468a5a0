#include "tool/view/boxes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "files/publish.h"
#include "tool/view/draw.h"

/* Characters across a terminal; one is about twice as high as wide. */
enum { ACROSS = 110, DRAWN = 0x80 };

static lks_status copy(lks_picture *to, const lks_picture *from, lks_error *err) {
    const size_t size = (size_t)from->rows * (size_t)from->columns * (size_t)from->channels;
    *to = *from;
    to->pixels = lks_alloc(size, 1, "a picture", err);
    if (!to->pixels)
        return err->status;
    memcpy(to->pixels, from->pixels, size);
    return LKS_OK;
}

/* Brings a copy of @p from to rows x columns x channels on white. */
static lks_status fit(lks_picture *to, const lks_picture *from, int rows, int columns, int channels,
                      lks_error *err) {
    const lks_picture_form form = {rows, columns, channels, 255, false};
    lks_picture used;
    LKS_TRY(copy(&used, from, err));
    *to = (lks_picture){
        rows, columns, channels,
        lks_alloc((size_t)rows * (size_t)columns, (size_t)channels, "a picture", err)};
    lks_status status = to->pixels ? lks_picture_fit(&used, &form, to->pixels, err) : err->status;
    lks_picture_free(&used);
    return status;
}

/* --- a PNG ------------------------------------------------------------------------------------ */

static void fill(lks_picture *p, lks_box box, const uint8_t colour[3]) {
    for (int y = box.row; y < box.row + box.rows; y++)
        for (int x = box.column; x < box.column + box.columns; x++)
            if (y >= 0 && y < p->rows && x >= 0 && x < p->columns)
                memcpy(p->pixels + 3 * ((size_t)y * (size_t)p->columns + (size_t)x), colour, 3);
}

static void frame(lks_picture *p, const lks_box *b, int thick, const uint8_t colour[3]) {
    const int rows = b->rows + 2 * thick, columns = b->columns + 2 * thick;
    const int top = b->row - thick, left = b->column - thick;
    fill(p, (lks_box){top, left, thick, columns}, colour);
    fill(p, (lks_box){b->row + b->rows, left, thick, columns}, colour);
    fill(p, (lks_box){top, left, rows, thick}, colour);
    fill(p, (lks_box){top, b->column + b->columns, rows, thick}, colour);
}

/* The number of a class, in digits of 3 x 5 squares. */
static void label(lks_picture *p, int row, int column, int square, int number,
                  const uint8_t colour[3]) {
    static const char *const shapes[10] = {"####.##.##.####", ".#.##..#..#.###", "###..#####..###",
                                           "###..####..####", "#.##.####..#..#", "####..###..####",
                                           "####..####.####", "###..#..#..#..#", "####.#####.####",
                                           "####.####..####"};
    char digits[12];
    snprintf(digits, sizeof digits, "%d", number);
    for (int i = 0; digits[i]; i++)
        for (int k = 0; k < 15; k++)
            if (shapes[digits[i] - '0'][k] == '#')
                fill(p,
                     (lks_box){row + k / 3 * square, column + (4 * i + k % 3) * square, square,
                               square},
                     colour);
}

static void draw(lks_picture *p, const lks_answer *a) {
    static const uint8_t sure[3] = {0, 136, 68}, unsure[3] = {222, 64, 0};
    const uint8_t *colour = a->doubt ? unsure : sure;
    const lks_box *b = &a->place->box;
    const int thick = 1 + b->rows / 40, square = 1 + b->rows / 20;
    const int above = b->row - 2 * thick - 5 * square;
    frame(p, b, thick, colour);
    label(p, above >= 0 ? above : b->row + b->rows + 2 * thick, b->column, square, a->predicted,
          colour);
}

static lks_status write_png(const lks_boxes *b, lks_error *err) {
    unsigned char *bytes;
    size_t size;
    LKS_TRY(
        lks_png_encode(b->canvas.pixels, b->canvas.rows, b->canvas.columns, 3, &bytes, &size, err));
    lks_status status = lks_publish_text(b->path, (const char *)bytes, size, err);
    free(bytes);
    return status;
}

/* --- a terminal ------------------------------------------------------------------------------- */

static void set(lks_picture *t, int row, int column, char c) {
    if (row >= 0 && row < t->rows && column >= 0 && column < t->columns)
        t->pixels[row * t->columns + column] = (uint8_t)(DRAWN | c);
}

/* Half the rows, and ink dark; values are halved, which leaves a bit for what is drawn over them. */
static lks_status make_text(lks_picture *t, const lks_picture *picture, lks_error *err) {
    const int columns = picture->columns < ACROSS ? picture->columns : ACROSS;
    const int64_t high = (int64_t)picture->rows * columns / picture->columns;
    const int rows = high < 2 ? 1 : (int)(high > 65000 ? 32500 : high / 2);
    LKS_TRY(fit(t, picture, 2 * rows, columns, 1, err));
    int64_t sum = 0;
    const int n = rows * columns;
    for (int i = 0; i < 2 * n; i++)
        sum += t->pixels[i];
    for (int i = 0; i < n; i++) {
        const uint8_t *at = t->pixels + 2 * (i / columns) * columns + i % columns;
        const int mean = (at[0] + at[columns]) / 2;
        t->pixels[i] = (uint8_t)((sum > (int64_t)255 * n ? 255 - mean : mean) / 2);
    }
    t->rows = rows;
    return LKS_OK;
}

static void draw_text(lks_picture *t, const lks_answer *a) {
    const lks_box *b = &a->place->box;
    const int64_t rows = a->place->picture->rows, columns = a->place->picture->columns;
    const int top = (int)(b->row * (int64_t)t->rows / rows) - 1;
    const int left = (int)(b->column * (int64_t)t->columns / columns) - 1;
    const int bottom = (int)((b->row + b->rows) * (int64_t)t->rows / rows);
    const int right = (int)((b->column + b->columns) * (int64_t)t->columns / columns);
    for (int x = left; x <= right; x++) {
        set(t, top, x, x == left || x == right ? '+' : '-');
        set(t, bottom, x, x == left || x == right ? '+' : '-');
    }
    for (int y = top + 1; y < bottom; y++) {
        set(t, y, left, '|');
        set(t, y, right, '|');
    }
    char number[12];
    snprintf(number, sizeof number, "%d", a->predicted);
    for (int i = 0; number[i]; i++)
        set(t, top < 0 ? bottom : top, left + 1 + i, number[i]);
}

static void print(const lks_picture *t) {
    for (int y = 0; y < t->rows; y++) {
        fputs("  ", stdout);
        for (int x = 0; x < t->columns; x++) {
            const uint8_t c = t->pixels[y * t->columns + x];
            if (c & DRAWN)
                putchar(c & ~DRAWN);
            else /* of paper nothing */
                fputs(lks_shade(c < 24 ? 0 : (uint8_t)(2 * c)), stdout);
        }
        putchar('\n');
    }
}

/* ---------------------------------------------------------------------------------------------- */

static lks_status begin(lks_boxes *b, const lks_picture *picture, lks_error *err) {
    lks_picture_free(&b->canvas);
    lks_picture_free(&b->text);
    if (b->path)
        LKS_TRY(fit(&b->canvas, picture, picture->rows, picture->columns, 3, err));
    return b->prints ? make_text(&b->text, picture, err) : LKS_OK;
}

static lks_status end(const lks_boxes *b, lks_error *err) {
    if (b->prints)
        print(&b->text);
    return b->path ? write_png(b, err) : LKS_OK;
}

void lks_boxes_add(lks_boxes *b, const lks_answer *a) {
    const lks_place *place = a->place;
    if (b->status == LKS_OK && place->line == 0 && place->place == 0)
        b->status = begin(b, place->picture, &b->err);
    if (b->status != LKS_OK)
        return;
    if (b->path)
        draw(&b->canvas, a);
    if (b->prints)
        draw_text(&b->text, a);
    if (place->line + 1 == place->lines && place->place + 1 == place->digits)
        b->status = end(b, &b->err);
}

void lks_boxes_free(lks_boxes *b) {
    lks_picture_free(&b->canvas);
    lks_picture_free(&b->text);
}
