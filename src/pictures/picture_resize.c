/* Resizing: each axis by itself, exact sums, rounded once. */
#include "pictures/picture_resize.h"

#include <string.h>

#include "base/memory.h"

/* What one output of an axis is made of: @p count inputs from @p first on, and their weights. Those
 * between the first and the last weigh the same. */
typedef struct taps {
    int64_t first, count;
    int64_t head, middle, tail; /* of a single input: head */
} taps;

static int64_t weight(const taps *t, int64_t k) {
    return k == 0 ? t->head : k == t->count - 1 ? t->tail : t->middle;
}

/* Output j of m from n >= m inputs: measured in 1/m of an input, it covers [j n, (j + 1) n), and
 * input i covers [i m, (i + 1) m). */
static taps average(int64_t n, int64_t m, int64_t j) {
    const int64_t low = j * n, high = low + n;
    const int64_t first = low / m, last = (high - 1) / m;
    const int64_t head = (first + 1) * m < high ? (first + 1) * m - low : n;
    return (taps){first, last - first + 1, head, m, high - last * m};
}

/* Output j of m from n < m inputs: in 1/(2 m) of an input, its centre lies (2 j + 1) n - m beyond
 * the centre of input 0. Outside the outermost centres the outermost value goes on. */
static taps interpolate(int64_t n, int64_t m, int64_t j) {
    const int64_t at = (2 * j + 1) * n - m, step = 2 * m;
    if (at <= 0)
        return (taps){0, 1, step, 0, 0};
    const int64_t first = at / step, part = at % step;
    if (first >= n - 1 || part == 0)
        return (taps){first < n ? first : n - 1, 1, step, 0, 0};
    return (taps){first, 2, step - part, 0, part};
}

static taps taps_of(int n, int m, int j) {
    return m <= n ? average(n, m, j) : interpolate(n, m, j);
}

/* The sum of an output's weights. */
static int64_t whole(int n, int m) {
    return m <= n ? n : 2 * (int64_t)m;
}

/* sums[columns][channels] += factor * the row of @p p brought to @p columns. Sums stay below 2^51: the
 * weights of an axis add up to its length, at most 2^26, where it shrinks, and to twice its new length,
 * at most 2^17, where it grows; both lengths of a picture together to at most 2^26. */
static void add_row(int64_t *sums, int columns, const lks_picture *p, int64_t row, int64_t factor) {
    const int channels = p->channels;
    const uint8_t *pixels = p->pixels + (size_t)row * (size_t)p->columns * (size_t)channels;
    for (int x = 0; x < columns; x++) {
        const taps t = taps_of(p->columns, columns, x);
        for (int c = 0; c < channels; c++) {
            const uint8_t *v = pixels + t.first * channels + c;
            int64_t sum = 0;
            for (int64_t k = 0; k < t.count; k++, v += channels)
                sum += weight(&t, k) * *v;
            sums[x * channels + c] += factor * sum;
        }
    }
}

/* One row of sums as bytes; a grey picture's value goes into every channel of the output. */
static void put_row(uint8_t *out, int channels, const int64_t *sums, int columns,
                    const lks_picture *p, int64_t divisor) {
    for (int x = 0; x < columns; x++)
        for (int c = 0; c < channels; c++) {
            const int64_t sum = sums[x * p->channels + (p->channels == 1 ? 0 : c)];
            *out++ = (uint8_t)((sum + divisor / 2) / divisor);
        }
}

lks_status lks_picture_resize(const lks_picture *p, int rows, int columns, int channels,
                              uint8_t *out, size_t stride, lks_error *err) {
    const size_t bytes = (size_t)columns * (size_t)p->channels * sizeof(int64_t);
    const int64_t divisor = whole(p->rows, rows) * whole(p->columns, columns);
    int64_t *sums = lks_alloc(bytes, 1, "a row of the picture", err);
    if (!sums)
        return LKS_ERR_MEMORY;
    for (int y = 0; y < rows; y++, out += stride) {
        const taps t = taps_of(p->rows, rows, y);
        memset(sums, 0, bytes);
        for (int64_t k = 0; k < t.count; k++)
            add_row(sums, columns, p, t.first + k, weight(&t, k));
        put_row(out, channels, sums, columns, p, divisor);
    }
    lks_free(sums);
    return LKS_OK;
}

int lks_picture_scaled(int side, int to, int from, int most) {
    const int64_t rounded = (2 * (int64_t)side * to + from) / (2 * (int64_t)from);
    return rounded < 1 ? 1 : rounded > most ? most : (int)rounded;
}
