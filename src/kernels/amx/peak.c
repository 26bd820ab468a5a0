#include "kernels/amx/amx.h"

/* Four sums, as in products: each is met again after 64 cycles, more than a tile product takes. */
double LKS_KERNEL(lks_tile_peak)(float *out, size_t rounds) {
    lks_operand ones[LKS_TILE_OPERANDS] __attribute__((aligned(64)));
    const float one = 1.0f;
    lks_tiles tiles;
    const lks_tile_config shape = lks_tile_shape(LKS_TILE_ROWS);
    float sums[LKS_TILE_ROWS * LKS_BLOCK];
    for (int i = 0; i < LKS_TILE_OPERANDS; i++)
        memcpy(&ones[i], (const char *)&one + 2, sizeof *ones);
    TILES_BEGIN(&tiles, &shape);
    TILE_ZERO(&tiles, 0);
    TILE_ZERO(&tiles, 1);
    TILE_ZERO(&tiles, 2);
    TILE_ZERO(&tiles, 3);
    TILE_LOAD(&tiles, 4, ones, 64);
    TILE_LOAD(&tiles, 5, ones, 64);
    TILE_LOAD(&tiles, 6, ones, 64);
    TILE_LOAD(&tiles, 7, ones, 64);
    for (size_t r = 0; r < rounds; r++) {
        TILE_PRODUCT(&tiles, 0, 4, 6);
        TILE_PRODUCT(&tiles, 1, 4, 7);
        TILE_PRODUCT(&tiles, 2, 5, 6);
        TILE_PRODUCT(&tiles, 3, 5, 7);
    }
    TILE_STORE(&tiles, 3, sums, 64);
    TILES_END(&tiles);
    memcpy(out + 2, sums, LKS_BLOCK * sizeof *out);
    return 4.0 * LKS_TILE_ROWS * LKS_BLOCK * LKS_CHAINS * 2 * (double)rounds;
}
