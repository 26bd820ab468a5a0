/* Running under MPI. */
#ifndef LKS_CLI_LAUNCH_H
#define LKS_CLI_LAUNCH_H

#include "cli/parse.h"
#include "lockstep/comm.h"
#include "lockstep/status.h"

/* Starts MPI, checks that all ranks were started alike, starts the watch over stalls, runs `work`, agrees and
 * reports an error once, stops all that; returns the exit status. */
int lks_with_comm(lks_common_options *common,
                  lks_status (*work)(lks_comm *comm, void *input, int *exit_status, lks_error *err),
                  void *input);

#endif
