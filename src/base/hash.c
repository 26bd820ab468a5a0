#include "base/digest.h"

#include <string.h>

/* The increment comes first, as in splitmix64 itself: the finaliser alone maps 0 to 0, and a lost
 * sample 0 would leave no trace in a sum. */
uint64_t lks_hash64(uint64_t id) {
    uint64_t z = id + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t lks_hash_words(const void *words, size_t n, uint32_t first) {
    const char *at = words;
    uint64_t hash = 0;
    uint32_t word, k = LKS_HASH_MULTIPLIER(first);
    for (size_t i = 0; i < n; i++, k += LKS_HASH_STEP) {
        memcpy(&word, at + i * sizeof word, sizeof word);
        hash += (uint64_t)word * k;
    }
    return hash;
}

uint64_t lks_hash_bytes(const void *bytes, size_t n) {
    uint32_t word = 0;
    const size_t words = n / sizeof word;
    memcpy(&word, (const char *)bytes + words * sizeof word, n % sizeof word);
    return lks_hash_words(bytes, words, 0) + (uint64_t)word * LKS_HASH_MULTIPLIER((uint32_t)words);
}
