/* Which weights the page speaks of, and what may be promised of them. */
#ifndef LKS_REPORT_WEIGHTS_H
#define LKS_REPORT_WEIGHTS_H

#include "report/run.h"

/* The weights that the test figures belong to, or that a run that has not ended would be
 * tested with. */
typedef struct lks_report_weights {
    bool known, best, average;
    double step;                 /* after which they stood so; NaN: unknown */
    char digest[LKS_SHA256_HEX]; /* of exactly these; "": unknown */
    double validation;           /* accuracy of exactly these; NaN: unknown or none */
    const char *validation_key;  /* of summary.json, where that stands */
} lks_report_weights;

/* What summary.json says; summaries of earlier versions leave gaps, which the checkpoint that was tested
 * fills. */
lks_report_weights lks_report_weights_of(const lks_report_run *run);

/* "best by validation, averaged, step 350" into `text`, which is returned. */
#define LKS_WEIGHTS_ROOM 80
const char *lks_report_weights_text(const lks_report_weights *w, char text[LKS_WEIGHTS_ROOM]);

/* True where the run's sums were exact, so that its weights do not depend on how they were computed. */
bool lks_report_reproducible(const lks_report_run *run);

#endif
