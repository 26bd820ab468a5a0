/* The hash of arrays that must not change unseen: see lks_hash_bytes(), which has the same words in plain C. */
#include "kernels/kernels_isa.h"
#include "base/digest.h"

uint64_t LKS_KERNEL(lks_hash)(const void *words, size_t n, uint32_t first) {
    const char *at = words;
    uint32_t k[LKS_VL], step = (uint32_t)(LKS_HASH_STEP * LKS_VL);
    uint64_t lanes[LKS_VL / 2] = {0}, hash = 0;
    for (uint32_t l = 0; l < LKS_VL; l++)
        k[l] = LKS_HASH_MULTIPLIER(first + l);
    vi multiplier = vi_load(k);
    vl sum;
    memcpy(&sum, lanes, sizeof sum);
    size_t i = 0;
    for (; i + LKS_VL <= n; i += LKS_VL) {
        sum =
            vl_add_products(sum, vi_load((const uint32_t *)(const void *)(at + 4 * i)), multiplier);
        multiplier = vi_add(multiplier, vi_set1(step));
    }
    memcpy(lanes, &sum, sizeof sum);
    for (int l = 0; l < LKS_VL / 2; l++)
        hash += lanes[l];
    for (; i < n; i++) {
        uint32_t word;
        memcpy(&word, at + 4 * i, sizeof word);
        hash += (uint64_t)word * LKS_HASH_MULTIPLIER(first + (uint32_t)i);
    }
    return hash;
}
