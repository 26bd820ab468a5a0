/* What of a run becomes events for TensorBoard (metrics.tensorboard). */
#ifndef LKS_TRAIN_SHOW_H
#define LKS_TRAIN_SHOW_H

#include "train/run.h"

/* Rank 0: opens the file where the configuration wants it; not collective. LKS_ERR_BUSY: this life lost its place. */
lks_status lks_show_open(lks_run *run, lks_error *err);

/* Rank 0: the newest epoch of the record, with its evaluation and the newest look. LKS_ERR_BUSY. */
lks_status lks_show_epoch(lks_record *r, lks_error *err);

/* At the end: draws the wrong answers to test images that cost most, onto a sheet of rank 0; *drawn: there are some, and
 * the configuration wants them. Freed by lks_sheet_free(). Collective; only a failure of communication is an error, all
 * else is warned of. */
lks_status lks_show_wrong(const lks_run *run, const lks_predicted *predicted, lks_sheet *sheet,
                          bool *drawn, lks_error *err);

#endif
