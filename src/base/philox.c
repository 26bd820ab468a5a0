#include "lockstep/philox.h"

#include "base/math.h"

#include <math.h>

#define ROUNDS       10
#define MULTIPLIER_0 UINT32_C(0xd2511f53)
#define MULTIPLIER_1 UINT32_C(0xcd9e8d57)
#define WEYL_0       UINT32_C(0x9e3779b9) /* golden ratio */
#define WEYL_1       UINT32_C(0xbb67ae85) /* sqrt(3) - 1 */

void lks_philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0;
        uint64_t p1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

lks_stream lks_stream_make(uint64_t seed, lks_purpose purpose, uint32_t unit, uint32_t epoch,
                           uint32_t item) {
    return (lks_stream){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .item = item,
        .epoch = epoch,
        .tag = (uint32_t)purpose << 24 | (unit & UINT32_C(0xffffff)),
    };
}

uint32_t lks_stream_u32(const lks_stream *s, uint64_t element) {
    const uint32_t counter[4] = {(uint32_t)(element >> 2), s->item, s->epoch, s->tag};
    uint32_t words[4];
    lks_philox4x32_10(counter, s->key, words);
    return words[element & 3];
}

double lks_stream_uniform(const lks_stream *s, uint64_t element) {
    return (double)lks_stream_u32(s, element) * 0x1p-32;
}

/* The radius takes (word + 1) * 2^-32, in (0, 1], so that the logarithm is finite: |normal| < 6.67.
 */
double lks_stream_normal(const lks_stream *s, uint64_t element) {
    double radius_word = (double)lks_stream_u32(s, 2 * element);
    double turns = lks_stream_uniform(s, 2 * element + 1);
    double radius = sqrt(-2.0 * lks_log((radius_word + 1.0) * 0x1p-32));
    return radius * lks_cos_2pi(turns);
}
