/* Open MPI's choice of an algorithm for MPI_Allreduce, changed where it is a bad one. Private to src/comm. */
#ifndef LKS_COMM_STEER_H
#define LKS_COMM_STEER_H

#include <stdbool.h>

/* Before MPI starts with `ranks`, -1: not known. Nothing is done where the user has chosen, by a variable of the
 * environment, or Open MPI's own choice is a good one. True: something was set, and lks_comm_steered() is to be called. */
bool lks_comm_steer(int ranks);

/* MPI has started and read it: the environment is as it was. */
void lks_comm_steered(void);

#endif
