/* metrics.jsonl: a line of JSON for each recorded step and epoch, and one for the test result. One process;
 * nothing is collective. */
#ifndef LKS_RUN_METRICS_H
#define LKS_RUN_METRICS_H

#include <stdio.h>
#include "files/account.h"
#include "io/checkpoint.h"
#include "io/history.h"
#include "nn/metrics.h"
#include "run/run_folder.h"

/* The weights that the test figures belong to, and what validation says of the very same ones. */
typedef struct lks_tested {
    int64_t step, epoch;                 /* after which they stood so; epoch: complete ones */
    bool best;                           /* those of best.h5, else the last ones */
    bool average;                        /* the averaged weights of that step */
    char weights_sha256[LKS_SHA256_HEX]; /* of exactly these; "": the test set was not scored */
    double validation_loss, validation_accuracy; /* NaN: without validation */
    lks_temperature temperature;                 /* how sure they may be */
} lks_tested;

/* Opens the file of run folder `folder` to append to, an account of the history in memory; it then holds just the records
 * of `h`, in the order in which they came: after a resume nothing after the cursor stays. Where it cannot be written it is
 * made anew at the next epoch and at the end. Ended by lks_account_close(). LKS_ERR_BUSY, as of the others: this life lost
 * its place; no other error is returned. */
lks_status lks_metrics_open(lks_account *m, const char *folder, const lks_history *h,
                            lks_error *err);

/* Appends the newest step of `h`; whether it could be written is seen at the next epoch. */
void lks_metrics_add_step(lks_account *m, const lks_history *h);

/* Appends the newest epoch of `h`; nothing where no file was opened. */
lks_status lks_metrics_add_epoch(lks_account *m, const lks_history *h, lks_error *err);

/* Completes the file, with the line of the final test result unless `tested` is NULL. */
lks_status lks_metrics_finish(lks_account *m, const lks_history *h, const lks_tested *tested,
                              const lks_counts *test, lks_error *err);

/* The text of that file with the records of `h` alone, for free(). LKS_ERR_MEMORY. */
lks_status lks_metrics_text(const lks_history *h, char **text, size_t *size, lks_error *err);

/* The line of the final test result, for free(). LKS_ERR_MEMORY. */
lks_status lks_metrics_test_line(const lks_tested *tested, const lks_counts *test, char **text,
                                 size_t *size, lks_error *err);

/* Whether a line, of `length` bytes with its end, is as it was written: its member "check" has the first 16
 * digits of the SHA-256 of all before it. True of lines of earlier versions, which have none. */
bool lks_metrics_check_line(const char *line, size_t length);

#endif
