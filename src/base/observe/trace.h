/** @file trace.h  A recorder of what each thread of this process did when. Events go into buffers
 *  that are allocated before, one a thread, without locks; each thread writes only its own. Off, an
 *  event costs one branch. Nothing here is collective, and times are never an input of the
 *  computation. */
#ifndef LKS_BASE_OBSERVE_TRACE_H
#define LKS_BASE_OBSERVE_TRACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/status.h"
#include "base/timer.h"

/** What was done: by the main thread, which is thread 0, and within that by every thread. */
typedef enum lks_trace_kind {
    LKS_TRACE_EPOCH,
    LKS_TRACE_EXCHANGE,
    LKS_TRACE_BATCH,
    LKS_TRACE_AUGMENT,
    LKS_TRACE_COMPUTE,
    LKS_TRACE_ALLREDUCE,
    LKS_TRACE_UPDATE,
    LKS_TRACE_EVALUATE,
    LKS_TRACE_CHECKPOINT,
    LKS_TRACE_VERIFY,
    LKS_TRACE_FORWARD,          /**< from here on: passes of one thread */
    LKS_TRACE_BACKWARD,         /**< with the weight gradients of whole chunks */
    LKS_TRACE_FORWARD_BACKWARD, /**< both, chunk by chunk */
    LKS_TRACE_WEIGHTS,          /**< weight gradients that the threads share out */
    LKS_TRACE_MOMENTS,          /**< sums of batch normalisation, where they are not made within the
                                     passes: where threads share out images instead of chunks */
    LKS_TRACE_COLLECT,          /**< the threads' gradient sums put together */
    LKS_TRACE_KINDS
} lks_trace_kind;

typedef struct lks_trace_event {
    double start, end;    /**< lks_now(); end < start while it lasts */
    int32_t kind, number; /**< lks_trace_kind; step or epoch, -1: none */
} lks_trace_event;

/** What one thread did, by start; what lies inside another event comes behind it. */
typedef struct lks_trace_thread {
    lks_trace_event *events;
    size_t n;
    double full; /**< when an event found no room, and all threads stopped recording; else 0 */
} lks_trace_thread;

/** True between lks_trace_begin() and lks_trace_end(), unless a thread's buffer is full. */
extern atomic_bool lks_trace_on;

/** Allocates buffers of @p capacity events for threads 0..@p threads - 1; LKS_ERR_MEMORY. Ended by
 * lks_trace_free(), also after a failure. */
lks_status lks_trace_prepare(int threads, size_t capacity, lks_error *err);
void lks_trace_begin(void);

/** Ends recording; events that still last end now. */
void lks_trace_end(void);
void lks_trace_free(void);

/** What @p thread did: to be read when no thread records. Valid until lks_trace_free(). */
const lks_trace_thread *lks_trace_thread_of(int thread);

/** "compute" and, for viewers to filter by, "phase". */
const char *lks_trace_name(lks_trace_kind kind);
const char *lks_trace_category(lks_trace_kind kind);

/** Begins an event of @p thread at @p start; NULL where the buffer is full. It is ended by setting
 * its end. Only while recording, and by that thread only. */
lks_trace_event *lks_trace_record(int thread, lks_trace_kind kind, int64_t number, double start);

static inline bool lks_trace_is_on(void) {
    return __builtin_expect(atomic_load_explicit(&lks_trace_on, memory_order_relaxed), 0);
}

/** The same from now on, without a number; NULL also where nothing is recorded. */
static inline lks_trace_event *lks_trace_open(int thread, lks_trace_kind kind) {
    return lks_trace_is_on() ? lks_trace_record(thread, kind, -1, lks_now()) : NULL;
}

static inline void lks_trace_close(lks_trace_event *event) {
    if (event)
        event->end = lks_now();
}

#endif
