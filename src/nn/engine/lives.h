/* How long memory for samples has to last, and so where it is: the worker's own memory is used again for
 * the next chunk. Small, it stays in the worker's cache; large batches need no more of it. */
#ifndef LKS_NN_ENGINE_LIVES_H
#define LKS_NN_ENGINE_LIVES_H

#include "nn/op.h"

/* Gives all activations and operations of a planned model their memory for samples, and says in
 * m->worker_bytes how much of it each worker has to have; the stops are known.
 *
 * A batch is trained in passes over all chunks: forward from stop to stop, the last stretch forward and
 * backward, back from stop to stop, and then weight gradients of wide operations. What is written and
 * read in one pass only belongs to the worker; what outlasts it has room for the whole batch. */
lks_status lks_lives_place(lks_model *m, lks_error *err);

/* Memory that counts into the model's bytes, freed with lks_free_lazy(): its pages lie near the thread
 * that uses them first, which is the one whose share they are. */
void *lks_lives_alloc(lks_model *m, size_t count, size_t each, lks_error *err);

#endif
