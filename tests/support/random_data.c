#include "support/random_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARDS 32 /* floats on either side: more than a vector of any instruction set */
#define GUARD  12345.678f

static uint64_t state = 1;

void lks_random_seed(uint64_t seed) {
    state = seed;
}

/* splitmix64 (Steele, Lea, Flood 2014): not a generator of the program under test. */
uint64_t lks_random_bits(void) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int lks_random_int(int low, int high) {
    return low + (int)(lks_random_bits() % (uint64_t)(high - low + 1));
}

double lks_random_uniform(double low, double high) {
    return low + (high - low) * ((double)(lks_random_bits() >> 11) * 0x1p-53);
}

float lks_random_awkward(void) {
    float plain = (float)lks_random_uniform(-1, 1);
    switch (lks_random_int(0, 15)) {
    case 0:
    case 1:
        return 0.0f;
    case 2:
        return -0.0f;
    case 3:
        return (float)ldexp(plain, -130); /* denormal */
    case 4:
        return (float)ldexp(plain, lks_random_int(-40, 20));
    default:
        return plain;
    }
}

void lks_fill_awkward(float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = lks_random_awkward();
}

float *lks_guarded_alloc(size_t n) {
    float *x = malloc((n + 2 * GUARDS) * sizeof *x);
    if (!x) {
        perror("malloc");
        exit(1);
    }
    for (size_t i = 0; i < n + 2 * GUARDS; i++)
        x[i] = i < GUARDS || i >= n + GUARDS ? GUARD : NAN;
    return x + GUARDS;
}

bool lks_guarded_free(float *x, size_t n) {
    bool whole = true;
    for (int i = 0; i < GUARDS; i++)
        whole &= x[i - GUARDS] == GUARD && x[n + (size_t)i] == GUARD;
    free(x - GUARDS);
    return whole;
}

size_t lks_differing_bits(const float *a, const float *b, size_t n) {
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += memcmp(&a[i], &b[i], sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]));
    return wrong;
}

size_t lks_differing_numbers(const float *a, const float *b, size_t n) {
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += a[i] != b[i] && !(isnan(a[i]) && isnan(b[i]));
    return wrong;
}
