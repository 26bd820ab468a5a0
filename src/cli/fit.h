/* The ranks of a job begin together: each has started MPI, and all were started alike. */
#ifndef LKS_CLI_FIT_H
#define LKS_CLI_FIT_H

#include <stdbool.h>

#include "lockstep/comm.h"
#include "lockstep/status.h"

/* lks_comm_start(), which waits for all processes that the launcher started: one that never comes, because it runs
 * something else, is told after 10 seconds, and ends this process after 5 minutes. Warns of a rank that is alone in a
 * batch job made for many. Collective. */
lks_status lks_fit_start(lks_comm *comm, lks_error *err);

/* Refuses ranks whose numerics or command line differ: LKS_ERR_CONFIG, naming one of them. Warns of programs of
 * other revisions. `given` is this rank's command line as lks_parse() notes it: what may differ from rank to rank is
 * not in it. The first exchange of the job. Collective; errors are agreed. */
lks_status lks_fit_check(lks_comm *comm, const char *given, lks_error *err);

/* For a process that a launcher started and whose command line is wrong, as `err` says: joins the others, who may be
 * waiting for it in MPI. Rank 0 tells the error where all have the same, else the difference, which comes back, before
 * any of them ends: the launcher kills the others then. False where MPI did not start, and nothing was told. */
bool lks_fit_refuse(lks_error *err);

#endif
