/* Which pieces of ink are a digit: the likeliest way through a line. Private to src/infer. */
#ifndef LKS_INFER_RUNS_H
#define LKS_INFER_RUNS_H

#include <stdbool.h>

#include "pictures/ink/digits.h"

/* Most pieces of a digit. */
enum { LKS_RUN_MOST = 10, LKS_RUN_TRAITS = 3 };

/* Pieces of a line that follow each other: a digit, or what is none and left out. */
typedef struct lks_run {
    int first, count;
    bool digit, is_chosen;
    double traits[LKS_RUN_TRAITS]; /* its shape, which is compared with that of its class */
    double score;
    int predicted;
    double certainty; /* of a chosen one: its probability */
} lks_run;

/* All runs of pieces first .. end - 1, a line, that may be digits, and each piece that can be none, into runs
 * [(end - first) * LKS_RUN_MOST], in order of their first pieces; returns how many. */
int lks_runs_list(lks_run *runs, const lks_ink *ink, const lks_digits *digits, int first, int end);

/* The network's word for a digit: probabilities [classes], which is the largest, and the temperature at which they are
 * as sure as right. */
void lks_run_judge(lks_run *run, const double *probabilities, int classes, int predicted,
                   double temperature);

/* The runs of the likeliest way through the line, in order, to the front of runs [n], *chosen of them. LKS_ERR_MEMORY. */
lks_status lks_runs_choose(lks_run *runs, int n, int first, int end, int *chosen, lks_error *err);

#endif
