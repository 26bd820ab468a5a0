/* One training run: the trainer, what is recorded of it, and where it lives. A function that needs one of the
 * parts takes that part, not the run. */
#ifndef LKS_TRAIN_RUN_H
#define LKS_TRAIN_RUN_H

#include <stdatomic.h>

#include "infer/evaluate.h"
#include "job/lease.h"
#include "io/checkpoint.h"
#include "io/history.h"
#include "run/run_folder.h"
#include "lockstep/train.h"
#include "measure/energy.h"
#include "measure/resident.h"
#include "measure/trace_file.h"
#include "run/metrics.h"
#include "train/events/look.h"
#include "train/progress.h"
#include "train/proof/links.h"
#include "train/saver.h"
#include "train/trainer.h"

/* The clock of an epoch, or of what this process does of it, and of all epochs of this process. */
typedef struct lks_stopwatch {
    double epoch_started, epoch_seconds, epoch_comm;
    int64_t epoch_samples_before;
    double trained_seconds, trained_comm;
    int64_t trained_samples;
    int64_t epoch_sent, epoch_step;      /* bytes sent and steps done before the epoch */
    int64_t trained_sent, trained_steps; /* in epochs, without what lies between them */
} lks_stopwatch;

/* What is told of a run, and what was measured on the way. */
typedef struct lks_record {
    lks_history history; /* rank 0 */
    lks_account metrics; /* metrics.jsonl; rank 0 */
    lks_events events;   /* for TensorBoard; rank 0 */
    lks_look look;       /* of the newest epoch, where there are events */
    lks_links links;     /* that make the history's chain; rank 0 */
    float (*norms)[2];   /* [trained tensors] of the newest recorded step; rank 0 */
    lks_progress progress;
    lks_stopwatch watch;
    lks_job_energy energy;
    double memory_mib;    /* planned, of the rank with most */
    double sent_per_step; /* bytes, of the rank that sends most; once this process has trained */
    lks_phase_times phase_times;   /* of this process, once it has trained */
    lks_resident resident;         /* the same */
    int64_t verified;              /* epochs checked by this process */
    lks_counts *validation, *test; /* newest results; total 0 where not measured */
    lks_best best;
    lks_temperature temperature;    /* of the weights as they stand; 0: not known */
    lks_tested tested;              /* of `test` at the end */
    int contested, contested_wrong; /* lks_summary_results'; rank 0 */
} lks_record;

/* Where a run lives, and where this process found it. */
typedef struct lks_place {
    char folder[LKS_PATH_MAX], checkpoints[LKS_FOLDER_PATH_MAX];
    char resumed_from[LKS_FOLDER_PATH_MAX]; /* "": at the start */
    int64_t first_step;                     /* step at the start of this process */
    int64_t saved_step; /* of the newest snapshot or file; -1: none of this folder; rank 0 */
    double saved_at;    /* on the clock of rank 0: that snapshot, or the start */
    lks_lease *lease;   /* rank 0's right to write there; NULL: none */
    atomic_bool
        entered; /* all ranks know that this run has the folder; the watchdog's thread asks */
} lks_place;

/* Who compares what a run leaves with what was recorded before: proof/witness.h. */
typedef struct lks_witness lks_witness;

typedef struct lks_run {
    const lks_train_options *options;
    lks_config config;
    char *config_yaml;
    lks_provenance provenance;
    lks_tracing tracing;
    lks_trainer trainer;
    lks_record record;
    lks_place place;
    lks_saver *saver;     /* of rank 0, once the folder is ready; NULL on the others */
    lks_witness *witness; /* of rank 0 while a run is replayed; NULL: nobody compares */
} lks_run;

/* record.c: room for results, and for norms and hashes of the trainer's network. LKS_ERR_MEMORY. */
lks_status lks_record_open(lks_record *r, const lks_trainer *t, lks_error *err);
void lks_record_close(lks_record *r);

/* Rank 0: the history from where the trainer stands, its chain too unless that was begun. `init_from`: the source of
 * the first weights. Not collective, and so are the next three: metrics.jsonl of `folder`, with the records so far; a
 * step, after its update; an epoch. */
lks_status lks_record_begin(lks_record *r, const lks_trainer *t, const lks_init_source *init_from,
                            lks_error *err);
lks_status lks_record_publish(lks_record *r, const char *folder, lks_error *err);
lks_status lks_record_step(lks_record *r, const lks_trainer *t, lks_error *err);
lks_status lks_record_epoch(lks_record *r, const lks_epoch_record *epoch, lks_error *err);

/* begin/setup.c: the configuration, the trainer and the run folder: where there is something to go on from, the
 * run stands there. Collective; errors agreed. Ended by lks_run_close(), also after a failure. */
lks_status lks_run_open(lks_run *run, lks_comm *comm, lks_error *err);
void lks_run_close(lks_run *run);

/* begin/setup.c: all of that but the folder, which is named and not touched. Collective; errors agreed. */
lks_status lks_run_prepare(lks_run *run, lks_comm *comm, lks_error *err);

/* train.c: trains until step `until`, or the run's end, and ends with settled ranks. Collective; errors agreed. */
lks_status lks_run_advance(lks_run *run, int64_t until, lks_error *err);
/* train.c: the last evaluation, for the summary. Collective; errors agreed. */
lks_status lks_run_conclude(lks_run *run, lks_predicted *predicted, lks_error *err);

/* proof/witness.c: whether lks_witness_step() needs the whole state that step `step` leaves. Rank 0. */
bool lks_witness_wants(const lks_witness *w, int64_t step);
/* proof/witness.c: after a step, and after an epoch with what validation decided. Rank 0. LKS_ERR_MISMATCH. */
lks_status lks_witness_step(lks_witness *w, const lks_run *run, lks_error *err);
lks_status lks_witness_epoch(lks_witness *w, const lks_run *run, lks_error *err);

/* assess.c: evaluations, with the averaged weights where there are some. Collective; errors agreed.
 * The validation split, or without one the test set, where one is due after an epoch. */
lks_status lks_run_evaluate_epoch(lks_trainer *t, lks_record *r, lks_error *err);
/* At the end: validation unless just done, and the test set with its predictions on rank 0. */
lks_status lks_run_evaluate_end(lks_run *run, lks_predicted *predicted, lks_error *err);
/* The test figures are those of the best checkpoint. */
bool lks_run_tests_best(const lks_run *run);
/* Rank 0, before training: LKS_ERR_CONFIG if that checkpoint is needed and not there,
 * LKS_ERR_MISMATCH if another one is. */
lks_status lks_run_find_best(lks_run *run, lks_error *err);
/* Notes the newest validation result if it is the best: more correct, then lower exact loss, then
 * earlier. Where a run was told to stop decides nothing. */
bool lks_run_is_best(const lks_trainer *t, lks_record *r);
/* What the validation split decides: rates to come, and whether there are any. Only evaluations after
 * every eval.every_epochs epochs are looked at, so that nothing depends on where a run was told to stop or on
 * how many epochs it was first planned for. */
void lks_run_decide(lks_trainer *t, const lks_record *r);

/* save.c: the run as a checkpoint that borrows everything, without digests. */
void lks_run_snapshot(const lks_run *run, lks_checkpoint *c);
/* Rank 0 takes a snapshot of the whole state for a checkpoint; the others do nothing. Not collective, nor are the next two. */
void lks_run_save(lks_run *run);
/* Rank 0: whether the end of step `step`, or the clock, wants one; the clock only where there is room. */
bool lks_run_save_due(const lks_run *run, int64_t step);
/* After a step: rank 0's saver is told what was agreed on, and the next step's message is told its failure. */
void lks_run_tend_saver(lks_run *run);
/* What this rank's snapshots take, but for their histories: of rank 0 alone. */
size_t lks_run_snapshot_bytes(const lks_trainer *t);
/* Before a run ends: the ranks agree on the state, and its checkpoint is there. Collective; errors agreed. */
lks_status lks_run_settle(lks_run *run, lks_error *err);
/* After a failure, unless others may wait for this rank: what was agreed on still becomes checkpoints. */
void lks_run_rescue(lks_run *run);

/* begin/places.c: whether the files that were given can be read, and the run folder written. Collective; errors
 * agreed. */
lks_status lks_run_check_places(lks_run *run, lks_comm *comm, lks_error *err);
/* `folder`, or the nearest one above it that is there. Rank 0. LKS_ERR_IO where that cannot be written into. */
lks_status lks_place_nearest(const char *folder, char nearest[LKS_FOLDER_PATH_MAX], lks_error *err);

/* begin/resume.c: where options->resume says. Collective; errors agreed. */
lks_status lks_run_resume(lks_run *run, lks_error *err);
/* begin/resume.c: all ranks stand where checkpoint `path` (rank 0's) stands. Collective; errors agreed. */
lks_status lks_run_stand(lks_run *run, const char *path, lks_error *err);

/* begin/mend.c: rank 0: links and the list of checkpoints are as the newest one says; where there is none, there
 * are no links. LKS_ERR_BUSY, LKS_ERR_IO. */
lks_status lks_run_mend(const lks_run *run, lks_error *err);

/* begin/init_from.c: the weights of options->init_from, unless the run was resumed. Collective; errors
 * agreed. */
lks_status lks_run_init_from(lks_run *run, lks_error *err);

/* begin/dry_run.c: memory, and where the run would start. Collective; errors agreed. */
lks_status lks_run_report(lks_run *run, lks_error *err);

/* output.c: rank 0's files. Errors are agreed by the caller. summary.json is the result: where it cannot be
 * written, the run has failed. All else ends no run, and is completed by the next start. */
lks_status lks_run_start_output(lks_run *run, lks_error *err);
/* history.h5; a failure is warned of, but for LKS_ERR_BUSY. */
lks_status lks_run_write_history(const lks_run *run, const lks_predicted *predicted,
                                 lks_error *err);
/* A run that goes on has neither summary nor report until it ends again. */
lks_status lks_run_remove_results(const lks_place *place, lks_error *err);
lks_status lks_run_summary_text(lks_run *run, const char *status, char **text, lks_error *err);
lks_status lks_run_write_summary(lks_run *run, const char *status, lks_error *err);
/* report.html, from the files above: they have the results, so a page that cannot be written is warned
 * of. LKS_ERR_BUSY: this life lost its place. */
lks_status lks_run_write_page(const lks_place *place, lks_error *err);

/* closing.c: what is printed at the end of a run. Samples of each rank and exchange where it has `ended`,
 * memory and, where this process `worked`, phases, which are noted in the record; collective. Then validation
 * and test (rank 0), and why it ended and what might come next. */
void lks_run_print_work(lks_trainer *t, lks_record *r, bool ended, bool worked);
void lks_run_print_results(const lks_run *run);
void lks_run_print_end(const lks_run *run);
/* Rank 0: which weights the run ends with, and how to compare them with another run's: at the end, where one
 * finds them. */
void lks_run_print_weights(const lks_trainer *t, const lks_tested *tested, const char *folder);

#endif
