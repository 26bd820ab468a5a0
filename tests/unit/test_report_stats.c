/* The report's statistics on cases made by hand. */
#include "infer/stats.h"

#include <math.h>

#include "support/test.h"

/* --- calibration ------------------------------------------------------------------------------ */

enum { N = 5, CLASSES = 3 };

/* Two answers in the topmost bin, one of them right; three in the bin (6/15, 7/15], all right. */
static void the_error_is_the_mean_gap(void) {
    static const uint8_t labels[N] = {0, 1, 2, 0, 1}, predicted[N] = {0, 2, 2, 0, 1};
    static const float probabilities[N * CLASSES] = {0.96875f, 0.03125f, 0,       0,       0,
                                                     1,        0.25f,    0.3125f, 0.4375f, 0.4375f,
                                                     0.25f,    0.3125f,  0.25f,   0.4375f, 0.3125f};
    const lks_predictions p = {CLASSES, N, NULL, labels, predicted, probabilities};
    const lks_calibration c = lks_calibrate(&p, 1);
    CU_ASSERT_EQUAL(c.bins[14].n, 2);
    CU_ASSERT_EQUAL(c.bins[14].correct, 1);
    CU_ASSERT_DOUBLE_EQUAL(c.bins[14].confidence, 0.984375, 1e-12);
    CU_ASSERT_EQUAL(c.bins[6].n, 3);
    CU_ASSERT_EQUAL(c.bins[6].correct, 3);
    CU_ASSERT_DOUBLE_EQUAL(c.bins[6].confidence, 0.4375, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.error, 0.4 * 0.484375 + 0.6 * 0.5625, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.confidence, (1.96875 + 3 * 0.4375) / 5, 1e-12);
}

/* At temperature 1/2 probabilities of 0.75 and 0.25 become 9/10 and 1/10. */
static void a_temperature_moves_confidence_and_no_answer(void) {
    static const uint8_t labels[] = {0, 1}, predicted[] = {0, 0};
    static const float probabilities[] = {0.75f, 0.25f, 0.75f, 0.25f};
    const lks_predictions p = {2, 2, NULL, labels, predicted, probabilities};
    const lks_calibration c = lks_calibrate(&p, 0.5);
    CU_ASSERT_EQUAL(c.bins[13].n, 2);
    CU_ASSERT_EQUAL(c.bins[13].correct, 1);
    CU_ASSERT_DOUBLE_EQUAL(c.confidence, 0.9, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(c.error, 0.4, 1e-12);
}

/* A bin holds its upper end, not its lower one; 0 has nowhere else to go, and more than 1, from
 * rounding, neither. */
static void ends_of_bins_belong_below(void) {
    static const uint8_t label = 0;
    static const struct {
        float confidence;
        int bin;
    } cases[] = {{0, 0},    {0.0625f, 0}, {0.2f, 3},        {0.19999f, 2},
                 {0.5f, 7}, {1, 14},      {1.0000001f, 14}, {NAN, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const lks_predictions p = {1, 1, NULL, &label, &label, &cases[i].confidence};
        CU_ASSERT_EQUAL(lks_calibrate(&p, 1).bins[cases[i].bin].n, 1);
    }
    CU_ASSERT_TRUE(isnan(lks_calibrate(&(lks_predictions){.classes = 1}, 1).error));
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* Computed with Python's integers: min(1, 2 * sum(comb(b + c, i) for i in range(min(b, c) + 1)) /
 * 2**(b + c)). */
static void mcnemar_is_the_exact_binomial(void) {
    static const struct {
        int64_t b, c;
        double p;
    } cases[] = {{0, 0, 1},
                 {1, 0, 1},
                 {5, 0, 0.0625},
                 {0, 6, 0.03125},
                 {1, 7, 0.0703125},
                 {3, 12, 0.03515625},
                 {7, 7, 1},
                 {8, 7, 1},
                 {40, 52, 0.25132210347485445},
                 {100, 150, 0.001883300935076157},
                 {1000, 1200, 2.1817026407914712e-05},
                 {0, 1000, 1.8665272370064378e-301}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double p = lks_mcnemar_exact(cases[i].b, cases[i].c);
        CU_ASSERT(fabs(p - cases[i].p) <= 1e-10 * cases[i].p);
        CU_ASSERT(p == lks_mcnemar_exact(cases[i].c, cases[i].b));
    }
    CU_ASSERT(lks_mcnemar_exact(0, 1100) == 0); /* below the smallest number */
}

static void pairs_are_counted(void) {
    static const uint8_t labels[8] = {0, 1, 0, 1, 0, 1, 0, 1};
    static const uint8_t first[8] = {0, 1, 0, 1, 0, 0, 1, 0}, second[8] = {0, 1, 1, 0, 1, 1, 1, 0};
    const lks_predictions a = {2, 8, NULL, labels, first, NULL};
    const lks_predictions b = {2, 8, NULL, labels, second, NULL};
    const lks_pair pair = lks_compare_predictions(&a, &b);
    CU_ASSERT_EQUAL(pair.both, 2);
    CU_ASSERT_EQUAL(pair.first, 3);
    CU_ASSERT_EQUAL(pair.second, 1);
    CU_ASSERT(pair.difference == 0.25);
    CU_ASSERT_DOUBLE_EQUAL(pair.p, 0.625, 1e-12); /* 2 (1 + 4) / 16 */
    /* n + 2 = 10, b = 3.5, c = 1.5: 0.2 -+ 1.96 sqrt(5 - 4 / 10) / 10 */
    CU_ASSERT_DOUBLE_EQUAL(pair.low, 0.2 - 0.1959964 * sqrt(4.6), 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(pair.high, 0.2 + 0.1959964 * sqrt(4.6), 1e-6);
    CU_ASSERT(lks_compare_predictions(&b, &a).difference == -0.25);
}

int main(void) {
    const lks_test tests[] = {
        {"the error is the mean gap", the_error_is_the_mean_gap},
        {"a temperature moves confidence and no answer",
         a_temperature_moves_confidence_and_no_answer},
        {"ends of bins belong below", ends_of_bins_belong_below},
        {"McNemar's test is the exact binomial", mcnemar_is_the_exact_binomial},
        {"pairs are counted", pairs_are_counted},
        {NULL, NULL},
    };
    return lks_test_main("report_stats", tests);
}
