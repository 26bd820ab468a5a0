/** @file job.h  What a process owes its surroundings: signals, threads, and where results come from. */
#ifndef LKS_JOB_JOB_H
#define LKS_JOB_JOB_H

#include <stdbool.h>
#include <stdint.h>
#include "io/checkpoint.h"
#include "lockstep/comm.h"
#include "lockstep/config.h"
#include "kernels/kernels.h"
#include "lockstep/status.h"

/** Asks for a stop at the next step, as at lks_stop_after(). One rank suffices. A signal handler may call it;
 * who installs one is the program. */
void lks_request_stop(void);

/** Asks for a stop at the next step from @p seconds (> 0) after this call on. One rank's clock
 * suffices. */
void lks_stop_after(double seconds);

/** 0 to go on; else why this process should stop, the signal before the clock. Summed over the
 * ranks, it counts those of each reason. */
int64_t lks_stop_requested(void);
#define LKS_STOP_SIGNAL ((int64_t)1)
#define LKS_STOP_TIME   ((int64_t)1 << 32)

/** "on a signal" or "at its time limit", from a sum of lks_stop_requested(). */
const char *lks_stop_reason(int64_t sum);

/** The configuration at @p path, read by rank 0, broadcast and parsed everywhere. Collective;
 * errors agreed. */
lks_status lks_config_load(lks_comm *comm, const char *path, const char *const *sets, int n_sets,
                           lks_config *config, lks_error *err);

/** OpenMP threads of this rank: @p asked, or where that is 0 OMP_NUM_THREADS, or without it its share of the cores
 * that it is bound to, within the CPU quota of its control group. Tells what decided, and warns of a mask or a quota
 * that is too narrow. Collective; LKS_ERR_MEMORY as a failure of the communicator. */
lks_status lks_choose_threads(lks_comm *comm, int asked, int *chosen, lks_error *err);

/** The same for a process without MPI: @p asked, OMP_NUM_THREADS, or the cores it may use. Not collective. */
int lks_threads_alone(int asked);

/** Fills @p p: program, machine, ranks and hosts (rank 0 only: the other ranks' list is empty), and the time.
 * Collective. */
void lks_fill_provenance(lks_provenance *p, lks_comm *comm, const lks_kernels *kernels,
                         int threads);

#endif
