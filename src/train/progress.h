/* What people see while a run goes on: a bar on a terminal, a line per epoch elsewhere. Rank 0
 * only. */
#ifndef LKS_TRAIN_PROGRESS_H
#define LKS_TRAIN_PROGRESS_H

#include <stdint.h>
#include "io/history.h"
#include "lockstep/train.h"

typedef struct lks_progress {
    bool bar, lines, drawn;
    int64_t epochs;
    double last_drawn, started;
    int64_t started_at; /* steps done when the clock was started */
} lks_progress;

void lks_progress_start(lks_progress *p, lks_progress_mode mode, int64_t epochs, int64_t step);

/* Where a run stands, for the bar. Figures are those of the newest step and of the epoch so far. */
typedef struct lks_standing {
    int64_t step, last_step, batch, batches, epoch;
    double loss, accuracy, images_per_second;
    double collectives; /* share of the time in them: communication and wait, not told apart yet */
} lks_standing;

/* After a step; redraws at most ten times a second. */
void lks_progress_step(lks_progress *p, const lks_standing *now);

/* After an epoch: one line, with the gradient norm unless it is NaN. */
void lks_progress_epoch(lks_progress *p, const lks_epoch_record *r, double gradient_norm,
                        int64_t last_step);

/* Removes the bar, before other output. */
void lks_progress_clear(lks_progress *p);

#endif
