/* What measuring and reporting share. */
#ifndef LKS_TOOL_BENCH_PARTS_H
#define LKS_TOOL_BENCH_PARTS_H

#include "tool/bench.h"
#include "measure/resident.h"
#include "train/trainer.h"

/* Some steps, of all ranks together. */
typedef struct lks_bench_round {
    double seconds; /* on the slowest rank */
    double peak;    /* flop a second, right before */
    uint64_t sent;  /* bytes of packed messages; 0 where nothing is packed */
    int64_t images;
    int64_t flop; /* as lks_model_flop() has them */
} lks_bench_round;

/* The same training with one kind of sums. */
typedef struct lks_bench_mode {
    lks_config config;
    lks_trainer trainer;
    lks_bench_round *rounds; /* [rounds] */
    lks_phase_times phases;  /* of all rounds */
} lks_bench_mode;

enum { LKS_BENCH_EXACT, LKS_BENCH_FP32, LKS_BENCH_MODES };

typedef struct lks_bench_result {
    lks_bench_mode modes[LKS_BENCH_MODES];
    int rounds, steps;     /* steps of a round */
    double dense_flop;     /* of one image, if nothing were skipped: lks_training_flop() */
    lks_resident resident; /* with exact sums alone */
    lks_provenance provenance;
} lks_bench_result;

/* bench_report.c: rank 0, to stdout. */
void lks_bench_print(const lks_bench_result *b);
lks_status lks_bench_print_json(lks_bench_result *b, lks_error *err);

#endif
