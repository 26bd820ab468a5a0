/* A batch system reserved room for many ranks, and fewer were started. */
#ifndef LKS_JOB_ALONE_H
#define LKS_JOB_ALONE_H

#include "lockstep/comm.h"

/* Whether a launcher started this process: only to be asked before MPI is, which may set the same variables. */
bool lks_launched(void);

/* Warns where the batch job has several tasks or hosts and this process is alone, since it was not `launched`. Where a
 * launcher started fewer ranks than there are tasks, which may be meant, a verbose line says so. Knows Slurm, PBS,
 * LSF and Grid Engine by their variables. Not collective; rank 0 speaks. */
void lks_warn_alone(const lks_comm *comm, bool launched);

#endif
