/* One life at a time: rank 0's right to write into a run folder. */
#ifndef LKS_JOB_LEASE_H
#define LKS_JOB_LEASE_H

#include <stdbool.h>
#include "lockstep/status.h"

/* How a start deals with a life that has not ended. */
typedef struct lks_lease_terms {
    bool take_over; /* do so at once, whoever it is */
    double
        patience; /* seconds that a foreign heartbeat has to stand still; 0: LKS_LEASE_PATIENCE */
} lks_lease_terms;

#define LKS_LEASE_BEAT   2.0 /* seconds between two beats */
#define LKS_LEASE_GLANCE 5.0 /* how long a life is looked at that is not to be taken over */
#define LKS_LEASE_PATIENCE                                                                         \
    60.0 /* as long as NFS clients keep a folder's attributes, acdirmax in nfs(5) */

typedef struct lks_lease lks_lease;

/* Becomes the newest life in folder `lives`, which is made where it is missing. The life before it must have
 * ended, or its process be gone (same machine), or it is an earlier launch of the same job, or its heartbeat
 * stands still while this process watches it; else, and where another start comes first, LKS_ERR_BUSY names
 * who it is, and nothing is changed. Then that life can publish nothing any more, and in this process
 * lks_publish_guard() is set. LKS_ERR_STOPPED where a stop is asked for meanwhile; LKS_ERR_IO, LKS_ERR_MEMORY. Not
 * collective, and so are the others. Ended by
 * lks_lease_release(). */
lks_status lks_lease_claim(lks_lease **lease, const char *lives, const lks_lease_terms *terms,
                           lks_error *err);

/* LKS_ERR_BUSY if this life has lost its place, naming who has it. Costs next to nothing: a thread's heartbeat
 * finds it out, or without threads this call, every LKS_LEASE_BEAT seconds. */
lks_status lks_lease_check(lks_lease *lease, lks_error *err);

/* Ends the life, and the guard; with `forget` without a trace, as if it had not been. NULL: nothing to do. */
void lks_lease_release(lks_lease *lease, bool forget);

/* What lks_lease_claim() would say, of a folder that stays as it is. A foreign heartbeat is watched for
 * LKS_LEASE_GLANCE seconds: it stands still, which is only told. */
lks_status lks_lease_look(const char *lives, const lks_lease_terms *terms, lks_error *err);

/* Who works in the folder or did last, for people, into `text`; "": nobody has. True where that one may still be at work. */
#define LKS_LEASE_TEXT 500
bool lks_lease_tell(const char *lives, char text[LKS_LEASE_TEXT]);

#endif
