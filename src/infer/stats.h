/* Statistics of predictions on a labelled set. */
#ifndef LKS_INFER_STATS_H
#define LKS_INFER_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/history.h"

/* Bins of equal width over the confidence, as in Guo et al., "On Calibration of Modern Neural
 * Networks", ICML 2017. */
#define LKS_CALIBRATION_BINS 15

typedef struct lks_calibration_bin {
    int64_t n, correct;
    double confidence; /* mean over the bin's samples; 0 where it has none */
} lks_calibration_bin;

typedef struct lks_calibration {
    lks_calibration_bin bins[LKS_CALIBRATION_BINS];
    double error;   /* expected calibration error: mean over samples of |accuracy - confidence| of
                          their bin; NaN without samples */
    double largest; /* maximum calibration error: of the worst bin */
    double confidence; /* mean over all samples */
} lks_calibration;

/* Confidence is the probability of the predicted class, at `temperature` as in temperature.h; 1: as it is. Bin b (from 0) holds confidences in
 * (b / 15, (b + 1) / 15], and bin 0 also 0. */
lks_calibration lks_calibrate(const lks_predictions *p, double temperature);

/* Two classifiers on the same samples. */
typedef struct lks_pair {
    int64_t n;                   /* samples */
    int64_t both, first, second; /* right by both, by the first only, by the second only */
    double difference;           /* accuracy of the first minus that of the second */
    double low, high;            /* its 95 % interval */
    double p;                    /* of McNemar's exact test, two-sided */
} lks_pair;

/* Counts and tests. Both must have the same labels. McNemar's test (Psychometrika 1947) in its exact
 * form: under the null hypothesis the discordant samples are fair coins, so p is twice the smaller
 * tail of a binomial distribution, at most 1. The interval is Wald's after Agresti and Min (Statistics in
 * Medicine 2005), with 0.5 added to each of the four cells. */
lks_pair lks_compare_predictions(const lks_predictions *a, const lks_predictions *b);

/* Two-sided exact p-value of McNemar's test for b and c discordant samples; 1 where there are none. */
double lks_mcnemar_exact(int64_t b, int64_t c);

#endif
