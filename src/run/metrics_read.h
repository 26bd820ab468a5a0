/* metrics.jsonl read, as a whole or while it grows. It may be anybody's: what is not as lockstep wrote it is passed over.
 * One process; nothing is collective. */
#ifndef LKS_RUN_METRICS_READ_H
#define LKS_RUN_METRICS_READ_H

#include <stdio.h>

#include "io/history.h"
#include "run/run_folder.h"

/* Adds to `h` what a line tells, of `length` bytes, more than 0, with its end. *damaged counts lines of which nothing is
 * used; one without an end may still be on its way. LKS_ERR_MEMORY. */
lks_status lks_metrics_take(lks_history *h, const char *line, size_t length, int *damaged,
                            lks_error *err);

/* The file of a run that may be at work. Zero-initialised; ended by lks_metrics_tail_close(). */
typedef struct lks_metrics_tail {
    FILE *file;
    long at; /* behind the last whole line */
    lks_history history;
    int damaged;
} lks_metrics_tail;

/* Adds to the history what came since the last call. Where the file is another one by now, or shorter, as after a resume, the
 * history begins anew. There need not be one. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_metrics_tail_read(lks_metrics_tail *t, const char *folder, lks_error *err);
void lks_metrics_tail_close(lks_metrics_tail *t);

#endif
