/* The tile registers of AMX (Intel SDM, vol. 1, ch. 18), by the instructions, or by a C model that any machine runs
 * (LKS_TILES_MODEL): this code is compiled for both, so that tests see the tiling where there is no AMX.
 *
 * Tiles have rows of 64 bytes. 0 to 3 hold sums, 4 and 5 rows of operands on the left, 6 and 7 those on the right:
 * TDPBF16PS adds to element [i][j] of the first tile the block of 32 products (products.h) of row i of the second and
 * column j of the third, whose row k has the operands 2k and 2k + 1 of each of 16 columns. */
#ifndef LKS_KERNELS_AMX_TILES_H
#define LKS_KERNELS_AMX_TILES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LKS_TILE_ROWS  16
#define LKS_TILE_BYTES 1024 /* of a whole one */

/* As LDTILECFG reads it. */
typedef struct lks_tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} __attribute__((aligned(64))) lks_tile_config;

#ifdef LKS_TILES_MODEL
#include <assert.h>
#include <math.h>

typedef struct lks_tiles {
    lks_tile_config config;
    uint8_t data[8][LKS_TILE_ROWS][64];
} lks_tiles;

static inline void lks_model_configure(lks_tiles *t, const lks_tile_config *c) {
    assert(c->palette == 1);
    t->config = *c;
    memset(t->data, 0, sizeof t->data);
}

static inline void lks_model_load(lks_tiles *t, int tile, const void *from, ptrdiff_t stride) {
    memset(t->data[tile], 0, sizeof t->data[tile]);
    for (int r = 0; r < t->config.rows[tile]; r++)
        memcpy(t->data[tile][r], (const char *)from + r * stride, t->config.row_bytes[tile]);
}

static inline void lks_model_store(const lks_tiles *t, int tile, void *to, ptrdiff_t stride) {
    for (int r = 0; r < t->config.rows[tile]; r++)
        memcpy((char *)to + r * stride, t->data[tile][r], t->config.row_bytes[tile]);
}

static inline float lks_model_operand(const lks_tiles *t, int tile, int row, int i) {
    uint16_t upper;
    memcpy(&upper, t->data[tile][row] + 2 * i, sizeof upper);
    uint32_t bits = (uint32_t)upper << 16;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline void lks_model_product(lks_tiles *t, int sum, int left, int right) {
    const lks_tile_config *c = &t->config;
    assert(c->rows[sum] == c->rows[left] && c->row_bytes[sum] == c->row_bytes[right] &&
           c->row_bytes[left] == 4 * c->rows[right]); /* else the instruction faults */
    for (int i = 0; i < c->rows[sum]; i++) {
        float even[16] = {0}, odd[16] = {0}, sums[16];
        for (int k = 0; k < c->rows[right]; k++) {
            float a = lks_model_operand(t, left, i, 2 * k),
                  b = lks_model_operand(t, left, i, 2 * k + 1);
            for (int j = 0; j < c->row_bytes[sum] / 4; j++) {
                even[j] = fmaf(a, lks_model_operand(t, right, k, 2 * j), even[j]);
                odd[j] = fmaf(b, lks_model_operand(t, right, k, 2 * j + 1), odd[j]);
            }
        }
        memcpy(sums, t->data[sum][i], sizeof sums);
        for (int j = 0; j < 16; j++)
            sums[j] = sums[j] + (even[j] + odd[j]);
        memcpy(t->data[sum][i], sums, c->row_bytes[sum]);
    }
}

#define TILES_BEGIN(tiles, config)            lks_model_configure(tiles, config)
#define TILES_END(tiles)                      (void)(tiles)
#define TILE_ZERO(tiles, tile)                memset((tiles)->data[tile], 0, LKS_TILE_BYTES)
#define TILE_LOAD(tiles, tile, from, stride)  lks_model_load(tiles, tile, from, stride)
#define TILE_STREAM(tiles, tile, from)        lks_model_load(tiles, tile, from, 64)
#define TILE_STORE(tiles, tile, to, stride)   lks_model_store(tiles, tile, to, stride)
#define TILE_PRODUCT(tiles, sum, left, right) lks_model_product(tiles, sum, left, right)
#else
#include <immintrin.h>

typedef struct lks_tiles {
    char none; /* they are registers */
} lks_tiles;

/* GCC's intrinsics do not tell that they read memory: what was written before has to be there. */
#define TILES_WRITTEN() __asm__ volatile("" : : : "memory")
#define TILE_DO(tiles, instruction)                                                                \
    do {                                                                                           \
        (void)(tiles);                                                                             \
        instruction;                                                                               \
    } while (0)
#define TILES_BEGIN(tiles, config)                                                                 \
    do {                                                                                           \
        TILES_WRITTEN();                                                                           \
        TILE_DO(tiles, _tile_loadconfig(config));                                                  \
    } while (0)
#define TILES_END(tiles)                      TILE_DO(tiles, _tile_release())
#define TILE_ZERO(tiles, tile)                TILE_DO(tiles, _tile_zero(tile))
#define TILE_LOAD(tiles, tile, from, stride)  TILE_DO(tiles, _tile_loadd(tile, from, stride))
#define TILE_STORE(tiles, tile, to, stride)   TILE_DO(tiles, _tile_stored(tile, to, stride))
#define TILE_PRODUCT(tiles, sum, left, right) TILE_DO(tiles, _tile_dpbf16ps(sum, left, right))
/* With the hint that it is not needed again soon. */
#define TILE_STREAM(tiles, tile, from)        TILE_DO(tiles, _tile_stream_loadd(tile, from, 64))
#endif
#ifndef TILES_WRITTEN
#define TILES_WRITTEN() (void)0
#endif

/* Tiles 0 to 5 with `rows` rows, the others whole. */
static inline lks_tile_config lks_tile_shape(int rows) {
    lks_tile_config c = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        c.row_bytes[t] = 64;
        c.rows[t] = (uint8_t)(t < 6 ? rows : LKS_TILE_ROWS);
    }
    return c;
}

/* --- blocks of 1 or 2 tiles on the left by 1 or 2 on the right; the sum of l and r is tile 2 * l + r. What is known when
 * it is compiled costs no branch. */

#define LKS_TILES_INLINE static inline __attribute__((always_inline))

LKS_TILES_INLINE void lks_tiles_clear(lks_tiles *tiles) {
    TILE_ZERO(tiles, 0);
    TILE_ZERO(tiles, 1);
    TILE_ZERO(tiles, 2);
    TILE_ZERO(tiles, 3);
}

/* Rows of the left tiles are `step` bytes apart; right tiles are consecutive lines. stream: the right ones are not needed
 * again soon. */
LKS_TILES_INLINE void lks_tiles_multiply(lks_tiles *tiles, int n_left, int n_right,
                                         const void *const left[2], ptrdiff_t step,
                                         const void *const right[2], int stream) {
    TILE_LOAD(tiles, 4, left[0], step);
    if (stream)
        TILE_STREAM(tiles, 6, right[0]);
    else
        TILE_LOAD(tiles, 6, right[0], 64);
    TILE_PRODUCT(tiles, 0, 4, 6);
    if (n_right > 1) {
        if (stream)
            TILE_STREAM(tiles, 7, right[1]);
        else
            TILE_LOAD(tiles, 7, right[1], 64);
        TILE_PRODUCT(tiles, 1, 4, 7);
    }
    if (n_left > 1) {
        TILE_LOAD(tiles, 5, left[1], step);
        TILE_PRODUCT(tiles, 2, 5, 6);
        if (n_right > 1)
            TILE_PRODUCT(tiles, 3, 5, 7);
    }
}

/* Sums from and to memory: that of l and r at[l][r], its rows `step` bytes apart. */
LKS_TILES_INLINE void lks_tiles_fetch(lks_tiles *tiles, int n_left, int n_right,
                                      float *const at[2][2], ptrdiff_t step) {
    TILE_LOAD(tiles, 0, at[0][0], step);
    if (n_right > 1)
        TILE_LOAD(tiles, 1, at[0][1], step);
    if (n_left > 1)
        TILE_LOAD(tiles, 2, at[1][0], step);
    if (n_left > 1 && n_right > 1)
        TILE_LOAD(tiles, 3, at[1][1], step);
}

LKS_TILES_INLINE void lks_tiles_store(lks_tiles *tiles, int n_left, int n_right,
                                      float *const at[2][2], ptrdiff_t step) {
    TILE_STORE(tiles, 0, at[0][0], step);
    if (n_right > 1)
        TILE_STORE(tiles, 1, at[0][1], step);
    if (n_left > 1)
        TILE_STORE(tiles, 2, at[1][0], step);
    if (n_left > 1 && n_right > 1)
        TILE_STORE(tiles, 3, at[1][1], step);
}

#endif
