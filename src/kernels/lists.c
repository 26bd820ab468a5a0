/* Sparse backward: behind max-pooling few output gradients are not zero. They are listed per output
 * channel; then that channel's weights (for the data) or weight gradients stay in registers while the
 * list is walked. A product with zero changes no bit, so these loops and dense ones in the same order
 * agree. */
#include "kernels/kernels_isa.h"

/* Vectors of channels that share one walk of a list, beside up to 9 taps. */
#if defined(LKS_ISA_AVX512) || defined(LKS_ISA_NEON)
#define WIDE 2 /* 18 of 32 registers */
#else
#define WIDE 1 /* 9 of 16 registers */
#endif
#define TAPS 9

/* A bit where a window has its maximum at `place` and a gradient that is not zero. */
LKS_INLINE vi bits_at(const uint8_t *argmax, vf g, int place, uint32_t bit) {
    return vi_where_nonzero(v_where(vm_where_byte(argmax, place), g), vi_set1(bit));
}

/* Sets the bits of a window's upper or lower two pixels, of which the left one is pixel q: both are in one word. */
LKS_INLINE void mark(uint32_t *words, const uint8_t *argmax, vf g, int place, size_t q) {
    uint32_t *word = words + q / 32 * LKS_BLOCK, bit = 1u << q % 32;
    vi both = vi_or(bits_at(argmax, g, place, bit), bits_at(argmax, g, place + 1, bit << 1));
    vi_store(word, vi_or(vi_load(word), both));
}

/* One bit for each pixel of the channels [c, c + 16), row-major: words [pixels / 32][16]. */
LKS_INLINE void mark_all(const lks_list_args *a, int c) {
    const size_t columns = (size_t)a->window_columns, row = 2 * columns;
    for (size_t y = 0; y < (size_t)a->window_rows; y++)
        for (size_t x = 0; x < columns; x++) {
            size_t at = (y * columns + x) * a->channels + c, upper = 2 * (y * row + x);
            LKS_FOR (int v = 0; v < LKS_BLOCK; v += LKS_VL) {
                vf g = v_load(a->dy + at + v);
                mark(a->scratch + v, a->argmax + at + v, g, 0, upper);
                mark(a->scratch + v, a->argmax + at + v, g, 2, upper + row);
            }
        }
}

/* Writes the entries of channel c, whose bits are every sixteenth word. */
LKS_INLINE int32_t write_list(const lks_list_args *a, int c, const uint32_t *words,
                              size_t n_words) {
    lks_entry *entries = a->entries + (size_t)c * a->capacity;
    const float *dy = a->dy + c;
    int32_t n = 0;
    for (size_t w = 0; w < n_words; w += 2) {
        const lks_listed_pixel *pixel = a->pixel + 32 * w;
        uint64_t bits = (uint64_t)words[(w + 1) * LKS_BLOCK] << 32 | words[w * LKS_BLOCK];
        for (; bits; bits &= bits - 1) {
            const lks_listed_pixel p = pixel[__builtin_ctzll(bits)];
            entries[n++] = (lks_entry){p.offset, dy[(size_t)p.window * a->channels]};
        }
    }
    return n;
}

#ifdef LKS_ISA_AVX512
/* A loop that ends after a few entries costs a wrong guess of the processor. Lists of small images are short: the
 * numbers of all bits of a block are written one after the other without a branch, and one loop makes entries of them. */
#define FEW       64 /* windows */
#define BIT_SHIFT 28 /* of a number: the channel; below it the pixel */

/* Stores the lanes whose bits are set, one after the other, and anything up to 16; returns how many. */
LKS_INLINE size_t store_where(uint32_t *p, uint32_t bits, vi a) {
    vi_store(p, _mm512_maskz_compress_epi32((__mmask16)bits, a));
    return (size_t)__builtin_popcount(bits);
}

/* Writes the entries of the channels [c, c + 16). */
LKS_INLINE void write_lists(const lks_list_args *a, int c, size_t n_words) {
    uint32_t numbers[FEW * LKS_BLOCK + LKS_VL];
    lks_entry *list[LKS_BLOCK]; /* where the first number of all would stand */
    const vi step = vi_set1(16);
    const vi first = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    size_t n = 0;
    for (int l = 0; l < LKS_BLOCK; l++) {
        const size_t before = n;
        vi number = vi_add(vi_set1((uint32_t)l << BIT_SHIFT), first);
        for (size_t w = 0; w < n_words; w++) {
            const uint32_t bits = a->scratch[w * LKS_BLOCK + l];
            n += store_where(numbers + n, bits & 0xffff, number);
            number = vi_add(number, step);
            n += store_where(numbers + n, bits >> 16, number);
            number = vi_add(number, step);
        }
        list[l] = a->entries + (size_t)(c + l) * a->capacity - before;
        a->count[c + l] = (int32_t)(n - before);
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t l = numbers[i] >> BIT_SHIFT;
        const lks_listed_pixel p = a->pixel[numbers[i] & ((1u << BIT_SHIFT) - 1)];
        list[l][i] = (lks_entry){p.offset, a->dy[(size_t)p.window * a->channels + c + l]};
    }
}
#endif

void LKS_KERNEL(lks_list)(const lks_list_args *a) {
    const size_t windows = (size_t)a->window_rows * a->window_columns;
    const size_t words = LKS_LIST_WORDS(windows);
    for (int c = 0; c < a->channels; c += LKS_BLOCK) {
        memset(a->scratch, 0, words * sizeof *a->scratch);
        mark_all(a, c);
#ifdef LKS_ISA_AVX512
        if (windows <= FEW) {
            write_lists(a, c, words / LKS_BLOCK);
            continue;
        }
#endif
        for (int l = 0; l < LKS_BLOCK; l++)
            a->count[c + l] = write_list(a, c + l, a->scratch + l, words / LKS_BLOCK);
    }
}

/* A rectangle of taps of one filter that shares one walk of its list, and the vectors of channels. */
typedef struct group {
    const lks_lists *l;
    int filter, row, column, channel; /* the first ones */
    int rows, columns, vectors;
} group;

/* Where the group's weights begin. */
LKS_INLINE size_t weights_at(group g) {
    size_t tap = ((size_t)g.filter * g.l->rows + g.row) * g.l->columns + g.column;
    return tap * g.l->channels + g.channel;
}

/* From an entry's pixel to the group's first tap. */
LKS_INLINE ptrdiff_t image_at(group g) {
    return (ptrdiff_t)g.row * g.l->row_step + (ptrdiff_t)g.column * g.l->channels + g.channel;
}

/* dx[entry + tap] += g * w[tap]. The weights stay in registers. */
LKS_INLINE void scatter_group(float *dx, const float *w, group g) {
    const ptrdiff_t row_step = g.l->row_step, channels = g.l->channels;
    const lks_entry *entries = g.l->entries + (size_t)g.filter * g.l->capacity;
    vf wv[TAPS][WIDE];
    dx += image_at(g);
    w += weights_at(g);
    LKS_FOR (int t = 0; t < g.rows * g.columns; t++)
        LKS_FOR (int v = 0; v < g.vectors; v++)
            wv[t][v] = v_load(w + t * channels + v * LKS_VL);
    for (int e = g.l->count[g.filter] - 1; e >= 0; e--) {
        float *row = dx + entries[e].offset;
        vf factor = v_set1(entries[e].g);
        LKS_FOR (int y = 0; y < g.rows; y++, row += row_step) {
            LKS_OPAQUE_POINTER(row); /* or each tap would have a pointer of its own */
            LKS_FOR (int x = 0; x < g.columns; x++)
                LKS_FOR (int v = 0; v < g.vectors; v++) {
                    float *p = row + x * channels + v * LKS_VL;
                    v_store(p, v_fma(factor, wv[y * g.columns + x][v], v_load(p)));
                }
        }
    }
}

/* dw[tap] += x[entry + tap] * g. The weights' gradients stay in registers. */
LKS_INLINE void gather_group(float *dw, const float *image, group g) {
    const ptrdiff_t row_step = g.l->row_step, channels = g.l->channels;
    const lks_entry *entries = g.l->entries + (size_t)g.filter * g.l->capacity;
    const int n = g.l->count[g.filter];
    vf acc[TAPS][WIDE];
    image += image_at(g);
    dw += weights_at(g);
    LKS_FOR (int t = 0; t < g.rows * g.columns; t++)
        LKS_FOR (int v = 0; v < g.vectors; v++)
            acc[t][v] = v_load(dw + t * channels + v * LKS_VL);
    for (int e = 0; e < n; e++) {
        const float *row = image + entries[e].offset;
        vf factor = v_set1(entries[e].g);
        LKS_FOR (int y = 0; y < g.rows; y++, row += row_step) {
            LKS_OPAQUE_POINTER(row);
            LKS_FOR (int x = 0; x < g.columns; x++)
                LKS_FOR (int v = 0; v < g.vectors; v++) {
                    vf *sum = &acc[y * g.columns + x][v];
                    *sum = v_fma(factor, v_load(row + x * channels + v * LKS_VL), *sum);
                }
        }
    }
    LKS_FOR (int t = 0; t < g.rows * g.columns; t++)
        LKS_FOR (int v = 0; v < g.vectors; v++)
            v_store(dw + t * channels + v * LKS_VL, acc[t][v]);
}

/* What one walk reads and writes: dx and w, or x and dw. */
typedef struct arrays {
    float *dx;
    const float *w, *x;
    float *dw;
} arrays;

LKS_INLINE void walk(const arrays *a, bool scatters, group g, int rows, int columns) {
    g.rows = rows;
    g.columns = columns;
    if (scatters)
        scatter_group(a->dx, a->w, g);
    else
        gather_group(a->dw, a->x, g);
}

/* All taps of one filter, 3 x 3 at once, else up to 5 of a row. */
LKS_INLINE void all_taps(const arrays *a, bool scatters, group g) {
    const int rows = g.l->rows, columns = g.l->columns;
    if (columns == 3)
        for (; g.row + 3 <= rows; g.row += 3)
            walk(a, scatters, g, 3, 3);
    for (; g.row < rows; g.row++) {
        g.column = 0;
        for (; g.column + 5 <= columns; g.column += 5)
            walk(a, scatters, g, 1, 5);
        for (; g.column + 3 <= columns; g.column += 3)
            walk(a, scatters, g, 1, 3);
        for (; g.column < columns; g.column++)
            walk(a, scatters, g, 1, 1);
    }
}

LKS_INLINE void all_filters(const arrays *a, bool scatters, group g) {
    for (; g.filter < g.l->filters; g.filter++)
        all_taps(a, scatters, g);
}

/* Channels outermost: what they touch of an image stays in the first-level cache. Groups of taps ascend, and within a
 * group scatter walks the list backwards: an element of dx meets each tap of a filter once, so its order stays tap by
 * tap. */
LKS_INLINE void all_channels(const arrays *a, bool scatters, const lks_lists *l) {
    int c = 0;
    for (; c + WIDE * LKS_VL <= l->channels; c += WIDE * LKS_VL)
        all_filters(a, scatters, (group){.l = l, .channel = c, .vectors = WIDE});
    for (; c < l->channels; c += LKS_VL)
        all_filters(a, scatters, (group){.l = l, .channel = c, .vectors = 1});
}

void LKS_KERNEL(lks_scatter)(float *dx, const float *w, const lks_lists *l) {
    all_channels(&(arrays){.dx = dx, .w = w}, true, l);
}

void LKS_KERNEL(lks_gather)(float *dw, const float *x, const lks_lists *l) {
    all_channels(&(arrays){.x = x, .dw = dw}, false, l);
}
