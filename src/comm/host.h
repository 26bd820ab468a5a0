/** @file host.h  What the ranks of one host do without messages: they share memory, meet there, and add up what
 * stands in it. Each of them has a place, its local rank; ranks of the same place on all hosts have a communicator.
 *
 * The memory has no name: it is gone with the last process that has it, however that ends. All of it is there before it
 * is used, so that a host without enough of it is an error, not a signal. */
#ifndef LKS_COMM_HOST_H
#define LKS_COMM_HOST_H

#include <stddef.h>
#include <stdint.h>
#include "lockstep/comm.h"
#include "lockstep/status.h"

/** Into how many parts a host can cut its work, each done by one rank: the least number of ranks that a host of
 * the job has. Part p belongs to local rank p, the same part on every host. */
typedef struct lks_host {
    lks_comm *comm; /**< borrowed: that of the job */
    lks_comm
        between; /**< the ranks of this place, one a host; unused where this rank has no part */
    int parts;
    size_t common, own; /**< bytes of the two kinds of memory, as they are laid out */
    size_t numbers;     /**< that lks_host_sum_i64() has room for */
    uint64_t sums;      /**< how often it was called */
    char *memory;       /**< mapped; the same bytes on all ranks of the host; NULL: none */
    size_t bytes;
} lks_host;

/** Shared memory, zeroed, aligned as lks_alloc() has it: @p common bytes for all ranks of the host, and @p own bytes for each of
 * them, both the same on all ranks; and room for sums of @p numbers. LKS_ERR_MEMORY where the host has no such
 * memory. Collective; errors agreed. Ended by lks_host_close(), also after a failure. */
lks_status lks_host_open(lks_host *h, lks_comm *comm, size_t common, size_t own, size_t numbers,
                         lks_error *err);

/** Collective, but after a failure of lks_comm. */
void lks_host_close(lks_host *h);

/** The common memory, and that of @p local_rank, which all ranks of the host may read. */
void *lks_host_common(const lks_host *h);
void *lks_host_own(const lks_host *h, int local_rank);

/** Waits for the other ranks of the host: what each wrote before, each may read after. Collective. */
void lks_host_meet(lks_host *h);

/** Adds to this rank's @p n numbers, which begin @p offset bytes into its own memory, those that begin there in the memory of the
 * host's other ranks: int64 modulo 2^64, float32 in the order of ranks. Not collective: between two meetings each rank takes
 * numbers of its own, and nobody reads those that another one takes. */
void lks_host_add_i64(const lks_host *h, size_t offset, size_t n, int threads);
void lks_host_add_f32(const lks_host *h, size_t offset, size_t n, int threads);

/** Copies into this rank's own memory the @p bytes that stand @p offset bytes into that of @p local_rank. Not collective; the
 * same holds. */
void lks_host_take(const lks_host *h, int local_rank, size_t offset, size_t bytes);

/** As lks_comm_sum_i64(), for some numbers that are summed often: n is at most `numbers`. Collective. */
void lks_host_sum_i64(lks_host *h, int64_t *values, size_t n);

#endif
