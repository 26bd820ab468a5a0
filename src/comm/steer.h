/* Open MPI's choice of an algorithm for MPI_Allreduce, changed where it is a bad one. Private to src/comm. */
#ifndef LKS_COMM_STEER_H
#define LKS_COMM_STEER_H

/* Before MPI starts with `ranks`, -1: not known. Nothing is done, and -1 returned, where the user has chosen, by a variable
 * of the environment, or Open MPI's own choice is a good one. Else the environment tells MPI of rules, which
 * lks_comm_steered() ends. */
int lks_comm_steer(int ranks);

/* MPI has started and read them: the environment is as it was. `rules`: what lks_comm_steer() returned. */
void lks_comm_steered(int rules);

#endif
