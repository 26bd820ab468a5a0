/* Who works in a run folder: a process, on a host, in a job. */
#ifndef LKS_JOB_LIFE_H
#define LKS_JOB_LIFE_H

#include <stddef.h>
#include "lockstep/status.h"

/* Of numbers 0, of texts "": not known. */
typedef struct lks_life {
    long long number;        /* which launch of that folder, from 1 */
    char host[65];           /* for people: it need not be unique */
    char boot[40];           /* the kernel's boot id: which machine, and since when it is up */
    long long pid_namespace; /* where `process` counts */
    long long process;       /* number, and when it began in clock ticks after boot */
    long long born;
    char job[160];               /* equal for all launches of one job */
    long long restart, relaunch; /* of that job, and within one start of it */
    char since[32];              /* UTC, for people */
} lks_life;

typedef enum lks_life_state {
    LKS_LIFE_DEAD,  /* the process is gone */
    LKS_LIFE_ALIVE, /* it is there */
    LKS_LIFE_FORMER, /* an earlier launch of the same job: the batch system ended it, or is about to */
    LKS_LIFE_FOREIGN, /* elsewhere, so that only its heartbeat can tell */
} lks_life_state;

/* This process. The job is Slurm's (SLURM_CLUSTER_NAME, SLURM_JOB_ID, SLURM_RESTART_COUNT) or LOCKSTEP_JOB's, a
 * script counts its launches of one start in LOCKSTEP_RELAUNCH. */
void lks_life_self(lks_life *life);

/* What `self` can tell of another life. */
lks_life_state lks_life_judge(const lks_life *self, const lks_life *other);

/* A line of JSON with a new line, and back. What a damaged text does not tell is not known. */
lks_status lks_life_put(const lks_life *life, char *text, size_t size, lks_error *err);
void lks_life_get(lks_life *life, const char *text);

/* "life 7: process 4711 on node3, Slurm job 17, since 2026-01-31T12:00:00Z" into `text`, which is returned. */
#define LKS_LIFE_TEXT 400
const char *lks_life_tell(const lks_life *life, char text[LKS_LIFE_TEXT]);

#endif
