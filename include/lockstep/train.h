/** @file train.h  A whole run: train, evaluate, write the run folder. */
#ifndef LOCKSTEP_TRAIN_H
#define LOCKSTEP_TRAIN_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/status.h"

typedef enum lks_progress_mode {
    LKS_PROGRESS_AUTO, /**< a bar on a terminal, lines elsewhere */
    LKS_PROGRESS_BAR,
    LKS_PROGRESS_LINES,
    LKS_PROGRESS_NEVER
} lks_progress_mode;

/** What the command line says. Strings are borrowed; NULL or 0 where not given. */
typedef struct lks_train_options {
    const char *config; /**< path of the YAML file; NULL with `refit` */
    const char *const *sets;
    int n_sets;
    const char *out;       /**< run folder; default runs/<config name> */
    const char *resume;    /**< "auto" (default), "never", or a checkpoint file */
    const char *init_from; /**< checkpoint whose weights a new run starts from */
    const char *refit;     /**< run folder whose best number of epochs is trained on all images */
    const char *trace;     /**< file for a trace of all ranks and threads; not with dry_run */
    bool dry_run;          /**< check everything, tell what a run would need, write nothing */
    int threads;
    lks_progress_mode progress;
} lks_train_options;

/** Trains as @p options say. Collective: every rank passes the same options; errors are agreed.
 * *stopped is set where the run ended early, on a signal or at its time limit, with its checkpoint
 * saved. */
lks_status lks_train(lks_comm *comm, const lks_train_options *options, bool *stopped,
                     lks_error *err);

/** Images may be looked at from up to so many pixels off in both directions. */
#define LKS_SHIFTS_MAX 8

typedef struct lks_eval_options {
    const char *const *checkpoints; /**< [n_checkpoints] files, or run folders (the checkpoint whose
                                       test figures the run reports) */
    int n_checkpoints;
    const char *data; /**< folder instead of the first checkpoint's data.dir */
    const char *const *sets;
    int n_sets;
    int threads;
    int shifts; /**< 0 to LKS_SHIFTS_MAX */
} lks_eval_options;

/** Where the checkpoint of @p path is: a run folder's whose test figures the run reports; any other path
 * stands for itself. LKS_ERR_IO: a folder without checkpoints. Not collective. */
lks_status lks_find_checkpoint(const char *path, char found[LKS_PATH_MAX + 64], lks_error *err);

/** Evaluates a checkpoint on its test set and prints the table. Of several checkpoints, which must come
 * from the same data, and with shifts, of the (2 shifts + 1)^2 places of the image (black comes in),
 * the probabilities are averaged: in double, checkpoints in order, places row by row. Collective. */
lks_status lks_eval(lks_comm *comm, const lks_eval_options *options, lks_error *err);

/** SIGTERM, SIGINT and SIGUSR1 ask for a stop at the next step; a second SIGINT kills. */
void lks_catch_signals(void);

/** Asks for a stop at the next step from @p seconds (> 0) after this call on. One rank's clock
 * suffices. */
void lks_stop_after(double seconds);

/** 0 to go on; else why this process should stop, the signal before the clock. Summed over the
 * ranks, it counts those of each reason. */
int64_t lks_stop_requested(void);
#define LKS_STOP_SIGNAL ((int64_t)1)
#define LKS_STOP_TIME   ((int64_t)1 << 32)

/** "on a signal" or "at its time limit", from a sum of lks_stop_requested(). */
const char *lks_stop_reason(int64_t sum);

/** The configuration at @p path, read by rank 0, broadcast and parsed everywhere. Collective;
 * errors agreed. */
lks_status lks_config_load(lks_comm *comm, const char *path, const char *const *sets, int n_sets,
                           lks_config *config, lks_error *err);

/** Version, as in "lockstep 0.1.0". */
const char *lks_version(void);

/** The commit it was built from, "-dirty" behind it where files were changed; "unknown" outside a
 * repository. */
const char *lks_revision(void);

/** Name and version of the compiler. */
const char *lks_compiler(void);

#endif
