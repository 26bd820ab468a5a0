/* Open MPI's choice of an algorithm for MPI_Allreduce, and of how messages go over TCP, changed where it is a bad one.
 * Private to src/comm. */
#ifndef LKS_COMM_STEER_H
#define LKS_COMM_STEER_H

#include <stdbool.h>

/* Up to here a message over TCP does not wait for the receiver. As long as the halves of what networks of 250,000 weights
 * sum. Each message that is on its way takes so much of the address space, and memory as far as it fills it, or all where the
 * system gives large pages to everybody: few may be on their way at once (LKS_TRANSFER_UNDERWAY). The same on all ranks: one
 * of a lower limit has no room for what another sends (settings.c). */
#define LKS_EAGER_BYTES (1 << 20)

/* What the environment tells MPI until lks_comm_steered(). */
typedef struct lks_steering {
    int rules; /* of algorithms, a file; -1: none */
    bool eager;
} lks_steering;

/* Before MPI starts with `ranks`, -1: not known. What the user has chosen by a variable of the environment stays, and rules
 * are only set where Open MPI's own choice is a bad one. */
lks_steering lks_comm_steer(int ranks);

/* MPI has started and read them: the environment is as it was. */
void lks_comm_steered(lks_steering steering);

#endif
