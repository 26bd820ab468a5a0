/* The clock that tells where this rank's main thread spends its time: always in exactly one phase,
 * so that the phases add up to the wall time. Entering a phase reads the clock once. */
#ifndef LKS_MEASURE_PHASES_H
#define LKS_MEASURE_PHASES_H

#include "lockstep/comm.h"
#include "io/history.h"
#include "base/observe/trace.h"

typedef struct lks_phases {
    lks_phase current;
    double since;               /* when it was entered */
    double started;             /* when `seconds` were 0 */
    double seconds[LKS_PHASES]; /* of this rank since the last record; no total */
    double process[LKS_PHASES]; /* the same of all records before; with the total */
    double *met;                /* [room] seconds in each allreduce since they were last divided */
    size_t n_met, room;
    int64_t step; /* being worked on, or the last one: for the trace */
    lks_trace_event *event, *epoch;
} lks_phases;

/* For `meetings` allreduces between calls of lks_phases_divide(); any further ones are divided as one.
 * LKS_ERR_MEMORY. */
lks_status lks_phases_create(lks_phases *p, size_t meetings, lks_error *err);
void lks_phases_free(lks_phases *p);

/* Sets the clock going, in LKS_PHASE_OTHER; time up to here is in no phase. */
void lks_phases_start(lks_phases *p);

/* Forgets all time measured so far. */
void lks_phases_reset(lks_phases *p);

/* Leaves the current phase, which is returned, for `next`. */
lks_phase lks_phases_enter(lks_phases *p, lks_phase next);

/* Around an allreduce of the training steps, which is the same one on every rank. */
lks_phase lks_phases_meet(lks_phases *p);
void lks_phases_part(lks_phases *p, lks_phase before);

/* Around an epoch, in the trace only. */
void lks_phases_open_epoch(lks_phases *p, int64_t epoch);
void lks_phases_close_epoch(lks_phases *p);

/* Divides the time in allreduces into communication and wait. The rank that comes last waits for
 * nobody, so the least time of any rank in a call is what that call takes: communication is the sum
 * of these, the same on every rank, and wait is the rest of a rank's own time. No barrier is needed
 * for that, and nothing but clocks is read in a step. Collective, with as many calls on each rank. */
void lks_phases_divide(lks_phases *p, lks_comm *comm);

/* The phases since the last record, or since the start, over the ranks; the next record begins.
 * Collective. */
lks_phase_times lks_phases_take(lks_phases *p, lks_comm *comm);

/* The phases since the start, over the ranks. Collective. */
lks_phase_times lks_phases_sum(lks_phases *p, lks_comm *comm);

#endif
