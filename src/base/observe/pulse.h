/** @file pulse.h  What this process shows of its work while it works: counters that other threads may read
 * at any time, for whoever watches that the job goes on. Written without locks where the work is done; a
 * reader sees each value by itself. Nothing here is collective, and none of it is an input of the
 * computation. */
#ifndef LKS_BASE_OBSERVE_PULSE_H
#define LKS_BASE_OBSERVE_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct lks_pulse {
    atomic_uint_fast64_t progress; /**< moves with whatever gets done */
    atomic_uint_fast64_t calls;    /**< collective MPI calls entered: as many on every rank */
    atomic_bool waiting;           /**< inside an MPI call */
    atomic_int_fast64_t step;      /**< being worked on; 0: none yet */
    _Atomic(const char *) place;   /**< what the main thread does: a name that stays valid */
} lks_pulse;

extern lks_pulse lks_pulse_own; /**< this process's */

/** Something got done: a piece of a batch, a block of a file. Any thread. Between two calls there should be
 * seconds at most. */
static inline void lks_pulse_tick(void) {
    atomic_fetch_add_explicit(&lks_pulse_own.progress, 1, memory_order_relaxed);
}

/** The main thread begins something else: @p place, a name that stays valid. */
static inline void lks_pulse_at(const char *place) {
    atomic_store_explicit(&lks_pulse_own.place, place, memory_order_relaxed);
    lks_pulse_tick();
}

/** The training step that is being worked on. */
static inline void lks_pulse_step(int64_t step) {
    atomic_store_explicit(&lks_pulse_own.step, step, memory_order_relaxed);
}

/** Around an MPI call of the main thread, which may wait for others; @p by_all: every rank makes it. */
static inline void lks_pulse_wait(bool by_all) {
    if (by_all)
        atomic_fetch_add_explicit(&lks_pulse_own.calls, 1, memory_order_relaxed);
    atomic_store_explicit(&lks_pulse_own.waiting, true, memory_order_relaxed);
}

static inline void lks_pulse_go_on(void) {
    atomic_store_explicit(&lks_pulse_own.waiting, false, memory_order_relaxed);
    lks_pulse_tick();
}

#endif
