/* Learning-rate schedules against their formulas, and one-cycle against the numbers of PyTorch's
 * OneCycleLR, worked out by hand. */
#include "support/test.h"

#include <math.h>

#include "lockstep/optim.h"

static lks_train_config one_cycle(double lr, double share, bool cosine) {
    return (lks_train_config){.optimizer.lr = lr,
                              .schedule = {.name = LKS_SCHEDULE_ONECYCLE,
                                           .warmup_share = share,
                                           .div_factor = 25,
                                           .final_div_factor = 1e4,
                                           .cosine = cosine}};
}

static void test_constant(void) {
    const lks_train_config c = {.optimizer.lr = 0.02, .schedule.name = LKS_SCHEDULE_CONSTANT};
    for (int64_t step = 0; step < 10; step++)
        CU_ASSERT_EQUAL(lks_learning_rate(&c, step, 3, 10), 0.02);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, INT64_MAX, 1, 1), 0.02);
}

/* Steps 0 to 11 are epochs 0 to 2, 12 to 23 are epochs 3 to 5: the rate falls every three epochs of
 * four steps. */
static void test_step(void) {
    const lks_train_config c = {
        .optimizer.lr = 0.1,
        .schedule = {.name = LKS_SCHEDULE_STEP, .gamma = 0.5, .every_epochs = 3}};
    int wrong = 0;
    for (int64_t step = 0; step < 200; step++)
        wrong += lks_learning_rate(&c, step, 4, 200) != ldexp(0.1, -(int)(step / 12));
    CU_ASSERT_EQUAL(wrong, 0);
    lks_train_config every = c;
    every.schedule.gamma = 0.7;
    every.schedule.every_epochs = 1;
    CU_ASSERT_EQUAL(lks_learning_rate(&every, 937, 938, 14 * 938), 0.1);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&every, 938, 938, 14 * 938), 0.07, 1e-16);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&every, 13 * 938, 938, 14 * 938), 0.1 * pow(0.7, 13),
                           1e-16);
}

/* total_steps 10, max_lr 0.1, pct_start 0.3 and the defaults: up from 0.1 / 25 to the peak at step
 * 0.3 * 10 - 1 = 2, then down over seven steps to 0.1 / 25 / 10,000. */
static void test_one_cycle(void) {
    static const double cosine[10] = {0.004,          0.052,          0.1,
                                      0.095048463201, 0.081174565395, 0.061126202194,
                                      0.038874197806, 0.018825834605, 0.004951936799,
                                      0.0000004};
    static const double linear[10] = {0.004,          0.052,          0.1,
                                      0.085714342857, 0.071428685714, 0.057143028571,
                                      0.042857371429, 0.028571714286, 0.014286057143,
                                      0.0000004};
    const lks_train_config c = one_cycle(0.1, 0.3, true), l = one_cycle(0.1, 0.3, false);
    for (int64_t step = 0; step < 10; step++) {
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, step, 1, 10), cosine[step], 6e-13);
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, step, 1, 10), linear[step], 6e-13);
    }
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, 9, 1, 10), 4e-7, 1e-16);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, 9, 1, 10), 4e-7, 1e-16);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, 10, 1, 10), lks_learning_rate(&c, 9, 1, 10));
    CU_ASSERT_EQUAL(lks_learning_rate(&l, INT64_MAX, 1, 10), lks_learning_rate(&l, 9, 1, 10));
}

/* A peak between two steps: 0.25 * 10 - 1 = 1.5. Steps 1 and 2 lie two thirds up and a fifteenth
 * down. */
static void test_peak_between_steps(void) {
    const lks_train_config l = one_cycle(1, 0.25, false), c = one_cycle(1, 0.25, true);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, 1, 1, 10), 0.04 + 0.96 * 2 / 3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, 2, 1, 10), 1 + (4e-6 - 1) / 15, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, 1, 1, 10),
                           1 + (0.04 - 1) / 2 * (1 + cos(3.14159265358979324 * 2 / 3)), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, 2, 1, 10),
                           4e-6 + (1 - 4e-6) / 2 * (1 + cos(3.14159265358979324 / 15)), 1e-12);
}

/* Whatever the total and the share, rates are finite, lie between the last one and the peak, rise
 * to the peak's place and fall behind it. */
static void check_shape(double share, int64_t total, bool cosine) {
    const lks_train_config c = one_cycle(0.1, share, cosine);
    double top = share * (double)total - 1, before = 0;
    int wrong = 0;
    for (int64_t step = 0; step < total + 3; step++) {
        double lr = lks_learning_rate(&c, step, 7, total);
        wrong += !(lr >= 4e-7 * (1 - 1e-9) && lr <= 0.1);
        if (step > 0)
            wrong += (double)step <= top ? lr < before : (double)step > top + 1 && lr > before;
        before = lr;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_shapes(void) {
    static const double shares[] = {0, 0.05, 0.1, 0.3, 0.5, 0.95, 0.999, 1};
    for (int s = 0; s < 8; s++)
        for (int64_t total = 1; total <= 40; total++) {
            check_shape(shares[s], total, true);
            check_shape(shares[s], total, false);
        }
}

/* Without warm-up the peak lies one step before the first, and all of the cycle goes down; with
 * nothing but warm-up the last step is the peak. One step in all is the last one, unless all of it
 * is warm-up: then it is the peak. */
static void test_edges(void) {
    const lks_train_config none = one_cycle(1, 0, false), all = one_cycle(1, 1, false);
    const lks_train_config some = one_cycle(1, 0.3, true);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&none, 0, 1, 10), 1 + (4e-6 - 1) / 10, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&none, 9, 1, 10), 4e-6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&all, 0, 1, 10), 0.04, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&all, 9, 1, 10), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&some, 0, 1, 1), 4e-6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&none, 0, 1, 1), 4e-6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&all, 0, 1, 1), 1, 1e-12);
}

int main(void) {
    static const lks_test tests[] = {{"constant", test_constant},
                                     {"step", test_step},
                                     {"one-cycle", test_one_cycle},
                                     {"one-cycle: peak between steps", test_peak_between_steps},
                                     {"one-cycle: shape", test_shapes},
                                     {"one-cycle: edges", test_edges},
                                     {NULL, NULL}};
    return lks_test_main("schedules", tests);
}
