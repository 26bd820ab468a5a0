/* Energy that processors say they took: Linux's powercap (Documentation/power/powercap/powercap.rst), where the folder
 * intel-rapl:N of each processor package, of Intel's and of AMD's, counts microjoules. */
#ifndef LKS_MEASURE_ENERGY_H
#define LKS_MEASURE_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

#include "lockstep/comm.h"

#define LKS_POWERCAP     "/sys/class/powercap"
#define LKS_PACKAGES_MAX 32 /* of a host; further ones are left out */

typedef struct lks_package {
    int number;      /* N */
    uint64_t newest; /* microjoules, as last read */
    uint64_t range;  /* the counter's last value, after which it begins at 0 again */
} lks_package;

/* The packages of one host. */
typedef struct lks_energy {
    char folder[256];
    int n; /* 0: nothing is told, as in virtual machines */
    lks_package packages[LKS_PACKAGES_MAX];
    bool denied; /* there are some, and this user may not read them */
    double joules, read_at;
} lks_energy;

/* The packages in `folder`, at 0 joules from here on. Where not all can be read, none counts: a part would pass for the
 * whole. Not collective, as the next two. */
void lks_energy_open(lks_energy *e, const char *folder);

/* Adds to `joules` what was taken since the last read. A package that can no longer be read ends them all: n becomes 0,
 * and joules NaN. */
void lks_energy_read(lks_energy *e);

/* The same, where the last read is some seconds ago. Counters begin anew after 65 kJ on many processors, minutes of
 * work, and two such turns between reads would go unseen: to be called more often than that. */
void lks_energy_tend(lks_energy *e);

/* The energy of a job: of each host its first rank reads, and all that runs there is in it. */
typedef struct lks_job_energy {
    lks_energy own; /* n is 0 on all other ranks */
    int hosts;      /* that tell theirs */
    double taken;   /* of own.joules */
    double joules;  /* of all hosts that tell, as of the last take */
} lks_job_energy;

/* The packages in LOCKSTEP_POWERCAP, or LKS_POWERCAP, at 0 joules from here on. Collective. */
void lks_job_energy_open(lks_job_energy *e, lks_comm *comm);

/* The joules of all hosts that tell since the last take; NaN where none does, or one does no longer. Collective. */
double lks_job_energy_take(lks_job_energy *e, lks_comm *comm);

#endif
