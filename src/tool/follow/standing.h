/* Where a run stands, by its files. Nothing is changed. */
#ifndef LKS_TOOL_FOLLOW_STANDING_H
#define LKS_TOOL_FOLLOW_STANDING_H

#include "job/lives.h"
#include "run/fault.h"
#include "run/metrics_read.h"
#include "run/work.h"

typedef enum lks_run_state {
    LKS_RUN_WORKS, /* somebody works on it, as far as can be told */
    LKS_RUN_DONE,  /* it has a result */
    LKS_RUN_LEFT,  /* its process ended without one: it was stopped, or failed */
    LKS_RUN_DIED,  /* its process is gone */
    LKS_RUN_STILL, /* its heartbeat stands still */
    LKS_RUN_NOBODY /* nobody has ever worked there, or it is of an earlier version */
} lks_run_state;

typedef struct lks_watched {
    const char *folder; /* borrowed */
    lks_metrics_tail metrics;
    lks_work work;
    lks_run_state state;
    lks_life life;       /* the newest; number 0: there is none */
    double resident_mib; /* of its process, where it is on this machine; else NaN */
    double beaten,
        first_look; /* on this process's clock: when the heart was seen to beat last, and the run at first */
    long long beat;
    int64_t first_step;    /* the newest one then */
    char checkpoint[64];   /* the newest file; "": none */
    double checkpoint_age; /* seconds */
    char faults[LKS_FAULTS_TOLD];
    double test_accuracy; /* of a run that is done; NaN: it was not tested */
} lks_watched;

/* Zero but for `folder` at first. Reads what is new. `patience`: seconds after which a heartbeat stands still. LKS_ERR_IO,
 * LKS_ERR_MEMORY. Ended by lks_metrics_tail_close(&s->metrics). */
lks_status lks_stand_look(lks_watched *s, int patience, lks_error *err);

/* The newest step that is recorded, the epoch that it belongs to, from 1, and the last step; 0: not known. */
int64_t lks_stand_step(const lks_watched *s);
int64_t lks_stand_epoch(const lks_watched *s);
int64_t lks_stand_last_step(const lks_watched *s);

/* Images a second, by the newest epoch or else by what was seen so far. NaN: not known yet. */
double lks_stand_images(const lks_watched *s);

/* Seconds until the last step, evaluations included; NaN: not known. */
double lks_stand_left(const lks_watched *s);

/* What a state is called in one word, and what follows from it, into `text`. */
const char *lks_stand_word(const lks_watched *s);
const char *lks_stand_tell(const lks_watched *s, char text[LKS_LIFE_TEXT + 400]);

#endif
