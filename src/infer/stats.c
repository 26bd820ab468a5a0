#include "infer/stats.h"

#include <math.h>

#include "infer/temperature.h"
#include "base/math.h"
#include "nn/metrics.h"

/* --- calibration ------------------------------------------------------------------------------ */

/* What a file holds may be no probability; NaN goes into the first bin. */
static int bin_of(double confidence) {
    if (!(confidence > 0))
        return 0;
    return confidence < 1 ? (int)ceil(confidence * LKS_CALIBRATION_BINS) - 1
                          : LKS_CALIBRATION_BINS - 1;
}

static double confidence_of(const lks_predictions *p, int64_t i, double temperature) {
    const float *own = p->probabilities + i * p->classes;
    double probabilities[LKS_CLASSES_MAX];
    if (temperature == 1 || !(own[p->predicted[i]] > 0))
        return (double)own[p->predicted[i]];
    for (int k = 0; k < p->classes; k++)
        probabilities[k] = (double)own[k];
    return lks_temperature_confidence(probabilities, p->classes, p->predicted[i], temperature);
}

static void fill_bins(lks_calibration *c, const lks_predictions *p, double temperature) {
    for (int64_t i = 0; i < p->n; i++) {
        const double confidence = confidence_of(p, i, temperature);
        lks_calibration_bin *bin = &c->bins[bin_of(confidence)];
        bin->n++;
        bin->correct += p->predicted[i] == p->labels[i];
        bin->confidence += confidence;
        c->confidence += confidence;
    }
}

lks_calibration lks_calibrate(const lks_predictions *p, double temperature) {
    lks_calibration c = {.error = p->n > 0 ? 0 : NAN};
    fill_bins(&c, p, temperature);
    if (p->n == 0)
        return c;
    c.confidence /= (double)p->n;
    for (int b = 0; b < LKS_CALIBRATION_BINS; b++) {
        lks_calibration_bin *bin = &c.bins[b];
        if (bin->n == 0)
            continue;
        const double n = (double)bin->n;
        bin->confidence /= n;
        c.error += fabs((double)bin->correct / n - bin->confidence) * n / (double)p->n;
    }
    return c;
}

/* --- two classifiers -------------------------------------------------------------------------- */

/* The tail P(X <= k) of n fair coins, k <= n / 2: the largest term from its logarithm, the others from
 * their ratios, C(n, i - 1) / C(n, i) = i / (n - i + 1). */
static double lower_tail(int64_t n, int64_t k) {
    double logarithm = -(double)n * lks_log(2), sum = 1, term = 1;
    for (int64_t i = 1; i <= k; i++)
        logarithm += lks_log((double)(n - k + i) / (double)i);
    for (int64_t i = k; i > 0 && term > 1e-17 * sum; i--) {
        term *= (double)i / (double)(n - i + 1);
        sum += term;
    }
    return lks_exp(logarithm) * sum;
}

double lks_mcnemar_exact(int64_t b, int64_t c) {
    if (b == c) /* the two tails meet, and more than all is not likely */
        return 1;
    const double p = 2 * lower_tail(b + c, b < c ? b : c);
    return p < 1 ? p : 1;
}

static void find_interval(lks_pair *pair) {
    const double z = LKS_Z95;
    const double n = (double)pair->n + 2;
    const double b = (double)pair->first + 0.5, c = (double)pair->second + 0.5;
    const double middle = (b - c) / n;
    const double half = z * sqrt((b + c) - (b - c) * (b - c) / n) / n;
    pair->low = middle - half;
    pair->high = middle + half;
}

lks_pair lks_compare_predictions(const lks_predictions *a, const lks_predictions *b) {
    lks_pair pair = {.n = a->n};
    for (int64_t i = 0; i < a->n; i++) {
        const bool first = a->predicted[i] == a->labels[i];
        const bool second = b->predicted[i] == b->labels[i];
        pair.both += first && second;
        pair.first += first && !second;
        pair.second += second && !first;
    }
    pair.difference = pair.n ? (double)(pair.first - pair.second) / (double)pair.n : NAN;
    find_interval(&pair);
    pair.p = lks_mcnemar_exact(pair.first, pair.second);
    return pair;
}
