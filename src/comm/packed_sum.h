/** @file packed_sum.h  Exact sums of many int64 over the ranks in fewer bytes than eight each: numbers
 *  that are small, and stay so in the sum, share a word of the message. */
#ifndef LKS_COMM_PACKED_SUM_H
#define LKS_COMM_PACKED_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/comm.h"
#include "lockstep/packing.h"
#include "lockstep/status.h"

/** Sums that are made either way before one of them is chosen, each. */
#define LKS_PACK_TRIALS 4

typedef struct lks_packed_sum {
    size_t head, n;    /**< numbers sent as they are, and those that may be packed, behind them */
    int growth;        /**< bits that a sum may be wider than its parts */
    size_t blocks;     /**< of numbers; 0: nothing is packed */
    uint8_t *words;    /**< [blocks] that a block takes in the message */
    uint64_t *message; /**< [head + n] */
    uint64_t sent; /**< bytes of this rank's messages so far that were packed or could have been */
    bool chooses;  /**< or has chosen */
    int trials;    /**< still to be made, of both ways together */
    double trial[2]
                [LKS_PACK_TRIALS]; /**< seconds of each, as it is and packed; then [0] the best */
} lks_packed_sum;

/** For sums of @p head + @p n numbers, the same on every rank, that are not 0 on at most @p adders ranks at a time.
 * Short messages are never packed, and with LKS_PACK_AUTO none on one host: then no memory is taken. Elsewhere
 * LKS_PACK_AUTO makes the first sums in turn as they are and packed, and goes on the way that took less time from where
 * the last rank came, by the ranks' common measure. Not collective. Ended by lks_packed_sum_free(), also after
 * LKS_ERR_MEMORY. */
lks_status lks_packed_sum_create(lks_packed_sum *s, const lks_comm *comm, size_t head, size_t n,
                                 int adders, lks_packing packing, lks_error *err);
void lks_packed_sum_free(lks_packed_sum *s);

/** Memory held. */
size_t lks_packed_sum_bytes(const lks_packed_sum *s);

/** As lks_comm_sum_i64() of values [head + n]: the same bits for all numbers, on any number of ranks
 * and of @p threads, which pack and unpack. Sums wrap modulo 2^64. Collective: where it packs, one
 * Allreduce of a byte for every 48 numbers goes before that of the sums; where it chooses, a short one follows. */
void lks_packed_sum_i64(lks_packed_sum *s, lks_comm *comm, int64_t *values, int threads);

#endif
