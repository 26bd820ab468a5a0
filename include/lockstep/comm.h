/** @file comm.h  The only door to MPI. A failing MPI call is a value: the first one is kept in
 * lks_comm, and every later call on it does nothing and leaves its output as it was. It comes out of
 * lks_comm_agree() and lks_comm_check(), one of which follows wherever what was received counts.
 * Values that must agree are agreed here. */
#ifndef LOCKSTEP_COMM_H
#define LOCKSTEP_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

typedef struct lks_comm {
    int rank, size;             /**< in the job */
    int local_rank, local_size; /**< on this host */
    int hosts;                  /**< number of hosts */
    char host[256];             /**< this host's name */
    double seconds; /**< spent inside collectives since the start (read and reset freely) */
    int64_t
        sent; /**< bytes that this rank handed to collectives of all ranks or some: its part of sums and
                          extremes, and what it exchanges with others */
    int *numbers;      /**< [2 * size] room for counts and offsets within a call */
    void *handle;      /**< MPI's communicator of the job, which everything runs on */
    int blamed;        /**< rank whose error lks_comm_agree() told last; 0 before */
    bool ends_mpi;     /**< MPI was started here, and ends with lks_comm_stop() */
    bool steered;      /**< lks_comm_steers() is in force */
    bool eager;        /**< the program has set up to where messages over TCP do not wait */
    int transfers;     /**< counts them, each with messages of its own */
    lks_error failure; /**< status LKS_OK: none. Else this rank has left the others behind */
    /** Of a communicator of some ranks only, those of a host say: that of the job, which keeps failures and
     * seconds for it; else NULL. */
    struct lks_comm *whole;
} lks_comm;

/** The rank a launcher gave this process, from its environment, before MPI_Init; -1 if none. */
int lks_comm_env_rank(void);

/** Starts MPI (MPI_THREAD_FUNNELED). Collective. LKS_ERR_COMM if the thread level is not given, or
 * if the launcher's variables speak of more processes than the one that MPI knows (N singletons: the
 * message names srun's option, or whose mpirun to take): then MPI is finalised already, and
 * comm->rank is the launcher's number, so that "rank 0 speaks" gives one message; LKS_ERR_CONFIG likewise
 * if ranks differ in settings by which the MPI library chooses its algorithms. LKS_ERR_COMM or
 * LKS_ERR_MEMORY where this rank alone fails: lks_comm_check() tells. Where the program has started MPI already, this is
 * lks_comm_join() of all its ranks. */
lks_status lks_comm_start(lks_comm *comm, lks_error *err);

/** For a program that has started MPI itself: the ranks of the MPI_Comm that @p communicator points to, NULL for
 * MPI_COMM_WORLD. It is duplicated, so that messages of the program's own stay apart, and may be freed. No other thread
 * may call MPI at the same time. MPI's choice of algorithms is not steered: it was made. Collective over that
 * communicator. LKS_ERR_COMM if MPI does not run or this process is not in it, and else as lks_comm_start(), where MPI
 * goes on. */
lks_status lks_comm_join(lks_comm *comm, const void *communicator, lks_error *err);

/** Barrier, and MPI_Finalize where lks_comm_start() has started MPI. Collective. After a failure neither, unless size
 * is 1. */
void lks_comm_stop(lks_comm *comm);

/** This rank cannot reach the next collective: keeps @p err, " (rank R on HOST)" added to its first
 * line, as a failing MPI call is kept, unless there is one already; fills @p err with the one that is
 * kept, and returns its status. The others do not know of it and may wait in a collective: the error
 * must reach the top, where lks_comm_abort() ends them. Not collective. */
lks_status lks_comm_fail(lks_comm *comm, lks_error *err);

/** LKS_OK, or the failure that is kept; @p err may be NULL. Not collective. */
lks_status lks_comm_check(const lks_comm *comm, lks_error *err);

/** Ends every rank at once with @p status: for the command line, once it has told the failure that
 * lks_comm_check() gives. MPI_Abort seldom returns; where it does, exit. Not collective. */
void lks_comm_abort(const lks_comm *comm, int status);

/** Agrees on success: every rank passes its own @p status and error. Returns LKS_OK everywhere if
 * all are; else every rank gets the status and text of the lowest failing rank, " (rank R on HOST)"
 * added to its first line where size > 1. Collective: *every* rank calls it, also after its own
 * error. A failure that is kept comes first, and only on this rank. */
lks_status lks_comm_agree(lks_comm *comm, lks_status status, lks_error *err);

/** Sums of 16 KiB to 256 KiB over 64 to 255 ranks are made by Rabenseifner's algorithm (Thakur, Rabenseifner and Gropp 2005),
 * not as Open MPI's table has it, unless a variable OMPI_MCA_coll... of the environment says something. */
enum {
    LKS_STEERED_RANKS = 64,
    LKS_STEERED_BELOW_RANKS = 256,
    LKS_STEERED_BYTES = 16384,
    LKS_STEERED_BELOW_BYTES = 262144
};
bool lks_comm_steers(int ranks, double bytes);

/** Whether it would be so in training that is started with this environment; what `lockstep doctor` adds does not count. */
bool lks_comm_training_steers(void);

/** In-place sums and extremes over all ranks. Collective. n counts elements and may exceed 2^31. */
void lks_comm_sum_i64(lks_comm *comm, int64_t *values, size_t n);
void lks_comm_sum_f32(lks_comm *comm, float *values, size_t n);
void lks_comm_max_i64(lks_comm *comm, int64_t *values, size_t n);
void lks_comm_min_i64(lks_comm *comm, int64_t *values, size_t n);
void lks_comm_max_u8(lks_comm *comm, uint8_t *values, size_t n);
void lks_comm_max_f64(lks_comm *comm, double *values, size_t n);
void lks_comm_min_f64(lks_comm *comm, double *values, size_t n);
void lks_comm_sum_f64(lks_comm *comm, double *values,
                      size_t n); /**< for statistics only: order not fixed */

/** In-place sums modulo 2^64 over the ranks before this one, on rank 0 zeros, in log2(size) rounds (Hillis and Steele, "Data
 * parallel algorithms", 1986): MPI_Exscan of Open MPI goes from rank to rank. @p n is at most LKS_BEFORE_MAX. Collective. */
enum { LKS_BEFORE_MAX = 4 };
void lks_comm_before_i64(lks_comm *comm, int64_t *values, size_t n);

/** Sums over all ranks of @p values, each on one rank: rank r gets those of @p counts [r] numbers, which follow on those
 * of the ranks before it, in @p own [counts[rank]]; @p values do not change and are apart from it. Collective. */
void lks_comm_scatter_sum_i64(lks_comm *comm, const int64_t *values, int64_t *own,
                              const int *counts);
void lks_comm_scatter_sum_f32(lks_comm *comm, const float *values, float *own, const int *counts);

/** Each rank's @p counts [rank] items of @p parts, which stand there in rank order, to all ranks, in place.
 * Collective. */
void lks_comm_allgather(lks_comm *comm, void *parts, const int *counts, size_t item_bytes);

/** A number of each rank: the least, their sum, the most and the lowest rank that has it. */
typedef struct lks_spread {
    double least, sum, most;
    int64_t rank;
} lks_spread;

/** Of @p n numbers each: @p of [n] is filled in by one call of MPI. For statistics only, as the sum's order is not fixed.
 * Collective. */
void lks_comm_spread_f64(lks_comm *comm, const double *own, lks_spread *of, size_t n);

/** Copies @p bytes from rank @p root to all. Collective. */
void lks_comm_broadcast(lks_comm *comm, void *data, size_t bytes, int root);

/** Concatenates every rank's @p count items on rank 0 in rank order. @p out (rank 0) holds their
 * sum; @p counts (rank 0, [size]) is filled with each rank's count and may be NULL. Collective. */
void lks_comm_gather(lks_comm *comm, const void *data, int count, size_t item_bytes, void *out,
                     int *counts);

/** Copies @p bytes from rank @p from to rank 0, into @p data on either; both call it, for others, and
 * where @p from is 0, it does nothing. Rank 0 decides when: the sender waits until it is taken, or, of messages that MPI
 * lets go at once, may be ahead of it. */
void lks_comm_to_root(lks_comm *comm, int from, void *data, size_t bytes);

/** Copies @p bytes to rank @p to, and @p receive_bytes from rank @p from, which both may be this one. Collective: each
 * rank sends to one, and that one receives as many bytes. */
void lks_comm_shift(lks_comm *comm, const void *send, size_t bytes, int to, void *receive,
                    size_t receive_bytes, int from);

/** Waits for all ranks. Collective. */
void lks_comm_barrier(lks_comm *comm);

/** Name and version of the MPI library, on one line: "MPICH 4.0.2". */
void lks_comm_library(char *text, size_t size);

LKS_PUBLIC_END

#endif
