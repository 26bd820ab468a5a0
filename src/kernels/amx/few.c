/* Weight gradients of layers that read few channels, as first layers do: rows of tiles are elements, the channels of all
 * taps one after the other, so that no row is empty.
 *
 * Some rows of the output at a time, x is turned once: an operand's place there has the 32 operands of a block of the
 * recurrence that begins with it. The tile of a block is copied together from these lines. The sums of a chunk stay in
 * the tile registers; what is made for several of them, lines of x apart, is made anew. */
#include "kernels/amx/few.h"
#include "kernels/amx/turn.h"

#define WIDTH      (2 * LKS_BLOCK)    /* floats of a row of sums */
#define LINE       LKS_CHAINS         /* operands: 64 bytes */
#define NEAR_LINES ((size_t)96 << 10) /* bytes of turned x, about */

typedef struct few {
    const lks_gradient_args *a;
    int elements, tiles, rows; /* of elements; rows: of each tile */
    int per_block, row_blocks; /* pixels in a block of the recurrence, blocks in a row */
    int step;                  /* rows of the output at once: those of windows, or 1 */
    int band;                  /* rows for which x is turned at once */
    int first, last;           /* offsets of taps and channels lie between these */
    size_t lines;              /* of turned x */
    size_t bytes;              /* of scratch memory */
    int32_t *offset;           /* [elements] in x */
    lks_operand *x;            /* [lines][LINE] */
    lks_operand *left;         /* [step][row_blocks][2][rows][LINE] */
    lks_operand *right;        /* [step][row_blocks][2][16][16][2] */
    lks_operand *zeros;        /* as many as there are outputs */
    lks_tiles tiles_of_sums;
} few;

/* Images of one chunk that are multiplied together. */
typedef struct images {
    int first, count;
} images;

static int rounded_up(int n, int to) {
    return (n + to - 1) / to * to;
}

static void set_offsets(few *f) {
    const lks_gradient_args *a = f->a;
    f->first = f->last = a->tap_offset[0];
    for (int t = 1; t < a->taps; t++) {
        f->first = a->tap_offset[t] < f->first ? a->tap_offset[t] : f->first;
        f->last = a->tap_offset[t] > f->last ? a->tap_offset[t] : f->last;
    }
    f->last += a->channels - 1;
}

static size_t lines_of(const few *f, int band) {
    const lks_gradient_args *a = f->a;
    const size_t columns = (size_t)(f->row_blocks - 1) * f->per_block * a->x_column;
    const size_t used = (size_t)(band - 1) * a->x_row + columns + (f->last - f->first) + 1;
    return (used + LKS_BLOCK - 1) / LKS_BLOCK * LKS_BLOCK;
}

static few plan(const lks_gradient_args *a, char *memory) {
    few f = {.a = a,
             .elements = a->taps * a->channels,
             .per_block = LKS_CHAINS / a->group,
             .step = a->argmax ? 2 : 1};
    f.tiles = (f.elements + LKS_TILE_ROWS - 1) / LKS_TILE_ROWS;
    f.rows = (f.elements + f.tiles - 1) / f.tiles;
    f.row_blocks = (a->columns + f.per_block - 1) / f.per_block;
    set_offsets(&f);
    f.band = f.step;
    while (f.band < a->rows &&
           lines_of(&f, f.band + f.step) * LINE * sizeof(lks_operand) <= NEAR_LINES)
        f.band += f.step;
    f.lines = lines_of(&f, f.band);
    const size_t blocks = (size_t)f.step * f.row_blocks * 2;
    /* a cut of fewer elements may have more rows in a tile */
    const size_t x = f.lines * LINE, left = blocks * LKS_TILE_ROWS * LINE,
                 right = blocks * LKS_TILE_OPERANDS,
                 zeros = rounded_up(a->blocks * LKS_BLOCK, LINE);
    f.bytes = (x + left + right + zeros) * sizeof(lks_operand) + f.elements * sizeof *f.offset;
    if (!memory)
        return f;
    f.x = (lks_operand *)memory;
    f.left = f.x + x;
    f.right = f.left + left;
    f.zeros = f.right + right;
    memset(f.zeros, 0, zeros * sizeof *f.zeros);
    f.offset = (int32_t *)(f.zeros + zeros);
    for (int e = 0; e < f.elements; e++)
        f.offset[e] = a->tap_offset[e / a->channels] + e % a->channels;
    return f;
}

/* --- operands --------------------------------------------------------------------------------- */

/* Where the 32 operands of a block of the recurrence come from; images that are missing stay at zeros. */
typedef struct sources {
    const lks_operand *from[LKS_CHAINS];
    bool there[LKS_CHAINS];
} sources;

static sources first_block(const few *f, images g, const void *plane, size_t stride, int column) {
    sources s;
    for (int k = 0; k < LKS_CHAINS; k++) {
        const int image = k % f->a->group, pixel = k / f->a->group;
        s.there[k] = image < g.count;
        s.from[k] = s.there[k] ? (const lks_operand *)plane + (g.first + image) * stride +
                                     (ptrdiff_t)pixel * column
                               : f->zeros;
    }
    return s;
}

/* The same `offset` elements further on; of the pixels in the block only the first `pixels` are there. */
static void other_block(const few *f, const sources *s, ptrdiff_t offset, ptrdiff_t pixels,
                        const lks_operand *from[LKS_CHAINS]) {
    const ptrdiff_t end = pixels * f->a->group;
    for (int k = 0; k < LKS_CHAINS; k++)
        from[k] = k >= end ? f->zeros : s->there[k] ? s->from[k] + offset : s->from[k];
}

/* Lines of x for rows [row, end) of the output. Pixels that the layer does not have are never read. */
static void turn_x(const few *f, images g, int row, int end) {
    const lks_gradient_args *a = f->a;
    const ptrdiff_t last =
        (ptrdiff_t)(a->rows - 1) * a->x_row + (ptrdiff_t)(a->columns - 1) * a->x_column + f->last;
    const ptrdiff_t n = (ptrdiff_t)lines_of(f, end - row);
    const sources s = first_block(f, g, a->x, a->x_stride, a->x_column);
    for (ptrdiff_t i = 0; i < n; i += LKS_BLOCK) {
        const lks_operand *from[LKS_CHAINS];
        const ptrdiff_t at = (ptrdiff_t)row * a->x_row + f->first + i;
        other_block(f, &s, at, at > last ? 0 : (last - at) / a->x_column + 1, from);
        turn_to_rows(from, 0, f->x + i * LINE);
    }
}

/* The left tiles [first, first + n) of all blocks of a row, from lines that begin with row `band_row`. */
static void copy_left(const few *f, int first, int n, int row, int band_row, lks_operand *to) {
    const lks_gradient_args *a = f->a;
    for (int b = 0; b < f->row_blocks; b++) {
        const lks_operand *x = f->x + ((ptrdiff_t)(row - band_row) * a->x_row +
                                       (ptrdiff_t)b * f->per_block * a->x_column - f->first) *
                                          LINE;
        for (int i = first * f->rows; i < (first + n) * f->rows; i++, to += LINE) {
            const int e = i < f->elements ? i : f->elements - 1; /* a row that nobody reads */
            memcpy(to, x + (ptrdiff_t)f->offset[e] * LINE, LINE * sizeof *to);
        }
    }
}

/* Of an output block of the pair. */
static lks_operand *right_tile(const few *f, int outputs, int row, int block, int output) {
    return f->right +
           (((size_t)row * f->row_blocks + block) * outputs + output) * LKS_TILE_OPERANDS;
}

static void turn_right(const few *f, images g, int pair, int outputs, int row) {
    const lks_gradient_args *a = f->a;
    const sources s = first_block(f, g, a->dy, a->dy_stride, a->dy_column);
    for (int b = 0; b < f->row_blocks; b++) {
        const lks_operand *from[LKS_CHAINS];
        const int column = b * f->per_block;
        other_block(f, &s, (ptrdiff_t)row * a->dy_row + (ptrdiff_t)column * a->dy_column,
                    a->columns - column, from);
        for (int o = 0; o < outputs; o++)
            turn_to_columns(from, (size_t)(2 * pair + o) * LKS_BLOCK,
                            right_tile(f, outputs, 0, b, o));
    }
}

/* The gradients of 16 outputs of a window, which belong to one of its four pixels: where they go there. */
typedef struct places {
    lks_operand *to[4];
} places;

/* Those of the group's first image and the pair's first output block. */
static places places_of(const few *f, int outputs, int window) {
    places p;
    for (int place = 0; place < 4; place++) {
        const int column = 2 * window + place % 2, k = column % f->per_block * f->a->group;
        p.to[place] = right_tile(f, outputs, place / 2, column / f->per_block, 0) +
                      k / 2 * 2 * LKS_BLOCK + k % 2;
    }
    return p;
}

/* 16 outputs of `image`, and of the next one where `both`, whose operands lie beside; the first `n` images are there. */
LKS_INLINE void put_window(const few *f, bool both, int image, int n, ptrdiff_t at, const places *p,
                           size_t offset) {
    const lks_gradient_args *a = f->a;
    const lks_operand *dy[2] = {f->zeros, f->zeros};
    const uint8_t *argmax[2] = {(const uint8_t *)f->zeros, (const uint8_t *)f->zeros};
    for (int i = 0; i < 2 && i < n; i++) {
        dy[i] = (const lks_operand *)a->dy + (size_t)(image + i) * a->dy_stride + at;
        argmax[i] = a->argmax + (size_t)(image + i) * a->argmax_stride + at;
    }
#ifdef LKS_ISA_AVX512
    if (both) {
        __m512i v[2], place[2];
        LKS_FOR (int i = 0; i < 2; i++) {
            v[i] = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)dy[i]));
            place[i] = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)argmax[i]));
        }
        const __m512i values = _mm512_or_si512(v[0], _mm512_slli_epi32(v[1], 16)),
                      wanted = _mm512_or_si512(place[0], _mm512_slli_epi32(place[1], 16));
        LKS_FOR (int k = 0; k < 4; k++) {
            const __mmask32 m = _mm512_cmpeq_epi16_mask(wanted, _mm512_set1_epi16((short)k));
            _mm512_storeu_si512(p->to[k] + offset, _mm512_maskz_mov_epi16(m, values));
        }
        return;
    }
#endif
    for (int i = 0; i < (both ? 2 : 1); i++)
        for (int o = 0; o < LKS_BLOCK; o++)
            for (int k = 0; k < 4; k++)
                p->to[k][offset + 2 * o + i] = argmax[i][o] == k ? dy[i][o] : 0;
}

LKS_INLINE void put_images(const few *f, images g, bool both, ptrdiff_t at, int outputs,
                           const places *p) {
    for (int image = 0; image < f->a->group; image += both ? 2 : 1)
        for (int o = 0; o < outputs; o++)
            put_window(f, both, g.first + image, g.count - image, at + o * LKS_BLOCK, p,
                       (size_t)image * LKS_BLOCK + (size_t)o * LKS_TILE_OPERANDS);
}

/* Two rows of the output from their windows. */
static void turn_windows(const few *f, images g, int pair, int outputs, int row) {
    const lks_gradient_args *a = f->a;
    if (a->columns % f->per_block != 0)
        memset(f->right, 0,
               (size_t)2 * f->row_blocks * outputs * LKS_TILE_OPERANDS * sizeof *f->right);
    for (int window = 0; window < a->columns / 2; window++) {
        const places p = places_of(f, outputs, window);
        const ptrdiff_t at = (ptrdiff_t)(row / 2) * a->dy_row + (ptrdiff_t)window * a->dy_column +
                             (ptrdiff_t)pair * 2 * LKS_BLOCK;
        if (a->group > 1)
            put_images(f, g, true, at, outputs, &p);
        else
            put_images(f, g, false, at, outputs, &p);
    }
}

/* --- products --------------------------------------------------------------------------------- */

/* All blocks of f->step rows. */
static void multiply(few *f, int tiles_in, int outputs) {
    const lks_operand *left = f->left, *right = f->right;
    const size_t rows = (size_t)f->rows * LINE;
    TILES_WRITTEN();
    for (int i = 0; i < f->step * f->row_blocks; i++) {
        lks_tiles_multiply(&f->tiles_of_sums, tiles_in, outputs,
                           (const void *[]){left, left + rows}, LINE * sizeof *left,
                           (const void *[]){right, right + LKS_TILE_OPERANDS}, false);
        left += tiles_in * rows;
        right += outputs * LKS_TILE_OPERANDS;
    }
}

/* Adds the sums of left tiles from `first` on and of a pair of output blocks. */
static bool finish(few *f, int first, int tiles_in, int pair, int outputs, bool adds) {
    const lks_gradient_args *a = f->a;
    float sums[2][LKS_TILE_ROWS][WIDTH] __attribute__((aligned(64)));
    float *const at[2][2] = {{sums[0][0], sums[0][0] + LKS_BLOCK},
                             {sums[1][0], sums[1][0] + LKS_BLOCK}};
    bool ok = true;
    lks_tiles_store(&f->tiles_of_sums, tiles_in, outputs, at, WIDTH * sizeof(float));
    TILES_WRITTEN();
    for (int i = 0; i < tiles_in * f->rows && first * f->rows + i < f->elements; i++)
        for (int v = 0; v < outputs * VPB; v++) {
            const vf c = v_load(sums[i / f->rows][i % f->rows] + v * LKS_VL);
            const size_t to = (size_t)(first * f->rows + i) * a->row + pair * WIDTH + v * LKS_VL;
            if (a->sums)
                ok &= v_add_exact(a->sums + to, c, adds);
            else
                v_store(a->out + to, adds ? v_add(v_load(a->out + to), c) : c);
        }
    return ok;
}

/* A group of images; `turned`: the first image and row of which lines of x are there. */
static void add_group(few *f, images g, int first, int tiles_in, int pair, int outputs,
                      int turned[2]) {
    const lks_gradient_args *a = f->a;
    for (int band = 0; band < a->rows; band += f->band) {
        const int end = band + f->band < a->rows ? band + f->band : a->rows;
        if (turned[0] != g.first || turned[1] != band)
            turn_x(f, g, band, end);
        turned[0] = g.first;
        turned[1] = band;
        for (int row = band; row < end; row += f->step) {
            for (int r = 0; r < f->step; r++)
                copy_left(f, first, tiles_in, row + r, band,
                          f->left + (size_t)r * f->row_blocks * tiles_in * f->rows * LINE);
            if (a->argmax)
                turn_windows(f, g, pair, outputs, row);
            else
                turn_right(f, g, pair, outputs, row);
            multiply(f, tiles_in, outputs);
        }
    }
}

size_t LKS_KERNEL(lks_tile_few_scratch)(const lks_gradient_args *a) {
    return plan(a, NULL).bytes;
}

bool LKS_KERNEL(lks_tile_few)(const lks_gradient_args *a) {
    few f = plan(a, a->scratch);
    const lks_tile_config shape = lks_tile_shape(f.rows);
    int turned[2] = {-1, -1};
    bool ok = true;
    TILES_BEGIN(&f.tiles_of_sums, &shape);
    for (int chunk = 0; chunk < a->samples; chunk += a->chunk) {
        const int end = chunk + a->chunk < a->samples ? chunk + a->chunk : a->samples;
        for (int block = 0; block < a->blocks; block += 2)
            for (int tile = 0; tile < f.tiles; tile += 2) {
                const int outputs = a->blocks - block < 2 ? 1 : 2,
                          tiles_in = f.tiles - tile < 2 ? 1 : 2;
                lks_tiles_clear(&f.tiles_of_sums);
                for (int s = chunk; s < end; s += a->group)
                    add_group(&f, (images){s, end - s < a->group ? end - s : a->group}, tile,
                              tiles_in, block / 2, outputs, turned);
                ok &= finish(&f, tile, tiles_in, block / 2, outputs, chunk > 0 || !a->fresh);
            }
    }
    TILES_END(&f.tiles_of_sums);
    return ok;
}
