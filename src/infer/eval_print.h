/* What an evaluation found, printed on standard output by rank 0. Nothing is collective. */
#ifndef LKS_INFER_EVAL_PRINT_H
#define LKS_INFER_EVAL_PRINT_H

#include "infer/network.h"
#include "infer/worst.h"
#include "lockstep/format.h"

typedef struct lks_eval_found {
    const lks_ensemble *networks;
    const lks_counts *counts;
    const char *part;               /* "test", "training" */
    const char *path;               /* of the images */
    const lks_contested *contested; /* labels that raters contest; NULL: none are known */
    int contested_wrong;            /* wrong answers to them */
    const lks_worst *worst;         /* [n_worst] */
    int n_worst;
} lks_eval_found;

/* For people. */
void lks_eval_print(const lks_eval_found *found);

/* As JSON, or as CSV: a row for each class or, where there are some, for each of the worst images. LKS_ERR_MEMORY. */
lks_status lks_eval_print_rows(const lks_eval_found *found, lks_format format, lks_error *err);

#endif
