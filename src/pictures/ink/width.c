/* Strokes as wide as the training images': thin pens become broader, felt pens narrower. */
#include <string.h>

#include "base/memory.h"
#include "pictures/ink/steps.h"
#include "pictures/picture_resize.h"

/* The breadth of strokes is the ink divided by how much values change from pixel to pixel, across and down: a stroke
 * w wide has w / 2 for each pixel along when it is level or upright, pi w / 8 in the mean of all directions; soft edges
 * do not matter. In 1/1000 pixel of an image whose longest side is 20. MNIST's 60,000 training images have: 1 in 100
 * below 589, 1 in 20 below 668, half below 980, 1 in 20 above 1501, 1 in 100 above 1800, the largest 3271. */
enum {
    THIN = 589,
    BROADENED = 850,
    THICK = 1800,
    NARROWED = 1300,
    STROKES_MOST = 3300, /* what is broader is no stroke */
    WIDTH = 2546,        /* 1000 * 8 / pi: of a stroke, for a breadth of 1 */
    FINE = 80,           /* strokes change on a picture with this longest side */
    MARGIN = 12
};

static int64_t apart(int a, int b) {
    return a > b ? a - b : b - a;
}

static int breadth(const lks_picture *p) {
    const int side = p->rows > p->columns ? p->rows : p->columns;
    int64_t ink = 0, change = 0;
    const uint8_t *v = p->pixels;
    for (int y = 0; y < p->rows; y++)
        for (int x = 0; x < p->columns; x++, v++) {
            ink += *v;
            change += apart(*v, x > 0 ? v[-1] : 0) + apart(*v, y > 0 ? v[-p->columns] : 0);
            change += (x + 1 == p->columns ? *v : 0) + (y + 1 == p->rows ? *v : 0);
        }
    return change == 0 ? 0 : (int)(ink * 20000 / (change * side));
}

/* How far the edges of strokes have to move, in 1/1000 pixel of the fine picture, from breadth @p from to @p to; the
 * longest side moves with them. */
static int64_t shift(int from, int to) {
    return 4 * WIDTH * (int64_t)(to > from ? to - from : from - to) /
           (2 * (1000 - WIDTH * to / 20000));
}

/* The largest or the smallest value of @p from within @p reach thousandths of a pixel. */
static void move_edges(uint8_t *to, const uint8_t *from, int rows, int columns, int64_t reach,
                       bool broaden) {
    const int r = (int)(reach / 1000);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            int best = from[y * columns + x];
            for (int j = -r; j <= r; j++)
                for (int i = -r; i <= r; i++) {
                    if ((j * j + i * i) * 1000000 > reach * reach)
                        continue;
                    const bool inside = y + j >= 0 && y + j < rows && x + i >= 0 && x + i < columns;
                    const int v = inside ? from[(y + j) * columns + x + i] : 0;
                    best = (broaden ? v > best : v < best) ? v : best;
                }
            to[y * columns + x] = (uint8_t)best;
        }
}

/* Cuts what is empty around the ink off, in place. False if there is none. */
static bool crop(lks_picture *p) {
    int top = p->rows, bottom = -1, left = p->columns, right = -1;
    for (int y = 0; y < p->rows; y++)
        for (int x = 0; x < p->columns; x++)
            if (p->pixels[y * p->columns + x]) {
                top = y < top ? y : top;
                bottom = y;
                left = x < left ? x : left;
                right = x > right ? x : right;
            }
    if (bottom < 0)
        return false;
    for (int y = top; y <= bottom; y++)
        memmove(p->pixels + (y - top) * (right - left + 1), p->pixels + y * p->columns + left,
                (size_t)(right - left + 1));
    p->rows = bottom - top + 1;
    p->columns = right - left + 1;
    return true;
}

lks_status lks_ink_fit_width(lks_picture *p, lks_error *err) {
    const int from = breadth(p), side = p->rows > p->columns ? p->rows : p->columns;
    if ((from >= THIN && from <= THICK) || from > STROKES_MOST)
        return LKS_OK;
    const bool broaden = from < THIN;
    const int64_t reach = shift(from, broaden ? BROADENED : NARROWED);
    const int rows = lks_picture_scaled(p->rows, FINE, side, FINE);
    const int columns = lks_picture_scaled(p->columns, FINE, side, FINE);
    const int stride = columns + 2 * MARGIN, all = rows + 2 * MARGIN;
    const size_t bytes = (size_t)all * (size_t)stride;
    uint8_t *fine = lks_alloc(2, bytes, "a digit", err);
    if (!fine)
        return LKS_ERR_MEMORY;
    lks_status status = lks_picture_resize(
        p, rows, columns, 1, fine + bytes + MARGIN * stride + MARGIN, (size_t)stride, err);
    move_edges(fine, fine + bytes, all, stride, reach, broaden);
    lks_picture moved = {all, stride, 1, fine};
    if (status == LKS_OK && crop(&moved)) {
        lks_picture_free(p);
        *p = moved;
        return LKS_OK;
    }
    lks_free(fine);
    return status;
}
