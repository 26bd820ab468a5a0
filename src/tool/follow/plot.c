#include "tool/follow/plot.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

/* Dots of a character: Unicode's braille patterns have 2 x 4 (U+2800 and the bits below, Unicode chapter 21.1), ASCII as many
 * as there are heights to tell apart. */
enum { BRAILLE = 0x2800, BRAILLE_ACROSS = 2, BRAILLE_DOWN = 4, ASCII_DOWN = 3 };

lks_status lks_plot_open(lks_plot *p, int columns, int rows, bool braille, lks_error *err) {
    const size_t n = (size_t)columns * (size_t)rows;
    *p = (lks_plot){columns, rows, braille, INFINITY, -INFINITY, INFINITY, -INFINITY, NULL, NULL};
    p->dots = lks_alloc(n, 1, "a plot", err);
    p->marks = lks_alloc(n, 1, "a plot", err);
    if (p->dots && p->marks)
        return LKS_OK;
    lks_plot_free(p);
    return err->status;
}

void lks_plot_free(lks_plot *p) {
    lks_free(p->dots);
    lks_free(p->marks);
    p->dots = NULL;
    p->marks = NULL;
}

bool lks_plot_include(lks_plot *p, lks_points points) {
    bool any = false;
    for (size_t i = 0; i < points.n; i++) {
        const double x = points.x[i], y = points.y[i];
        if (!isfinite(x) || !isfinite(y))
            continue;
        p->left = x < p->left ? x : p->left;
        p->right = x > p->right ? x : p->right;
        p->bottom = y < p->bottom ? y : p->bottom;
        p->top = y > p->top ? y : p->top;
        any = true;
    }
    return any;
}

/* --- dots -------------------------------------------------------------------------------------- */

/* Which of n dots in a line `value` falls on, between `first` and `last`; the middle one where these are equal. */
static int place(double value, double first, double last, int n) {
    if (!(last > first))
        return (n - 1) / 2;
    /* Halves: a difference may be beyond the largest double. */
    const double at = (value / 2 - first / 2) / (last / 2 - first / 2) * (n - 1);
    return (int)lrint(at < 0 ? 0 : at > n - 1 ? n - 1 : at);
}

static int across(const lks_plot *p) {
    return p->columns * (p->braille ? BRAILLE_ACROSS : 1);
}

static int down(const lks_plot *p) {
    return p->rows * (p->braille ? BRAILLE_DOWN : ASCII_DOWN);
}

static int x_of(const lks_plot *p, double x) {
    return place(x, p->left, p->right, across(p));
}

/* Rows are counted from the top. */
static int y_of(const lks_plot *p, double y) {
    return down(p) - 1 - place(y, p->bottom, p->top, down(p));
}

static void set_dot(lks_plot *p, int x, int y) {
    const int wide = p->braille ? BRAILLE_ACROSS : 1, high = p->braille ? BRAILLE_DOWN : ASCII_DOWN;
    const int bit = x % wide * high + y % high;
    p->dots[(size_t)(y / high) * (size_t)p->columns + (size_t)(x / wide)] |= (uint8_t)(1 << bit);
}

/* Each column of dots between the two has those that the line crosses. */
static void join(lks_plot *p, int x0, int y0, int x1, int y1) {
    const int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);
    for (int i = 0; i <= steps; i++) {
        const double part = steps ? (double)i / steps : 0;
        set_dot(p, x0 + (int)lrint(part * (x1 - x0)), y0 + (int)lrint(part * (y1 - y0)));
    }
}

void lks_plot_line(lks_plot *p, lks_points points) {
    int x0 = -1, y0 = -1;
    for (size_t i = 0; i < points.n; i++) {
        if (!isfinite(points.x[i]) || !isfinite(points.y[i]))
            continue;
        const int x = x_of(p, points.x[i]), y = y_of(p, points.y[i]);
        join(p, x0 < 0 ? x : x0, x0 < 0 ? y : y0, x, y);
        x0 = x;
        y0 = y;
    }
}

void lks_plot_mark(lks_plot *p, lks_points points, char mark) {
    for (size_t i = 0; i < points.n; i++) {
        if (!isfinite(points.x[i]) || !isfinite(points.y[i]))
            continue;
        const int column = x_of(p, points.x[i]) / (p->braille ? BRAILLE_ACROSS : 1);
        const int row = y_of(p, points.y[i]) / (p->braille ? BRAILLE_DOWN : ASCII_DOWN);
        p->marks[(size_t)row * (size_t)p->columns + (size_t)column] = mark;
    }
}

/* --- characters -------------------------------------------------------------------------------- */

/* Dots 1 to 3 and 4 to 6 are the upper ones of the left and the right half, 7 and 8 the lowest ones. */
static unsigned braille_of(uint8_t dots) {
    static const uint8_t bits[8] = {0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80};
    unsigned code = BRAILLE;
    for (int i = 0; i < 8; i++)
        if (dots >> i & 1)
            code |= bits[i];
    return code;
}

static void put_braille(uint8_t dots, FILE *to) {
    const unsigned code = braille_of(dots);
    putc(0xE0 | code >> 12, to);
    putc(0x80 | (code >> 6 & 0x3F), to);
    putc(0x80 | (code & 0x3F), to);
}

/* At the top, in the middle, at the bottom, and what goes through more than one of them. */
static char ascii_of(uint8_t dots) {
    static const char letters[8] = {' ', '\'', '-', '|', '.', ':', '|', '|'};
    return letters[dots & 7];
}

void lks_plot_row(const lks_plot *p, int row, FILE *to) {
    for (int column = 0; column < p->columns; column++) {
        const size_t at = (size_t)row * (size_t)p->columns + (size_t)column;
        if (p->marks[at])
            putc(p->marks[at], to);
        else if (!p->braille)
            putc(ascii_of(p->dots[at]), to);
        else if (p->dots[at])
            put_braille(p->dots[at], to);
        else
            putc(' ', to);
    }
}
