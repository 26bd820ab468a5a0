/* The memory that the ranks' processes take. */
#ifndef LKS_MEASURE_RESIDENT_H
#define LKS_MEASURE_RESIDENT_H

#include <stdio.h>
#include "lockstep/comm.h"

/* The most memory that the ranks' processes had resident so far, in MiB, of the one with the least and
 * the one with the most. */
typedef struct lks_resident {
    double least, most;
} lks_resident;

/* Collective. */
lks_resident lks_resident_peak(lks_comm *comm);

/* As {"min":x,"max":y}. */
void lks_resident_put(FILE *f, lks_resident r);

#endif
