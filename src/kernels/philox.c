/* Philox 4x32-10 (Salmon et al., SC'11), one block in every lane. */
#include "kernels/kernels_isa.h"

/* Blocks [first, first + LKS_VL). Lane l computes block order[l], so that quads come out in order. */
LKS_INLINE void lanes(uint32_t *out, const lks_stream *stream, const uint32_t order[LKS_VL],
                      uint64_t first) {
    vi c0 = vi_add(vi_set1((uint32_t)first), vi_load(order)), c1 = vi_set1(stream->item);
    vi c2 = vi_set1(stream->epoch), c3 = vi_set1(stream->tag);
    uint32_t k0 = stream->key[0], k1 = stream->key[1];
    LKS_FOR (int round = 0; round < 10; round++) {
        vi hi0, lo0, hi1, lo1;
        vi_mul_wide(c0, 0xD2511F53u, &hi0, &lo0);
        vi_mul_wide(c2, 0xCD9E8D57u, &hi1, &lo1);
        c0 = vi_xor(vi_xor(hi1, c1), vi_set1(k0));
        c2 = vi_xor(vi_xor(hi0, c3), vi_set1(k1));
        c1 = lo1;
        c3 = lo0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    vi_store_quads(out, c0, c1, c2, c3);
}

void LKS_KERNEL(lks_philox_fill)(uint32_t *out, const lks_stream *stream, uint64_t first_block,
                                 size_t blocks) {
    uint32_t order
        [LKS_VL]; /* outside the loop: a vector of what was just stored number by number waits for it */
    for (int l = 0; l < LKS_VL; l++)
        order[l] = (uint32_t)(LKS_VL / 4 * (l % 4) + l / 4);
    size_t b = 0;
    for (; b + LKS_VL <= blocks; b += LKS_VL)
        lanes(out + 4 * b, stream, order, first_block + b);
    if (b < blocks) {
        uint32_t last[4 * LKS_VL];
        lanes(last, stream, order, first_block + b);
        memcpy(out + 4 * b, last, (blocks - b) * 4 * sizeof *out);
    }
}
