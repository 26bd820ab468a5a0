/* The trace of a run: what all ranks and threads did when, in one file. */
#ifndef LKS_MEASURE_TRACE_FILE_H
#define LKS_MEASURE_TRACE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "lockstep/comm.h"

typedef struct lks_tracing {
    lks_comm *comm;    /* borrowed */
    const char *path;  /* borrowed; NULL: no trace is wanted, and the functions below do nothing */
    const char *ranks; /* borrowed: those whose work is in it, as "0,4-7"; NULL: all */
    int threads;       /* of this rank that record */
    int64_t capacity;  /* events of a thread that there is room for */
    double origin;     /* this rank's clock at the trace's time 0 */
    bool on;
} lks_tracing;

/* Whether the file can be written, and how long it may be; LKS_ERR_USAGE where `ranks` is no list of ranks. Collective;
 * errors agreed. */
lks_status lks_tracing_check(lks_tracing *t, lks_comm *comm, const char *path, const char *ranks,
                             lks_error *err);

/* The buffers of `threads` threads, and a common time 0. Collective; errors agreed. */
lks_status lks_tracing_start(lks_tracing *t, int threads, lks_error *err);

/* Writes the file, after `steps` steps. Also after an error, which all ranks know of. A trace that cannot
 * be written is warned of. Collective. */
void lks_tracing_end(lks_tracing *t, int64_t steps);

#endif
