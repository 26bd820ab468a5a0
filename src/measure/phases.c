#include "measure/phases.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/observe/pulse.h"
#include "base/timer.h"

lks_status lks_phases_create(lks_phases *p, size_t meetings, lks_error *err) {
    p->room = meetings > 0 ? meetings : 1;
    p->met = lks_alloc(p->room, sizeof *p->met, "times of a step", err);
    return p->met ? LKS_OK : err->status;
}

void lks_phases_free(lks_phases *p) {
    lks_free(p->met);
}

/* What the pulse calls a phase. Between the others files of records are written, and decisions made. */
static const char *place_of(lks_phase phase) {
    return phase == LKS_PHASE_OTHER ? "records" : lks_phase_names[phase];
}

void lks_phases_start(lks_phases *p) {
    p->current = LKS_PHASE_OTHER;
    p->since = p->started = lks_now();
    lks_pulse_at(place_of(p->current));
}

void lks_phases_reset(lks_phases *p) {
    memset(p->seconds, 0, sizeof p->seconds);
    memset(p->process, 0, sizeof p->process);
    p->n_met = 0;
}

/* What the trace calls a phase; -1: it is not shown. Communication and wait are told apart only
 * later. */
static int kind_of(lks_phase phase) {
    static const int kinds[LKS_PHASES] = {[LKS_PHASE_EXCHANGE] = LKS_TRACE_EXCHANGE,
                                          [LKS_PHASE_BATCH] = LKS_TRACE_BATCH,
                                          [LKS_PHASE_AUGMENT] = LKS_TRACE_AUGMENT,
                                          [LKS_PHASE_COMPUTE] = LKS_TRACE_COMPUTE,
                                          [LKS_PHASE_COMMUNICATION] = LKS_TRACE_ALLREDUCE,
                                          [LKS_PHASE_WAIT] = -1,
                                          [LKS_PHASE_UPDATE] = LKS_TRACE_UPDATE,
                                          [LKS_PHASE_EVALUATE] = LKS_TRACE_EVALUATE,
                                          [LKS_PHASE_CHECKPOINT] = LKS_TRACE_CHECKPOINT,
                                          [LKS_PHASE_VERIFY] = LKS_TRACE_VERIFY,
                                          [LKS_PHASE_OTHER] = -1,
                                          [LKS_PHASE_TOTAL] = -1};
    return kinds[phase];
}

static void trace(lks_phases *p, lks_phase next, double now) {
    int kind = kind_of(next);
    if (p->event)
        p->event->end = now;
    p->event = kind >= 0 && lks_trace_is_on() ? lks_trace_record(0, kind, p->step, now) : NULL;
}

lks_phase lks_phases_enter(lks_phases *p, lks_phase next) {
    double now = lks_now();
    lks_phase before = p->current;
    p->seconds[before] += now - p->since;
    p->since = now;
    p->current = next;
    lks_pulse_at(place_of(next));
    trace(p, next, now);
    return before;
}

lks_phase lks_phases_meet(lks_phases *p) {
    return lks_phases_enter(p, LKS_PHASE_COMMUNICATION);
}

void lks_phases_part(lks_phases *p, lks_phase before) {
    double met = p->since;
    lks_phases_enter(p, before);
    /* Beyond the room, which is our own count, calls are divided as one: on every rank the same ones. */
    if (p->n_met == p->room)
        p->n_met--;
    else
        p->met[p->n_met] = 0;
    p->met[p->n_met++] += p->since - met;
}

void lks_phases_open_epoch(lks_phases *p, int64_t epoch) {
    p->epoch = lks_trace_is_on() ? lks_trace_record(0, LKS_TRACE_EPOCH, epoch, lks_now()) : NULL;
}

void lks_phases_close_epoch(lks_phases *p) {
    lks_trace_close(p->epoch);
    p->epoch = NULL;
}

static double sum(const double *x, size_t n) {
    double s = 0;
    for (size_t i = 0; i < n; i++)
        s += x[i];
    return s;
}

/* Added up in the same order before and after, so that no rank's wait is below 0. */
void lks_phases_divide(lks_phases *p, lks_comm *comm) {
    double own = sum(p->met, p->n_met);
    lks_comm_min_f64(comm, p->met, p->n_met);
    double last = sum(p->met, p->n_met);
    p->seconds[LKS_PHASE_COMMUNICATION] += last - own;
    p->seconds[LKS_PHASE_WAIT] += own - last;
    p->n_met = 0;
}

static lks_phase_times over_ranks(lks_comm *comm, const double own[LKS_PHASES]) {
    lks_spread of[LKS_PHASES];
    lks_phase_times times;
    lks_comm_spread_f64(comm, own, of, LKS_PHASES);
    for (int i = 0; i < LKS_PHASES; i++) {
        const double avg =
            fmin(fmax(of[i].sum / comm->size, of[i].least), of[i].most); /* rounding */
        times.of[i] = (lks_phase_time){of[i].least, avg, of[i].most, (int32_t)of[i].rank};
    }
    return times;
}

/* Ends the figures of a record, whose total is measured by itself, and adds them to the process's.
 */
static void end_record(lks_phases *p, double own[LKS_PHASES]) {
    lks_phases_enter(p, p->current);
    memcpy(own, p->seconds, sizeof p->seconds);
    own[LKS_PHASE_TOTAL] = p->since - p->started;
    for (int i = 0; i < LKS_PHASES; i++)
        p->process[i] += own[i];
    memset(p->seconds, 0, sizeof p->seconds);
    p->started = p->since;
}

lks_phase_times lks_phases_take(lks_phases *p, lks_comm *comm) {
    double own[LKS_PHASES];
    end_record(p, own);
    return over_ranks(comm, own);
}

lks_phase_times lks_phases_sum(lks_phases *p, lks_comm *comm) {
    double own[LKS_PHASES];
    end_record(p, own);
    return over_ranks(comm, p->process);
}
