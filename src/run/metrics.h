/* metrics.jsonl: a line of JSON for each recorded step and epoch, and one for the test result. One process;
 * nothing is collective. */
#ifndef LKS_RUN_METRICS_H
#define LKS_RUN_METRICS_H

#include <stdio.h>
#include "lockstep/history.h"
#include "lockstep/metrics.h"
#include "lockstep/run_folder.h"

/* The weights that the test figures belong to, and what validation says of the very same ones. */
typedef struct lks_tested {
    int64_t step, epoch;                 /* after which they stood so; epoch: complete ones */
    bool best;                           /* those of best.h5, else the last ones */
    bool average;                        /* the averaged weights of that step */
    char weights_sha256[LKS_SHA256_HEX]; /* of exactly these; "": the test set was not scored */
    double validation_loss, validation_accuracy; /* NaN: without validation */
} lks_tested;

typedef struct lks_metrics {
    FILE *file; /* NULL: not open */
    char path[LKS_FOLDER_PATH_MAX];
} lks_metrics;

/* Opens the file of run folder `folder` to append to; it then holds just the records of `h`, in the order in
 * which they came: after a resume nothing after the cursor stays. LKS_ERR_IO, LKS_ERR_MEMORY. Ended by
 * lks_metrics_close(). */
lks_status lks_metrics_open(lks_metrics *m, const char *folder, const lks_history *h,
                            lks_error *err);
void lks_metrics_close(lks_metrics *m);

/* Appends the newest step of `h`; whether it could be written is told by lks_metrics_check(). */
void lks_metrics_add_step(lks_metrics *m, const lks_history *h);
void lks_metrics_add_epoch(lks_metrics *m, const lks_epoch_record *r);

/* The line of the final test result. */
void lks_metrics_add_test(lks_metrics *m, const lks_tested *tested, const lks_counts *test);

/* LKS_ERR_IO unless all lines so far reached the file. */
lks_status lks_metrics_check(lks_metrics *m, lks_error *err);

#endif
