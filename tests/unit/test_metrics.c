/* Figures from counts, by hand and by the published definitions of scikit-learn: precision tp / (tp + fp),
 * recall tp / (tp + fn), F1 2 tp / (2 tp + fp + fn), 0 where the denominator is 0 (zero_division=0). */
#include "nn/metrics.h"

#include <math.h>
#include <string.h>

#include "support/test.h"

static lks_counts counts;

/* Fills `counts` from a matrix [classes][classes]. */
static void fill(int classes, const int64_t *confusion) {
    memset(&counts, 0, sizeof counts);
    counts.classes = classes;
    memcpy(counts.confusion, confusion, (size_t)(classes * classes) * sizeof *confusion);
    for (int i = 0; i < classes * classes; i++) {
        counts.total += confusion[i];
        counts.correct += i % (classes + 1) == 0 ? confusion[i] : 0;
    }
}

static void check(int k, double precision, double recall, double f1, int64_t support) {
    const lks_class_metrics m = lks_class_metrics_of(&counts, k);
    CU_ASSERT_DOUBLE_EQUAL(m.precision, precision, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(m.recall, recall, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(m.f1, f1, 1e-15);
    CU_ASSERT_EQUAL(m.support, support);
}

/* y_true = [0, 1, 2, 0, 1, 2], y_pred = [0, 2, 1, 0, 0, 1], the example of scikit-learn's
 * precision_score, recall_score and f1_score: macro averages 0.22, 0.33, 0.26. */
static void the_published_example_comes_out(void) {
    static const int64_t confusion[] = {2, 0, 0, 1, 0, 1, 0, 2, 0};
    fill(3, confusion);
    check(0, 2.0 / 3, 1, 0.8, 2);
    check(1, 0, 0, 0, 2);
    check(2, 0, 0, 0, 2);
    const lks_class_metrics mean = lks_macro_metrics(&counts);
    CU_ASSERT_DOUBLE_EQUAL(mean.precision, 2.0 / 9, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(mean.recall, 1.0 / 3, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(mean.f1, 0.8 / 3, 1e-15);
    CU_ASSERT_EQUAL(mean.support, 6);
}

/* Rows are true classes: swapping them with columns would swap precision and recall. */
static void rows_are_true_classes(void) {
    static const int64_t confusion[] = {8, 2, 1, 9};
    fill(2, confusion);
    check(0, 8.0 / 9, 8.0 / 10, 16.0 / 19, 10);
    check(1, 9.0 / 11, 9.0 / 10, 18.0 / 21, 10);
}

/* Class 1 is never predicted, class 2 has no samples, class 3 neither. */
static void zero_denominators_give_zero(void) {
    static const int64_t confusion[] = {3, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    fill(4, confusion);
    check(0, 3.0 / 5, 3.0 / 4, 6.0 / 9, 4);
    check(1, 0, 0, 0, 2);
    check(2, 0, 0, 0, 0);
    check(3, 0, 0, 0, 0);
    CU_ASSERT_DOUBLE_EQUAL(lks_macro_metrics(&counts).recall, 0.375, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(lks_accuracy(&counts), 0.5, 1e-15);
    fill(1, &(int64_t){0});
    CU_ASSERT_TRUE(isnan(lks_accuracy(&counts)));
}

/* Brown, Cai and DasGupta, Statistical Science 2001, give the formula; 0.236593 and 0.763407 for 5 of 10,
 * 0 and 0.277533 for 0 of 10 follow from it. */
static void wilson_intervals_are_known_ones(void) {
    double low, high;
    lks_wilson(5, 10, &low, &high);
    CU_ASSERT_DOUBLE_EQUAL(low, 0.236593, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(high, 0.763407, 1e-6);
    lks_wilson(0, 10, &low, &high);
    CU_ASSERT(low == 0);
    CU_ASSERT_DOUBLE_EQUAL(high, 0.277533, 1e-6);
    lks_wilson(10, 10, &low, &high);
    CU_ASSERT_DOUBLE_EQUAL(low, 1 - 0.277533, 1e-6);
    CU_ASSERT(high == 1);
}

int main(void) {
    const lks_test tests[] = {
        {"the published example comes out", the_published_example_comes_out},
        {"rows are true classes", rows_are_true_classes},
        {"zero denominators give zero", zero_denominators_give_zero},
        {"Wilson intervals are known ones", wilson_intervals_are_known_ones},
        {NULL, NULL},
    };
    return lks_test_main("metrics", tests);
}
