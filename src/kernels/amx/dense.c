/* Weight gradients of layers whose output is one pixel, as dense layers have. A chunk has few products for a weight, so
 * what counts are its sums: rows of tiles are 16 channels of a tap, columns outputs, as sums lie in memory, and those of
 * two by two tiles stay in the first-level cache while all chunks are added. */
#include "kernels/amx/dense.h"
#include "kernels/amx/turn.h"

#define SUMS       (LKS_TILE_ROWS * LKS_BLOCK) /* floats of a tile of sums */
#define HELD_BYTES ((size_t)1 << 19)           /* of operands, a quarter of a second-level cache */
#define LINE       8                           /* exact sums in a line of the cache */

typedef struct dense {
    const lks_gradient_args *a;
    int per_tap, tiles;          /* of channels: of one tap, of all */
    int per_chunk, groups, held; /* groups of images: of a chunk, of all, in memory at once */
    size_t x_group, dy_group;    /* operands */
    size_t zeros_bytes, bytes;   /* of scratch memory */
    lks_operand *x;              /* [held][tiles][16 channels][32 images] */
    lks_operand *dy;             /* [held][blocks][16][16][2] */
    lks_operand *zeros;
    bool ok;
    lks_tiles registers;
} dense;

/* Sums of a chunk that are not yet added. */
typedef struct pending {
    int tiles, outputs; /* 2 at most of each */
    int rows[2];        /* channels */
    size_t at[2];       /* in sums or out: of each tile */
    bool adds;
    float sums[2][2][SUMS] __attribute__((aligned(64)));
} pending;

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static dense plan(const lks_gradient_args *a, char *memory) {
    dense d = {.a = a, .ok = true};
    const int chunks = (a->samples + a->chunk - 1) / a->chunk;
    d.per_tap = (a->channels + LKS_BLOCK - 1) / LKS_BLOCK;
    d.tiles = d.per_tap * a->taps;
    d.per_chunk = (a->chunk + a->group - 1) / a->group;
    d.groups = chunks * d.per_chunk;
    d.x_group = (size_t)d.tiles * LKS_TILE_OPERANDS;
    d.dy_group = (size_t)a->blocks * LKS_TILE_OPERANDS;
    const size_t chunk = d.per_chunk * (d.x_group + d.dy_group) * sizeof(lks_operand);
    const size_t fit = least(HELD_BYTES / chunk, (size_t)chunks);
    d.held = (int)(fit > 1 ? fit : 1) * d.per_chunk;
    const size_t widest = (size_t)(d.per_tap > a->blocks ? d.per_tap : a->blocks);
    d.zeros_bytes = (widest + 1) / 2 * LKS_CHAINS * sizeof(lks_operand); /* whole lines */
    /* enough for fewer taps, channels or outputs, too, of which more chunks are held at once */
    const size_t most = least(HELD_BYTES, chunks * chunk);
    d.bytes = d.zeros_bytes + (most > chunk ? most : chunk);
    if (memory) {
        d.zeros = (lks_operand *)memory;
        d.x = (lks_operand *)(memory + d.zeros_bytes);
        d.dy = d.x + d.held * d.x_group;
        memset(d.zeros, 0, d.zeros_bytes);
    }
    return d;
}

/* Operands of a group's images of a block of the recurrence; those that are missing are zeros. */
static void sources_of(const dense *d, int group, const void *plane, size_t stride,
                       const lks_operand *from[LKS_CHAINS]) {
    const lks_gradient_args *a = d->a;
    const int first = group / d->per_chunk * a->chunk, in_chunk = group % d->per_chunk * a->group,
              left = (a->samples - first < a->chunk ? a->samples - first : a->chunk) - in_chunk;
    for (int k = 0; k < LKS_CHAINS; k++)
        from[k] = k < a->group && k < left
                      ? (const lks_operand *)plane + (size_t)(first + in_chunk + k) * stride
                      : d->zeros;
}

/* Tiles of a group, at place `index` of those in memory. */
static void hold(const dense *d, int group, int index) {
    const lks_gradient_args *a = d->a;
    const lks_operand *from[LKS_CHAINS];
    lks_operand *to = d->x + index * d->x_group;
    for (int t = 0; t < a->taps; t++) {
        sources_of(d, group, (const lks_operand *)a->x + a->tap_offset[t], a->x_stride, from);
        for (int i = 0; i < d->per_tap; i++, to += LKS_TILE_OPERANDS)
            turn_to_rows(from, (size_t)i * LKS_BLOCK, to);
    }
    to = d->dy + index * d->dy_group;
    sources_of(d, group, a->dy, a->dy_stride, from);
    for (int b = 0; b < a->blocks; b++, to += LKS_TILE_OPERANDS)
        turn_to_columns(from, (size_t)b * LKS_BLOCK, to);
}

/* --- sums ------------------------------------------------------------------------------------- */

static void place(const dense *d, int tile, int block, pending *p) {
    const lks_gradient_args *a = d->a;
    p->tiles = d->tiles - tile < 2 ? 1 : 2;
    p->outputs = a->blocks - block < 2 ? 1 : 2;
    for (int i = 0; i < p->tiles; i++) {
        const int tap = (tile + i) / d->per_tap, c = (tile + i) % d->per_tap * LKS_BLOCK;
        p->rows[i] = a->channels - c < LKS_BLOCK ? a->channels - c : LKS_BLOCK;
        p->at[i] = ((size_t)tap * a->channels + c) * a->row + (size_t)block * LKS_BLOCK;
    }
}

LKS_INLINE bool add_rows(const lks_gradient_args *a, const float *sums, int rows, size_t at,
                         bool exact, bool adds) {
    bool ok = true;
    for (int i = 0; i < rows; i++, at += a->row, sums += LKS_BLOCK)
        LKS_FOR (int v = 0; v < VPB; v++) {
            const vf partial = v_load(sums + v * LKS_VL);
            const size_t to = at + v * LKS_VL;
            if (exact)
                ok &= v_add_exact(a->sums + to, partial, adds);
            else
                v_store(a->out + to, adds ? v_add(v_load(a->out + to), partial) : partial);
        }
    return ok;
}

static void finish(dense *d, const pending *p) {
    for (int i = 0; i < p->tiles; i++)
        for (int o = 0; o < p->outputs; o++) {
            const float *sums = p->sums[i][o];
            const size_t at = p->at[i] + (size_t)o * LKS_BLOCK;
            if (!d->a->sums)
                d->ok &= add_rows(d->a, sums, p->rows[i], at, false, p->adds);
            else if (p->adds)
                d->ok &= add_rows(d->a, sums, p->rows[i], at, true, true);
            else
                d->ok &= add_rows(d->a, sums, p->rows[i], at, true, false);
        }
}

/* Exact sums are larger than a cache, and rows of a tile far apart: a share of the next ones is asked for while each
 * chunk is added. */
static void fetch(const dense *d, const pending *next, int part, int parts) {
    const lks_gradient_args *a = d->a;
    for (int i = 0; a->sums && i < next->tiles; i++)
        for (int r = next->rows[i] * part / parts; r < next->rows[i] * (part + 1) / parts; r++)
            for (int line = 0; line < next->outputs * LKS_BLOCK; line += LINE)
                __builtin_prefetch(a->sums + next->at[i] + r * a->row + line, 1);
}

/* --- products --------------------------------------------------------------------------------- */

/* The groups of a chunk from place `index` on. */
static void multiply(dense *d, int index, int tile, int block, pending *p) {
    float *const at[2][2] = {{p->sums[0][0], p->sums[0][1]}, {p->sums[1][0], p->sums[1][1]}};
    lks_tiles_clear(&d->registers);
    for (int g = index; g < index + d->per_chunk; g++) {
        const lks_operand *x = d->x + g * d->x_group + (size_t)tile * LKS_TILE_OPERANDS;
        const lks_operand *dy = d->dy + g * d->dy_group + (size_t)block * LKS_TILE_OPERANDS;
        const void *left[] = {x, x + LKS_TILE_OPERANDS}, *right[] = {dy, dy + LKS_TILE_OPERANDS};
        if (p->tiles > 1 && p->outputs > 1)
            lks_tiles_multiply(&d->registers, 2, 2, left, 64, right, false);
        else if (p->tiles > 1)
            lks_tiles_multiply(&d->registers, 2, 1, left, 64, right, false);
        else if (p->outputs > 1)
            lks_tiles_multiply(&d->registers, 1, 2, left, 64, right, false);
        else
            lks_tiles_multiply(&d->registers, 1, 1, left, 64, right, false);
    }
    lks_tiles_store(&d->registers, p->tiles, p->outputs, at, LKS_BLOCK * sizeof(float));
}

/* All chunks in memory, the first of which has group `group`. A chunk's sums are added while the next ones are made. */
static void multiply_held(dense *d, int group, int groups) {
    const lks_gradient_args *a = d->a;
    const int chunks = groups / d->per_chunk;
    pending p[2], next;
    int turn = 0;
    p[1].tiles = 0; /* there are none before */
    for (int block = 0; block < a->blocks; block += 2)
        for (int tile = 0; tile < d->tiles; tile += 2) {
            if (tile + 2 < d->tiles)
                place(d, tile + 2, block, &next);
            else
                next.tiles = 0;
            for (int c = 0; c < chunks; c++, turn ^= 1) {
                place(d, tile, block, &p[turn]);
                p[turn].adds = group + c > 0 || !a->fresh;
                multiply(d, c * d->per_chunk, tile, block, &p[turn]);
                fetch(d, &next, c, chunks);
                finish(d, &p[turn ^ 1]);
            }
        }
    finish(d, &p[turn ^ 1]);
}

size_t LKS_KERNEL(lks_tile_dense_scratch)(const lks_gradient_args *a) {
    return plan(a, NULL).bytes;
}

bool LKS_KERNEL(lks_tile_dense)(const lks_gradient_args *a) {
    dense d = plan(a, a->scratch);
    const lks_tile_config shape = lks_tile_shape(LKS_TILE_ROWS);
    TILES_BEGIN(&d.registers, &shape);
    for (int group = 0; group < d.groups; group += d.held) {
        const int n = d.groups - group < d.held ? d.groups - group : d.held;
        for (int i = 0; i < n; i++)
            hold(&d, group + i, i);
        TILES_WRITTEN();
        multiply_held(&d, group, n);
    }
    TILES_END(&d.registers);
    return d.ok;
}
