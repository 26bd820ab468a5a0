/** @file hashes.h  Hashes of what a step hands on to the next: the weights and all arrays of their shape. Whoever
 * writes a block notes its hash right after; whoever is about to work with it hashes it anew: if the two differ,
 * this process's memory changed in between. Nothing is collective. */
#ifndef LKS_OPTIM_HASHES_H
#define LKS_OPTIM_HASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernels/kernels.h"
#include "lockstep/status.h"
#include "lockstep/tensor.h"

/** Weights, three states of an optimizer, averaged weights. */
#define LKS_HASHED_ARRAYS 5

/** Elements [first, first + count) of one tensor that are hashed together. */
typedef struct lks_hash_block {
    size_t first;
    int count;
    int tensor;
} lks_hash_block;

typedef struct lks_hashes {
    const lks_kernels *kernels;
    const lks_tensor *tensors; /**< borrowed, as kernels are */
    lks_hash_block *blocks;    /**< of all tensors, trained or not, in order */
    int n_blocks;
    size_t n; /**< elements of an array */
    int n_arrays;
    const float *arrays[LKS_HASHED_ARRAYS]; /**< [n] each, borrowed */
    const char *names[LKS_HASHED_ARRAYS];
    uint64_t *written[LKS_HASHED_ARRAYS]; /**< [n_blocks] the hash of what was written last */
    bool moved;                           /**< `written` are borrowed */
    int n_parted;      /**< of arrays 1 to n_parted this process has a part: lks_hashes_part() */
    size_t first, end; /**< which one */
    int changed_array; /**< the first one found to have changed; -1: none */
    int changed_block;
    bool came; /**< that is what came from another process */
} lks_hashes;

/** Room for arrays over @p tensors, which lie without gaps in order. Ended by lks_hashes_free(), also after a
 * failure. LKS_ERR_MEMORY. */
lks_status lks_hashes_create(lks_hashes *h, const lks_tensor *tensors, int n_tensors,
                             const lks_kernels *kernels, lks_error *err);
void lks_hashes_free(lks_hashes *h);

/** One more array, its number being that of arrays before it; it counts as written. @p name is borrowed.
 * LKS_ERR_MEMORY. */
lks_status lks_hashes_add(lks_hashes *h, const char *name, const float *array, lks_error *err);

/** The arrays stand elsewhere from here on, where several processes see them: @p arrays [n_arrays], borrowed. So do
 * their hashes: in @p memory [n_arrays * n_blocks], zeroed and borrowed. Each counts as written once
 * lks_hashes_wrote_all() of one of these processes says so. */
void lks_hashes_share(lks_hashes *h, const float *const *arrays, uint64_t *memory);

/** Of arrays 1 to @p n this process keeps the blocks that begin in [@p first, @p end) only, and what others wrote is told
 * to it: `written` has the hashes of whole arrays. Of the rest lks_hashes_read_all() reads nothing. */
void lks_hashes_part(lks_hashes *h, int n, size_t first, size_t end);

/** The first block that begins at @p element or after it; n_blocks where there is none. */
int lks_hashes_block(const lks_hashes *h, size_t element);

/** The first element of the first block that begins at @p element or after it; n where there is none. */
size_t lks_hashes_edge(const lks_hashes *h, size_t element);

/** Before @p array 's block @p block is worked with: notes in `changed_array` and `changed_block` if it is not
 * what was written. On any thread. */
void lks_hashes_read(lks_hashes *h, int array, int block);

/** The same for a block that came from another process, with its hash. */
void lks_hashes_came(lks_hashes *h, int array, int block);

/** After that block was written. Never two threads for one block. */
void lks_hashes_wrote(lks_hashes *h, int array, int block);

/** The same for the blocks that begin in [first, first + n) of @p array. */
void lks_hashes_read_part(lks_hashes *h, int array, size_t first, size_t n);
void lks_hashes_wrote_part(lks_hashes *h, int array, size_t first, size_t n);

/** The same for all blocks of all arrays, on @p threads. */
void lks_hashes_read_all(lks_hashes *h, int threads);
void lks_hashes_wrote_all(lks_hashes *h, int threads);

/** The hash of the whole of @p array as it was written: what lks_hash_bytes() says of it. */
uint64_t lks_hashes_written(const lks_hashes *h, int array);

/** One hash of elements [first, first + n) of all arrays as they were written; these are whole tensors: what
 * lks_layers_hash() says of a layer. */
uint64_t lks_hashes_of_part(const lks_hashes *h, size_t first, size_t n);

/** One hash of all arrays as they were written. */
uint64_t lks_hashes_state(const lks_hashes *h);

/** The tensor of the block that changed; changed_array is not -1. */
const lks_tensor *lks_hashes_changed_tensor(const lks_hashes *h);

#endif
