/* Pictures with several digits: a line of them, and a form. */
#include <stdlib.h>

#include "kinds.h"

#define BETWEEN(low, high) dice_between(&d->dice, low, high)

static rgb grey(double v) {
    return (rgb){{(float)v, (float)v, (float)v}};
}

/* A digit as it will stand in the line. */
typedef struct glyph {
    double top, left, scale, tall, wide;
} glyph;

enum { INK = 64 }; /* of 255: an image's pixel above it looks written on */

/* The least distance in columns between the ink of two digits, over all rows that are at most one of MNIST's pixels
 * apart: negative where they overlap. */
static double gap(const uint8_t *a, const glyph *ga, const uint8_t *b, const glyph *gb) {
    const ink_box ba = ink_box_of(a), bb = ink_box_of(b);
    double least = 1e9;
    for (int i = 0; i < MNIST * MNIST; i++) {
        if (a[i] <= INK)
            continue;
        const double ya = ga->top + (i / MNIST - ba.top) * ga->scale,
                     xa = ga->left + (i % MNIST + 1 - ba.left) * ga->scale;
        for (int k = 0; k < MNIST * MNIST; k++) {
            const double yb = gb->top + (k / MNIST - bb.top) * gb->scale;
            const double xb = gb->left + (k % MNIST - bb.left) * gb->scale;
            if (b[k] > INK && ya < yb + gb->scale && yb < ya + ga->scale && xb - xa < least)
                least = xb - xa;
        }
    }
    return least;
}

void draw_line_of_digits(draft *d, const uint8_t *const *images, int n, const bool *touches) {
    const double h = BETWEEN(30, 70), pixel = h / 20, w = d->width;
    glyph *glyphs = calloc((size_t)n, sizeof *glyphs);
    if (!glyphs)
        abort();
    double left = h * BETWEEN(0.3, 1), right = left;
    const double middle = h * 1.2;
    for (int i = 0; i < n; i++) {
        const ink_box b = ink_box_of(images[i]);
        glyph *g = glyphs + i;
        g->scale = h * BETWEEN(1 - 0.15 * w, 1 + 0.15 * w) / 20;
        g->tall = b.rows * g->scale;
        g->wide = b.columns * g->scale;
        g->top = middle - g->tall / 2 + BETWEEN(-0.12, 0.12) * w * h;
        g->left = right + BETWEEN(0.15, 0.6 * w) * h;
        if (i > 0 && touches[i]) { /* moved until ink lies on ink, by about one of MNIST's pixels */
            const double apart = gap(images[i - 1], g - 1, images[i], g);
            g->left =
                apart < 1e8 ? g->left - apart - BETWEEN(0.6, 1.4) * pixel : g[-1].left + g[-1].wide;
        }
        right = g->left + g->wide > right ? g->left + g->wide : right;
    }
    d->paper = grey(BETWEEN(0.93, 1));
    d->ink = grey(BETWEEN(0.02, 0.2));
    d->unit = h;
    draft_begin(d, (int)(2.4 * h), (int)(right + h * BETWEEN(0.3, 1)));
    for (int i = 0; i < n; i++)
        draft_write_digit(d, images[i], glyphs[i].top, glyphs[i].left, glyphs[i].scale);
    draft_lay_ink(d);
    free(glyphs);
}

static void field(draft *d, double top, double left, double high, double wide) {
    const rgb print = grey(0.3);
    draft_line(d, left, top, left + wide, top, 2, print, 1);
    draft_line(d, left, top + high, left + wide, top + high, 2, print, 1);
    draft_line(d, left, top, left, top + high, 2, print, 1);
    draft_line(d, left + wide, top, left + wide, top + high, 2, print, 1);
}

void draw_form(draft *d, const uint8_t *const images[FORM_LINES * FORM_PLACES]) {
    const double edge = 70, high = 84, wide = 74, step = 150;
    d->paper = grey(0.97);
    d->ink = (rgb){{0.1F, 0.12F, 0.35F}};
    draft_begin(d, 900, 1200);
    for (int line = 0; line < FORM_LINES; line++) {
        const double top = 90 + line * step, between = line % 2 ? 0 : 30;
        draft_line(d, edge, top - 32, d->columns - edge, top - 32, 3, grey(0.15), 1);
        for (int place = 0; place < FORM_PLACES; place++) {
            const double left = edge + 40 + place * (wide + between);
            const uint8_t *image = images[line * FORM_PLACES + place];
            const ink_box b = ink_box_of(image);
            const double scale = BETWEEN(2.3, 2.9); /* 46 to 58 pixels of 84 x 74 */
            field(d, top, left, high, wide);
            draft_write_digit(d, image, top + (high - b.rows * scale) / 2 + BETWEEN(-5, 5),
                              left + (wide - b.columns * scale) / 2 + BETWEEN(-4, 4), scale);
        }
    }
    draft_line(d, edge, d->rows - 50, d->columns - edge, d->rows - 50, 3, grey(0.15), 1);
    draft_lay_ink(d);
}
