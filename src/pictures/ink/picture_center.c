/* A picture of one digit made into what MNIST's makers would have made of it. */
#include <string.h>

#include "pictures/ink.h"
#include "base/memory.h"
#include "pictures/ink/steps.h"
#include "pictures/picture_resize.h"

enum {
    LONGEST =
        1024, /* the side on which ink is looked for: a digit that is a tenth as high still has 100 rows */
    GRAIN = 30, /* a digit's longest side is at least this part of the picture's shorter one */
    SIDE = LKS_MNIST_SIDE
};

/* --- images that are MNIST's ------------------------------------------------------------------ */

/* All 70,000 images of MNIST are so: the longest side is 19 or 20, the brightest value 254 or 255, and they lie at most
 * one pixel from where lks_ink_image() would put them. */
static bool is_prepared(const lks_picture *p) {
    if (p->rows != SIDE || p->columns != SIDE || p->channels != 1)
        return false;
    int top = SIDE, left = SIDE, bottom = -1, right = -1, most = 0;
    int64_t mass = 0, down = 0, across = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const int v = p->pixels[y * SIDE + x];
            if (v == 0)
                continue;
            top = y < top ? y : top;
            left = x < left ? x : left;
            bottom = y;
            right = x > right ? x : right;
            most = v > most ? v : most;
            mass += v;
            down += v * (2 * y + 1);
            across += v * (2 * x + 1);
        }
    const int rows = bottom - top + 1, columns = right - left + 1,
              side = rows > columns ? rows : columns;
    if (most < 254 || side < 19 || side > 20)
        return false;
    const int y = lks_ink_place(mass, down - 2 * top * mass, rows) - top,
              x = lks_ink_place(mass, across - 2 * left * mass, columns) - left;
    return y >= -1 && y <= 1 && x >= -1 && x <= 1;
}

static bool hand_on(lks_picture *p, uint8_t *out) {
    if (!lks_picture_is_opaque(p) || !lks_picture_is_grey(p))
        return false;
    lks_picture_flatten(p, 0);
    lks_picture_make_grey(p);
    if (!is_prepared(p))
        return false;
    memcpy(out, p->pixels, (size_t)SIDE * SIDE);
    return true;
}

/* --- the digit's parts ------------------------------------------------------------------------ */

static int longest(const lks_ink_part *p) {
    return p->rows > p->columns ? p->rows : p->columns;
}

static int gap(int first, int end, int other, int other_end) {
    return other >= end ? other - end : first >= other_end ? first - other_end : 0;
}

/* How far their boxes are apart. */
static int distance(const lks_ink_part *p, const lks_ink_part *q) {
    const int down = gap(p->top, p->top + p->rows, q->top, q->top + q->rows);
    const int across = gap(p->left, p->left + p->columns, q->left, q->left + q->columns);
    return down > across ? down : across;
}

/* The part with the most ink; one that touches the edge only where it has four times as much. */
static int main_part(const lks_ink *ink, const lks_ink_parts *parts) {
    int best = -1;
    int64_t most = -1;
    for (int i = 0; i < parts->n; i++) {
        const lks_ink_part *p = &parts->parts[i];
        const bool edge = p->top == 0 || p->left == 0 || p->top + p->rows == ink->rows ||
                          p->left + p->columns == ink->columns;
        const int64_t weight = edge ? p->mass : 4 * p->mass;
        if (weight > most) {
            most = weight;
            best = i;
        }
    }
    return best;
}

/* On paper with a grain, a speck that nothing larger stands beside is no digit. */
static bool is_grain(const lks_ink *ink, const lks_ink_part *p) {
    const int shorter = ink->rows < ink->columns ? ink->rows : ink->columns;
    return !ink->exact && GRAIN * longest(p) < shorter;
}

/* Whether it may be a digit beside the main part, or half of that. A bar that stands off a 5 is long, but has less ink. */
static bool is_another(const lks_ink_part *p, const lks_ink_part *best) {
    return 2 * longest(p) >= longest(best) && 10 * p->mass >= 3 * best->mass;
}

/* The main part, and what is near it and no speck: strokes that do not meet. */
static void choose(const lks_ink *ink, const lks_ink_parts *parts, bool *chosen,
                   lks_picture_info *info) {
    const int best = main_part(ink, parts);
    for (int i = 0; i < parts->n; i++) {
        const lks_ink_part *p = &parts->parts[i], *q = &parts->parts[best];
        chosen[i] = i == best || (4 * longest(p) >= longest(q) && 4 * distance(p, q) <= longest(q));
        info->parts += is_another(p, q);
        if (!chosen[i]) {
            info->specks++;
            info->dropped += p->mass;
            info->kept -= p->mass;
        }
    }
    info->blank = parts->n == 0 || is_grain(ink, &parts->parts[best]);
}

static lks_status image_of(const lks_ink *ink, uint8_t *out, lks_picture_info *info,
                           lks_error *err) {
    lks_ink_parts parts;
    LKS_TRY(lks_ink_parts_find(&parts, ink, err));
    lks_status status = LKS_ERR_MEMORY;
    bool *chosen = lks_alloc((size_t)parts.n, sizeof *chosen, "parts", err);
    if (chosen) {
        choose(ink, &parts, chosen, info);
        if (info->blank)
            memset(chosen, 0, (size_t)parts.n * sizeof *chosen);
        status = lks_ink_image(ink, &parts, chosen, out, err);
    }
    lks_free(chosen);
    lks_ink_parts_free(&parts);
    return status;
}

lks_status lks_picture_center(lks_picture *p, uint8_t *out, lks_picture_info *info,
                              lks_error *err) {
    lks_ink ink;
    *info = (lks_picture_info){.parts = 1, .unchanged = hand_on(p, out)};
    if (info->unchanged)
        return LKS_OK;
    info->parts = 0;
    LKS_TRY(lks_ink_separate(&ink, p, LONGEST, err));
    info->lines = ink.lines;
    info->specks = ink.specks;
    info->dropped = ink.dropped;
    info->kept = ink.kept;
    const lks_status status = image_of(&ink, out, info, err);
    lks_ink_free(&ink);
    return status;
}
