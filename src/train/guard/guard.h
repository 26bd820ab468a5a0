/* Memory that changes, and replicas that drift, are noticed at the next step. Whoever writes a part of the state
 * notes its hash, and whoever reads it hashes it anew (optim/hashes.h): that finds what changed in this rank's
 * memory, and it names itself. What was written is compared between the ranks, in the head of each message: that
 * finds a rank that computed something else. */
#ifndef LKS_TRAIN_GUARD_H
#define LKS_TRAIN_GUARD_H

#include "io/checkpoint.h"
#include "optim/hashes.h"
#include "run/fault.h"

typedef struct lks_guard {
    lks_hashes hashes;
    uint64_t arrays;     /* one hash of all arrays, as the newest step left them */
    uint64_t cursor;     /* as it was written last */
    uint64_t tables;     /* of what does not change: float values of bytes, settings of training */
    uint64_t validation; /* of its images' numbers */
    lks_error found;     /* how this rank's own memory changed; LKS_OK: not that it knows */
    bool came;           /* or what another rank sent, which may know of it */
    lks_fault
        fault; /* the same for faults.jsonl, or what the ranks found together; kind "": nothing */
} lks_guard;

/* state_hash.c: hashes of a checkpoint's arrays and cursor, as they were written. Plain numbers. */
typedef struct lks_state_hash {
    int n_flats;
    uint64_t flats[LKS_CHECKPOINT_FLATS], cursor;
} lks_state_hash;

uint64_t lks_cursor_hash(const lks_cursor *c);

/* Whether a copy of what lks_trainer_snapshot() gives still holds what was written. On any thread. */
bool lks_state_holds(const lks_checkpoint *copy, const lks_state_hash *written);

/* Two numbers for rank `rank` of `size` whose sums over all ranks, which cannot overflow, are both 0 where all
 * have the same hash, and not both 0 where one rank has another: rank 0 weighs size - 1, all others -1, and each
 * half of the hash has 32 bits. If several differ, the sums are 0 by chance once in 2^64. */
void lks_state_weigh(uint64_t hash, int rank, int size, int64_t sums[2]);

#endif
