/* Learning-rate schedules against their formulas, one-cycle against the numbers of PyTorch's
 * OneCycleLR, worked out by hand; plateau and early stopping against sequences decided by hand. */
#include "support/test.h"

#include <math.h>

#include "optim/optim.h"

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
        CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, step, 3, 10), 0.02);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, INT64_MAX, 1, 1), 0.02);
}

/* Steps 0 to 11 are epochs 0 to 2, 12 to 23 are epochs 3 to 5: the rate falls every three epochs of
 * four steps. */
static void test_step(void) {
    const lks_train_config c = {
        .optimizer.lr = 0.1,
        .schedule = {.name = LKS_SCHEDULE_STEP, .gamma = 0.5, .every_epochs = 3}};
    int wrong = 0;
    for (int64_t step = 0; step < 200; step++)
        wrong += lks_learning_rate(&c, NULL, step, 4, 200) != ldexp(0.1, -(int)(step / 12));
    CU_ASSERT_EQUAL(wrong, 0);
    lks_train_config every = c;
    every.schedule.gamma = 0.7;
    every.schedule.every_epochs = 1;
    CU_ASSERT_EQUAL(lks_learning_rate(&every, NULL, 937, 938, 14 * 938), 0.1);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&every, NULL, 938, 938, 14 * 938), 0.07, 1e-16);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&every, NULL, 13 * 938, 938, 14 * 938),
                           0.1 * pow(0.7, 13), 1e-16);
}

/* Five steps an epoch: the rate falls after each. */
static void test_exponential(void) {
    const lks_train_config c = {.optimizer.lr = 0.1,
                                .schedule = {.name = LKS_SCHEDULE_EXPONENTIAL, .gamma = 0.5}};
    int wrong = 0;
    for (int64_t step = 0; step < 200; step++)
        wrong += lks_learning_rate(&c, NULL, step, 5, 200) != ldexp(0.1, -(int)(step / 5));
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Half a cosine over the steps behind the warm-up: lr, halfway, min_lr; falling all the way. */
static void test_cosine(void) {
    lks_train_config c = {.optimizer.lr = 0.5,
                          .schedule = {.name = LKS_SCHEDULE_COSINE, .min_lr = 0.1}};
    for (int64_t warmup = 0; warmup <= 20; warmup += 20) {
        c.schedule.warmup_steps = warmup;
        c.schedule.warmup_factor = 1;
        int64_t total = warmup + 60;
        CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, warmup, 7, total), 0.5);
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, warmup + 20, 7, total), 0.4, 1e-15);
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, warmup + 30, 7, total), 0.3, 1e-15);
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, warmup + 40, 7, total), 0.2, 1e-15);
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, total - 1, 7, total),
                               0.1 + 0.2 * (1 - cos(3.14159265358979324 / 60)), 1e-15);
        CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, total, 7, total), 0.1);
        CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, INT64_MAX, 7, total), 0.1);
        int wrong = 0;
        for (int64_t step = 0; step < total; step++) {
            double lr = lks_learning_rate(&c, NULL, step, 7, total);
            wrong +=
                step < warmup ? lr != 0.5 : lr <= lks_learning_rate(&c, NULL, step + 1, 7, total);
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

/* A warm-up as long as the run, or longer, never leaves the finite numbers. */
static void test_cosine_without_room(void) {
    const lks_train_config c = {.optimizer.lr = 1,
                                .schedule = {.name = LKS_SCHEDULE_COSINE, .warmup_steps = 10}};
    for (int64_t total = 1; total <= 10; total++) {
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 9, 1, total), 0.9, 1e-15);
        CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 11, 1, total), 0);
    }
}

/* From warmup_factor up, a line for the constant rate; with a step schedule it meets the rate that
 * holds at its end. */
static void test_warmup(void) {
    lks_train_config c = {.optimizer.lr = 0.8,
                          .schedule = {.name = LKS_SCHEDULE_CONSTANT,
                                       .warmup_steps = 8,
                                       .warmup_factor = 0.25,
                                       .gamma = 0.5,
                                       .every_epochs = 1}};
    for (int64_t step = 0; step <= 8; step++)
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, step, 4, 100),
                               0.2 + 0.075 * (double)step, 1e-15);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 8, 4, 100), 0.8);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 99, 4, 100), 0.8);
    c.schedule.name = LKS_SCHEDULE_STEP;
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 0, 4, 100), 0.2, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 4, 4, 100), 0.4 * 0.625, 1e-15);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 8, 4, 100), 0.2);
    c.schedule.name = LKS_SCHEDULE_PLATEAU;
    c.schedule.factor = 0.1;
    const lks_watch_state once = {.reductions = 1};
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, &once, 0, 4, 100), 0.02, 1e-15);
    c.schedule.warmup_factor = 0;
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 0, 4, 100), 0);
}

/* --- the size of the batch --------------------------------------------------------------------- */

/* Four times the samples: four times the rate, or twice; whatever makes up the step. The schedule begins there. */
static void test_scaled(void) {
    lks_train_config c = {.global_batch = 256,
                          .accumulate = 2,
                          .optimizer = {.lr = 0.3, .lr_batch = 128},
                          .schedule = {.name = LKS_SCHEDULE_STEP, .gamma = 0.5, .every_epochs = 1}};
    CU_ASSERT_EQUAL(lks_scaled_rate(&c), 0.3);
    c.optimizer.lr_scale = LKS_LR_LINEAR;
    CU_ASSERT_EQUAL(lks_scaled_rate(&c), 1.2);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 7, 4, 100), 0.6);
    c.optimizer.lr_scale = LKS_LR_SQRT;
    CU_ASSERT_EQUAL(lks_scaled_rate(&c), 0.6);
    c.global_batch = 16; /* down as well as up */
    CU_ASSERT_EQUAL(lks_scaled_rate(&c), 0.15);
    c.schedule.name = LKS_SCHEDULE_ONECYCLE;
    c.schedule.warmup_share = 0.5;
    c.schedule.div_factor = c.schedule.final_div_factor = 10;
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 0, 4, 100), 0.015, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 49, 4, 100), 0.15, 1e-15);
}

/* A warm-up in samples is the one in as many steps as they fill, the last perhaps not wholly. */
static void test_warmup_samples(void) {
    lks_train_config samples = {
        .global_batch = 100,
        .accumulate = 3,
        .optimizer.lr = 0.8,
        .schedule = {.name = LKS_SCHEDULE_COSINE, .warmup_samples = 2400, .warmup_factor = 0.25}};
    lks_train_config steps = samples;
    steps.schedule.warmup_samples = 0;
    steps.schedule.warmup_steps = 8;
    for (int64_t step = 0; step < 30; step++)
        CU_ASSERT_EQUAL(lks_learning_rate(&samples, NULL, step, 4, 30),
                        lks_learning_rate(&steps, NULL, step, 4, 30));
    samples.schedule.warmup_samples = 2401;
    CU_ASSERT_EQUAL(lks_warmup_steps(&samples), 9);
    samples.schedule.warmup_samples = 1;
    CU_ASSERT_EQUAL(lks_warmup_steps(&samples), 1);
}

/* --- plateau ---------------------------------------------------------------------------------- */

/* A result, and what is to be known after it. */
typedef struct seen {
    double value;
    int64_t bad, cooldown, reductions, best_epoch;
} seen;

static void check_plateau(const lks_train_config *c, const seen *list, int n) {
    lks_watch_state w = {0};
    int wrong = 0;
    for (int i = 0; i < n; i++) {
        lks_plateau_watch(&w, &c->schedule, list[i].value, i + 1);
        wrong += w.bad != list[i].bad || w.cooldown != list[i].cooldown ||
                 w.reductions != list[i].reductions || w.best_epoch != list[i].best_epoch ||
                 w.evaluations != i + 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Patience 1, cooldown 2, threshold 10 %: the second bad result in a row reduces; the two after it
 * do not count, though a better one there is taken. */
static void test_plateau(void) {
    const lks_train_config c = {.optimizer.lr = 1,
                                .schedule = {.name = LKS_SCHEDULE_PLATEAU,
                                             .watch = LKS_WATCH_LOSS,
                                             .factor = 0.5,
                                             .threshold = 0.1,
                                             .patience = 1,
                                             .cooldown = 2,
                                             .min_lr = 0.2}};
    static const seen losses[] = {{1.0, 0, 0, 0, 1},  /* the first is the best so far */
                                  {0.91, 1, 0, 0, 1}, /* better, but not by 10 % */
                                  {0.89, 0, 0, 0, 3}, {0.85, 1, 0, 0, 3}, /* 0.801 is the mark */
                                  {0.89, 0, 2, 1, 3},                     /* the second: reduced */
                                  {0.9, 0, 1, 1, 3},                      /* cooling down */
                                  {0.9, 0, 0, 1, 3},  {0.9, 1, 0, 1, 3},  {0.5, 0, 0, 1, 9},
                                  {0.5, 1, 0, 1, 9},  {0.5, 0, 2, 2, 9},  {0.1, 0, 1, 2, 12},
                                  {0.1, 0, 0, 2, 12}, {0.1, 1, 0, 2, 12}, {0.1, 0, 2, 3, 12}};
    check_plateau(&c, losses, (int)(sizeof losses / sizeof *losses));
    static const double rates[] = {1, 0.5, 0.25, 0.2, 0.2};
    for (int64_t r = 0; r < 5; r++) {
        const lks_watch_state w = {.reductions = r};
        CU_ASSERT_EQUAL(lks_learning_rate(&c, &w, 17, 5, 100), rates[r]);
    }
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 17, 5, 100), 1);
}

/* Accuracies have to rise; without patience every result that is not better reduces. */
static void test_plateau_of_accuracy(void) {
    const lks_train_config c = {
        .schedule = {.name = LKS_SCHEDULE_PLATEAU, .watch = LKS_WATCH_ACCURACY, .threshold = 0.01}};
    static const seen accuracies[] = {{0, 0, 0, 0, 1},   {0.5, 0, 0, 0, 2},   {0.504, 0, 0, 1, 2},
                                      {0.4, 0, 0, 2, 2}, {0.506, 0, 0, 2, 5}, {0.506, 0, 0, 3, 5}};
    check_plateau(&c, accuracies, 6);
}

/* --- early stopping --------------------------------------------------------------------------- */

/* The epoch after which training is over; 0: never. */
static int64_t stops_after(const lks_train_config *c, const double *values, int n,
                           lks_watch_state *w) {
    *w = (lks_watch_state){0};
    for (int i = 0; i < n; i++) {
        lks_early_stop_watch(w, c, values[i], i + 1);
        if (lks_early_stop_reached(w, c))
            return i + 1;
    }
    return 0;
}

static void test_early_stop(void) {
    static const double losses[] = {1, 0.9, 0.95, 0.9, 0.89, 0.9, 0.895, 0.893, 0.1};
    static const double accuracies[] = {0.5, 0.6, 0.6, 0.7, 0.2, 0.1, 0.705};
    lks_watch_state w;
    lks_train_config c = {.stop_watch = LKS_WATCH_LOSS};
    CU_ASSERT_EQUAL(stops_after(&c, losses, 9, &w), 0); /* off */
    c.stop_patience = 3;
    CU_ASSERT_EQUAL(stops_after(&c, losses, 9, &w), 8);
    CU_ASSERT_EQUAL(w.best_epoch, 5);
    CU_ASSERT_EQUAL(w.best, 0.89);
    c.stop_patience = 2; /* 0.95, 0.9: an equal one is not better */
    CU_ASSERT_EQUAL(stops_after(&c, losses, 9, &w), 4);
    CU_ASSERT_EQUAL(w.best_epoch, 2);
    c.stop_patience = 3;
    c.stop_threshold = 0.02; /* 0.89 is too little */
    CU_ASSERT_EQUAL(stops_after(&c, losses, 9, &w), 5);
    c.stop_patience = 1;
    c.stop_threshold = 0;
    CU_ASSERT_EQUAL(stops_after(&c, losses, 9, &w), 3);
    c.stop_watch = LKS_WATCH_ACCURACY;
    CU_ASSERT_EQUAL(stops_after(&c, accuracies, 7, &w), 3);
    c.stop_patience = 3;
    CU_ASSERT_EQUAL(stops_after(&c, accuracies, 7, &w), 0);
    CU_ASSERT_EQUAL(w.best_epoch, 7);
    c.stop_threshold = 0.01;
    CU_ASSERT_EQUAL(stops_after(&c, accuracies, 7, &w), 7);
    CU_ASSERT_EQUAL(w.best_epoch, 4);
}

/* --- one cycle -------------------------------------------------------------------------------- */

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
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, step, 1, 10), cosine[step], 6e-13);
        CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, NULL, step, 1, 10), linear[step], 6e-13);
    }
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 9, 1, 10), 4e-7, 1e-16);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, NULL, 9, 1, 10), 4e-7, 1e-16);
    CU_ASSERT_EQUAL(lks_learning_rate(&c, NULL, 10, 1, 10), lks_learning_rate(&c, NULL, 9, 1, 10));
    CU_ASSERT_EQUAL(lks_learning_rate(&l, NULL, INT64_MAX, 1, 10),
                    lks_learning_rate(&l, NULL, 9, 1, 10));
}

/* A peak between two steps: 0.25 * 10 - 1 = 1.5. Steps 1 and 2 lie two thirds up and a fifteenth
 * down. */
static void test_peak_between_steps(void) {
    const lks_train_config l = one_cycle(1, 0.25, false), c = one_cycle(1, 0.25, true);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, NULL, 1, 1, 10), 0.04 + 0.96 * 2 / 3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&l, NULL, 2, 1, 10), 1 + (4e-6 - 1) / 15, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 1, 1, 10),
                           1 + (0.04 - 1) / 2 * (1 + cos(3.14159265358979324 * 2 / 3)), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&c, NULL, 2, 1, 10),
                           4e-6 + (1 - 4e-6) / 2 * (1 + cos(3.14159265358979324 / 15)), 1e-12);
}

/* Whatever the total and the share, rates are finite, lie between the last one and the peak, rise
 * to the peak's place and fall behind it. */
static void check_shape(double share, int64_t total, bool cosine) {
    const lks_train_config c = one_cycle(0.1, share, cosine);
    double top = share * (double)total - 1, before = 0;
    int wrong = 0;
    for (int64_t step = 0; step < total + 3; step++) {
        double lr = lks_learning_rate(&c, NULL, step, 7, total);
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
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&none, NULL, 0, 1, 10), 1 + (4e-6 - 1) / 10, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&none, NULL, 9, 1, 10), 4e-6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&all, NULL, 0, 1, 10), 0.04, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&all, NULL, 9, 1, 10), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&some, NULL, 0, 1, 1), 4e-6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&none, NULL, 0, 1, 1), 4e-6, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(lks_learning_rate(&all, NULL, 0, 1, 1), 1, 1e-12);
}

int main(void) {
    static const lks_test tests[] = {{"constant", test_constant},
                                     {"step", test_step},
                                     {"exponential", test_exponential},
                                     {"cosine", test_cosine},
                                     {"cosine: no room", test_cosine_without_room},
                                     {"warm-up", test_warmup},
                                     {"lr_scale", test_scaled},
                                     {"warm-up in samples", test_warmup_samples},
                                     {"plateau", test_plateau},
                                     {"plateau: accuracy", test_plateau_of_accuracy},
                                     {"early stopping", test_early_stop},
                                     {"one-cycle", test_one_cycle},
                                     {"one-cycle: peak between steps", test_peak_between_steps},
                                     {"one-cycle: shape", test_shapes},
                                     {"one-cycle: edges", test_edges},
                                     {NULL, NULL}};
    return lks_test_main("schedules", tests);
}
