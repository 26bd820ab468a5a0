/* Sees that a job goes on: no rank stands still for longer than a limit, else the job ends with a message that
 * names who it was. MPI itself waits for ever for a rank that was stopped, whose file system hangs, or whose host
 * or network is gone.
 *
 * A thread of each rank sends its pulse (base/observe/pulse.h) to rank 0 about once a second, whose thread judges
 * (job/stall.h). Rank 0 answers now and then; where it does not any more, the others end. The threads make no MPI
 * call; they sleep but for these moments. What lies before lks_watchdog_start() and after lks_watchdog_stop(),
 * MPI's own start and end, is not seen. */
#ifndef LKS_JOB_WATCHDOG_H
#define LKS_JOB_WATCHDOG_H

#include "lockstep/comm.h"
#include "job/stall.h"

typedef struct lks_watchdog lks_watchdog;

/* What is known when a job stalls. */
typedef struct lks_stall {
    int rank;           /* the first that is blamed; -1: the network between all of them */
    lks_rank_name name; /* that rank's */
    int64_t step;       /* that it was at; 0: none yet */
    const char *text;   /* the message; may have several lines */
} lks_stall;

/* Starts the watch: a job in which a rank stands still for more than @p timeout seconds (rank 0's counts; 0: no
 * watch) ends by `end(LKS_EXIT_STALLED)` in every rank's thread, which ends the process at once. NULL: there is
 * none, because none is wanted, or where there can be none: then that is said. Collective. */
lks_watchdog *lks_watchdog_start(lks_comm *comm, int timeout, void (*end)(int status));

/* From now on `note(context, stall)` is called, too, before the end, by a thread of the rank that tells of it;
 * it has a few seconds. NULL: nobody any more. Not collective; @p w may be NULL. */
void lks_watchdog_notes(lks_watchdog *w, void (*note)(void *context, const lks_stall *stall),
                        void *context);

/* Ends the watch, once all ranks have come here. Collective; @p w may be NULL, on all ranks. */
void lks_watchdog_stop(lks_watchdog *w, lks_comm *comm);

#endif
