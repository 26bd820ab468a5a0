/** @file train.h  A whole run: train, evaluate, write the run folder. */
#ifndef LOCKSTEP_TRAIN_H
#define LOCKSTEP_TRAIN_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

typedef enum lks_progress_mode {
    LKS_PROGRESS_AUTO, /**< a bar on a terminal, lines elsewhere */
    LKS_PROGRESS_BAR,
    LKS_PROGRESS_LINES,
    LKS_PROGRESS_NEVER
} lks_progress_mode;

/** A heartbeat comes every two seconds: less patience than this would take a healthy run for a dead one. */
#define LKS_TAKE_OVER_LEAST 5

/** What the command line says. Strings are borrowed; NULL or 0 where not given. */
typedef struct lks_train_options {
    const char *config; /**< path of the YAML file; NULL with `refit` */
    const char *const *sets;
    int n_sets;
    const lks_key_value *values; /**< the program's own, over what file and sets say */
    int n_values;
    const char *out;         /**< run folder; default runs/<config name> */
    const char *resume;      /**< "auto" (default), "never", or a checkpoint file */
    const char *init_from;   /**< checkpoint whose weights a new run starts from */
    const char *refit;       /**< run folder whose best number of epochs is trained on all images */
    const char *trace_ranks; /**< ranks that it is of, as "0,4-7"; NULL: all */
    const char *trace;       /**< file for a trace of all ranks and threads; not with dry_run */
    bool take_over;          /**< from whoever works in the run folder */
    double
        take_over_after; /**< once its heartbeat has stood still for so many seconds; 0: the default */
    bool dry_run;        /**< check everything, tell what a run would need, write nothing */
    int threads;
    lks_progress_mode progress;
    struct lks_watchdog *watchdog; /**< is told where to note a stall; NULL: nobody watches */
} lks_train_options;

/** Trains as @p options say. Collective: every rank passes the same options; errors are agreed.
 * *stopped is set where the run ended early, on a signal or at its time limit, with its checkpoint
 * saved. */
lks_status lks_train(lks_comm *comm, const lks_train_options *options, bool *stopped,
                     lks_error *err);

LKS_PUBLIC_END

#endif
