/* Read before each file that is compiled against SMPI. */
#ifndef LKS_SCALE_SMPI_H
#define LKS_SCALE_SMPI_H

/* The simulated clock, sleep and exit; memory is the process's own, as it is for the files that are not compiled
 * anew. */
#define SMPI_NO_OVERRIDE_MALLOC
#include <smpi/smpi_helpers.h>

/* A simulated rank is a thread of the simulator, and SMPI says no more than this. Ranks of one thread need no more. */
#include <mpi.h>
#undef MPI_THREAD_FUNNELED
#define MPI_THREAD_FUNNELED MPI_THREAD_SINGLE

#endif
