/* Rounding of operands, for both units. */
#include "kernels/bf16/bf16.h"

/* The first n <= LKS_VL lanes; zeros stand in for the others. */
LKS_INLINE vf load_some(const float *x, size_t n) {
    float lanes[LKS_VL] = {0};
    memcpy(lanes, x, n * sizeof *x);
    return v_load(lanes);
}

LKS_INLINE void store_some(float *x, size_t n, vf v) {
    float lanes[LKS_VL];
    v_store(lanes, v);
    memcpy(x, lanes, n * sizeof *x);
}

/* x rounded, or +0 where ReLU stopped it; n < LKS_VL: the last of its kind. */
LKS_INLINE vf operand(const lks_narrow_args *a, size_t at, size_t n) {
    vf v = v_round(n < LKS_VL ? load_some(a->x + at, n) : v_load(a->x + at));
    if (!a->relu)
        return v;
    return v_where_positive(n < LKS_VL ? load_some(a->relu + at, n) : v_load(a->relu + at), v);
}

LKS_INLINE void store(lks_operand *to, size_t n, vf v) {
    lks_operand lanes[LKS_VL];
    v_store_operands(n < LKS_VL ? lanes : to, v);
    if (n < LKS_VL)
        memcpy(to, lanes, n * sizeof *to);
}

/* The windows' rows of one channel vector: each value to its place of four. */
LKS_INLINE void store_window(const lks_narrow_args *a, lks_operand *to, size_t at, size_t n, vf v) {
    uint8_t place[LKS_VL] = {0};
    memcpy(place, a->argmax + at, n < LKS_VL ? n : LKS_VL);
    for (int k = 0; k < 4; k++)
        store(to + (k / 2) * a->out_row + (size_t)(k % 2) * a->channels, n,
              v_where_byte(place, k, v));
}

/* Rows as they lie in memory. */
static bool narrow_plain(const lks_narrow_args *a) {
    const size_t row = (size_t)a->columns * a->channels;
    lks_bits bad = {0};
    for (int r = 0; r < a->rows; r++)
        for (size_t i = 0; i < row; i += LKS_VL) {
            const size_t n = row - i < LKS_VL ? row - i : LKS_VL;
            vf v = operand(a, r * row + i, n);
            store((lks_operand *)a->out + r * a->out_row + i, n, v);
            bad |= v_not_finite(v);
        }
    return !v_any(bad);
}

/* Channels [first, first + vectors * LKS_VL) pixel by pixel, so that sums stay in registers; n: how many of the last
 * vector's there are. */
LKS_INLINE lks_bits narrow_channels(const lks_narrow_args *a, int first, int vectors, size_t n,
                                    bool windows) {
    lks_bits bad = {0};
    vf sum[4];
    LKS_FOR (int v = 0; v < vectors; v++)
        sum[v] = v_zero();
    float *sums = a->sums ? a->sums + first : NULL;
    LKS_FOR (int v = 0; v < vectors; v++)
        if (sums)
            sum[v] = v == vectors - 1 ? load_some(sums + v * LKS_VL, n) : v_load(sums + v * LKS_VL);
    for (int r = 0; r < a->rows; r++)
        for (int c = 0; c < a->columns; c++) {
            const size_t at = ((size_t)r * a->columns + c) * a->channels + first;
            lks_operand *out = (lks_operand *)a->out + (windows ? 2 * r : r) * a->out_row +
                               (size_t)(windows ? 2 * c : c) * a->channels + first;
            LKS_FOR (int v = 0; v < vectors; v++) {
                const size_t here = v == vectors - 1 ? n : LKS_VL;
                vf x = operand(a, at + v * LKS_VL, here);
                bad |= v_not_finite(x);
                sum[v] = v_add(sum[v], x);
                if (windows)
                    store_window(a, out + v * LKS_VL, at + v * LKS_VL, here, x);
                else
                    store(out + v * LKS_VL, here, x);
            }
        }
    LKS_FOR (int v = 0; v < vectors; v++)
        if (sums)
            store_some(sums + v * LKS_VL, v == vectors - 1 ? n : LKS_VL, sum[v]);
    return bad;
}

/* Whole vectors four at a time, then one by one, then what is left of one. */
LKS_INLINE bool all_channels(const lks_narrow_args *a, bool windows) {
    lks_bits bad = {0};
    int c = 0;
    for (; c + 4 * LKS_VL <= a->channels; c += 4 * LKS_VL)
        bad |= narrow_channels(a, c, 4, LKS_VL, windows);
    for (; c + LKS_VL <= a->channels; c += LKS_VL)
        bad |= narrow_channels(a, c, 1, LKS_VL, windows);
    if (c < a->channels)
        bad |= narrow_channels(a, c, 1, (size_t)(a->channels - c), windows);
    return !v_any(bad);
}

bool LKS_NARROW(const lks_narrow_args *a) {
    if (a->argmax)
        return all_channels(a, true);
    return a->sums ? all_channels(a, false) : narrow_plain(a);
}
