#include "tensorboard/histogram.h"

#include <math.h>

lks_histogram lks_histogram_start(void) {
    return (lks_histogram){.least = INFINITY, .most = -INFINITY};
}

void lks_histogram_range(lks_histogram *h, double value) {
    if (!isfinite(value))
        return;
    h->least = value < h->least ? value : h->least;
    h->most = value > h->most ? value : h->most;
}

double lks_histogram_edge(const lks_histogram *h, int bin) {
    return bin + 1 == LKS_HISTOGRAM_BINS
               ? h->most
               : h->least + (h->most - h->least) * (bin + 1) / LKS_HISTOGRAM_BINS;
}

/* Rounding may put a value next to an edge on its other side: the edges that are written decide. */
static int bin_of(const lks_histogram *h, double value) {
    const double width = h->most - h->least;
    int bin = width > 0 ? (int)((value - h->least) / width * LKS_HISTOGRAM_BINS) : 0;
    bin = bin < LKS_HISTOGRAM_BINS ? bin : LKS_HISTOGRAM_BINS - 1;
    while (bin > 0 && value < lks_histogram_edge(h, bin - 1))
        bin--;
    while (bin + 1 < LKS_HISTOGRAM_BINS && value >= lks_histogram_edge(h, bin) && width > 0)
        bin++;
    return bin;
}

void lks_histogram_count(lks_histogram *h, double value) {
    if (!isfinite(value))
        return;
    h->counts[bin_of(h, value)]++;
    h->sum += value;
    h->squares += value * value;
}
