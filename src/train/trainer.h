/* What training computes with, the same on every rank but for its share of the images: data, network,
 * optimizer, sums, and the step where it stands. It knows no folder and writes no file. */
#ifndef LKS_TRAIN_TRAINER_H
#define LKS_TRAIN_TRAINER_H

#include "feed/dataset.h"
#include "feed/loader.h"
#include "io/checkpoint.h"
#include "io/history.h"
#include "lockstep/model.h"
#include "optim/optim.h"
#include "measure/phases.h"
#include "train/guard/audit.h"
#include "train/exchange/exchange.h"
#include "train/guard/guard.h"

/* How many steps there are. */
typedef struct lks_plan {
    int64_t batches; /* of an epoch; a step takes train.accumulate of them */
    int64_t steps_per_epoch, total_steps;
    int64_t last_step; /* total_steps, or train.max_steps where that is less */
} lks_plan;

/* Figures of the newest step. */
typedef struct lks_step_figures {
    double lr, loss, accuracy;
    double gradient_norm; /* of this epoch's newest step where it was measured; NaN: none */
    lks_limbs
        exact_loss; /* sum over `samples` of them, `correct` right; the same limbs on any number of ranks */
    int64_t correct, samples;
    lks_noise noise; /* of the newest step, NaN where it was not measured */
} lks_step_figures;

typedef struct lks_trainer {
    lks_comm *comm;           /* borrowed */
    const lks_config *config; /* borrowed */
    const lks_kernels *kernels;
    int threads;
    bool made_up; /* images are not read but made */
    lks_dataset data;
    lks_augment *augment; /* NULL: images are taken as they are */
    lks_loader *loader;
    lks_model *model;
    lks_model_view view;
    lks_optimizer optimizer;
    lks_average average;
    lks_exchange
        exchange; /* how the view's message is added up over the ranks, and who updates what */
    lks_phases phases;
    lks_plan plan;
    lks_cursor cursor;
    lks_step_figures newest;
    lks_norms *norms;     /* [tensors] of the newest step whose norms were measured */
    int64_t computed;     /* samples, by this rank */
    double train_seconds; /* in steps */
    int64_t stop;         /* newest step's LKS_MSG_STOP */
    bool wanted;          /* rank 0 wants the whole state that the next step leaves */
    bool whole;           /* it is there: lks_trainer_gather() */
    bool bad_weights;
    /* What failed beside the steps, on this rank: the next one's message ends all of them. */
    lks_error trouble;
    int64_t agreed_step; /* newest step whose state all ranks were seen to share; -1: none yet */
    lks_guard guard;
    lks_audit audit;
} lks_trainer;

/* Data, network with its initial weights, optimizer, sums and clock: all that steps need. `config` is
 * borrowed; `threads` as lks_choose_threads() says; `made_up`: images are made, not read.
 * Collective; errors agreed. Ended by lks_trainer_close(), also after a failure. */
lks_status lks_trainer_open(lks_trainer *t, lks_comm *comm, const lks_config *config, int threads,
                            bool made_up, lks_error *err);
void lks_trainer_close(lks_trainer *t);

/* Program, data, network and its products, a line each. */
void lks_trainer_print(const lks_trainer *t, const lks_provenance *p);

/* step.c: one optimizer step: sums, the update, and what comes behind it. Collective; errors agreed. */
lks_status lks_trainer_step(lks_trainer *t, lks_error *err);

/* step.c: the first of the three: the sums of the step's batches over all ranks, and `newest` tells of them. The gradient's
 * arrays are borrowed until the next step. Collective; errors agreed. */
lks_status lks_trainer_sum(lks_trainer *t, lks_gradient *gradient, lks_error *err);

/* step.c: the last: every rank has updated its weights, which are noted as written, and has those of all. The average
 * follows them, and the cursor goes on. Collective. */
void lks_trainer_updated(lks_trainer *t);

/* trainer.c: the cursor of an epoch whose last batch is done: it counts the epoch; and, once its sums were looked at, forgets
 * them. Not collective. */
void lks_trainer_count_epoch(lks_trainer *t);
void lks_trainer_forget_epoch(lks_trainer *t);

/* Agrees that every replica's weights are finite. Collective. */
lks_status lks_trainer_check_weights(lks_trainer *t, lks_error *err);

/* What a step's allreduce adds up, in bytes. */
size_t lks_trainer_message_bytes(const lks_trainer *t);

/* Memory of network, batch and message; of what several ranks share, this one's part. */
size_t lks_trainer_bytes(const lks_trainer *t);

/* The last step is done, or validation says that it is enough. */
bool lks_trainer_over(const lks_trainer *t);

/* The part of a checkpoint that all replicas share: cursor, data, weights and optimizer state, all borrowed. Behind
 * lks_trainer_gather(), unless only weights and average count. Digests are not filled in; the rest of @p c is 0. */
void lks_trainer_snapshot(const lks_trainer *t, lks_checkpoint *c);

/* Where ranks keep parts of the optimizer's states, these come together, so that rank 0's snapshot is whole; elsewhere,
 * and where it is, nothing happens. A step that is `wanted` ends so. Collective. */
void lks_trainer_gather(lks_trainer *t);

/* guard/verify.c: every sample of the epoch was seen once. Collective; errors agreed. */
lks_status lks_trainer_verify_epoch(lks_trainer *t, lks_error *err);

/* guard/guard.c: the ranks compare the present state at once, and do not wait for the next step's message:
 * agreed_step becomes the cursor's. At the last step, at a stop, after an evaluation and before results are
 * written. LKS_ERR_REPLICA names the rank whose memory changed or whose state differs. `own` and *err are what this rank
 * found before, which comes first. Collective; errors agreed. */
lks_status lks_trainer_settle(lks_trainer *t, lks_status own, lks_error *err);

/* guard/guard.c: hashes of the state as the newest step wrote it, for lks_state_holds(). */
lks_state_hash lks_trainer_written(const lks_trainer *t);

/* guard/guard.c: this rank wrote weights, states and cursor, and they stand as they should. */
void lks_trainer_wrote(lks_trainer *t);

/* guard/guard.c: the same where the weights and states were noted already, by who wrote them. */
void lks_trainer_took(lks_trainer *t);

/* trainer.c: rank 0's weights, states and average, to the ranks of `comm`. Collective over them. */
void lks_trainer_broadcast(lks_trainer *t, lks_comm *comm);

/* guard/guard.c: the cursor, to change it; then lks_trainer_wrote_cursor(). */
lks_cursor *lks_trainer_edit_cursor(lks_trainer *t);
void lks_trainer_wrote_cursor(lks_trainer *t);

/* guard/guard.c: the fault that LKS_ERR_REPLICA in *err told of, for faults.jsonl; the same on all ranks. Collective. */
const lks_fault *lks_trainer_fault(lks_trainer *t, const lks_error *err);

/* guard/guard.c, for this folder. Before the first step, when all arrays are there; LKS_ERR_MEMORY. */
lks_status lks_guard_open(lks_trainer *t, lks_error *err);
void lks_guard_close(lks_trainer *t);
/* Weights, states and average were moved to where several ranks see them, and their hashes are to be in `memory`:
 * lks_hashes_share(). */
void lks_guard_share(lks_trainer *t, uint64_t *memory);
/* Reads the weights that other ranks updated. */
void lks_guard_read_others(lks_trainer *t);
/* Fills in the slots of a message. */
void lks_guard_head(lks_trainer *t);
/* The update is done. */
void lks_guard_stepped(lks_trainer *t);
/* Whose memory changed is told, else where the states `differ` whose is another: LKS_ERR_REPLICA. LKS_OK if
 * memory is sound and they do not. Collective; errors agreed. */
lks_status lks_guard_tell(lks_trainer *t, bool differ, lks_error *err);
/* LKS_ERR_REPLICA: the sums tell of something that no rank has. Not collective. */
lks_status lks_guard_tell_message(lks_trainer *t, lks_error *err);
/* Prepares the fault of kind `kind` that this rank is about to tell of. */
void lks_guard_note(lks_trainer *t, const char *kind);
/* The same of kind "replica", of which no rank is known to be the cause. */
void lks_guard_note_ranks(lks_trainer *t);

/* guard/audit.c, for this folder. Before the first step; LKS_ERR_MEMORY. */
lks_status lks_audit_open(lks_trainer *t, lks_error *err);
void lks_audit_close(lks_audit *a);
/* Whether batch `number` of the epoch is audited: by seed, epoch and number alone. */
bool lks_audit_due(const lks_trainer *t, int64_t number);
/* That batch, hashed, was trained right now: each rank's chunks go to another one. What differs is noted in the guard, for
 * the step's message. Collective; only a failure of communication is an error, see lks_comm_check(). */
lks_status lks_audit_check(lks_trainer *t, const lks_batch *batch, int64_t number, lks_error *err);

#endif
