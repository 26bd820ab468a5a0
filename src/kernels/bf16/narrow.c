/* Rounding of operands, for both units. */
#include "kernels/bf16/bf16.h"

/* x rounded, or +0 where ReLU stopped it; n < LKS_VL: the last of its kind. */
LKS_INLINE lks_rounded operand(const lks_narrow_args *a, size_t at, size_t n) {
    vf v = n < LKS_VL ? v_load_some(a->x + at, n) : v_load(a->x + at);
    if (a->relu)
        v = v_where_positive(n < LKS_VL ? v_load_some(a->relu + at, n) : v_load(a->relu + at), v);
    return r_round(v);
}

LKS_INLINE void store(lks_operand *to, size_t n, lks_rounded r) {
    lks_operand lanes[LKS_VL];
    r_store(n < LKS_VL ? lanes : to, r);
    if (n < LKS_VL)
        memcpy(to, lanes, n * sizeof *to);
}

/* The windows' rows of one channel vector: each value to its place of four. */
LKS_INLINE void store_window(const lks_narrow_args *a, lks_operand *to, size_t at, size_t n,
                             lks_rounded r) {
    uint8_t some[LKS_VL] = {0};
    const uint8_t *place = a->argmax + at;
    if (n < LKS_VL)
        place = memcpy(some, place, n);
    LKS_FOR (int k = 0; k < 4; k++)
        store(to + (k / 2) * a->out_row + (size_t)(k % 2) * a->channels, n,
              r_where_byte(place, k, r));
}

/* Rows as they lie in memory; without a border they are one. */
LKS_INLINE lks_largest narrow_rows(const lks_narrow_args *a) {
    const size_t image_row = (size_t)a->columns * a->channels;
    const bool joined = a->out_row == image_row;
    const int rows = joined ? 1 : a->rows;
    const size_t row = joined ? image_row * a->rows : image_row, whole = row / LKS_VL * LKS_VL;
    lks_largest largest = r_none();
    for (int r = 0; r < rows; r++) {
        const size_t at = r * row;
        lks_operand *out = (lks_operand *)a->out + r * a->out_row;
        for (size_t i = 0; i < whole; i += LKS_VL) {
            const lks_rounded v = operand(a, at + i, LKS_VL);
            store(out + i, LKS_VL, v);
            largest = r_larger(largest, v);
        }
        if (whole < row) {
            const lks_rounded v = operand(a, at + whole, row - whole);
            store(out + whole, row - whole, v);
            largest = r_larger(largest, v);
        }
    }
    return largest;
}

/* Channels [first, first + vectors * LKS_VL) pixel by pixel, so that sums stay in registers; n: how many of the last
 * vector's there are. */
LKS_INLINE lks_largest narrow_channels(const lks_narrow_args *a, int first, int vectors, size_t n,
                                       bool windows, lks_largest largest) {
    vf sum[4];
    LKS_FOR (int v = 0; v < vectors; v++)
        sum[v] = v_zero();
    float *sums = a->sums ? a->sums + first : NULL;
    LKS_FOR (int v = 0; v < vectors; v++)
        if (sums)
            sum[v] =
                v == vectors - 1 ? v_load_some(sums + v * LKS_VL, n) : v_load(sums + v * LKS_VL);
    for (int r = 0; r < a->rows; r++)
        for (int c = 0; c < a->columns; c++) {
            const size_t at = ((size_t)r * a->columns + c) * a->channels + first;
            lks_operand *out = (lks_operand *)a->out + (windows ? 2 * r : r) * a->out_row +
                               (size_t)(windows ? 2 * c : c) * a->channels + first;
            LKS_FOR (int v = 0; v < vectors; v++) {
                const size_t here = v == vectors - 1 ? n : LKS_VL;
                const lks_rounded x = operand(a, at + v * LKS_VL, here);
                largest = r_larger(largest, x);
                sum[v] = v_add(sum[v], r_float(x));
                if (windows)
                    store_window(a, out + v * LKS_VL, at + v * LKS_VL, here, x);
                else
                    store(out + v * LKS_VL, here, x);
            }
        }
    LKS_FOR (int v = 0; v < vectors; v++)
        if (sums)
            v_store_some(sums + v * LKS_VL, v == vectors - 1 ? n : LKS_VL, sum[v]);
    return largest;
}

/* Whole vectors four at a time, then one by one, then what is left of one. */
LKS_INLINE lks_largest all_channels(const lks_narrow_args *a, bool windows) {
    lks_largest largest = r_none();
    int c = 0;
    for (; c + 4 * LKS_VL <= a->channels; c += 4 * LKS_VL)
        largest = narrow_channels(a, c, 4, LKS_VL, windows, largest);
    for (; c + LKS_VL <= a->channels; c += LKS_VL)
        largest = narrow_channels(a, c, 1, LKS_VL, windows, largest);
    if (c < a->channels)
        largest = narrow_channels(a, c, 1, (size_t)(a->channels - c), windows, largest);
    return largest;
}

bool LKS_NARROW(const lks_narrow_args *a) {
    return r_all_finite(a->argmax ? all_channels(a, true)
                        : a->sums ? all_channels(a, false)
                                  : narrow_rows(a));
}
