/** @file bench.h  How fast a configuration trains here, beside what the machine can do at that moment. */
#ifndef LKS_TOOL_BENCH_H
#define LKS_TOOL_BENCH_H

#include <stdbool.h>
#include "lockstep/comm.h"
#include "lockstep/status.h"

/** What the command line says. Strings are borrowed; NULL or 0 where not given. */
typedef struct lks_bench_options {
    const char *config; /**< path of the YAML file */
    const char *const *sets;
    int n_sets;
    const char *data; /**< folder instead of data.dir; then the data have to be there */
    int threads;
    int steps; /**< of a round, at most LKS_BENCH_MOST_STEPS; 0: as many as take about half a second */
    int rounds; /**< at most LKS_BENCH_MOST_ROUNDS; 0: LKS_BENCH_ROUNDS */
    bool json;  /**< one JSON object instead of tables */
} lks_bench_options;
#define LKS_BENCH_ROUNDS      10
#define LKS_BENCH_MOST_ROUNDS 1000
#define LKS_BENCH_MOST_STEPS  1000000

/** Trains the configuration's network twice, with `train.reduce: exact` and with `fp32`, round by round
 * in turn, and prints what a round took, what was computed in it, and its share of the multiply-add
 * peak that all threads of all ranks reached together right before it. Without the configuration's data
 * images are made up. Nothing is evaluated and nothing written to disk. Collective: every rank passes
 * the same options; errors are agreed. Rank 0 prints to stdout. */
lks_status lks_bench(lks_comm *comm, const lks_bench_options *options, lks_error *err);

#endif
