/* Paper, pen and light: see draft.h. */
#include "draft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- chance ------------------------------------------------------------------------------------ */

uint32_t dice_u32(dice *d) {
    uint64_t z = d->state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (uint32_t)((z ^ (z >> 31)) >> 32);
}

double dice_between(dice *d, double low, double high) {
    return low + (high - low) * (dice_u32(d) / 4294967296.0);
}

int dice_below(dice *d, int n) {
    return (int)((uint64_t)dice_u32(d) * (uint64_t)n >> 32);
}

double dice_normal(dice *d) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += dice_between(d, 0, 1);
    return sum;
}

/* A direction, as a unit vector. */
static void direction(dice *d, double *dx, double *dy) {
    double r;
    do {
        *dx = dice_between(d, -1, 1);
        *dy = dice_between(d, -1, 1);
        r = sqrt(*dx * *dx + *dy * *dy);
    } while (r > 1 || r < 0.1);
    *dx /= r;
    *dy /= r;
}

static double clamp(double v) {
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* --- paper ------------------------------------------------------------------------------------- */

static void *must(void *memory) {
    if (!memory)
        abort();
    return memory;
}

void draft_begin(draft *d, int rows, int columns) {
    draft_free(d);
    const size_t n = (size_t)rows * (size_t)columns;
    d->rows = rows;
    d->columns = columns;
    d->light = must(malloc(n * 3 * sizeof *d->light));
    d->covered = must(calloc(n, sizeof *d->covered));
    for (size_t i = 0; i < n; i++)
        memcpy(d->light + 3 * i, d->paper.c, sizeof d->paper.c);
}

void draft_free(draft *d) {
    free(d->light);
    free(d->covered);
    d->light = d->covered = NULL;
}

static void blend(float *light, const rgb *colour, double share) {
    for (int c = 0; c < 3; c++)
        light[c] = (float)(light[c] * (1 - share) + colour->c[c] * share);
}

void draft_line(draft *d, double x0, double y0, double x1, double y1, double thick, rgb colour,
                double strength) {
    const double dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
    for (int y = 0; y < d->rows; y++)
        for (int x = 0; x < d->columns; x++) {
            const double px = x + 0.5 - x0, py = y + 0.5 - y0,
                         t = clamp((px * dx + py * dy) / length2);
            const double ex = px - t * dx, ey = py - t * dy, away = sqrt(ex * ex + ey * ey);
            const double share = clamp(thick / 2 - away + 0.5) * strength;
            if (share > 0)
                blend(d->light + 3 * ((size_t)y * (size_t)d->columns + (size_t)x), &colour, share);
        }
}

void draft_dot(draft *d, double x, double y, double radius, rgb colour) {
    /* A speck thinner than a pixel hides a part of it only. */
    const double strength = radius < 0.5 ? 2 * radius : 1;
    draft_line(d, x, y, x + 1e-3, y, 2 * radius, colour, strength);
}

/* --- pen --------------------------------------------------------------------------------------- */

ink_box ink_box_of(const uint8_t *image) {
    int top = MNIST, bottom = -1, left = MNIST, right = -1;
    for (int i = 0; i < MNIST * MNIST; i++)
        if (image[i]) {
            const int y = i / MNIST, x = i % MNIST;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
            left = x < left ? x : left;
            right = x > right ? x : right;
        }
    return (ink_box){top, left, bottom - top + 1, right - left + 1};
}

/* The image between its pixels' centres, 0..1. */
static double ink_at(const uint8_t *image, double x, double y) {
    const double fx = floor(x - 0.5), fy = floor(y - 0.5), a = x - 0.5 - fx, b = y - 0.5 - fy;
    double sum = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            const int u = (int)fx + i, v = (int)fy + j;
            if (u >= 0 && v >= 0 && u < MNIST && v < MNIST)
                sum += (i ? a : 1 - a) * (j ? b : 1 - b) * image[v * MNIST + u];
        }
    return sum / 255;
}

static void cover(draft *d, int x, int y, double share) {
    if (x < 0 || y < 0 || x >= d->columns || y >= d->rows)
        return;
    float *at = d->covered + (size_t)y * (size_t)d->columns + x;
    *at = (float)share > *at ? (float)share : *at;
}

void draft_write_digit(draft *d, const uint8_t *image, double top, double left, double scale) {
    const ink_box b = ink_box_of(image);
    const double sharp =
        scale > 1.5 ? scale / 1.5 : 1; /* a pen's edge is not wider on a larger picture */
    const double from_x = b.left - left / scale, from_y = b.top - top / scale;
    const int y1 = (int)(top + b.rows * scale) + 2, x1 = (int)(left + b.columns * scale) + 2;
    for (int y = (int)top - 1; y <= y1; y++)
        for (int x = (int)left - 1; x <= x1; x++) {
            double sum = 0; /* the mean of 3 x 3 places within the pixel */
            for (int k = 0; k < 9; k++)
                sum += ink_at(image, from_x + (x + (2 * (k % 3) + 1) / 6.0) / scale,
                              from_y + (y + (2 * (k / 3) + 1) / 6.0) / scale);
            const double v = clamp((sum / 9 - 0.5) * sharp + 0.5);
            if (v > 0)
                cover(d, x, y, sharp > 1 ? v : sum / 9);
        }
}

enum { FINE = 6, SIDE = MNIST * FINE };

/* Lines one pixel thick: T. Y. Zhang and C. Y. Suen, Communications of the ACM 27 (1984), p. 236. */
static void thin(uint8_t *ink) {
    static const int around[8] = {-SIDE, 1 - SIDE, 1, SIDE + 1, SIDE, SIDE - 1, -1, -SIDE - 1};
    uint8_t *gone = must(calloc(SIDE * SIDE, 1));
    int still = 0; /* passes in a row that took nothing away */
    for (int pass = 0; still < 2; pass++) {
        bool any = false;
        for (int i = SIDE + 1; i < SIDE * SIDE - SIDE - 1; i++) {
            if (!ink[i])
                continue;
            int p[9], n = 0, turns = 0;
            for (int k = 0; k < 8; k++)
                n += p[k] = ink[i + around[k]];
            p[8] = p[0];
            for (int k = 0; k < 8; k++)
                turns += !p[k] && p[k + 1];
            const bool side =
                pass % 2 ? !(p[0] && p[6] && (p[2] || p[4])) : !(p[2] && p[4] && (p[0] || p[6]));
            const bool corner = pass % 2 ? !(p[0] && p[2] && p[6]) && !(p[0] && p[4] && p[6])
                                         : !(p[0] && p[2] && p[4]) && !(p[2] && p[4] && p[6]);
            gone[i] = n >= 2 && n <= 6 && turns == 1 && side && corner;
            any = any || gone[i];
        }
        for (int i = 0; i < SIDE * SIDE; i++) {
            ink[i] = ink[i] && !gone[i];
            gone[i] = 0;
        }
        still = any ? 0 : still + 1;
    }
    free(gone);
}

/* Gives the area of paper or ink around `at` the mark `mark`; returns its size, negative where it reaches the border. */
static int mark_area(uint8_t *v, int at, uint8_t mark, bool corners) {
    const uint8_t from = v[at];
    int *queue = must(malloc(SIDE * SIDE * sizeof *queue)), head = 0, tail = 0;
    bool edge = false;
    v[queue[tail++] = at] = mark;
    while (head < tail) {
        const int y = queue[head] / SIDE, x = queue[head] % SIDE;
        head++;
        for (int k = 0; k < 9; k++) {
            const int j = y + k / 3 - 1, i = x + k % 3 - 1;
            const bool inside = j >= 0 && i >= 0 && j < SIDE && i < SIDE;
            edge = edge || !inside;
            if (inside && (corners || k % 2) && v[j * SIDE + i] == from)
                v[queue[tail++] = j * SIDE + i] = mark;
        }
    }
    free(queue);
    return edge ? -tail : tail;
}

/* Loops of a digit that is in one piece; less than 0 of one in pieces. */
static int loops(const uint8_t *ink) {
    enum { SPECK = 12 }; /* fine pixels: a third of one of MNIST's */
    uint8_t *v = must(malloc(SIDE * SIDE));
    int n = 0, pieces = 0;
    memcpy(v, ink, SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        if (v[i] > 1)
            continue;
        const bool is_ink = v[i];
        const int area = mark_area(v, i, 2, is_ink);
        pieces += is_ink;
        n += !is_ink && area >= SPECK;
    }
    free(v);
    return pieces == 1 ? n : -pieces;
}

/* The digit's ink, finer: cut so that it is in one piece and its loops are open, as a person's are. */
static void fine_ink(uint8_t *ink, const uint8_t *image) {
    static const double cuts[] = {0.45, 0.55, 0.35, 0.25};
    double best = cuts[0];
    int most = -SIDE * SIDE;
    for (int k = 0; k <= 4; k++) {
        const double cut = k < 4 ? cuts[k] : best;
        for (int i = 0; i < SIDE * SIDE; i++)
            ink[i] = ink_at(image, (i % SIDE + 0.5) / FINE, (i / SIDE + 0.5) / FINE) > cut;
        const int n = k < 4 ? loops(ink) : most;
        if (n > most) {
            most = n;
            best = cut;
        }
    }
}

/* `radius`, or less where that would fill a loop: a person writes it larger then. */
static double open_radius(const uint8_t *line, double radius) {
    uint8_t *pen = must(malloc(SIDE * SIDE));
    const int wanted = loops(line);
    for (; radius > 0.6; radius -= 0.1) {
        const int reach = (int)(radius * FINE);
        memset(pen, 0, SIDE * SIDE);
        for (int i = 0; i < SIDE * SIDE; i++)
            for (int k = 0; line[i] && k < (2 * reach + 1) * (2 * reach + 1); k++) {
                const int j = k / (2 * reach + 1) - reach, l = k % (2 * reach + 1) - reach;
                const int y = i / SIDE + j, x = i % SIDE + l;
                if (y >= 0 && x >= 0 && y < SIDE && x < SIDE &&
                    j * j + l * l <= radius * radius * FINE * FINE)
                    pen[y * SIDE + x] = 1;
            }
        if (loops(pen) >= wanted)
            break;
    }
    free(pen);
    return radius;
}

bool draft_can_trace(const uint8_t *image, int label) {
    static const int least[10] = {1, 0, 0, 0, 0, 0, 1, 0, 2, 1};
    uint8_t *ink = must(malloc(SIDE * SIDE));
    fine_ink(ink, image);
    thin(ink);
    const bool can = loops(ink) >= least[label];
    free(ink);
    return can;
}

void draft_trace_digit(draft *d, const uint8_t *image, double top, double left, double scale,
                       double radius) {
    const ink_box b = ink_box_of(image);
    uint8_t *ink = must(malloc(SIDE * SIDE));
    fine_ink(ink, image);
    thin(ink);
    const double r = open_radius(ink, radius) * scale, strength = r < 0.5 ? 2 * r : 1;
    const int reach = (int)r + 2;
    for (int i = 0; i < SIDE * SIDE; i++) {
        if (!ink[i])
            continue;
        const double cx = left + ((i % SIDE + 0.5) / FINE - b.left) * scale;
        const double cy = top + ((i / SIDE + 0.5) / FINE - b.top) * scale;
        for (int y = (int)cy - reach; y <= (int)cy + reach; y++)
            for (int x = (int)cx - reach; x <= (int)cx + reach; x++) {
                const double ex = x + 0.5 - cx, ey = y + 0.5 - cy;
                cover(d, x, y,
                      clamp((r < 0.5 ? 0.5 : r) - sqrt(ex * ex + ey * ey) + 0.5) * strength);
            }
    }
    free(ink);
}

void draft_pencil_grain(draft *d) {
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    for (size_t i = 0; i < n; i++)
        d->covered[i] *= (float)dice_between(&d->dice, 0.55, 1);
}

void draft_lay_ink(draft *d) {
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    for (size_t i = 0; i < n; i++)
        blend(d->light + 3 * i, &d->ink, d->covered[i]);
}

/* --- light ------------------------------------------------------------------------------------- */

static void shine(draft *d, int x, int y, double factor) {
    float *light = d->light + 3 * ((size_t)y * (size_t)d->columns + (size_t)x);
    for (int c = 0; c < 3; c++)
        light[c] = (float)clamp(light[c] * factor);
}

void draft_gradient(draft *d, double low) {
    double dx, dy;
    direction(&d->dice, &dx, &dy);
    const double half = (fabs(dx) * d->columns + fabs(dy) * d->rows) / 2;
    for (int y = 0; y < d->rows; y++)
        for (int x = 0; x < d->columns; x++) {
            const double t =
                ((x + 0.5 - d->columns / 2.0) * dx + (y + 0.5 - d->rows / 2.0) * dy) / half;
            shine(d, x, y, 1 - (1 - low) * (t + 1) / 2);
        }
}

void draft_shadow(draft *d, double factor, double soft, double distance) {
    double dx, dy;
    direction(&d->dice, &dx, &dy);
    const double cx = d->left + d->wide / 2, cy = d->top + d->tall / 2;
    for (int y = 0; y < d->rows; y++)
        for (int x = 0; x < d->columns; x++) {
            const double beyond = (x + 0.5 - cx) * dx + (y + 0.5 - cy) * dy - distance;
            shine(d, x, y, 1 - (1 - factor) * clamp(beyond / soft + 0.5));
        }
}

void draft_blotches(draft *d, int cells, double amount) {
    const int knots = cells + 1;
    double *knot = must(malloc((size_t)(knots * knots) * sizeof *knot));
    for (int i = 0; i < knots * knots; i++)
        knot[i] = dice_between(&d->dice, -amount, amount);
    for (int y = 0; y < d->rows; y++)
        for (int x = 0; x < d->columns; x++) {
            const double u = (x + 0.5) / d->columns * cells, v = (y + 0.5) / d->rows * cells;
            const int i = (int)u, j = (int)v;
            const double a = (u - i) * (u - i) * (3 - 2 * (u - i)),
                         b = (v - j) * (v - j) * (3 - 2 * (v - j));
            const double *k = knot + j * knots + i;
            shine(d, x, y,
                  1 + (1 - b) * ((1 - a) * k[0] + a * k[1]) +
                      b * ((1 - a) * k[knots] + a * k[knots + 1]));
        }
    free(knot);
}

void draft_noise(draft *d, double sigma) {
    const size_t n = (size_t)d->rows * (size_t)d->columns;
    for (size_t i = 0; i < n; i++) {
        const double v = sigma * dice_normal(&d->dice);
        for (int c = 0; c < 3; c++)
            d->light[3 * i + (size_t)c] = (float)clamp(d->light[3 * i + (size_t)c] + v);
    }
}
