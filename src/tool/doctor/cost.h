/* What messages cost, from measured constants. Pure functions. */
#ifndef LKS_TOOL_DOCTOR_COST_H
#define LKS_TOOL_DOCTOR_COST_H

#include <stdbool.h>

typedef struct lks_link_point {
    double bytes, seconds;
} lks_link_point;

#define LKS_LINK_POINTS 8

/* Seconds in which two ranks send each other a message of so many bytes, by points of ascending sizes. n 0: unknown. */
typedef struct lks_link {
    int n;
    lks_link_point at[LKS_LINK_POINTS];
} lks_link;

/* Straight lines between the points, the first one's time below it, the last line's slope beyond. */
double lks_link_seconds(const lks_link *link, double bytes);

/* Latency and seconds a byte of a link: those of the straight line that fits the points best, each weighed by its own
 * time, so that small messages count as much as large ones. */
double lks_link_latency(const lks_link *link);
double lks_link_seconds_a_byte(const lks_link *link);

/* A link of `latency` seconds that carries `rate` bytes a second. */
lks_link lks_link_made(double latency, double rate);

typedef struct lks_network {
    int host_ranks; /* consecutive ranks on one host */
    lks_link within, between;
    double addition; /* seconds that adding up takes for a byte of sums */
} lks_network;

/* Algorithms of MPI_Allreduce, as Open MPI numbers them. */
typedef enum lks_allreduce {
    LKS_ALLREDUCE_LINEAR = 1,
    LKS_ALLREDUCE_TREES, /* reduce, then broadcast */
    LKS_ALLREDUCE_DOUBLING,
    LKS_ALLREDUCE_RING,
    LKS_ALLREDUCE_SEGMENTED_RING,
    LKS_ALLREDUCE_RABENSEIFNER
} lks_allreduce;

/* Whose choice of an algorithm a forecast is for. */
typedef enum lks_sums_by {
    LKS_SUMS_BY_OPEN_MPI, /* 4.1: the fixed table of its component `tuned` (ompi_coll_tuned_allreduce_intra_dec_fixed) */
    LKS_SUMS_BY_PROGRAM, /* the same, but as lks_comm_steers() says */
    LKS_SUMS_BY_MPICH /* recursive doubling up to 2 KiB (MPIR_CVAR_ALLREDUCE_SHORT_MSG_SIZE), then Rabenseifner's */
} lks_sums_by;

/* The algorithm for sums of `bytes` over `ranks`. */
lks_allreduce lks_allreduce_choice(int ranks, double bytes, lks_sums_by by);

/* Seconds of a sum of `bytes` over `ranks`, each hop by the link that it takes (Thakur, Rabenseifner, Gropp 2005:
 * Optimization of Collective Communication Operations in MPICH, section 4.5). 0 on one rank. */
double lks_allreduce_seconds(const lks_network *net, lks_allreduce algorithm, int ranks,
                             double bytes);

/* The two parts of Rabenseifner's allreduce by themselves: of sums of `bytes` each rank gets its share, and shares of
 * `bytes` in all come to every rank. 0 on one rank. */
double lks_reduce_scatter_seconds(const lks_network *net, int ranks, double bytes);
double lks_allgather_seconds(const lks_network *net, int ranks, double bytes);

/* Seconds in which `ranks` send one another `bytes` each in all, in pairs one after another. */
double lks_alltoall_seconds(const lks_network *net, int ranks, double bytes);

#endif
