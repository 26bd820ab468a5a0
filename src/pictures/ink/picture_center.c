/* A picture of a digit made into what MNIST's makers would have made of it: steps and constants are in
 * include/lockstep/picture.h, and a page in JavaScript can repeat them byte by byte. The place by the
 * centre of mass was recovered from the data: it gives that of 9,999 of the 10,000 test images. */
#include <string.h>

#include "pictures/picture_resize.h"

enum { SIDE = LKS_MNIST_SIDE, LONGEST = 20, LEAST_CONTRAST = 16 };

typedef struct box {
    int top, left, rows, columns;
} box;

/* --- light ink on black ----------------------------------------------------------------------- */

/* How many pixels of the border there are of each value. */
static int64_t count_border(const lks_picture *p, int64_t counts[256]) {
    const int last = p->rows - 1;
    memset(counts, 0, 256 * sizeof *counts);
    for (int y = 0; y < p->rows; y++) {
        const uint8_t *row = p->pixels + (size_t)y * (size_t)p->columns;
        const int step = y == 0 || y == last || p->columns == 1 ? 1 : p->columns - 1;
        for (int x = 0; x < p->columns; x += step)
            counts[row[x]]++;
    }
    int64_t n = 0;
    for (int v = 0; v < 256; v++)
        n += counts[v];
    return n;
}

static bool is_dark_on_light(const int64_t counts[256], int64_t n) {
    int64_t sum = 0;
    for (int v = 0; v < 256; v++)
        sum += v * counts[v];
    return sum > 127 * n;
}

/* The smallest value that three quarters of the border do not exceed: the rest may be ink. */
static int ground_of(const int64_t counts[256], int64_t n) {
    int64_t below = 0;
    int v = 0;
    while ((below += counts[v]) * 4 < 3 * n)
        v++;
    return v;
}

static int largest(const uint8_t *v, size_t n) {
    int most = 0;
    for (size_t i = 0; i < n; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

/* From @p low on, which becomes 0, up to @p high, which becomes 255; ratios are kept, rounded. */
static void stretch(uint8_t *v, size_t n, int low, int high) {
    const int range = high - low;
    for (size_t i = 0; i < n; i++)
        v[i] = v[i] <= low ? 0 : (uint8_t)(((v[i] - low) * 255 + range / 2) / range);
}

/* False where nothing stands out from the ground. */
static bool separate(lks_picture *p) {
    const size_t pixels = (size_t)p->rows * (size_t)p->columns;
    int64_t counts[256];
    int64_t n = count_border(p, counts);
    if (is_dark_on_light(counts, n)) {
        for (size_t i = 0; i < pixels; i++)
            p->pixels[i] = (uint8_t)(255 - p->pixels[i]);
        n = count_border(p, counts);
    }
    const int ground = ground_of(counts, n), top = largest(p->pixels, pixels);
    if (top - ground < LEAST_CONTRAST)
        return false;
    if (ground > 0)
        stretch(p->pixels, pixels, ground + (top - ground) / 4, top);
    return true;
}

/* --- its place -------------------------------------------------------------------------------- */

static bool has_ink(const uint8_t *row, int columns) {
    for (int x = 0; x < columns; x++)
        if (row[x])
            return true;
    return false;
}

/* The smallest box around all ink, of which there is some. */
static box find_ink(const lks_picture *p) {
    int top = 0, bottom = p->rows - 1, left = p->columns, right = -1;
    const size_t stride = (size_t)p->columns;
    while (!has_ink(p->pixels + (size_t)top * stride, p->columns))
        top++;
    while (!has_ink(p->pixels + (size_t)bottom * stride, p->columns))
        bottom--;
    for (int y = top; y <= bottom; y++) {
        const uint8_t *row = p->pixels + (size_t)y * stride;
        for (int x = 0; x < left; x++)
            if (row[x])
                left = x;
        for (int x = p->columns - 1; x > right; x--)
            if (row[x])
                right = x;
    }
    return (box){top, left, bottom - top + 1, right - left + 1};
}

static void crop(lks_picture *p, const box *b) {
    for (int y = 0; y < b->rows; y++)
        memmove(p->pixels + (size_t)y * (size_t)b->columns,
                p->pixels + (size_t)(b->top + y) * (size_t)p->columns + b->left,
                (size_t)b->columns);
    p->rows = b->rows;
    p->columns = b->columns;
}

/* Where the crop begins along an axis, @p twice being the sum of value * (2 i + 1): rounded, ties up,
 * so that the centre of mass is as close to 14.5 as it can be; kept inside. */
static int place(int64_t mass, int64_t twice, int side) {
    const int64_t above = 30 * mass - twice, unit = 2 * mass;
    const int64_t first = above < 0 ? 0 : above / unit;
    return first > SIDE - side ? SIDE - side : (int)first;
}

static void put(uint8_t *out, const uint8_t *ink, int rows, int columns) {
    int64_t mass = 0, down = 0, right = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            const int v = ink[y * columns + x];
            mass += v;
            down += v * (2 * y + 1);
            right += v * (2 * x + 1);
        }
    if (mass == 0)
        return;
    const int top = place(mass, down, rows), left = place(mass, right, columns);
    for (int y = 0; y < rows; y++)
        memcpy(out + (top + y) * SIDE + left, ink + y * columns, (size_t)columns);
}

lks_status lks_picture_center(lks_picture *p, uint8_t *out, bool *blank, lks_error *err) {
    uint8_t ink[LONGEST * LONGEST];
    memset(out, 0, (size_t)SIDE * SIDE);
    lks_picture_flatten(p, 255);
    lks_picture_make_grey(p);
    *blank = !separate(p);
    if (*blank)
        return LKS_OK;
    const box b = find_ink(p);
    const int side = b.rows > b.columns ? b.rows : b.columns;
    const int rows = lks_picture_scaled(b.rows, LONGEST, side, LONGEST);
    const int columns = lks_picture_scaled(b.columns, LONGEST, side, LONGEST);
    const size_t pixels = (size_t)rows * (size_t)columns;
    crop(p, &b);
    LKS_TRY(lks_picture_resize(p, rows, columns, 1, ink, (size_t)columns, err));
    const int top = largest(ink, pixels);
    if (side != LONGEST && top > 0) /* thin lines of a large picture come out as faint ones */
        stretch(ink, pixels, 0, top);
    *blank = top == 0;
    put(out, ink, rows, columns);
    return LKS_OK;
}
