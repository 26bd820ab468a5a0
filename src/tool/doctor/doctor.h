/** @file doctor.h  Is this machine ready for a configuration, and how many ranks would pay? */
#ifndef LKS_TOOL_DOCTOR_DOCTOR_H
#define LKS_TOOL_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include "lockstep/comm.h"
#include "lockstep/status.h"

/** What the command line says. Strings are borrowed; NULL or 0 where not given. */
typedef struct lks_doctor_options {
    const char *config; /**< path of the YAML file; NULL: hosts and network alone are looked at */
    const char *const *sets;
    int n_sets;
    int threads;
    const char *out; /**< the run folder to be; NULL: runs/NAME, or without a configuration runs */
    double latency;  /**< seconds between hosts, for the forecast; with `rate`, 0: as measured */
    double rate;     /**< bytes a second between hosts */
    bool json;       /**< one JSON object instead of text */
} lks_doctor_options;

/** Looks at hosts, launch, program, data, clocks and the folder of runs, measures processors, network and steps of the
 * configuration's training, and forecasts steps on 1 to 4,096 ranks from what was measured. Data are read, or made up
 * where there are none. Writes a few small files beside the run folder to be, and removes them. Rank 0 prints to
 * stdout. *@p faults: what would keep training from running, or from running right. Collective: every rank passes the
 * same options; errors are agreed. */
lks_status lks_doctor(lks_comm *comm, const lks_doctor_options *options, int *faults,
                      lks_error *err);

#endif
