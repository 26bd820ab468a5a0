/* Weight gradients of wide operations: made once all chunks are through, each part of the weights for all samples of the
 * batch. Processes that share memory (peers) cut the weights among them as threads do: each has its operands where the
 * others read them, and so each sum is made by one of them, not by all and then added up. */
#ifndef LKS_NN_ENGINE_WIDE_H
#define LKS_NN_ENGINE_WIDE_H

#include "nn/op.h"

/* On the main thread: a batch, which is in m->batch, begins. What peers still read of the last one is left alone until
 * they are done. */
void lks_wide_begin(lks_model *m);

/* On each thread, once all of them are done with their chunks. */
void lks_wide_weights(lks_model *m, lks_worker *w);

/* Into how many parts an operation's weights are cut: of more than `least` weights each, as far as there are as many,
 * and as many parts for each thread. */
int lks_parts_of(const lks_model *m, const lks_op *op, size_t least);

/* Of `n` parts of an operation's weights for each peer, the first that this one packs, and how many there are in all;
 * alone, or where the operation is not wide, it packs all `n`. */
void lks_wide_packs(const lks_model *m, const lks_op *op, int n, int *first, int *parts);

/* Before packed weights change, and after: no peer computes with what is not whole. */
void lks_wide_meet(lks_model *m);

/* Of lks_peers.common, and of lks_peers.memory; 0: nothing is wide. */
size_t lks_wide_common_bytes(const lks_model *m);
size_t lks_wide_peer_bytes(const lks_model *m);

#endif
