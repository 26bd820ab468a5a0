/* Settings of the MPI library that ranks must share before they may meet. Private to src/comm. */
#ifndef LKS_COMM_SETTINGS_H
#define LKS_COMM_SETTINGS_H

#include "lockstep/comm.h"

/* By some variables of the environment an MPI library chooses the algorithm of a collective call: ranks with other
 * ones wait for messages that nobody sends, or take one for another. So this goes from rank to rank: LKS_ERR_CONFIG
 * on all ranks names the lowest one that differs from rank 0. comm->rank and size are known. Collective. */
lks_status lks_comm_check_settings(lks_comm *comm, lks_error *err);

#endif
