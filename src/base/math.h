/** @file math.h  Elementary functions in double that give the same bits everywhere: only sums,
 * products, quotients, sqrt and integer steps; no libm, no fused operations. Errors found against
 * long double references (tests/unit/test_math.c): exp and log below 1 ulp, sine and cosine
 * below 2. */
#ifndef LKS_BASE_MATH_H
#define LKS_BASE_MATH_H

#include <stdint.h>

/** e^x; gradual underflow, 0 below -745.14; +inf above 709.79; NaN stays NaN. */
double lks_exp(double x);

/** Natural logarithm; -inf at 0, NaN below. */
double lks_log(double x);

/** sin(2 pi t) and cos(2 pi t) for any finite t: argument reduction is exact in turns. */
double lks_sin_2pi(double t);
double lks_cos_2pi(double t);

/** x^n by binary exponentiation: the documented order for powers of beta. */
double lks_powi(double x, uint64_t n);

#endif
