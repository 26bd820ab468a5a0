/** @file metrics.h  What an evaluation counts, and the figures that follow from the counts. Nothing
 * is collective. */
#ifndef LKS_NN_METRICS_H
#define LKS_NN_METRICS_H

#include <stdint.h>
#include <stdio.h>
#include "lockstep/config.h"
#include "lockstep/exact.h"

/** Exact counts over all samples of a set: sums of integers, so equal for every partition. */
typedef struct lks_counts {
    int64_t total, correct, top3, bad; /**< bad: samples whose loss is not finite */
    lks_limbs loss;
    int classes;
    int64_t
        confusion[LKS_CLASSES_MAX * LKS_CLASSES_MAX]; /**< [true][predicted], row length classes */
} lks_counts;

/** Precision, recall and F1 of one class; 0 where a denominator is 0. */
typedef struct lks_class_metrics {
    double precision, recall, f1;
    int64_t support; /**< samples of the class */
} lks_class_metrics;

double lks_accuracy(const lks_counts *c);  /**< NaN without samples */
double lks_mean_loss(const lks_counts *c); /**< NaN without samples */
lks_class_metrics lks_class_metrics_of(const lks_counts *c, int class_index);
/** Unweighted mean over classes that have samples; support is the total. */
lks_class_metrics lks_macro_metrics(const lks_counts *c);

/** 97.5 % quantile of the normal distribution: for intervals at 95 %. */
#define LKS_Z95 1.959963984540054

/** Wilson score interval (Wilson, JASA 1927) of correct / total at 95 %. */
void lks_wilson(int64_t correct, int64_t total, double *low, double *high);

/** A readable table: headline, per-class figures, confusion matrix (up to 20 classes). @p data gives
 * the classes their names, if it has any. */
void lks_counts_print(const lks_counts *c, const lks_data_config *data, const char *title,
                      FILE *out);

#endif
