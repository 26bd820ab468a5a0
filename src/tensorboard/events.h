/* What TensorBoard shows of a run: the folder tensorboard/ of its run folder, with one file of events. It is an account of
 * the history in memory, with pictures and histograms that are nowhere else; a failure to write it ends no run. A start
 * makes the file anew, under the next number, and removes the one before: it then has what is known up to the step where
 * the run stands, each step once. Rank 0; nothing is collective. */
#ifndef LKS_TENSORBOARD_EVENTS_H
#define LKS_TENSORBOARD_EVENTS_H

#include "files/account.h"
#include "io/history.h"
#include "lockstep/config.h"
#include "nn/metrics.h"
#include "pictures/sheet.h"
#include "run/metrics.h"
#include "tensorboard/event_folder.h"
#include "tensorboard/histogram.h"

/* Zero-initialised: nothing is written, and all functions do nothing. */
typedef struct lks_events {
    lks_account account;
    char folder[LKS_FOLDER_PATH_MAX];
    const lks_config *config;
    const lks_history *history;
    int64_t limit;        /* of an earlier file's events: those of later steps are of no account */
    size_t steps, epochs; /* of the history that are in the file */
} lks_events;

/* A tensor's values at the end of an epoch, and the mean gradient of the newest step. */
typedef struct lks_tensor_histograms {
    const char *name; /* borrowed */
    lks_histogram weights, gradients;
} lks_tensor_histograms;

/* What an epoch shows besides its record. */
typedef struct lks_events_epoch {
    const lks_counts *counts; /* its evaluation; total 0: there was none */
    const lks_tensor_histograms *tensors;
    int n_tensors;
} lks_events_epoch;

/* What a run shows when it has ended. */
typedef struct lks_events_result {
    const lks_tested *tested;
    const lks_counts *test;
    const lks_sheet *wrong; /* the wrong answers that cost most; NULL: none */
} lks_events_result;

/* Begins the file of run folder `folder`, in which training goes on behind step `step`; with what `history` has.
 * `config` and `history` are borrowed. Ended by lks_events_close(). LKS_ERR_BUSY, as of the others: this life
 * lost its place; no other error is returned. */
lks_status lks_events_open(lks_events *e, const char *folder, const lks_config *config,
                           const lks_history *history, int64_t step, lks_error *err);

/* Appends the history's newest steps; whether it could be written is seen at the next epoch. */
void lks_events_add_steps(lks_events *e);

/* Appends what else the history has, and what `seen` tells of its newest epoch. */
lks_status lks_events_add_epoch(lks_events *e, const lks_events_epoch *seen, lks_error *err);

/* Completes the file; with `result` the run has ended, NULL: it was stopped. */
lks_status lks_events_finish(lks_events *e, const lks_events_result *result, lks_error *err);

/* Also of one that was never opened. */
void lks_events_close(lks_events *e);

/* Removes the events of an earlier run in that folder. LKS_ERR_IO, LKS_ERR_BUSY. */
lks_status lks_events_remove(const char *folder, lks_error *err);

#endif
