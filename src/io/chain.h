/** @file chain.h  The chain of a run: what each step and each epoch left behind, hashed one after the other. Whoever
 * trains again compares it step by step; whoever changes a record changes all links behind it. Nothing is collective.
 *
 * A link is a SHA-256 in hex digits. The first one is of what decides the bits (lks_chain_begin()). Then, in this order:
 *
 *     of a step     SHA-256 of the link before, 's', its number, its members and the hashes of all layers
 *     of an epoch   SHA-256 of the link before, 'e', what its record says but for times, and the state's SHA-256
 *
 * Numbers are 64-bit and little-endian, links and digests are their 64 digits; each NaN counts as the quiet one whose
 * sign and payload are 0. An epoch follows its last step. The chain begins with the state before the first step that it has. */
#ifndef LKS_IO_CHAIN_H
#define LKS_IO_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/digest.h"
#include "lockstep/exact.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"

/** One step; the state before the first one has zeros but for `mark`. */
typedef struct lks_chain_step {
    lks_limbs loss;           /**< exact sum over its samples */
    int64_t correct, samples; /**< of it */
    double lr;
    uint64_t mark; /**< the first 16 digits of its link: they tell where a chain was changed */
} lks_chain_step;

/** One epoch: the state's SHA-256 (lks_checkpoint.state_sha256) once it is complete, and its link. */
typedef struct lks_chain_epoch {
    char state[LKS_SHA256_HEX], link[LKS_SHA256_HEX];
} lks_chain_epoch;

/** Zero-initialise; free with lks_chain_free(). */
typedef struct lks_chain {
    char (*layers)[LKS_TENSOR_NAME_MAX]; /**< those that have tensors, in the network's order */
    size_t n_layers;
    int64_t first;         /**< the step whose state is row 0: row i is of step first + i */
    lks_chain_step *steps; /**< [n]; 0: there is no chain */
    uint64_t *hashes;      /**< [n][n_layers]: lks_layers_hash() of the state that it left */
    size_t n, capacity;
    lks_chain_epoch *epochs; /**< of those after step `first` */
    size_t n_epochs, epochs_capacity;
    char start[LKS_SHA256_HEX], end[LKS_SHA256_HEX]; /**< first and newest link */
} lks_chain;

struct lks_epoch_record;
struct lks_history;

/** Layers of @p tensors [n]: consecutive tensors whose names are equal up to the slash. Layer k has the tensors
 * [first[k], first[k + 1]). */
typedef struct lks_layers {
    char (*names)[LKS_TENSOR_NAME_MAX];
    int *first; /**< [n + 1] */
    size_t n;
} lks_layers;

/** Ended by lks_layers_free(), also after a failure. LKS_ERR_MEMORY. */
lks_status lks_layers_find(lks_layers *l, const lks_tensor *tensors, int n_tensors, lks_error *err);
void lks_layers_free(lks_layers *l);

/** Hashes of arrays of one shape, @p flats [n] in the order weights, optimizer states, average: @p hashes gets one for
 * each layer, over all arrays. It sees each change within one word, and is no defence against somebody who wants to
 * deceive: that the replay is, which makes the state anew. */
void lks_layers_hash(const lks_layers *l, const lks_flat *flats, int n, uint64_t *hashes);

/** The first link: the SHA-256 of @p origin, a text with all that decides the bits, of the names of the layers, and of
 * the number @p first. Then the state at that step, by @p hashes [l->n]. @p chain is empty. LKS_ERR_MEMORY. */
lks_status lks_chain_begin(lks_chain *chain, const char *origin, const lks_layers *l, int64_t first,
                           const uint64_t *hashes, lks_error *err);

/** That first link into @p link. LKS_ERR_MEMORY. */
lks_status lks_chain_origin(char link[LKS_SHA256_HEX], const char *origin,
                            const char (*layers)[LKS_TENSOR_NAME_MAX], size_t n_layers,
                            int64_t first, lks_error *err);

/** Appends what the next step left; @p step's mark is filled in. LKS_ERR_MEMORY. */
lks_status lks_chain_add_step(lks_chain *chain, const lks_chain_step *step, const uint64_t *hashes,
                              lks_error *err);

/** Appends the epoch that ended with the newest step. LKS_ERR_MEMORY. */
lks_status lks_chain_add_epoch(lks_chain *chain, const struct lks_epoch_record *r,
                               const char state[LKS_SHA256_HEX], lks_error *err);

/** Appends to @p copy, empty or an earlier copy of @p chain, what came since. LKS_ERR_MEMORY. */
lks_status lks_chain_follow(lks_chain *copy, const lks_chain *chain, lks_error *err);
void lks_chain_free(lks_chain *chain);

/** The step of the newest row. */
int64_t lks_chain_last(const lks_chain *chain);

/** All links made anew, from chain.start on. LKS_ERR_MISMATCH names the first step or epoch whose row or record is not
 * what its link says. */
lks_status lks_chain_check(const struct lks_history *h, lks_error *err);

#endif
