/* Gradients of single chunks: asked for, a chunk's partials are added up in memory of the worker, looked at, and added
 * to the sums from there. As integers they are the same there as they would have been at once. */
#ifndef LKS_NN_ENGINE_APART_H
#define LKS_NN_ENGINE_APART_H

#include "nn/op.h"

/* On the main thread: what is asked of the batch that begins. */
void lks_apart_begin(lks_model *m);

/* Whether chunk `chunk`, of `count` images, of the batch in hand is looked at: then partials go to the worker's memory
 * until lks_apart_close(). */
bool lks_apart_open(const lks_model *m, lks_worker *w, int chunk, int count);

/* Sums [first, first + count) of the operation, in the order of the kernels, go on to sums[slot]; where `fresh`, they
 * replace what stands there. */
void lks_apart_close(const lks_op *op, lks_worker *w, int slot, size_t first, size_t count,
                     bool fresh);

/* Hashes of the batch at hand: see lks_model_chunk_hashes(). */
void lks_apart_hashes(const lks_model *m, uint64_t *hashes);

/* Sums of one chunk that moments of the whole batch are made of go into its hash, where it has one. Between open and
 * close. */
void lks_apart_moments(const lks_op *op, const lks_worker *w, const double *moments, size_t n);

/* The workers' squares go to a message's head. */
void lks_apart_collect(lks_model *m, int64_t *message);

/* What peers read of it, and add to, moves to `to`. */
size_t lks_apart_peer_bytes(const lks_model *m);
void lks_apart_move(lks_model *m, char *to);

void lks_apart_free(lks_model *m);

#endif
