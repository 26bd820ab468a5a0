/* Which steps are computed again, and from where. Rank 0; nothing is collective. */
#ifndef LKS_TRAIN_PROOF_WINDOWS_H
#define LKS_TRAIN_PROOF_WINDOWS_H

#include "train/proof/replay.h"
#include "train/proof/recorded.h"

/* Steps start + 1 to until. */
typedef struct lks_window {
    int64_t start, until;
    int64_t saved; /* number of the checkpoint it begins at; -1: the start of the run */
} lks_window;

typedef struct lks_windows {
    lks_window *of; /* [n], by their start */
    int64_t n;
} lks_windows;

/* What `o` asks for. LKS_ERR_CONFIG where the run has no such steps, or no checkpoint before them. Ended by
 * lks_free(w->of). */
lks_status lks_windows_choose(lks_windows *w, const lks_replay_options *o, const lks_recorded *r,
                              int64_t steps_per_epoch, lks_error *err);

/* Steps that are in at least one of them. */
int64_t lks_windows_cover(const lks_windows *w);

#endif
