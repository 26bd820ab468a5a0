/* Exact sums: rounding, range limits, and independence of order and grouping. */
#include "support/test.h"

#include "lockstep/exact.h"
#include "kernels/kernels.h"
#include "lockstep/philox.h"
#include "support/random_data.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define UNIT 0x1p-30

static const lks_kernels *tables[LKS_MAX_TABLES];
static int n_tables;

#define REFUSED   INT64_MIN
#define DIFFERENT INT64_MAX /* between instruction sets */

/* What a sum of 0 becomes by @p p. */
static int64_t quantised(float p) {
    int64_t q[4] = {0};
    for (int t = 0; t < n_tables; t++) {
        if (!tables[t]->accumulate(&q[t], &p, 1))
            q[t] = REFUSED;
        if (q[t] != q[0])
            return DIFFERENT;
    }
    return q[0];
}

/* The mean of @p sum over @p count; NaN where instruction sets differ. */
static float mean_of(int64_t sum, int64_t count) {
    float mean[4] = {0};
    for (int t = 0; t < n_tables; t++) {
        tables[t]->dequantise(&mean[t], &sum, 1, count);
        if (lks_differing_bits(&mean[t], &mean[0], 1))
            return NAN;
    }
    return mean[0];
}

static void test_quantise_rounds_to_even(void) {
    CU_ASSERT_EQUAL(quantised(0.0f), 0);
    CU_ASSERT_EQUAL(quantised(-0.0f), 0);
    CU_ASSERT_EQUAL(quantised(1.0f), INT64_C(1) << 30);
    CU_ASSERT_EQUAL(quantised(-1.0f), -(INT64_C(1) << 30));
    CU_ASSERT_EQUAL(quantised(0.5f * 0x1p-30f), 0);
    CU_ASSERT_EQUAL(quantised(1.5f * 0x1p-30f), 2);
    CU_ASSERT_EQUAL(quantised(2.5f * 0x1p-30f), 2);
    CU_ASSERT_EQUAL(quantised(-0.5f * 0x1p-30f), 0);
    CU_ASSERT_EQUAL(quantised(-1.5f * 0x1p-30f), -2);
    CU_ASSERT_EQUAL(quantised(-2.5f * 0x1p-30f), -2);
    CU_ASSERT_EQUAL(quantised(0.50001f * 0x1p-30f), 1);
    CU_ASSERT_EQUAL(quantised(FLT_TRUE_MIN), 0);
    lks_stream s = lks_stream_make(1, LKS_PURPOSE_INIT, 0, 0, 0);
    int wrong = 0;
    for (uint64_t e = 0; e < 100000; e++) {
        int magnitude = (int)(lks_stream_u32(&s, 2 * e) % 64) - 42;
        float p = (float)ldexp(lks_stream_uniform(&s, 2 * e + 1) - 0.5, magnitude);
        wrong += quantised(p) != llrint((double)p * 0x1p30);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_quantise_range(void) {
    float largest = nextafterf((float)LKS_PARTIAL_LIMIT, 0.0f);
    CU_ASSERT_EQUAL(quantised(largest), (INT64_C(1) << 51) - (INT64_C(1) << 27));
    CU_ASSERT_EQUAL(quantised(-largest), -((INT64_C(1) << 51) - (INT64_C(1) << 27)));
    const float refused[] = {(float)LKS_PARTIAL_LIMIT,
                             -(float)LKS_PARTIAL_LIMIT,
                             FLT_MAX,
                             -FLT_MAX,
                             INFINITY,
                             -INFINITY,
                             NAN,
                             -NAN};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        CU_ASSERT_EQUAL(quantised(refused[i]), REFUSED);
}

/* The largest step: 4,096 chunks of the largest partial fit in an int64, with either sign. */
static void test_full_step_does_not_wrap(void) {
    float largest = nextafterf((float)LKS_PARTIAL_LIMIT, 0.0f);
    for (int sign = -1; sign <= 1; sign += 2) {
        int64_t sum = 0;
        bool fits = true;
        for (int chunk = 0; chunk < LKS_MAX_CHUNKS; chunk++)
            fits = fits && !__builtin_add_overflow(sum, quantised((float)sign * largest), &sum);
        CU_ASSERT(fits);
        CU_ASSERT(mean_of(sum, LKS_MAX_CHUNKS) == (float)sign * largest);
    }
}

static void test_dequantise(void) {
    CU_ASSERT(mean_of(0, 7) == 0.0f);
    CU_ASSERT(mean_of(1, 1) == (float)UNIT);
    CU_ASSERT(mean_of(-1, 1) == -(float)UNIT);
    CU_ASSERT(mean_of(INT64_C(3) << 30, 2) == 1.5f);
    CU_ASSERT(mean_of(INT64_C(1) << 30, 3) == 1.0f / 3.0f);
    CU_ASSERT(mean_of(INT64_MIN, 1) == -0x1p33f);
    /* int64 to double, quotient, float: each rounds once, in this order. */
    const int64_t sums[] = {INT64_MAX, INT64_MAX / 3, -INT64_MAX / 7, INT64_C(9007199254740993)};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        volatile double whole = (double)sums[i];
        volatile double scaled = whole * UNIT;
        volatile double mean = scaled / 60000.0;
        CU_ASSERT(mean_of(sums[i], 60000) == (float)mean);
    }
}

static uint64_t shuffle_index(const lks_stream *s, uint64_t i) {
    return lks_stream_u32(s, i) % (i + 1);
}

static void shuffle(double *values, size_t n, uint32_t item) {
    lks_stream s = lks_stream_make(2, LKS_PURPOSE_SHUFFLE, 0, 0, item);
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = (size_t)shuffle_index(&s, i);
        double keep = values[i];
        values[i] = values[j];
        values[j] = keep;
    }
}

/* Numbers over many magnitudes and both signs, whose double sum does depend on the order. */
static void fill_wide(double *values, size_t n) {
    lks_stream s = lks_stream_make(3, LKS_PURPOSE_SPLIT, 0, 0, 0);
    for (size_t i = 0; i < n; i++) {
        int magnitude = (int)(lks_stream_u32(&s, 2 * i) % 90) - 50;
        values[i] = ldexp(lks_stream_uniform(&s, 2 * i + 1) - 0.5, magnitude);
    }
}

static void test_permutation(void) {
    enum { N = 5000 };
    static double values[N];
    fill_wide(values, N);
    int64_t first_sum = 0;
    lks_limbs first = {0, 0};
    bool plain_differs = false;
    double first_plain = 0.0;
    int refused = 0;
    for (uint32_t round = 0; round < 20; round++) {
        int64_t sum = 0;
        lks_limbs limbs = {0, 0};
        double plain = 0.0;
        for (int i = 0; i < N; i++) {
            sum += quantised((float)(values[i] * 0x1p-20));
            refused += !lks_limbs_add(&limbs, values[i]);
            plain += values[i];
        }
        if (round == 0) {
            first_sum = sum;
            first = limbs;
            first_plain = plain;
        }
        plain_differs = plain_differs || plain != first_plain;
        CU_ASSERT_EQUAL(sum, first_sum);
        CU_ASSERT(limbs.hi == first.hi && limbs.lo == first.lo);
        CU_ASSERT(lks_limbs_value(limbs) == lks_limbs_value(first));
        shuffle(values, N, round);
    }
    CU_ASSERT(plain_differs);
    CU_ASSERT_EQUAL(refused, 0);
}

/* Any partition over "ranks", added limb by limb, gives the same value. */
static void test_partition(void) {
    enum { N = 3001 };
    static double values[N];
    fill_wide(values, N);
    lks_limbs whole = {0, 0};
    int refused = 0;
    for (int i = 0; i < N; i++)
        refused += !lks_limbs_add(&whole, values[i]);
    for (int ranks = 1; ranks <= 64; ranks++) {
        lks_limbs total = {0, 0};
        for (int rank = 0; rank < ranks; rank++) {
            lks_limbs part = {0, 0};
            for (int i = rank; i < N; i += ranks)
                refused += !lks_limbs_add(&part, values[i]);
            total.hi += part.hi;
            total.lo += part.lo;
        }
        CU_ASSERT(lks_limbs_value(total) == lks_limbs_value(whole));
    }
    CU_ASSERT_EQUAL(refused, 0);
}

static double alone(double x) {
    lks_limbs sum = {0, 0};
    return lks_limbs_add(&sum, x) ? lks_limbs_value(sum) : NAN;
}

static void test_limbs_keep_single_values(void) {
    const double exact[] = {
        0.0,     1.0,      -1.0,        0.1,     -0.1,     1e-3,      12345.678,
        0x1p-60, -0x1p-60, 3 * 0x1p-60, 0x1p-11, -0x1p-11, 0x1.8p-11, 2.302585092994046};
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        CU_ASSERT(alone(exact[i]) == exact[i]);
    double largest = nextafter(0x1p41, 0.0);
    CU_ASSERT(alone(largest) == largest && alone(-largest) == -largest);
    /* Below the last unit: rounded to it, ties to even. */
    CU_ASSERT(alone(0x1p-61) == 0.0 && alone(0x1.8p-60) == 0x1p-59);
    CU_ASSERT(alone(-0x1p-61) == 0.0 && alone(0x1.4p-59) == 0x1p-59);
    CU_ASSERT(alone(DBL_TRUE_MIN) == 0.0 && alone(0.3 * 0x1p-60) == 0.0);
    lks_stream s = lks_stream_make(4, LKS_PURPOSE_SPLIT, 0, 0, 0);
    int wrong = 0;
    for (uint64_t e = 0; e < 100000; e++) {
        int magnitude = (int)(lks_stream_u32(&s, 2 * e) % 49) - 7;
        double x = ldexp(lks_stream_uniform(&s, 2 * e + 1) - 0.5, magnitude);
        wrong += alone(x) != x;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_limbs_refuse(void) {
    const double refused[] = {0x1p41, -0x1p41, 1e300, INFINITY, -INFINITY, NAN};
    lks_limbs sum = {0, 0};
    CU_ASSERT(lks_limbs_add(&sum, 1.25));
    lks_limbs before = sum;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_FALSE(lks_limbs_add(&sum, refused[i]));
        CU_ASSERT(sum.hi == before.hi && sum.lo == before.lo);
    }
    for (int sign = -1; sign <= 1; sign += 2) {
        lks_limbs full = {sign < 0 ? 5 - INT64_MAX : INT64_MAX - 5, 3};
        before = full;
        CU_ASSERT_FALSE(lks_limbs_add(&full, sign * 1.0));
        CU_ASSERT(full.hi == before.hi && full.lo == before.lo);
    }
}

/* Cancellation that a double sum loses altogether. */
static void test_limbs_cancel(void) {
    lks_limbs sum = {0, 0};
    CU_ASSERT(lks_limbs_add(&sum, 1e12));
    CU_ASSERT(lks_limbs_add(&sum, 1e-12));
    CU_ASSERT(lks_limbs_add(&sum, -1e12));
    CU_ASSERT(fabs(lks_limbs_value(sum) - 1e-12) <= 0x1p-61);
    CU_ASSERT(1e12 + 1e-12 - 1e12 == 0.0);
}

/* The low limb is carried at once: it stays small however many addends of the worst kind come. */
static void test_limbs_carry(void) {
    const double worst = 0x1p-11 - 0x1p-60;
    for (int sign = -1; sign <= 1; sign += 2) {
        lks_limbs sum = {0, 0};
        int refused = 0;
        for (int i = 0; i < 200000; i++)
            refused += !lks_limbs_add(&sum, sign * worst);
        CU_ASSERT_EQUAL(refused, 0);
        CU_ASSERT(sum.lo >= 0 && sum.lo < INT64_C(1) << 50);
        CU_ASSERT(lks_limbs_value(sum) == sign * 200000.0 * worst);
    }
}

/* The value depends on the sum, not on how it is split, and rounds once, to nearest even. */
static void test_limbs_value(void) {
    for (int64_t carry = -3; carry <= 3; carry++) {
        lks_limbs split = {1000 + carry, 77 - carry * (INT64_C(1) << 50)};
        lks_limbs plain = {1000, 77};
        CU_ASSERT(lks_limbs_value(split) == lks_limbs_value(plain));
    }
    /* 2^53 units of lo plus 1 is a tie, plus 3 too, to the other side; 8 units of hi are 2^53 of
     * lo. */
    CU_ASSERT(lks_limbs_value((lks_limbs){8, 1}) == 0x1p53 * 0x1p-60);
    CU_ASSERT(lks_limbs_value((lks_limbs){8, 2}) == (0x1p53 + 2.0) * 0x1p-60);
    CU_ASSERT(lks_limbs_value((lks_limbs){8, 3}) == (0x1p53 + 4.0) * 0x1p-60);
    CU_ASSERT(lks_limbs_value((lks_limbs){-8, -3}) == -(0x1p53 + 4.0) * 0x1p-60);
    /* Far below the last place, one unit still breaks the tie: rounding twice would lose it. */
    const int64_t tie = (INT64_C(1) << 60) + (INT64_C(1) << 7);
    CU_ASSERT(lks_limbs_value((lks_limbs){tie, 0}) == 0x1p50);
    CU_ASSERT(lks_limbs_value((lks_limbs){tie, 1}) == 0x1p50 + 0x1p-2);
    CU_ASSERT(lks_limbs_value((lks_limbs){tie, -1}) == 0x1p50);
    CU_ASSERT(lks_limbs_value((lks_limbs){-tie, -1}) == -0x1p50 - 0x1p-2);
    CU_ASSERT(lks_limbs_value((lks_limbs){INT64_MAX, INT64_MAX}) == 0x1p53 + 8.0);
    CU_ASSERT(lks_limbs_value((lks_limbs){INT64_MIN, 0}) == -0x1p53);
}

int main(void) {
    static const lks_test tests[] = {
        {"quantise rounds ties to even", test_quantise_rounds_to_even},
        {"quantise refuses what is out of range", test_quantise_range},
        {"a full step does not wrap", test_full_step_does_not_wrap},
        {"dequantise rounds as documented", test_dequantise},
        {"sums do not depend on the order", test_permutation},
        {"sums do not depend on the partition", test_partition},
        {"limbs keep single values", test_limbs_keep_single_values},
        {"limbs refuse what is out of range", test_limbs_refuse},
        {"limbs survive cancellation", test_limbs_cancel},
        {"limbs carry", test_limbs_carry},
        {"the value of limbs rounds once", test_limbs_value},
        {NULL, NULL},
    };
    n_tables = lks_kernels_usable(tables);
    return lks_test_main("exact", tests);
}
