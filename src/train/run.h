/* One training run: what the files of this folder share. */
#ifndef LKS_TRAIN_RUN_H
#define LKS_TRAIN_RUN_H

#include "lockstep/checkpoint.h"
#include "lockstep/history.h"
#include "lockstep/optim.h"
#include "lockstep/job.h"
#include "lockstep/packed_sum.h"
#include "lockstep/train.h"
#include "infer/evaluate.h"
#include "feed/loader.h"
#include "measure/phases.h"
#include "measure/resident.h"
#include "measure/trace_file.h"
#include "train/progress.h"

/* The weights that the test figures belong to, and what validation says of the very same ones. Known on
 * rank 0, once the test set has been scored. */
typedef struct lks_tested {
    int64_t step, epoch;                 /* after which they stood so; epoch: complete ones */
    bool average;                        /* they are the averaged weights of that step */
    char weights_sha256[LKS_SHA256_HEX]; /* of exactly these; "": the test set was not scored */
    double validation_loss, validation_accuracy; /* NaN: without validation */
} lks_tested;

typedef struct lks_run {
    lks_comm *comm;
    const lks_train_options *options;
    lks_config config;
    char *config_yaml;
    char folder[LKS_PATH_MAX], checkpoints[LKS_PATH_MAX + 16];

    bool made_up; /* images are not read but made */
    lks_dataset data;
    lks_loader *loader;
    const lks_kernels *kernels;
    int threads;
    lks_model *model;
    lks_model_view view;
    lks_optimizer optimizer;
    lks_average average;
    int64_t *message;   /* the view's: [head][operations][weights] */
    float *gradients;   /* the view's: [weights], train.reduce fp32 only */
    lks_packed_sum sum; /* how the message is added up over the ranks */
    int eval_batch;

    int64_t batches, steps_per_epoch, total_steps, last_step;
    lks_cursor cursor;
    lks_best best;
    lks_provenance provenance;
    lks_history history; /* rank 0 */
    FILE *metrics;       /* rank 0: metrics.jsonl */
    lks_progress progress;

    int64_t first_step, computed,
        saved_step; /* step at start; samples computed by this rank; newest file */
    double lr, step_loss, step_accuracy;
    double gradient_norm; /* of this epoch's newest step where it was measured; NaN: none */
    lks_norms *norms;     /* [tensors] of the newest step that is recorded */
    float (*record)[2];   /* [trained tensors] the same for the history; rank 0 */
    double train_seconds, epoch_started, epoch_seconds, epoch_comm;
    double trained_seconds, trained_comm; /* all epochs of this process */
    int64_t trained_samples, epoch_samples_before;
    lks_phases phases;
    lks_phase_times phase_times; /* of this process, once it has trained */
    lks_resident resident;       /* the same */
    lks_tracing tracing;
    int64_t verified; /* epochs checked by this process */
    int64_t stop;     /* newest step's LKS_MSG_STOP */
    bool bad_weights;
    char resumed_from[LKS_PATH_MAX + 64];
    lks_counts *validation, *test; /* newest results; total 0 where not measured */
    lks_tested tested;             /* of `test` at the end */
} lks_run;

/* setup.c: everything before the first step, and its end. Collective; errors agreed.
 * The configuration of run->options, the kernels, and the threads unless they are chosen. */
lks_status lks_run_configure(lks_run *run, lks_error *err);
/* Then the data, the network with its initial weights, optimizer and phases: all that steps need, and
 * nothing on disk. */
lks_status lks_run_build(lks_run *run, lks_error *err);
/* Both, and the run folder: where there is something to go on from, the run stands there. */
lks_status lks_run_open(lks_run *run, lks_error *err);
void lks_run_close(lks_run *run);
/* Program, data and network, a line each. */
void lks_run_print(const lks_run *run);

/* train.c: the last step is done, or validation says that it is enough. */
bool lks_run_over(const lks_run *run);

/* step.c: one optimizer step. Collective; errors agreed. */
lks_status lks_run_step(lks_run *run, lks_error *err);

/* assess.c: evaluations, with the averaged weights where there are some. Collective; errors agreed.
 * The validation split, or without one the test set, where one is due after an epoch. */
lks_status lks_run_evaluate_epoch(lks_run *run, lks_error *err);
/* At the end: validation unless just done, and the test set with its predictions on rank 0. */
lks_status lks_run_evaluate_end(lks_run *run, lks_predicted *predicted, lks_error *err);
/* The test figures are those of the best checkpoint. */
bool lks_run_tests_best(const lks_run *run);
/* Rank 0, before training: LKS_ERR_CONFIG if that checkpoint is needed and not there,
 * LKS_ERR_MISMATCH if another one is. */
lks_status lks_run_find_best(lks_run *run, lks_error *err);
/* Notes the newest validation result if it is the best: more correct, then lower exact loss, then
 * earlier. Where a run was told to stop decides nothing. */
bool lks_run_is_best(lks_run *run);
/* What the validation split decides: rates to come, and whether there are any. Only evaluations that
 * come every so many epochs are looked at, so that nothing depends on where a run was told to stop
 * or on how many epochs it was first planned for. */
void lks_run_decide(lks_run *run);

/* verify.c: every sample once, and equal replicas. Collective; errors agreed. */
lks_status lks_run_verify_epoch(lks_run *run, lks_error *err);

/* Agrees that every replica's weights are finite. */
lks_status lks_run_check_weights(lks_run *run, lks_error *err);

/* save.c: checkpoints. Collective; errors agreed. */
void lks_run_snapshot(lks_run *run, lks_checkpoint *c);
lks_status lks_run_save(lks_run *run, bool best, lks_error *err);
lks_status lks_run_resume(lks_run *run, lks_error *err);

/* init_from.c: the weights of options->init_from, unless the run was resumed. Collective; errors
 * agreed. */
lks_status lks_run_init_from(lks_run *run, lks_error *err);

/* step.c: what a step's allreduce adds up, in bytes. */
size_t lks_run_message_bytes(const lks_run *run);

/* dry_run.c: memory, and where the run would start. Collective; errors agreed. */
lks_status lks_run_report(lks_run *run, lks_error *err);

/* output.c: rank 0's files. Errors are agreed by the caller. */
lks_status lks_run_start_output(lks_run *run, lks_error *err);
lks_status lks_run_record_step(lks_run *run, lks_error *err);
lks_status lks_run_log_epoch(lks_run *run, const lks_epoch_record *r, lks_error *err);
lks_status lks_run_check_metrics(lks_run *run, lks_error *err);
/* The line of the final test result. */
lks_status lks_run_end_metrics(lks_run *run, lks_error *err);
lks_status lks_run_write_history(lks_run *run, const lks_predicted *predicted, lks_error *err);
/* A run that goes on has neither summary nor report until it ends again. */
void lks_run_remove_summary(const lks_run *run);
lks_status lks_run_write_summary(lks_run *run, const char *status, lks_error *err);
/* report.html, from the files above: they have the results, so a page that cannot be written is warned
 * of. */
void lks_run_write_page(const lks_run *run);

#endif
