/* One digit as people put it on a picture. Every length follows from H, the longer side of the digit's ink in pixels;
 * one of MNIST's pixels is H / 20. `w` is 1, or 2: what a kind is about goes twice as far. */
#include "kinds.h"

#include <math.h>

#define BETWEEN(low, high) dice_between(&d->dice, low, high)

static rgb grey(double v) {
    return (rgb){{(float)v, (float)v, (float)v}};
}

static double least(double a, double b) {
    return a < b ? a : b;
}

/* An empty picture with room for the digit, of H pixels; `margin` to `wide_margin` times H on each side. */
static void room(draft *d, const uint8_t *image, double h, double margin, double wide_margin) {
    const ink_box b = ink_box_of(image);
    d->unit = h;
    const double scale = h / (b.rows > b.columns ? b.rows : b.columns);
    d->tall = b.rows * scale;
    d->wide = b.columns * scale;
    d->top = floor(BETWEEN(margin, wide_margin) * h);
    d->left = floor(BETWEEN(margin, wide_margin) * h);
    draft_begin(d, (int)ceil(d->top + d->tall + BETWEEN(margin, wide_margin) * h),
                (int)ceil(d->left + d->wide + BETWEEN(margin, wide_margin) * h));
}

static double scale_of(const draft *d, const uint8_t *image) {
    const ink_box b = ink_box_of(image);
    return d->unit / (b.rows > b.columns ? b.rows : b.columns);
}

static void write_digit(draft *d, const uint8_t *image) {
    draft_write_digit(d, image, d->top, d->left, scale_of(d, image));
    draft_lay_ink(d);
}

/* Dark ink on white paper. */
static void pen_and_paper(draft *d) {
    d->paper = grey(BETWEEN(0.93, 1));
    d->ink = grey(BETWEEN(0.02, 0.2));
}

/* A page of usual size for the digit. */
static void page(draft *d, const uint8_t *image) {
    pen_and_paper(d);
    room(d, image, BETWEEN(40, 110), 0.25, 0.8);
}

/* An image as it is: light on black, 28 x 28. */
static void draw_plain(draft *d, const uint8_t *image) {
    d->paper = grey(0);
    draft_begin(d, MNIST, MNIST);
    for (int i = 0; i < MNIST * MNIST; i++)
        for (int c = 0; c < 3; c++)
            d->light[3 * i + c] = (float)image[i] / 255;
}

/* --- plain paper ------------------------------------------------------------------------------- */

static void in_28(draft *d, const uint8_t *image, double h, double stray) {
    pen_and_paper(d);
    const ink_box b = ink_box_of(image);
    d->unit = h;
    const double scale = scale_of(d, image);
    draft_begin(d, MNIST, MNIST);
    const double free_y = MNIST - b.rows * scale, free_x = MNIST - b.columns * scale;
    d->top = free_y / 2 + BETWEEN(-1, 1) * least(stray, free_y / 2);
    d->left = free_x / 2 + BETWEEN(-1, 1) * least(stray, free_x / 2);
    write_digit(d, image);
}

static void draw_small(draft *d, const uint8_t *image) {
    in_28(d, image, BETWEEN(20 - 2 * d->width, 20 + 2 * d->width), 2 * d->width);
}

static void draw_small_full(draft *d, const uint8_t *image) {
    in_28(d, image, MNIST, 0);
}

static void draw_large(draft *d, const uint8_t *image) {
    pen_and_paper(d);
    room(d, image, BETWEEN(40, 100 + 100 * d->width), 0.1, 0.9 * d->width);
    write_digit(d, image);
}

static void draw_dark(draft *d, const uint8_t *image) {
    d->paper = grey(BETWEEN(0, 0.08 * d->width));
    d->ink = grey(BETWEEN(1 - 0.2 * d->width, 1));
    room(d, image, BETWEEN(40, 110), 0.1, 0.8);
    write_digit(d, image);
}

/* --- what is printed --------------------------------------------------------------------------- */

/* A point (x, y) turned about the digit's middle by a small angle, whose sine is `lean`. */
static void leaning_line(draft *d, double x0, double y0, double x1, double y1, double lean,
                         double thick, rgb colour, double strength) {
    const double cx = d->left + d->wide / 2, cy = d->top + d->tall / 2,
                 cosine = sqrt(1 - lean * lean);
    draft_line(d, cx + (x0 - cx) * cosine - (y0 - cy) * lean,
               cy + (x0 - cx) * lean + (y0 - cy) * cosine,
               cx + (x1 - cx) * cosine - (y1 - cy) * lean,
               cy + (x1 - cx) * lean + (y1 - cy) * cosine, thick, colour, strength);
}

static void rectangle(draft *d, double top, double left, double bottom, double right, double lean,
                      double thick, rgb colour) {
    leaning_line(d, left, top, right, top, lean, thick, colour, 1);
    leaning_line(d, left, bottom, right, bottom, lean, thick, colour, 1);
    leaning_line(d, left, top, left, bottom, lean, thick, colour, 1);
    leaning_line(d, right, top, right, bottom, lean, thick, colour, 1);
}

/* How far a line of `thick` may be from the picture's edge and still leave 0.06 H to the digit. */
static double edge_room(const draft *d, double thick) {
    const double below = d->rows - d->top - d->tall, beside = d->columns - d->left - d->wide;
    return least(least(d->top, d->left), least(below, beside)) - 0.06 * d->unit - thick / 2;
}

static void draw_frame(draft *d, const uint8_t *image) {
    page(d, image);
    const double thick = BETWEEN(0.02, 0.07) * d->unit * d->width;
    const double in = least(BETWEEN(-0.02, 0.1) * d->unit * d->width, edge_room(d, thick));
    rectangle(d, in, in, d->rows - in, d->columns - in, 0, thick, grey(BETWEEN(0, 0.3)));
    write_digit(d, image);
}

static void draw_box(draft *d, const uint8_t *image) {
    pen_and_paper(d);
    room(d, image, BETWEEN(40, 110), 0.5, 1.2);
    const double w = d->width, h = d->unit, low = 0.12 / w, high = 0.25 * w;
    const double thick = BETWEEN(0.015, 0.045) * h * w;
    const double up = BETWEEN(low, high) * h + thick / 2, down = BETWEEN(low, high) * h + thick / 2;
    const double narrow = (d->tall - d->wide) / 2 > 0 ? (d->tall - d->wide) / 2
                                                      : 0; /* fields are not thinner for a 1 */
    const double before = up + narrow * BETWEEN(0.3, 1), after = down + narrow * BETWEEN(0.3, 1);
    rectangle(d, d->top - up, d->left - before, d->top + d->tall + down, d->left + d->wide + after,
              BETWEEN(-0.02, 0.02) * w, thick, grey(BETWEEN(0, 0.5)));
    write_digit(d, image);
}

/* Lines all across, `apart` pixels from each other, that lean. */
static void ruling(draft *d, bool upright, double apart, double lean, double thick, rgb colour,
                   double strength) {
    const double reach = d->rows + d->columns;
    const double first = (upright ? d->left : d->top) + BETWEEN(0, 1) * apart;
    for (double at = first - apart * ceil(reach / apart); at < reach; at += apart)
        if (upright)
            leaning_line(d, at, -reach, at, 2 * reach, lean, thick, colour, strength);
        else
            leaning_line(d, -reach, at, 2 * reach, at, lean, thick, colour, strength);
}

static rgb print_colour(draft *d) {
    static const rgb colours[] = {
        {{0.3F, 0.45F, 0.8F}}, {{0.4F, 0.4F, 0.4F}}, {{0.75F, 0.3F, 0.35F}}};
    return colours[dice_below(&d->dice, 3)];
}

static void draw_ruled(draft *d, const uint8_t *image) {
    page(d, image);
    const double w = d->width, thick = BETWEEN(0.012, 0.03) * d->unit * w;
    ruling(d, false, BETWEEN(0.5, 1.2) * d->unit, BETWEEN(-0.015, 0.015) * w, thick < 1 ? 1 : thick,
           print_colour(d), least(BETWEEN(0.4, 0.7) * w, 1));
    write_digit(d, image);
}

static void draw_grid(draft *d, const uint8_t *image) {
    page(d, image);
    const double w = d->width, thick = BETWEEN(0.01, 0.025) * d->unit * w,
                 lean = BETWEEN(-0.015, 0.015) * w;
    const double apart = BETWEEN(0.3, 0.7) * d->unit, strength = least(BETWEEN(0.35, 0.6) * w, 1);
    const rgb colour = print_colour(d);
    ruling(d, false, apart, lean, thick < 1 ? 1 : thick, colour, strength);
    ruling(d, true, apart, lean, thick < 1 ? 1 : thick, colour, strength);
    write_digit(d, image);
}

static void draw_underline(draft *d, const uint8_t *image) {
    pen_and_paper(d);
    room(d, image, BETWEEN(40, 110), 0.5, 1);
    const double w = d->width, h = d->unit, middle = d->left + d->wide / 2,
                 half = BETWEEN(0.4, 0.7) * h;
    const double thick = BETWEEN(0.05, 0.1) * h;
    double y = d->top + d->tall + thick / 2 + BETWEEN(0.1 / w, 0.2 * w) * h;
    for (int n = dice_below(&d->dice, 5) == 0 ? 2 : 1; n > 0; n--, y += 0.18 * h) {
        const double tilt =
            BETWEEN(0, 0.05) * w * half; /* the end that rises stays below the digit */
        const bool left = dice_below(&d->dice, 2) == 0;
        draft_line(d, middle - half, y + (left ? tilt : 0), middle + half, y + (left ? 0 : tilt),
                   thick, d->ink, 1);
    }
    write_digit(d, image);
}

static void draw_crossing(draft *d, const uint8_t *image) {
    page(d, image);
    const double thick = BETWEEN(0.02, 0.06) * d->unit * d->width, most = edge_room(d, thick);
    const double y = least(BETWEEN(0.02, 0.15) * d->unit * d->width, most),
                 x = least(BETWEEN(0.02, 0.15) * d->unit * d->width, most);
    const rgb colour = grey(BETWEEN(0, 0.2));
    const bool low = dice_below(&d->dice, 2), right = dice_below(&d->dice, 2);
    const double at_y = low ? d->rows - y : y, at_x = right ? d->columns - x : x;
    draft_line(d, -9, at_y, d->columns + 9, at_y, thick, colour, 1);
    draft_line(d, at_x, -9, at_x, d->rows + 9, thick, colour, 1);
    write_digit(d, image);
}

/* --- dirt and light ---------------------------------------------------------------------------- */

static void draw_specks(draft *d, const uint8_t *image) {
    page(d, image);
    for (int i = 0; i < (int)(20 * d->width); i++) {
        const double y = BETWEEN(0, d->rows), x = BETWEEN(0, d->columns);
        draft_dot(d, x, y, BETWEEN(0.008, 0.03) * d->unit * d->width, grey(BETWEEN(0, 0.5)));
    }
    write_digit(d, image);
}

static void draw_gradient(draft *d, const uint8_t *image) {
    page(d, image);
    write_digit(d, image);
    draft_gradient(d, 1 - BETWEEN(0.25, 0.42) * d->width);
    draft_noise(d, 0.01);
}

static void draw_shadow(draft *d, const uint8_t *image) {
    page(d, image);
    write_digit(d, image);
    const double soft = BETWEEN(1, 4), distance = BETWEEN(-0.7, 0.7) * d->unit;
    draft_shadow(d, 1 - BETWEEN(0.25, 0.42) * d->width, soft, distance);
    draft_noise(d, 0.01);
}

static void draw_uneven(draft *d, const uint8_t *image) {
    page(d, image);
    write_digit(d, image);
    draft_blotches(d, 3 + dice_below(&d->dice, 5), 0.15 * d->width);
    draft_noise(d, 0.02 * d->width);
}

/* --- the pen ----------------------------------------------------------------------------------- */

static void trace(draft *d, const uint8_t *image, double radius) {
    page(d, image);
    draft_trace_digit(d, image, d->top, d->left, scale_of(d, image), radius);
    draft_lay_ink(d);
}

static void draw_thin(draft *d, const uint8_t *image) {
    trace(d, image, BETWEEN(0.3, 0.5) / d->width);
}

static void draw_thick(draft *d, const uint8_t *image) {
    trace(d, image, BETWEEN(1.5, 1.9) + 0.4 * (d->width - 1));
}

static void draw_pencil(draft *d, const uint8_t *image) {
    page(d, image);
    d->ink = grey(d->paper.c[0] - BETWEEN(0.15, 0.3) / d->width);
    draft_write_digit(d, image, d->top, d->left, scale_of(d, image));
    draft_pencil_grain(d);
    draft_lay_ink(d);
    draft_noise(d, 0.01);
}

/* Pairs that people use: their grey values are at least a fifth apart. At twice the width paper and ink come nearer. */
static void draw_coloured(draft *d, const uint8_t *image) {
    static const rgb pairs[][2] = {{{{0.98F, 0.95F, 0.55F}}, {{0.1F, 0.15F, 0.6F}}},
                                   {{{0.75F, 0.9F, 0.75F}}, {{0.65F, 0.1F, 0.1F}}},
                                   {{{0.95F, 0.75F, 0.8F}}, {{0.1F, 0.35F, 0.2F}}},
                                   {{{0.65F, 0.8F, 0.95F}}, {{0.5F, 0.1F, 0.45F}}},
                                   {{{1, 1, 1}}, {{0.85F, 0.2F, 0.15F}}},
                                   {{{1, 1, 1}}, {{0.15F, 0.6F, 0.25F}}},
                                   {{{0.95F, 0.9F, 0.8F}}, {{0.2F, 0.3F, 0.75F}}},
                                   {{{0.1F, 0.3F, 0.2F}}, {{0.95F, 0.95F, 0.85F}}},
                                   {{{0.1F, 0.15F, 0.4F}}, {{0.95F, 0.85F, 0.2F}}},
                                   {{{0.75F, 0.15F, 0.15F}}, {{1, 1, 1}}}};
    const rgb *pair = pairs[dice_below(&d->dice, sizeof pairs / sizeof *pairs)];
    d->paper = pair[0];
    for (int c = 0; c < 3; c++)
        d->ink.c[c] = (float)(pair[0].c[c] + (pair[1].c[c] - pair[0].c[c]) / d->width);
    room(d, image, BETWEEN(40, 110), 0.2, 0.8);
    write_digit(d, image);
}

/* --- how it is stored -------------------------------------------------------------------------- */

static void draw_jpeg(draft *d, const uint8_t *image) {
    page(d, image);
    write_digit(d, image);
    draft_noise(d, 0.01 * d->width);
    d->form = FORM_JPEG;
    d->quality = (int)(30 / d->width);
}

static void draw_exif_jpeg(draft *d, const uint8_t *image) {
    page(d, image);
    write_digit(d, image);
    d->form = FORM_JPEG;
    d->quality = (int)(90 - 30 * (d->width - 1));
    d->orientation = 2 + dice_below(&d->dice, 7);
}

static void draw_exif_png(draft *d, const uint8_t *image) {
    draw_large(d, image);
    d->orientation = 2 + dice_below(&d->dice, 7);
}

static void draw_alpha_black(draft *d, const uint8_t *image) {
    room(d, image, BETWEEN(40, 110), 0.1 / d->width, 0.6 * d->width);
    write_digit(d, image);
    d->alpha = ALPHA_BLACK;
}

static void draw_alpha_white(draft *d, const uint8_t *image) {
    draw_alpha_black(d, image);
    d->alpha = ALPHA_WHITE;
}

static void draw_scan12(draft *d, const uint8_t *image) {
    page(d, image);
    write_digit(d, image);
    draft_noise(d, 0.005);
    d->most = d->width > 1 ? 1023 : 4095;
}

static void draw_scan16(draft *d, const uint8_t *image) {
    draw_large(d, image);
    draft_noise(d, 0.005);
    d->most = 65535;
}

/* All at once: a photo from the hand. */
static void draw_photo(draft *d, const uint8_t *image) {
    const double w = d->width;
    d->paper =
        (rgb){{(float)BETWEEN(0.85, 0.95), (float)BETWEEN(0.82, 0.92), (float)BETWEEN(0.75, 0.9)}};
    d->ink =
        (rgb){{(float)BETWEEN(0.05, 0.25), (float)BETWEEN(0.05, 0.25), (float)BETWEEN(0.1, 0.5)}};
    room(d, image, BETWEEN(60, 150), 0.4, 1.2 * w);
    write_digit(d, image);
    draft_gradient(d, 1 - 0.25 * w);
    draft_blotches(d, 4, 0.05 * w);
    draft_noise(d, 0.015 * w);
    d->form = FORM_JPEG;
    d->quality = (int)(70 / w);
    d->orientation = 1 + dice_below(&d->dice, 8);
}

const kind kinds[] = {
    {"plain", "an image of the data set as it is", draw_plain, false},
    {"small", "28 x 28, dark on white, with a margin", draw_small, false},
    {"small-full", "28 x 28, dark on white, scaled to fill", draw_small_full, false},
    {"large", "dark on white, 40 to 200 pixels", draw_large, false},
    {"dark", "light on dark", draw_dark, false},
    {"frame", "a frame at or near the picture's edge", draw_frame, false},
    {"box", "a form field around the digit", draw_box, false},
    {"ruled", "ruled paper, lines across the digit", draw_ruled, false},
    {"grid", "squared paper", draw_grid, false},
    {"underline", "underlined, with the same pen, at times twice", draw_underline, false},
    {"crossing", "two dark lines from edge to edge, crossing in a corner", draw_crossing, false},
    {"specks", "20 specks of dust", draw_specks, false},
    {"gradient", "light that falls off across the picture", draw_gradient, false},
    {"shadow", "a shadow with a hard edge", draw_shadow, false},
    {"uneven", "blotched, grainy paper", draw_uneven, false},
    {"thin", "a thin pen", draw_thin, true},
    {"thick", "a thick pen", draw_thick, true},
    {"pencil", "a faint pencil", draw_pencil, false},
    {"coloured", "coloured ink on coloured paper", draw_coloured, false},
    {"jpeg", "JPEG of quality 30", draw_jpeg, false},
    {"exif-jpeg", "JPEG, turned by its EXIF orientation", draw_exif_jpeg, false},
    {"exif-png", "PNG, turned by its eXIf orientation", draw_exif_png, false},
    {"alpha-black", "black strokes on transparency", draw_alpha_black, false},
    {"alpha-white", "white strokes on transparency", draw_alpha_white, false},
    {"scan12", "12 bits stored in 16", draw_scan12, false},
    {"scan16", "16 bits", draw_scan16, false},
    {"photo", "tinted paper, light, noise, JPEG and orientation at once", draw_photo, false},
};
const int n_kinds = sizeof kinds / sizeof *kinds;
