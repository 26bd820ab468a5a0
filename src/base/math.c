/* Elementary functions from +, -, *, / and integer steps. Unless said otherwise the polynomials are
 * Taylor series, cut where the next term is below 2^-57 of the result on the reduced range; their
 * coefficients are ratios of small integers, which the compiler rounds once, or (for sine and
 * cosine) powers of 2 pi over factorials, rounded from 60 digits. */
#include "base/math.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

static_assert(FLT_EVAL_METHOD == 0, "double must be evaluated in double");
static_assert(DBL_MANT_DIG == 53 && DBL_MAX_EXP == 1024, "double must be IEEE 754 binary64");

/* ln 2 in two parts (Cody and Waite): the first has 32 significant bits, so its product with any
 * exponent is exact; the second is the rest, rounded. */
#define LN2_HI  0x1.62e42feep-1
#define LN2_LO  0x1.a39ef35793c76p-33
#define INV_LN2 0x1.71547652b82fep+0

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Nearest integer, ties to even, for |x| <= 2^51: 1.5 * 2^52 pushes the fraction out of the
 * significand. Needs no rounding instruction. */
static double round_even(double x) {
    return (x + 0x1.8p52) - 0x1.8p52;
}

/* 2^n for -1022 <= n <= 1023. */
static double power_of_two(int n) {
    return double_of((uint64_t)(n + 1023) << 52);
}

/* e^r - 1 for x = n ln 2 + r, |r| <= 0.35. The rounding error of r is folded into the small terms.
 */
static double expm1_reduced(double x, double n) {
    double high = x - n * LN2_HI;
    double low = n * LN2_LO;
    double r = high - low;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    double error = (high - r) - low;
    return r + (r * r * p + (error + error * r));
}

double lks_exp(double x) {
    if (x != x)
        return x;
    if (x > 710.0)
        return INFINITY;
    if (x < -746.0)
        return 0.0;
    double n = round_even(x * INV_LN2);
    double y = 1.0 + expm1_reduced(x, n);
    /* Two steps: n may lie outside the exponents of a double, and a denormal result rounds only
     * once. */
    int whole = (int)n;
    int half = whole / 2;
    return y * power_of_two(half) * power_of_two(whole - half);
}

/* log(2^k m) with m in [sqrt(1/2), sqrt(2)): log m = 2 atanh(s), s = f / (2 + f), f = m - 1. With
 * 2 s = f - f^2/2 + s f^2/2 the large term f is exact and only small terms carry rounding errors.
 */
double lks_log(double x) {
    if (x != x || x < 0.0)
        return NAN;
    if (x == 0.0)
        return -INFINITY;
    if (x > DBL_MAX)
        return x;
    int k = 0;
    if (x < DBL_MIN) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t bits = bits_of(x);
    k += (int)(bits >> 52) - 1023;
    double m = double_of((bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x3ff0000000000000));
    if (m >= 0x1.6a09e667f3bcdp+0) {
        m *= 0.5;
        k++;
    }
    double f = m - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double series = 2.0 / 23.0;
    series = series * z + 2.0 / 21.0;
    series = series * z + 2.0 / 19.0;
    series = series * z + 2.0 / 17.0;
    series = series * z + 2.0 / 15.0;
    series = series * z + 2.0 / 13.0;
    series = series * z + 2.0 / 11.0;
    series = series * z + 2.0 / 9.0;
    series = series * z + 2.0 / 7.0;
    series = series * z + 2.0 / 5.0;
    series = series * z + 2.0 / 3.0;
    series *= z;
    double half_square = 0.5 * f * f;
    double n = (double)k;
    return n * LN2_HI - ((half_square - (s * (half_square + series) + n * LN2_LO)) - f);
}

/* sin(2 pi g) for |g| <= 1/8: 2 pi in two parts, the first product being the only large term. */
static double sine_eighth(double g) {
    double z = g * g;
    double p = 0x1.aaec32af93359p-4;
    p = p * z - 0x1.6fadb9f155744p-1;
    p = p * z + 0x1.e8f434d018d63p+1;
    p = p * z - 0x1.e3074fde8871fp+3;
    p = p * z + 0x1.50783487ee782p+5;
    p = p * z - 0x1.32d2cce62bd86p+6;
    p = p * z + 0x1.466bc6775aae2p+6;
    p = p * z - 0x1.4abbce625be53p+5;
    return g * 0x1.921fb54442d18p+2 + g * (z * p + 0x1.1a62633145c07p-52);
}

/* cos(2 pi g) for |g| <= 1/8. */
static double cosine_eighth(double g) {
    double z = g * g;
    double p = 0x1.20c62c2f2d7f5p-2;
    p = p * z - 0x1.b6e24f44b128fp+0;
    p = p * z + 0x1.f9d38a3763cc3p+2;
    p = p * z - 0x1.a6d1f2a204a8cp+4;
    p = p * z + 0x1.e1f506891babbp+5;
    p = p * z - 0x1.55d3c7e3cbffap+6;
    p = p * z + 0x1.03c1f081b5ac4p+6;
    p = p * z - 0x1.3bd3cc9be45dep+4;
    return 1.0 + z * p;
}

/* Splits t turns into a quarter 0..3 and the rest in [-1/8, 1/8], exactly: every difference here is
 * of numbers that share a last place. From 2^52 on t is a whole number. NaN and infinity give NaN.
 */
static double reduce_turns(double t, unsigned *quarter) {
    *quarter = 0;
    if (!(fabs(t) < 0x1p52))
        return t - t;
    double fraction = t - (double)(int64_t)t;
    double n = round_even(4.0 * fraction);
    *quarter = (unsigned)(int)n & 3u;
    return fraction - 0.25 * n;
}

/* 0 - y rather than -y: a zero of the function is +0. */
static double turn(double g, unsigned quarter) {
    double y = quarter & 1u ? cosine_eighth(g) : sine_eighth(g);
    return quarter & 2u ? 0.0 - y : 0.0 + y;
}

double lks_sin_2pi(double t) {
    unsigned quarter;
    double g = reduce_turns(t, &quarter);
    return turn(g, quarter);
}

double lks_cos_2pi(double t) {
    unsigned quarter;
    double g = reduce_turns(t, &quarter);
    return turn(g, (quarter + 1u) & 3u);
}

/* From the lowest bit of n up: result *= x^(2^i) for each set bit i, x^(2^i) by repeated squaring.
 */
double lks_powi(double x, uint64_t n) {
    double result = 1.0;
    for (; n > 0; n >>= 1) {
        if (n & 1)
            result *= x;
        x *= x;
    }
    return result;
}
