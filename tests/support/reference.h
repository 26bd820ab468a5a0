/** @file reference.h  The network once more, in plain double-precision loops that share no code and
 * no layout with the program: what the model's results are compared with.
 *
 *  Beside every number it carries a bound on how far a computation in float may be from it: each
 * sum of K terms adds 4 sqrt(K) 2^-24 sum|terms|; errors of its inputs are passed on to first
 * order, in quadrature where weights of both signs mix them, added up in weight gradients.
 * Decisions (the sign at a ReLU, the maximum of a window, the largest logit) are compared with the
 * bound as well: where one of them is too close to call, gradients may differ by more.
 *
 *  With `train.precision: bf16` it rounds what convolutions and dense layers multiply (grouped ones do not); that a float
 * computation may round a number the other way is in the bounds. */
#ifndef LKS_REFERENCE_H
#define LKS_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "lockstep/config.h"
#include "lockstep/model.h"

typedef struct lks_reference lks_reference;

/** What a batch gives. Gradients are those of the *sum* of the losses, in the flat order of
 * lks_model_view. */
typedef struct lks_reference_view {
    size_t n_weights;
    double *weights; /**< to be written by the caller */

    const double *gradient;
    const double *bound; /**< of each gradient, the rounding of chunks to 2^-30 included */
    const double *size;  /**< sum of the absolute values of each gradient's terms */
    double loss, loss_bound;
    int64_t correct;
    int64_t decisions, close_calls; /**< taken, and closer than the bounds */
    uint64_t signature;             /**< a hash of all decisions */
} lks_reference_view;

/** The network of @p config, which must outlive it. Ends the program where memory is short. */
lks_reference *lks_reference_new(const lks_config *config, lks_shape input,
                                 const float (*pixels)[256]);
void lks_reference_free(lks_reference *r);
lks_reference_view *lks_reference_look(lks_reference *r);

/** Forward and backward in training mode over a batch. */
void lks_reference_train(lks_reference *r, const lks_batch *batch);

/** Forward only: fills loss, correct and the decisions. */
void lks_reference_loss(lks_reference *r, const lks_batch *batch);

/** Logits of sample @p sample in evaluation mode, and their bounds, [classes] each. */
void lks_reference_logits(lks_reference *r, const lks_batch *batch, int sample, double *logits,
                          double *bound);

#endif
