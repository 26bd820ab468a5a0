#include "tool/doctor/cost.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>

#include "lockstep/comm.h"
#include "comm/transfer.h"

/* --- links ------------------------------------------------------------------------------------ */

double lks_link_seconds(const lks_link *l, double bytes) {
    if (l->n == 0 || bytes <= l->at[0].bytes)
        return l->n == 0 ? 0 : l->at[0].seconds;
    int i = 1;
    while (i + 1 < l->n && l->at[i].bytes < bytes)
        i++;
    if (l->n == 1)
        return l->at[0].seconds;
    const lks_link_point a = l->at[i - 1], b = l->at[i];
    const double seconds =
        a.seconds + (b.seconds - a.seconds) * (bytes - a.bytes) / (b.bytes - a.bytes);
    return seconds > 0 ? seconds : 0;
}

/* Least squares of (latency + slope * bytes) / seconds - 1. */
static void fit(const lks_link *l, double *latency, double *slope) {
    double ww = 0, wb = 0, bb = 0, w = 0, b = 0;
    for (int i = 0; i < l->n; i++) {
        const double p = 1 / l->at[i].seconds, q = l->at[i].bytes / l->at[i].seconds;
        ww += p * p;
        wb += p * q;
        bb += q * q;
        w += p;
        b += q;
    }
    const double d = ww * bb - wb * wb;
    *latency = d > 0 ? (w * bb - b * wb) / d : l->n ? l->at[0].seconds : 0;
    *slope = d > 0 ? (ww * b - wb * w) / d : 0;
    *latency = *latency > 0 ? *latency : 0;
    *slope = *slope > 0 ? *slope : 0;
}

double lks_link_latency(const lks_link *l) {
    double latency, slope;
    fit(l, &latency, &slope);
    return latency;
}

double lks_link_seconds_a_byte(const lks_link *l) {
    double latency, slope;
    fit(l, &latency, &slope);
    return slope;
}

lks_link lks_link_made(double latency, double rate) {
    const double far = 1048576;
    return (lks_link){2, {{0, latency}, {far, latency + far / rate}}};
}

/* --- allreduce -------------------------------------------------------------------------------- */

typedef struct choice {
    double below; /* bytes */
    lks_allreduce algorithm;
} choice;

#define MOST 1e300

/* A line's choices end with one of MOST bytes. */
typedef struct choices {
    int below; /* ranks */
    choice of[8];
} choices;

static const choices table[] = {
    {4, {{8, 4}, {4096, 3}, {8192, 4}, {16384, 3}, {65536, 4}, {262144, 5}, {MOST, 6}}},
    {8, {{16, 4}, {8192, 3}, {MOST, 6}}},
    {16, {{8192, 3}, {MOST, 6}}},
    {32, {{64, 5}, {4096, 3}, {MOST, 6}}},
    {64, {{128, 5}, {MOST, 6}}},
    {128, {{262144, 3}, {MOST, 6}}},
    {256, {{131072, 2}, {262144, 3}, {MOST, 6}}},
    {512, {{4096, 2}, {MOST, 6}}},
    {2048, {{2048, 2}, {16384, 3}, {MOST, 6}}},
    {4096, {{2048, 2}, {4096, 5}, {16384, 3}, {MOST, 6}}},
    {INT_MAX, {{2048, 2}, {16384, 5}, {32768, 3}, {MOST, 6}}},
};

lks_allreduce lks_allreduce_choice(int ranks, double bytes, lks_sums_by by) {
    const choices *line = table;
    if (by == LKS_SUMS_BY_MPICH)
        return bytes <= 2048 ? LKS_ALLREDUCE_DOUBLING : LKS_ALLREDUCE_RABENSEIFNER;
    if (by == LKS_SUMS_BY_PROGRAM && lks_comm_steers(ranks, bytes))
        return LKS_ALLREDUCE_RABENSEIFNER;
    while (ranks >= line->below)
        line++;
    const choice *c = line->of;
    while (bytes >= c->below)
        c++;
    return c->algorithm;
}

/* To the rank that is so far away; ranks of a host follow one another. */
static double hop(const lks_network *net, int distance, double bytes) {
    return lks_link_seconds(distance < net->host_ranks ? &net->within : &net->between, bytes);
}

static int power_below(int ranks) {
    int power = 1;
    while (power <= ranks / 2)
        power *= 2;
    return power;
}

/* Ranks beyond the power of two give what they have to a neighbour, and get the sums from it. */
static double doubling(const lks_network *net, int ranks, double bytes) {
    const int power = power_below(ranks);
    const double add = bytes * net->addition;
    double seconds = power < ranks ? 2 * hop(net, 1, bytes) + add : 0;
    for (int d = 1; d < power; d *= 2)
        seconds += hop(net, d, bytes) + add;
    return seconds;
}

/* Halves go to the neighbour, quarters to the next but one, and so on. Ranks beyond the power of two give what they have
 * to a neighbour first, in two halves. */
double lks_reduce_scatter_seconds(const lks_network *net, int ranks, double bytes) {
    const int power = power_below(ranks);
    double part = bytes / 2;
    double seconds = power < ranks ? 2 * hop(net, 1, part) + part * net->addition : 0;
    for (int d = 1; d < power; d *= 2, part /= 2)
        seconds += hop(net, d, part) + part * net->addition;
    return seconds;
}

/* The same in the other order. */
double lks_allgather_seconds(const lks_network *net, int ranks, double bytes) {
    const int power = power_below(ranks);
    double part = bytes / 2;
    double seconds = power < ranks ? hop(net, 1, bytes) : 0;
    for (int d = 1; d < power; d *= 2, part /= 2)
        seconds += hop(net, d, part);
    return seconds;
}

static double rabenseifner(const lks_network *net, int ranks, double bytes) {
    return lks_reduce_scatter_seconds(net, ranks, bytes) + lks_allgather_seconds(net, ranks, bytes);
}

static double ring(const lks_network *net, int ranks, double bytes) {
    const double part = bytes / ranks;
    return (ranks - 1) * (2 * hop(net, ranks - 1, part) + part * net->addition);
}

/* Both trees binomial. */
static double trees(const lks_network *net, int ranks, double bytes) {
    double seconds = 0;
    for (int d = 1; d < ranks && d > 0; d *= 2)
        seconds += 2 * hop(net, d, bytes) + bytes * net->addition;
    return seconds;
}

static double linear(const lks_network *net, int ranks, double bytes) {
    return (ranks - 1) * (2 * hop(net, ranks - 1, bytes) + bytes * net->addition);
}

double lks_allreduce_seconds(const lks_network *net, lks_allreduce algorithm, int ranks,
                             double bytes) {
    switch (algorithm) {
    case LKS_ALLREDUCE_LINEAR:
        return linear(net, ranks, bytes);
    case LKS_ALLREDUCE_TREES:
        return trees(net, ranks, bytes);
    case LKS_ALLREDUCE_DOUBLING:
        return doubling(net, ranks, bytes);
    case LKS_ALLREDUCE_RING:
    case LKS_ALLREDUCE_SEGMENTED_RING:
        return ring(net, ranks, bytes);
    case LKS_ALLREDUCE_RABENSEIFNER:
        return rabenseifner(net, ranks, bytes);
    }
    return 0;
}

/* All pieces as the first one, and the rest. */
static double pieces(const lks_network *net, int distance, double bytes) {
    const double whole = floor(bytes / LKS_TRANSFER_PIECE),
                 rest = bytes - whole * LKS_TRANSFER_PIECE;
    return whole * hop(net, distance, LKS_TRANSFER_PIECE) +
           (rest > 0 ? hop(net, distance, rest) : 0);
}

double lks_alltoall_seconds(const lks_network *net, int ranks, double bytes) {
    double seconds = 0;
    for (int d = 1; d < ranks; d++)
        seconds += pieces(net, d, bytes / ranks);
    return seconds;
}
