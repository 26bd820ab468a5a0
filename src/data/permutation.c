#include "data/data.h"

#include "lockstep/philox.h"

enum { ROUNDS = 8 };

/* A 32-bit mixer with low bias in every output bit: C. Wellons, "Prospecting for hash functions"
 * (2018), nullprogram.com/blog/2018/07/31. */
static uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= UINT32_C(0x7feb352d);
    x ^= x >> 15;
    x *= UINT32_C(0x846ca68b);
    x ^= x >> 16;
    return x;
}

lks_permutation lks_permutation_make(uint64_t seed, uint32_t epoch, uint64_t n) {
    lks_permutation p = {.n = n, .half_bits = 1};
    while (p.half_bits < 32 && (n - 1) >> (2 * p.half_bits) != 0)
        p.half_bits++;
    const lks_stream s = lks_stream_make(seed, LKS_PURPOSE_SHUFFLE, 0, epoch, 0);
    for (int i = 0; i < ROUNDS; i++)
        p.keys[i] = lks_stream_u32(&s, (uint64_t)i);
    return p;
}

static uint32_t half_mask(const lks_permutation *p) {
    return UINT32_MAX >> (32 - p->half_bits);
}

static uint64_t encipher(const lks_permutation *p, uint64_t x) {
    const uint32_t mask = half_mask(p);
    uint32_t left = (uint32_t)(x >> p->half_bits), right = (uint32_t)x & mask;
    for (int i = 0; i < ROUNDS; i++) {
        const uint32_t next = left ^ (mix(right ^ p->keys[i]) & mask);
        left = right;
        right = next;
    }
    return (uint64_t)left << p->half_bits | right;
}

static uint64_t decipher(const lks_permutation *p, uint64_t x) {
    const uint32_t mask = half_mask(p);
    uint32_t left = (uint32_t)(x >> p->half_bits), right = (uint32_t)x & mask;
    for (int i = ROUNDS - 1; i >= 0; i--) {
        const uint32_t previous = right ^ (mix(left ^ p->keys[i]) & mask);
        right = left;
        left = previous;
    }
    return (uint64_t)left << p->half_bits | right;
}

/* Cycle-walking: the network permutes a domain of less than 4 n (at least 4) numbers; walking along
 * its cycle from a number below n comes back below n, at the latest to that number. */
uint64_t lks_permutation_apply(const lks_permutation *p, uint64_t position) {
    do
        position = encipher(p, position);
    while (position >= p->n);
    return position;
}

uint64_t lks_permutation_invert(const lks_permutation *p, uint64_t index) {
    do
        index = decipher(p, index);
    while (index >= p->n);
    return index;
}
