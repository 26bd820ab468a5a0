/* The options of a run that repeats another one on all training images. */
#ifndef LKS_TRAIN_REFIT_H
#define LKS_TRAIN_REFIT_H

#include "lockstep/train.h"

#define LKS_REFIT_VALUES 5

typedef struct lks_refit {
    lks_train_options options; /* what to train with; points into this struct */
    char config[LKS_PATH_MAX + 16], out[LKS_PATH_MAX], epochs[24];
    lks_key_value values[LKS_REFIT_VALUES];
} lks_refit;

/* From `given`, whose `refit` names the run folder: its config.yaml, with data.validation 0 and
 * train.epochs the epoch of best.h5. LKS_ERR_CONFIG where there is no best.h5, or where the schedule
 * watches validation. Collective; errors are agreed. */
lks_status lks_refit_prepare(lks_refit *r, lks_comm *comm, const lks_train_options *given,
                             lks_error *err);

#endif
