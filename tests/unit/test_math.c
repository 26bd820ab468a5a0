/* The elementary functions against long double references, at their edges, and against a digest of
 * their results that no compiler or machine may change. */
#include "support/test.h"

#include "base/digest.h"
#include "base/math.h"
#include "lockstep/philox.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define SAMPLES 200000

static lks_stream stream(uint32_t item) {
    return lks_stream_make(20240531, LKS_PURPOSE_AUGMENT, 1, 0, item);
}

/* Number @p i of a random sequence in [low, high). */
static double uniform(const lks_stream *s, uint64_t i, double low, double high) {
    return low + (high - low) * lks_stream_uniform(s, i);
}

/* |got - wanted| in units in the last place of the double nearest to wanted. */
static double ulps(double got, long double wanted) {
    if (isnan(got))
        return INFINITY; /* fmax() would pass over a NaN */
    int exponent;
    frexpl(wanted, &exponent);
    if (exponent < DBL_MIN_EXP)
        exponent = DBL_MIN_EXP;
    return (double)(fabsl((long double)got - wanted) / ldexpl(1.0L, exponent - DBL_MANT_DIG));
}

/* The largest error of @p f over [low, high]: an even grid, and random numbers. */
static double worst(double (*f)(double), long double (*reference)(long double), double low,
                    double high) {
    double error = 0.0;
    lks_stream s = stream(7);
    for (uint64_t i = 0; i <= SAMPLES; i++) {
        double grid = low + (high - low) * ((double)i / SAMPLES);
        double random = uniform(&s, i, low, high);
        error = fmax(error, ulps(f(grid), reference(grid)));
        error = fmax(error, ulps(f(random), reference(random)));
    }
    return error;
}

/* The same over the magnitudes 2^low .. 2^high, evenly in the exponent. */
static double worst_by_magnitude(double (*f)(double), long double (*reference)(long double),
                                 double low, double high, double sign) {
    double error = 0.0;
    lks_stream s = stream(8);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        double exponent = uniform(&s, i, low, high);
        double x = sign * ldexp(1.0 + (exponent - floor(exponent)), (int)floor(exponent));
        error = fmax(error, ulps(f(x), reference(x)));
    }
    return error;
}

/* sin and cos of 2 pi t with t in (-1/2, 1/2], folded onto angles up to pi / 4 where nothing
 * cancels. */
static long double reference_sin_2pi(long double t) {
    const long double two_pi = 6.283185307179586476925286766559005768L;
    t -= rintl(t);
    long double sign = t < 0.0L ? -1.0L : 1.0L;
    t = fabsl(t);
    if (t > 0.25L)
        t = 0.5L - t;
    return sign * (t > 0.125L ? cosl(two_pi * (0.25L - t)) : sinl(two_pi * t));
}

static long double reference_cos_2pi(long double t) {
    const long double two_pi = 6.283185307179586476925286766559005768L;
    t = fabsl(t - rintl(t));
    long double sign = 1.0L;
    if (t > 0.25L) {
        t = 0.5L - t;
        sign = -1.0L;
    }
    return sign * (t > 0.125L ? sinl(two_pi * (0.25L - t)) : cosl(two_pi * t));
}

static void test_exp(void) {
    CU_ASSERT(worst(lks_exp, expl, -1.0, 1.0) <= 1.0);
    CU_ASSERT(worst(lks_exp, expl, -90.0, 90.0) <= 1.0);
    CU_ASSERT(worst(lks_exp, expl, -708.0, 709.78) <= 1.0);
    CU_ASSERT(worst(lks_exp, expl, -746.0, -708.0) <= 1.0);
    CU_ASSERT(worst_by_magnitude(lks_exp, expl, -60.0, 0.0, 1.0) <= 1.0);
    CU_ASSERT(worst_by_magnitude(lks_exp, expl, -60.0, 0.0, -1.0) <= 1.0);
}

static void test_exp_edges(void) {
    CU_ASSERT(lks_exp(0.0) == 1.0);
    CU_ASSERT(lks_exp(-0.0) == 1.0);
    CU_ASSERT(lks_exp(1.0) == 0x1.5bf0a8b145769p+1);
    CU_ASSERT(isfinite(lks_exp(709.782)));
    CU_ASSERT(lks_exp(709.783) == INFINITY);
    CU_ASSERT(lks_exp(1e300) == INFINITY);
    CU_ASSERT(lks_exp(INFINITY) == INFINITY);
    CU_ASSERT(lks_exp(-745.0) == DBL_TRUE_MIN);
    CU_ASSERT(lks_exp(-745.14) == 0.0);
    CU_ASSERT(lks_exp(-1e300) == 0.0);
    CU_ASSERT(lks_exp(-INFINITY) == 0.0);
    CU_ASSERT(isnan(lks_exp(NAN)));
}

static void test_log(void) {
    CU_ASSERT(worst(lks_log, logl, 0.5, 2.0) <= 1.0);
    CU_ASSERT(worst(lks_log, logl, 0.99, 1.01) <= 1.0);
    CU_ASSERT(worst(lks_log, logl, 2.0, 1000.0) <= 1.0);
    CU_ASSERT(worst_by_magnitude(lks_log, logl, -1022.0, 1023.0, 1.0) <= 1.0);
    CU_ASSERT(worst_by_magnitude(lks_log, logl, -1074.0, -1022.0, 1.0) <= 1.0);
}

static void test_log_edges(void) {
    CU_ASSERT(lks_log(1.0) == 0.0);
    CU_ASSERT(lks_log(2.0) == 0x1.62e42fefa39efp-1);
    CU_ASSERT(lks_log(1.0 + DBL_EPSILON) == DBL_EPSILON * (1.0 - 0x1p-53));
    CU_ASSERT(ulps(lks_log(DBL_TRUE_MIN), logl(DBL_TRUE_MIN)) <= 1.0);
    CU_ASSERT(ulps(lks_log(DBL_MAX), logl(DBL_MAX)) <= 1.0);
    CU_ASSERT(lks_log(0.0) == -INFINITY);
    CU_ASSERT(lks_log(-0.0) == -INFINITY);
    CU_ASSERT(lks_log(INFINITY) == INFINITY);
    CU_ASSERT(isnan(lks_log(-1.0)));
    CU_ASSERT(isnan(lks_log(-INFINITY)));
    CU_ASSERT(isnan(lks_log(NAN)));
}

static void test_sine_and_cosine(void) {
    CU_ASSERT(worst(lks_sin_2pi, reference_sin_2pi, -1.0, 1.0) <= 2.0);
    CU_ASSERT(worst(lks_cos_2pi, reference_cos_2pi, -1.0, 1.0) <= 2.0);
    CU_ASSERT(worst(lks_sin_2pi, reference_sin_2pi, -1000.0, 1000.0) <= 2.0);
    CU_ASSERT(worst(lks_cos_2pi, reference_cos_2pi, -1000.0, 1000.0) <= 2.0);
    CU_ASSERT(worst_by_magnitude(lks_sin_2pi, reference_sin_2pi, -300.0, 52.0, 1.0) <= 2.0);
    CU_ASSERT(worst_by_magnitude(lks_sin_2pi, reference_sin_2pi, -60.0, 52.0, -1.0) <= 2.0);
    CU_ASSERT(worst_by_magnitude(lks_cos_2pi, reference_cos_2pi, -60.0, 52.0, 1.0) <= 2.0);
}

/* Whole quarters are exact, however many turns there were. */
static void test_quarters(void) {
    static const double sines[4] = {0.0, 1.0, 0.0, -1.0};
    for (int i = -40; i <= 40; i++) {
        CU_ASSERT(lks_sin_2pi(0.25 * i) == sines[i & 3]);
        CU_ASSERT(lks_cos_2pi(0.25 * i) == sines[(i + 1) & 3]);
    }
    static const double far[] = {0x1p50, 0x1p51, 0x1p51 + 1.0, 0x1p52, 0x1p53, 0x1p62, 1e300};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        CU_ASSERT(lks_sin_2pi(far[i]) == 0.0);
        CU_ASSERT(lks_cos_2pi(far[i]) == 1.0);
        CU_ASSERT(lks_cos_2pi(-far[i]) == 1.0);
    }
    CU_ASSERT(lks_cos_2pi(0x1p51 + 0.5) == -1.0);
    CU_ASSERT(lks_sin_2pi(-0x1p50 - 0.25) == -1.0);
    CU_ASSERT(isnan(lks_sin_2pi(NAN)) && isnan(lks_cos_2pi(NAN)));
    CU_ASSERT(isnan(lks_sin_2pi(INFINITY)) && isnan(lks_cos_2pi(-INFINITY)));
}

static void test_powi(void) {
    CU_ASSERT(lks_powi(0.9, 0) == 1.0);
    CU_ASSERT(lks_powi(0.9, 1) == 0.9);
    CU_ASSERT(lks_powi(2.0, 1023) == 0x1p1023);
    CU_ASSERT(lks_powi(-3.0, 5) == -243.0);
    /* The documented order: lowest bit first, x^(2^i) by squaring. */
    double b = 0.9, b2 = b * b, b4 = b2 * b2, b8 = b4 * b4;
    CU_ASSERT(lks_powi(b, 13) == (b * b4) * b8);
    CU_ASSERT(lks_powi(0.999, UINT64_C(1) << 40) == 0.0);
    int wrong = 0;
    for (uint64_t n = 1; n < 20000; n += 7)
        wrong += !(fabsl(lks_powi(0.999, n) / powl((long double)0.999, (long double)n) - 1.0L) <
                   (long double)n * 0x1p-52L);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void hash_results(lks_sha256 *digest, double (*f)(double), double low, double high) {
    lks_stream s = stream(10);
    for (uint64_t i = 0; i < 20000; i++) {
        double y = f(uniform(&s, i, low, high));
        lks_sha256_add(digest, &y, sizeof y);
    }
}

/* A change that is meant to move these bits raises the version of the numerics. */
static void test_golden_digest(void) {
    lks_error err;
    lks_sha256 *digest = lks_sha256_start(&err);
    CU_ASSERT_FATAL(digest != NULL);
    hash_results(digest, lks_exp, -745.0, 710.0);
    hash_results(digest, lks_exp, -1.0, 1.0);
    hash_results(digest, lks_log, 0.0, 4.0);
    hash_results(digest, lks_log, 0.0, 1e300);
    hash_results(digest, lks_sin_2pi, -2.0, 2.0);
    hash_results(digest, lks_cos_2pi, -1e6, 1e6);
    lks_stream s = stream(11);
    for (uint64_t i = 0; i < 20000; i++) {
        double results[] = {lks_powi(uniform(&s, 2 * i, 0.0, 2.0), i), lks_stream_normal(&s, i)};
        lks_sha256_add(digest, results, sizeof results);
    }
    char hex[LKS_SHA256_HEX];
    lks_sha256_finish(digest, hex);
    CU_ASSERT_STRING_EQUAL(hex, "21cc5df5278cbaaf0745fa7b0cfe60a92298893f6040ea357bc7e8797affc65e");
}

int main(void) {
    static const lks_test tests[] = {
        {"exp within 1 ulp", test_exp},
        {"exp at its edges", test_exp_edges},
        {"log within 1 ulp", test_log},
        {"log at its edges", test_log_edges},
        {"sine and cosine within 2 ulp", test_sine_and_cosine},
        {"quarters of a turn are exact", test_quarters},
        {"powi keeps its order", test_powi},
        {"golden digest", test_golden_digest},
        {NULL, NULL},
    };
    return lks_test_main("math", tests);
}
