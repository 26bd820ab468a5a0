/** @file replay.h  A run computed again, on whatever ranks are at hand, and compared with what it recorded. */
#ifndef LKS_TRAIN_PROOF_REPLAY_H
#define LKS_TRAIN_PROOF_REPLAY_H

#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "lockstep/status.h"

/** What the command line says. Strings are borrowed; NULL or 0 where not given. */
typedef struct lks_replay_options {
    const char *run; /**< run folder, or a bundle of one */
    const char *const *sets;
    int n_sets;
    const char *data_dir;  /**< where the data lie here */
    const char *init_from; /**< the checkpoint that a fine-tuned run started from */
    int64_t epoch;         /**< only this one, from 1 */
    int64_t first, last;   /**< only these steps, from 1 */
    int64_t audit;         /**< only so many windows that begin at checkpoints, drawn by `seed` */
    int64_t window;        /**< steps of such a window; 0: an epoch */
    uint64_t seed;
    int threads;
} lks_replay_options;

/** Checks what a run recorded, and computes steps of it again, from its start or the nearest checkpoint before them: hashes
 * of each layer and the sums of each step, each epoch's record, each checkpoint on the way, and at the end test results
 * and summary. Writes nothing into the run. LKS_ERR_MISMATCH names the first step and layer, or the record, that is
 * another one than was recorded; LKS_ERR_CONFIG, LKS_ERR_USAGE where there is nothing to compare with. Collective;
 * errors are agreed. */
lks_status lks_replay(lks_comm *comm, const lks_replay_options *options, lks_error *err);

#endif
