/** @file random_data.h  Repeatable random data for tests, awkward floats included, and comparisons
 * by bits. */
#ifndef LKS_RANDOM_DATA_H
#define LKS_RANDOM_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Starts the sequence of the calling test anew. */
void lks_random_seed(uint64_t seed);

uint64_t lks_random_bits(void);
/** Uniform in [low, high]. */
int lks_random_int(int low, int high);
/** Uniform in [low, high). */
double lks_random_uniform(double low, double high);

/** Mostly numbers in (-1, 1); also zeros of both signs, denormals, and exponents from -40 to 20. */
float lks_random_awkward(void);
void lks_fill_awkward(float *x, size_t n);

/** n floats between guards that lks_guarded_free() checks, so that a store beyond either end is
 * seen; filled with NaN, so that an element nobody writes is seen too. */
float *lks_guarded_alloc(size_t n);
/** Frees, and returns whether the guards are untouched. */
bool lks_guarded_free(float *x, size_t n);

/** Elements of two arrays that differ in any bit; a NaN equals any other NaN. */
size_t lks_differing_bits(const float *a, const float *b, size_t n);
/** Elements of two arrays that are not equal as numbers: zeros of different signs are. */
size_t lks_differing_numbers(const float *a, const float *b, size_t n);

#endif
