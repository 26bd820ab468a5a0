/** @file launch.h  How ranks of the program's MPI library are started, for messages. */
#ifndef LKS_COMM_LAUNCH_H
#define LKS_COMM_LAUNCH_H

/** By Slurm: "srun --mpi=pmix". */
const char *lks_comm_srun(void);

#endif
