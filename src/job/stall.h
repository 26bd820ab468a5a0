/* Whether a job stalls, and who is to blame: judged from what rank 0 last heard of each rank. No clock and no
 * socket in here. */
#ifndef LKS_JOB_STALL_H
#define LKS_JOB_STALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LKS_PLACE_MAX 24

/* What a rank tells of itself: its pulse at one moment (base/observe/pulse.h). */
typedef struct lks_state_of_work {
    uint64_t progress, calls;
    int64_t step;
    bool waiting; /* inside an MPI call */
    char place[LKS_PLACE_MAX];
} lks_state_of_work;

/* What is known of a rank. Times are seconds on the judge's clock, which stands still while the judge itself
 * is stopped: a job that was suspended as a whole has not stalled. */
typedef struct lks_sign {
    bool known;   /* it was heard at all */
    double heard; /* when it was heard last */
    double moved; /* when what it tells of its work was another than before */
    lks_state_of_work work;
} lks_sign;

/* A rank's name, for people and for Slurm. */
typedef struct lks_rank_name {
    char host[128], node[64]; /* node: SLURMD_NODENAME, or "" */
} lks_rank_name;

/* What a rank is blamed for. */
typedef enum lks_blame {
    LKS_BLAME_NONE,
    LKS_BLAME_SILENT,  /* no sign of life: stopped, its host gone, or cut off */
    LKS_BLAME_STILL,   /* alive and not in MPI, but nothing gets done */
    LKS_BLAME_UNHEARD, /* never heard, and all others wait in MPI */
    LKS_BLAME_BEHIND,  /* all ranks wait in MPI, this one in an earlier call than others */
    LKS_BLAME_NETWORK  /* all ranks wait in the same MPI call: so for every rank */
} lks_blame;

/* Takes over what a rank told at @p now. */
void lks_sign_take(lks_sign *sign, const lks_state_of_work *work, double now);

/* Fills @p blame [n] and returns how many ranks are blamed; 0: the job goes on. A job that gets anywhere does not
 * stall: lost messages alone never end it. But a rank that tells for more than @p timeout seconds that it does not
 * wait in MPI and gets nothing done stalls whatever the others do, who will wait for it sooner or later. */
int lks_stall_judge(const lks_sign *signs, int n, double now, double timeout, uint8_t *blame);

/* Tells in @p text who stalls, for how long, where, and what to do. @p blame has at least one that is blamed. */
void lks_stall_tell(const lks_sign *signs, const lks_rank_name *names, int n, double now,
                    const uint8_t *blame, char *text, size_t size);

#endif
