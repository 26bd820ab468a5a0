/* Threads beside the main one: for waiting and writing, never for MPI or arithmetic. */
#ifndef LKS_JOB_BACKGROUND_H
#define LKS_JOB_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>

/* Whether there may be such threads. LOCKSTEP_BACKGROUND=off in the environment: none; what they would do is
 * done by the main thread, or not at all where it would be in the way. */
bool lks_background_allowed(void);

/* Starts `work(context)` with all signals blocked, so that the main thread gets them. False where threads are
 * not allowed or cannot be had: the caller does without. Ended by pthread_join(). */
bool lks_background_start(pthread_t *thread, void *(*work)(void *context), void *context);

#endif
