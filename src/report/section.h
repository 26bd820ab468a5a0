/* What the sections of the report have in common. */
#ifndef LKS_REPORT_SECTION_H
#define LKS_REPORT_SECTION_H

#include "lockstep/report.h"
#include "page/element.h"
#include "page/figures.h"
#include "page/html.h"
#include "report/run.h"

typedef struct lks_report {
    lks_report_run *runs; /* [n]: the first is shown in full */
    int n;
    bool train_errors; /* lks_report_options', as is the next */
    int threads;
} lks_report;

/* Why a run has no predictions on a test set. */
void lks_missing_test(lks_html *page, const lks_report_run *run);

/* "13 x 13 x 32", or "10" for a vector, with the sign for times, into `text`, which is returned. */
const char *lks_shape_text(lks_shape s, char text[LKS_FIGURE_ROOM]);

#endif
