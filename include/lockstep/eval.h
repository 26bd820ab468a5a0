/** @file eval.h  Networks of checkpoints on their test set. */
#ifndef LOCKSTEP_EVAL_H
#define LOCKSTEP_EVAL_H

#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/status.h"

/** The most pixels that images may be looked at off their place, in both directions. */
#define LKS_SHIFTS_MAX 8

typedef struct lks_eval_options {
    const char *const *checkpoints; /**< [n_checkpoints] files, or run folders (lks_folder_read()
                                       says which checkpoint) */
    int n_checkpoints;
    const char *data; /**< folder instead of the first checkpoint's data.dir */
    const char
        *pictures; /**< folder of class folders of pictures (lockstep/picture_folder.h) that are
                             evaluated instead of the test set, or NULL */
    const char *const *sets;
    int n_sets;
    int threads;
    int shifts; /**< 0 to LKS_SHIFTS_MAX */
} lks_eval_options;

/** Evaluates a checkpoint on its test set and prints the table. Of several checkpoints, which must come
 * from the same data, and with shifts, of the (2 shifts + 1)^2 places of the image (black comes in),
 * the probabilities are averaged: in double, checkpoints in order, places row by row. Collective. */
lks_status lks_eval(lks_comm *comm, const lks_eval_options *options, lks_error *err);

#endif
