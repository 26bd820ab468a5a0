/* How weights and gradients spread, for TensorBoard. Nothing is changed. */
#ifndef LKS_TRAIN_LOOK_H
#define LKS_TRAIN_LOOK_H

#include "tensorboard/events.h"
#include "train/trainer.h"

/* Zero-initialised: nothing is looked at. */
typedef struct lks_look {
    lks_tensor_histograms
        *tensors; /* [n] of the network, without running moments; weights on rank 0 alone */
    int *numbers; /* [n] in the trainer's view */
    int n;
    double *reals;   /* [2 n] on their way */
    int64_t *counts; /* [n][LKS_HISTOGRAM_BINS] likewise */
} lks_look;

/* Room for the tensors of `t`, whose names are borrowed. LKS_ERR_MEMORY. Ended by lks_look_close(), also after a failure. */
lks_status lks_look_open(lks_look *look, const lks_trainer *t, lks_error *err);
void lks_look_close(lks_look *look);

/* After a step, and before the next one: the weights that it left, and its mean gradient over the samples, before clipping.
 * Collective; a failure of communication shows in lks_comm_check(). */
void lks_look_take(lks_look *look, const lks_trainer *t);

#endif
