/* How the values of an array spread: TensorBoard's histogram. */
#ifndef LKS_TENSORBOARD_HISTOGRAM_H
#define LKS_TENSORBOARD_HISTOGRAM_H

#include <stdint.h>

/* As many as TensorBoard shows. */
enum { LKS_HISTOGRAM_BINS = 30 };

/* Bins of equal width from `least` to `most`; a value on an edge counts in the higher one, `most` in the last. */
typedef struct lks_histogram {
    double least, most; /* of the values; least > most: there is none */
    double sum, squares;
    int64_t counts[LKS_HISTOGRAM_BINS];
} lks_histogram;

/* An empty one, for lks_histogram_range(). */
lks_histogram lks_histogram_start(void);

/* First each value goes through the one, then each goes through the other. Between the two `least` and `most` may be
 * widened, to those of other processes that see other values; counts, sums and squares add up. Values that are not
 * finite are left out: weights of a run that diverges have some, before a step ends it. */
void lks_histogram_range(lks_histogram *h, double value);
void lks_histogram_count(lks_histogram *h, double value);

/* The upper edge of a bin: `most` of the last one. */
double lks_histogram_edge(const lks_histogram *h, int bin);

#endif
