/* Weight gradients: inputs of taps (elements) are the rows of a tile, outputs the lanes, both chains in registers.
 *
 * A panel is a few blocks of the recurrence. The output gradients of a pair of output blocks are copied for it, so that
 * they lie one after the other in the first-level cache while all elements pass by; products in which all of them are
 * zero are left out. The partial of a chunk stands in the scratch memory until the chunk is complete. */
#include "kernels/bf16/bf16.h"

#define PANEL 4 /* blocks */
#define WIDTH (LKS_PAIR * LKS_BLOCK)

/* Where the products of one block come from, chain by chain; the lists are as long as n says. */
typedef struct block {
    int n[2];
    const float *x[2][LKS_CHAINS / 2], *dy[2][LKS_CHAINS / 2];
    const uint8_t *argmax[2][LKS_CHAINS / 2]; /* with windows: whose place is whose */
    int place[2][LKS_CHAINS / 2];
} block;

/* The products of a block for which a group of outputs has gradients other than zero. */
typedef struct copied {
    int n[2];
    const float *x[2][LKS_CHAINS / 2];
    float dy[2][LKS_CHAINS / 2][WIDTH];
} copied;

typedef struct work {
    const lks_gradient_args *a;
    int elements;     /* taps * channels */
    int pairs;        /* of output blocks */
    float *partial;   /* [pairs][elements][WIDTH] */
    int32_t *element; /* [elements] offset of each in x */
    int blocks;       /* in the panel */
    block block[PANEL];
    copied copy[PANEL];
} work;

static int elements_of(const lks_gradient_args *a) {
    return a->taps * a->channels;
}

static int pairs_of(const lks_gradient_args *a) {
    return (a->blocks + LKS_PAIR - 1) / LKS_PAIR;
}

static size_t partial_floats(const lks_gradient_args *a) {
    return (size_t)pairs_of(a) * elements_of(a) * WIDTH;
}

size_t LKS_KERNEL(lks_fma_gradient_scratch)(const lks_gradient_args *a) {
    return partial_floats(a) * sizeof(float) + (size_t)elements_of(a) * sizeof(int32_t);
}

/* Products without a gradient change no bit of a chain. */
LKS_INLINE void copy_block(const block *b, int vectors, size_t at, bool windows, copied *to) {
    LKS_FOR (int chain = 0; chain < 2; chain++) {
        int n = 0;
        for (int k = 0; k < b->n[chain]; k++) {
            const float *dy = b->dy[chain][k] + at;
            vf g[LKS_VECTORS];
            uint32_t some = 0;
            LKS_FOR (int v = 0; v < vectors; v++) {
                g[v] = v_load(dy + v * LKS_VL);
                if (windows)
                    g[v] = v_where(
                        vm_where_byte(b->argmax[chain][k] + at + v * LKS_VL, b->place[chain][k]),
                        g[v]);
                some |= v_nonzero_mask(g[v]);
                v_store(to->dy[chain][n] + v * LKS_VL, g[v]);
            }
            to->x[chain][n] = b->x[chain][k];
            n += some != 0;
        }
        to->n[chain] = n;
    }
}

LKS_INLINE void one_chain(const copied *c, int chain, int rows, int vectors,
                          const int32_t element[LKS_ROWS], vf sum[LKS_ROWS][LKS_VECTORS]) {
    LKS_FOR (int i = 0; i < rows; i++)
        LKS_FOR (int v = 0; v < vectors; v++)
            sum[i][v] = v_zero();
    for (int k = 0; k < c->n[chain]; k++) {
        const float *x = c->x[chain][k];
        vf g[LKS_VECTORS];
        LKS_FOR (int v = 0; v < vectors; v++)
            g[v] = v_load(c->dy[chain][k] + v * LKS_VL);
        LKS_FOR (int i = 0; i < rows; i++) {
            vf b = v_set1(x[element[i]]);
            LKS_FOR (int v = 0; v < vectors; v++)
                sum[i][v] = v_fma(b, g[v], sum[i][v]);
        }
    }
}

LKS_INLINE void tile(const work *w, int rows, int vectors, int first, float (*partial)[WIDTH]) {
    int32_t element[LKS_ROWS];
    LKS_FOR (int i = 0; i < rows; i++)
        element[i] = w->element[first + i];
    for (int b = 0; b < w->blocks; b++) {
        vf e[LKS_ROWS][LKS_VECTORS], o[LKS_ROWS][LKS_VECTORS];
        one_chain(&w->copy[b], 0, rows, vectors, element, e);
        one_chain(&w->copy[b], 1, rows, vectors, element, o);
        LKS_FOR (int i = 0; i < rows; i++)
            LKS_FOR (int v = 0; v < vectors; v++) {
                float *c = partial[first + i] + v * LKS_VL;
                v_store(c, v_add(v_load(c), v_add(e[i][v], o[i][v])));
            }
    }
}

/* The panel's products for one pair of output blocks. */
LKS_INLINE void add_pair(work *w, int vectors, int pair) {
    for (int b = 0; b < w->blocks; b++)
        if (w->a->argmax)
            copy_block(&w->block[b], vectors, (size_t)pair * WIDTH, true, &w->copy[b]);
        else
            copy_block(&w->block[b], vectors, (size_t)pair * WIDTH, false, &w->copy[b]);
    float(*partial)[WIDTH] = (float(*)[WIDTH])w->partial + (size_t)pair * w->elements;
    int tiles = (w->elements + LKS_ROWS - 1) / LKS_ROWS;
    for (int first = 0, n; tiles > 0; first += n, tiles--) {
        n = (w->elements - first + tiles - 1) / tiles;
#define TILE(rows) tile(w, rows, vectors, first, partial)
        switch (n) { LKS_ROWS_CASES(TILE) }
#undef TILE
    }
}

static void add_panel(work *w) {
    const int pairs = w->a->blocks / LKS_PAIR;
    for (int pair = 0; pair < pairs; pair++)
        add_pair(w, LKS_VECTORS, pair);
#if LKS_PAIR > 1
    if (pairs < w->pairs)
        add_pair(w, VPB, pairs);
#endif
    w->blocks = 0;
}

/* Images [image, end) at 32 / group neighbouring pixels. */
static void add_block(work *w, int image, int end, int row, int column) {
    const lks_gradient_args *a = w->a;
    block *b = &w->block[w->blocks++];
    b->n[0] = b->n[1] = 0;
    for (int k = 0; k < LKS_CHAINS; k++) {
        const int c = column + k / a->group, s = image + k % a->group;
        if (c >= a->columns || s >= end)
            continue;
        const int chain = k % 2, at = b->n[chain]++;
        b->x[chain][at] = (const float *)a->x + s * a->x_stride + (ptrdiff_t)row * a->x_row +
                          (ptrdiff_t)c * a->x_column;
        const int side = a->argmax ? 2 : 1;
        const ptrdiff_t dy =
            (ptrdiff_t)(row / side) * a->dy_row + (ptrdiff_t)(c / side) * a->dy_column;
        b->dy[chain][at] = (const float *)a->dy + s * a->dy_stride + dy;
        if (a->argmax) {
            b->argmax[chain][at] = a->argmax + s * a->argmax_stride + dy;
            b->place[chain][at] = row % 2 * 2 + c % 2;
        }
    }
    if (w->blocks == PANEL)
        add_panel(w);
}

static void add_chunk(work *w, int image, int end) {
    const lks_gradient_args *a = w->a;
    memset(w->partial, 0, partial_floats(a) * sizeof(float));
    for (; image < end; image += a->group)
        for (int row = 0; row < a->rows; row++)
            for (int column = 0; column < a->columns; column += LKS_CHAINS / a->group)
                add_block(w, image, image + a->group < end ? image + a->group : end, row, column);
    add_panel(w);
}

static bool finish_chunk(const work *w, bool adds) {
    const lks_gradient_args *a = w->a;
    bool ok = true;
    for (int b = 0; b < a->blocks; b++) {
        const float *p =
            w->partial + (size_t)(b / LKS_PAIR) * w->elements * WIDTH + b % LKS_PAIR * LKS_BLOCK;
        size_t at = (size_t)b * LKS_BLOCK;
        for (int i = 0; i < w->elements; i++, p += WIDTH, at += a->row)
            LKS_FOR (int v = 0; v < VPB; v++) {
                vf c = v_load(p + v * LKS_VL);
                size_t place = at + v * LKS_VL;
                if (a->sums)
                    ok &= v_add_exact(a->sums + place, c, adds);
                else
                    v_store(a->out + place, adds ? v_add(v_load(a->out + place), c) : c);
            }
    }
    return ok;
}

bool LKS_KERNEL(lks_fma_gradient)(const lks_gradient_args *a) {
    work w = {.a = a, .elements = elements_of(a), .pairs = pairs_of(a), .partial = a->scratch};
    w.element = (int32_t *)(w.partial + partial_floats(a));
    for (int i = 0; i < w.elements; i++)
        w.element[i] = a->tap_offset[i / a->channels] + i % a->channels;
    bool ok = true;
    for (int s = 0; s < a->samples; s += a->chunk) {
        add_chunk(&w, s, s + a->chunk < a->samples ? s + a->chunk : a->samples);
        ok &= finish_chunk(&w, !(a->fresh && s == 0));
    }
    return ok;
}
