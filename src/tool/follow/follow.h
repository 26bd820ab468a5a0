/* `lockstep info --follow`: a run while it is at work, seen from outside, by its files alone. No MPI. */
#ifndef LKS_TOOL_FOLLOW_FOLLOW_H
#define LKS_TOOL_FOLLOW_FOLLOW_H

#include "lockstep/status.h"

enum { LKS_FOLLOW_PATIENCE = 90 };

typedef struct lks_follow_options {
    const char *path; /* a run folder */
    int patience; /* seconds that a heartbeat has to stand still; more than file systems keep what they know of a folder */
} lks_follow_options;

/* Shows the run of a folder on standard output until it has ended: on a terminal curves and figures, drawn anew each second, else
 * a line for each epoch. Nothing in the folder is touched. *signal: which one has ended it (SIGINT, SIGTERM or SIGHUP, which
 * are blocked meanwhile); 0: none. LKS_OK where the run is done; LKS_ERR_IO, with what is known, where nobody works on
 * it any more and it has no result; LKS_ERR_USAGE where it is no run folder; LKS_ERR_MEMORY. */
lks_status lks_follow(const lks_follow_options *options, int *signal, lks_error *err);

#endif
