/** @file transfer.h  Items on their way between ranks while these go on with other work: each rank sends to those that
 * it has something for, and to no others. A failing call is kept in the lks_comm, as of all its calls. */
#ifndef LOCKSTEP_TRANSFER_H
#define LOCKSTEP_TRANSFER_H

#include "lockstep/comm.h"

typedef struct lks_transfer lks_transfer;

/** For items of @p item_bytes between the ranks of @p comm, which is borrowed. Not collective. LKS_ERR_MEMORY,
 * LKS_ERR_COMM. Ended by lks_transfer_free(), also after a failure. */
lks_status lks_transfer_create(lks_transfer **transfer, lks_comm *comm, size_t item_bytes,
                               lks_error *err);

/** Nothing may be under way, unless a call has failed. */
void lks_transfer_free(lks_transfer *transfer);

/** Tells the ranks how much comes: @p send_counts [size] items for each; @p receive_counts [size] is filled in.
 * Collective. */
void lks_transfer_count(lks_transfer *transfer, const int *send_counts, int *receive_counts);

/** Begins: @p send has the items for all ranks in rank order, @p receive takes theirs. Both belong to the transfer until
 * lks_transfer_end(), and no other one may begin before. Collective, and so is the next. */
void lks_transfer_begin(lks_transfer *transfer, const void *send, const int *send_counts,
                        void *receive, const int *receive_counts);

/** Waits until all items that are for this rank are there, and all of its own on their way. */
void lks_transfer_end(lks_transfer *transfer);

#endif
