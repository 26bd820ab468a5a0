/* Work that is dealt out to the threads of a model: each takes its own share first, whose memory it knows, and
 * then helps the others. So a thread whose core does other things costs its share, not everybody's wait. */
#ifndef LKS_NN_ENGINE_WORK_H
#define LKS_NN_ENGINE_WORK_H

#include "nn/op.h"

/* The next of `n` pieces of work for thread w, 0 .. n - 1, or -1: nothing is left of it to begin. All threads of
 * the model ask for the same works in the same order, until each gets -1; what one work needs of another they
 * have to wait for by themselves. Own pieces come in order; unless `helps`, a thread gets no others. */
int lks_work_next(const lks_model *m, lks_worker *w, int n, bool helps);

#endif
