#ifndef LKS_NN_LOSS_H
#define LKS_NN_LOSS_H

#include "nn/op.h"

/* Softmax cross-entropy of samples [first, first + count): writes the gradient of the *sum* of
 * losses into the logits' gradient and adds to the worker's sums. */
void lks_loss_train(lks_model *m, lks_worker *w, int first, int count);
void lks_loss_score(lks_model *m, int sample, lks_score *score, float *probabilities);

#endif
