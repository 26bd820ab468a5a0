/** @file transfer.h  Items on their way between ranks while these go on with other work: each rank sends to those that
 * it has something for, and to no others. A failing call is kept in the lks_comm, as of all its calls. */
#ifndef LKS_COMM_TRANSFER_H
#define LKS_COMM_TRANSFER_H

#include "lockstep/comm.h"

/** Bytes of a message, at most, unless an item is larger. An epoch's images go a little at each step, while the ranks
 * compute: one long message would be on the network, and in the way of their sums, whenever ranks call MPI. */
#define LKS_TRANSFER_PIECE (16 << 10)

/** So many of a transfer's pieces are on their way from a rank at once, at most: MPI may keep each in a buffer of the size of
 * its longest message that does not wait. */
#define LKS_TRANSFER_UNDERWAY 256

typedef struct lks_transfer lks_transfer;

/** For items of @p item_bytes between the ranks of @p comm, which is borrowed. Sends nothing, but all ranks
 * make their transfers in the same order: by its number in it messages of one that is under way are told from another's.
 * LKS_ERR_MEMORY, LKS_ERR_COMM. Ended by lks_transfer_free(), also after a failure. */
lks_status lks_transfer_create(lks_transfer **transfer, lks_comm *comm, size_t item_bytes,
                               lks_error *err);

/** Nothing may be under way, unless a call has failed. */
void lks_transfer_free(lks_transfer *transfer);

/** Tells the ranks how much comes: @p send_counts [size] items for each; @p receive_counts [size] is filled in.
 * Collective. LKS_ERR_MEMORY on this rank: not agreed, and the transfer must not begin. */
lks_status lks_transfer_count(lks_transfer *transfer, const int *send_counts, int *receive_counts,
                              lks_error *err);

/** Begins: @p send has the items for all ranks in rank order, @p receive takes theirs. Both, and @p send_counts, belong to
 * the transfer until lks_transfer_end(), and it may not begin again before. Counts are those of lks_transfer_count().
 * Collective, and so is lks_transfer_end(). */
void lks_transfer_begin(lks_transfer *transfer, const void *send, const int *send_counts,
                        void *receive, const int *receive_counts);

/** Puts @p part of @p parts of this rank's items on their way, as far as they are not yet; of more than
 * LKS_TRANSFER_UNDERWAY pieces waits for the first ones, which the other ranks take whenever they call MPI. Little at a
 * time is sent while the ranks compute; all at once stands in the way of what they send next. Not collective. */
void lks_transfer_send(lks_transfer *transfer, int64_t part, int64_t parts);

/** Whether some are not on their way yet. */
bool lks_transfer_sends(const lks_transfer *transfer);

/** Sends the rest, and waits until all items that are for this rank are there. */
void lks_transfer_end(lks_transfer *transfer);

#endif
