/* work.json of a run folder: what the newest start made of the run, for people who look at it from outside. It is
 * written once, before the first step. One process; nothing is collective. */
#ifndef LKS_RUN_WORK_H
#define LKS_RUN_WORK_H

#include "io/checkpoint.h"

/* Of numbers -1, of texts "": not known. */
typedef struct lks_work {
    char name[LKS_NAME_MAX];
    int64_t first_step, last_step, steps_per_epoch; /* first_step: where this start goes on */
    int64_t epochs;
    int64_t step_images; /* of a whole step */
    int64_t parameters;
    int64_t ranks, threads; /* threads: of each rank */
    char hosts[LKS_PROVENANCE_TEXT_MAX];
    double memory_mib; /* of the rank with most, as planned; NaN: not known */
} lks_work;

/* LKS_ERR_IO, LKS_ERR_BUSY, LKS_ERR_MEMORY. */
lks_status lks_work_write(const char *folder, const lks_work *work, lks_error *err);

/* What a file that is missing, or anybody's, does not tell is not known. */
void lks_work_read(const char *folder, lks_work *work);

#endif
