/* Checkpoints that hold nobody up. The main thread of rank 0 hands over snapshots; a thread beside it makes files of
 * them, complete but for their names, and gives each its name once all ranks were seen to share its state. So
 * what training pays is a copy in memory. The thread makes no MPI call. Where there is none (see
 * job/background.h) the main thread does the same things at the same places between its steps.
 *
 * One process; nothing is collective. All functions are for the main thread. */
#ifndef LKS_TRAIN_SAVER_H
#define LKS_TRAIN_SAVER_H

#include <stdbool.h>
#include <stdint.h>
#include "io/checkpoint.h"
#include "train/guard/guard.h"

/* In memory at most: one becomes a file, one waits for that. */
#define LKS_SNAPSHOTS 2

typedef struct lks_saver lks_saver;

/* For the run folder `folder`, of whose checkpoints the `keep` newest stay. Ended by lks_saver_close().
 * LKS_ERR_MEMORY. */
lks_status lks_saver_open(lks_saver **saver, const char *folder, int keep, lks_error *err);

/* Copies the arrays and the history of `state`, which a file is only made of if they still are what was
 * `written`; the rest of what it points to is borrowed to the end. Snapshots
 * come in the order of their steps, and their files appear in it. Where LKS_SNAPSHOTS are in memory it waits for
 * the oldest, and says so the first time. A failure is told by lks_saver_check(); after one nothing is saved. */
void lks_saver_take(lks_saver *s, const lks_checkpoint *state, const lks_state_hash *written);

/* Whether lks_saver_take() would wait. */
bool lks_saver_full(lks_saver *s);

/* All ranks were seen to share the state of `step`, and so those before: their files may appear. */
void lks_saver_agreed(lks_saver *s, int64_t step);

/* LKS_OK, or the first failure: lks_checkpoint_prepare()'s, lks_publish_commit()'s, or LKS_ERR_REPLICA. */
lks_status lks_saver_check(lks_saver *s, lks_error *err);

/* Waits until the files of all agreed snapshots have appeared. lks_saver_check(). */
lks_status lks_saver_drain(lks_saver *s, lks_error *err);

/* Drops what has not appeared; NULL: nothing to do. */
void lks_saver_close(lks_saver *s);

#endif
