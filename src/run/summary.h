/* summary.json: what came out of a run that has ended. One process; nothing is collective. */
#ifndef LKS_RUN_SUMMARY_H
#define LKS_RUN_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include "io/checkpoint.h"
#include "nn/metrics.h"
#include "measure/resident.h"
#include "run/metrics.h"

/* What the weights that were tested do. */
typedef struct lks_summary_results {
    const lks_counts *test, *validation; /* total 0: not measured */
    lks_tested tested;                   /* the weights of the test figures */
    int contested;                       /* test images whose labels people are known to contest */
    int contested_wrong;                 /* wrong answers to them */
} lks_summary_results;

/* What it took. Times are those of this process. */
typedef struct lks_summary_work {
    int64_t parameters;
    bool stopped_early;
    double train_seconds, images_per_second, comm_seconds;
    double sent_bytes_per_step; /* of the rank that sends most */
    double energy_joules;       /* of all hosts that tell; NaN: none does */
    lks_phase_times phases;
    lks_resident resident;
} lks_summary_work;

typedef struct lks_summary {
    const char *status;
    lks_summary_results results;
    lks_summary_work work;
    const lks_checkpoint *state; /* the last weights, with their digests */
    const char *resumed_from;    /* "": nothing */
    const char *precision;       /* train.precision */
    const char *unit;            /* lks_products_unit() */
    const char *exchange;        /* train.exchange */
} lks_summary;

/* The text of summary.json, for free(). LKS_ERR_MEMORY. */
lks_status lks_summary_text(const lks_summary *s, char **text, lks_error *err);

/* Writes summary.json into `folder`. Where `worked` is false and the file there tells of the same state with
 * the same test figures, it stays: it has the times of the work that was done. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_summary_write(const char *folder, const lks_summary *s, bool worked, lks_error *err);

#endif
