/* Images looked at from elsewhere, and smooth fields to bend them by. Plain C that the compiler vectorises: every
 * output is computed by itself, in integers. */
#include "kernels/kernels_isa.h"

/* Columns that are worked on together: what is known of them stays in the first-level cache. */
#define STRIP 64

typedef struct strip {
    int32_t place[STRIP];               /* which entry of `room` */
    int32_t lower[STRIP], right[STRIP]; /* shares of the pixels below and to the right, of 256 */
    int32_t value[STRIP];
} strip;

/* A pixel as it lies in the image or outside of it. */
LKS_INLINE uint32_t pixel(const lks_resample_args *a, int channel, int row, int column) {
    const bool inside = row >= 0 && row < a->rows && column >= 0 && column < a->columns;
    return inside ? a->from[((size_t)row * a->columns + column) * a->channels + channel] : a->fill;
}

LKS_INLINE uint32_t four(const lks_resample_args *a, int channel, int r, int c) {
    return pixel(a, channel, r, c) | pixel(a, channel, r, c + 1) << 8 |
           pixel(a, channel, r + 1, c) << 16 | pixel(a, channel, r + 1, c + 1) << 24;
}

/* All four pixels lie in the image. */
LKS_INLINE void inner_fours(uint32_t *restrict to, const uint8_t *restrict row,
                            const uint8_t *restrict below, int n, int step) {
    for (int c = 0; c < n; c++)
        to[c] = row[c * step] | (uint32_t)row[(c + 1) * step] << 8 |
                (uint32_t)below[c * step] << 16 | (uint32_t)below[(c + 1) * step] << 24;
}

/* Entry [r + 1][c + 1] of the room are the four pixels from (r, c) on, so that one load brings them all, and no
 * place needs a comparison: the outside is a frame around them. */
LKS_INLINE void gather_fours(const lks_resample_args *a, int channel) {
    const int step = a->channels;
    const size_t bytes = (size_t)a->columns * step;
    for (int r = -1; r <= a->rows; r++) {
        uint32_t *to = a->room + (size_t)(r + 1) * (a->columns + 2) + 1;
        const bool inner = r >= 0 && r + 1 < a->rows;
        const int n = inner ? a->columns - 1 : 0;
        const uint8_t *row = a->from + (inner ? r * bytes : 0) + channel;
        const uint8_t *below = inner ? row + bytes : row;
        if (step == 1) /* a number that the compiler knows */
            inner_fours(to, row, below, n, 1);
        else
            inner_fours(to, row, below, n, step);
        to[-1] = four(a, channel, r, -1);
        for (int c = n; c <= a->columns; c++)
            to[c] = four(a, channel, r, c);
    }
}

LKS_INLINE int32_t between(int32_t low, int32_t x, int32_t high) {
    int32_t most = x < high ? x : high;
    return most > low ? most : low;
}

/* From here on the frame says what is there: beyond it nothing else comes. */
LKS_INLINE void look(strip *s, const lks_resample_args *a, int row, int first, int n) {
    const int32_t down = a->origin[0] + row * a->by_row[0],
                  across = a->origin[1] + row * a->by_row[1];
    const size_t at = (size_t)row * a->columns + first;
    const int32_t width = a->columns + 2;
    for (int i = 0; i < n; i++) {
        int32_t y = down + (first + i) * a->by_column[0] + (a->down ? a->down[at + i] : 0);
        int32_t x = across + (first + i) * a->by_column[1] + (a->right ? a->right[at + i] : 0);
        y = between(-256, (y + 128) >> 8, a->rows * 256);
        x = between(-256, (x + 128) >> 8, a->columns * 256);
        s->place[i] = ((y >> 8) + 1) * width + (x >> 8) + 1;
        s->lower[i] = y & 255;
        s->right[i] = x & 255;
    }
}

LKS_INLINE void blend(strip *s, const uint32_t *room, int n) {
    for (int i = 0; i < n; i++) {
        const uint32_t all = room[s->place[i]];
        const int32_t a = all & 255, b = all >> 8 & 255, c = all >> 16 & 255, d = all >> 24;
        const int32_t upper = a * 256 + (b - a) * s->right[i];
        const int32_t lower = c * 256 + (d - c) * s->right[i];
        s->value[i] = (upper * 256 + (lower - upper) * s->lower[i] + 32768) >> 16;
    }
}

void LKS_KERNEL(lks_resample)(const lks_resample_args *a) {
    strip s;
    for (int channel = 0; channel < a->channels; channel++) {
        gather_fours(a, channel);
        for (int row = 0; row < a->rows; row++)
            for (int first = 0; first < a->columns; first += STRIP) {
                const int n = a->columns - first < STRIP ? a->columns - first : STRIP;
                uint8_t *to = a->to + ((size_t)row * a->columns + first) * a->channels + channel;
                look(&s, a, row, first, n);
                blend(&s, a->room, n);
                for (int i = 0; i < n; i++)
                    to[(size_t)i * a->channels] = (uint8_t)s.value[i];
            }
    }
}

#define LANES 16 /* of sums that stay in registers */

LKS_INLINE void weigh_some(int32_t *restrict to, const int32_t *restrict from, size_t step, int n,
                           const lks_smooth_args *a) {
    int32_t sum[LANES];
    for (int i = 0; i < n; i++)
        sum[i] = 1 << 14;
    for (int k = 0; k <= 2 * a->radius; k++)
        for (int i = 0; i < n; i++)
            sum[i] += a->weights[k] * from[k * step + i];
    for (int i = 0; i < n; i++)
        to[i] = sum[i] >> 15;
}

/* to[i] = the weights over from[i], from[i + step], ... The last lanes may be those before, once more. */
LKS_INLINE void weigh(int32_t *to, const int32_t *from, size_t step, int n,
                      const lks_smooth_args *a) {
    if (n < LANES) {
        weigh_some(to, from, step, n, a);
        return;
    }
    for (int i = 0; i < n; i += LANES) {
        const int at = i + LANES <= n ? i : n - LANES;
        weigh_some(to + at, from + at, step, LANES, a);
    }
}

void LKS_KERNEL(lks_smooth)(const lks_smooth_args *a) {
    const int width = a->columns + 2 * a->radius, height = a->rows + 2 * a->radius;
    for (int r = 0; r < height; r++)
        weigh(a->room + (size_t)r * a->columns, a->field + (size_t)r * width, 1, a->columns, a);
    for (int r = 0; r < a->rows; r++)
        weigh(a->out + (size_t)r * a->columns, a->room + (size_t)r * a->columns, (size_t)a->columns,
              a->columns, a);
}
