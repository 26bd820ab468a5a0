/** @file eval.h  Networks of checkpoints on their test set. */
#ifndef LOCKSTEP_EVAL_H
#define LOCKSTEP_EVAL_H

#include <stdint.h>

#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/format.h"
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

/** The most pixels that images may be looked at off their place, in both directions. */
#define LKS_SHIFTS_MAX 8

/** The most images on a contact sheet. */
#define LKS_SHEET_IMAGES_MAX 1000

/** Which images: the test set, those that the network was trained on, or those that were held out of them. */
typedef enum lks_eval_part { LKS_EVAL_TEST, LKS_EVAL_TRAIN, LKS_EVAL_VALIDATION } lks_eval_part;

typedef struct lks_eval_options {
    const char *const *checkpoints; /**< [n_checkpoints] files, or run folders: of these what
                                       their test figures are of */
    int n_checkpoints;
    const char *data;     /**< folder instead of the first checkpoint's data.dir */
    const char *pictures; /**< folder of pictures, in a folder for each class, that are
                             evaluated instead of the test set, or NULL */
    const char *const *sets;
    int n_sets;
    int threads;
    int shifts; /**< 0 to LKS_SHIFTS_MAX */
    lks_eval_part on;
    uint32_t worst;    /**< so many images with the highest loss are listed, 0: none */
    const char *sheet; /**< PNG that shows those, at most LKS_SHEET_IMAGES_MAX; NULL: none */
    lks_format
        format; /**< JSON: one object with all; CSV: a row for each class, or for each of the worst images */
} lks_eval_options;

/** Evaluates a checkpoint on its test set, or on another part of its data, and prints the table. Of several
 * checkpoints, which must come from the same data, and with shifts, of the (2 shifts + 1)^2 places of the image (black
 * comes in), the probabilities are averaged: in double, checkpoints in order, places row by row.
 *
 * Where it is known that human raters contest labels of the test set, a line tells how many errors are among these.
 *  @return LKS_ERR_MISMATCH where training or validation images are wanted, and those in the folder are not those that
 * the networks come from, or the networks part them differently; LKS_ERR_USAGE where there are fewer images than
 * @p options->worst, or a set that would part them otherwise. Collective; errors are agreed. */
lks_status lks_eval(lks_comm *comm, const lks_eval_options *options, lks_error *err);

LKS_PUBLIC_END

#endif
