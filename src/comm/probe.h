/** @file probe.h  What the network between ranks gives: for who measures it. Training calls none of this. */
#ifndef LKS_COMM_PROBE_H
#define LKS_COMM_PROBE_H

#include <stddef.h>
#include "lockstep/comm.h"
#include "lockstep/status.h"

/** The thread level that MPI gives this process: "MPI_THREAD_FUNNELED", say. Not collective. */
const char *lks_probe_thread_level(lks_comm *comm);

/** The lowest rank of this rank's host. Collective. */
int lks_probe_first_of_host(lks_comm *comm);

/** Seconds that a message of @p bytes takes from here to rank @p peer: half a round trip, the mean of @p rounds of them.
 * @p peer calls it with this rank; one of both passes @p first. @p buffer [bytes] is overwritten. */
double lks_probe_one_way(lks_comm *comm, int peer, bool first, void *buffer, size_t bytes,
                         int rounds);

/** Seconds in which this rank and @p peer, which calls it, too, send each other @p bytes at the same time: the mean of
 * @p rounds. @p send and @p receive [bytes]. */
double lks_probe_exchange(lks_comm *comm, int peer, const void *send, void *receive, size_t bytes,
                          int rounds);

/** Seconds in which MPI adds @p n int64 to others on this rank: the mean of @p rounds. Not collective. */
double lks_probe_addition(lks_comm *comm, const int64_t *values, int64_t *sums, size_t n,
                          int rounds);

/** How far the time of day on rank @p peer is ahead of rank 0's, in seconds, by the round trip that took least of @p
 * rounds: *@p error is half of it, within which the answer is right (Cristian 1989). Rank 0 and @p peer call it; both get
 * the answer. */
double lks_probe_clock(lks_comm *comm, int peer, int rounds, double *error);

/** @name Algorithms of MPI_Allreduce
 * Open MPI can be told which of its algorithms a communicator is to use, where lks_probe_prepare() came before MPI_Init.
 * @{ */
#define LKS_PROBE_ALGORITHMS 6
/** Before MPI is started: sets a variable of the environment, unless the user has. */
#define LKS_PROBE_VARIABLE "OMPI_MCA_coll_tuned_use_dynamic_rules"
#define LKS_PROBE_VALUE    "yes" /**< as no user writes it */
void lks_probe_prepare(void);

/** Whether the library can be told at all: it is Open MPI. */
bool lks_probe_chooses(void);

/** Their names, from 1 to LKS_PROBE_ALGORITHMS, as Open MPI numbers them. */
const char *lks_probe_algorithm(int number);

/** A communicator of all ranks of @p comm whose sums go by algorithm @p number. False where the library cannot be told:
 * then there is none. Collective; ended by lks_probe_drop(). */
bool lks_probe_choose(lks_comm *chosen, lks_comm *comm, int number);
void lks_probe_drop(lks_comm *chosen);
/** @} */

#endif
