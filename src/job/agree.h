/* Do all ranks have the same? A launcher starts whatever it is told to on each host: another option, another
 * program, another data set on one of them would give exchanges that do not fit, or other results. */
#ifndef LKS_JOB_AGREE_H
#define LKS_JOB_AGREE_H

#include "lockstep/comm.h"
#include "lockstep/config.h"

typedef enum lks_agree_rule {
    LKS_AGREE_REFUSE, /* it has to be the same */
    LKS_AGREE_WARN,   /* it should be */
    LKS_AGREE_SAY     /* it need not be, but nobody should have to guess */
} lks_agree_rule;

/* One thing to compare. Strings are borrowed. */
typedef struct lks_agree_item {
    const char *what; /* in the plural: "the command lines" differ */
    const char *text; /* what this rank has: lines, of any number and length */
    lks_agree_rule rule;
    const char *advice; /* what to do, or why it does not matter */
} lks_agree_item;

/* The most items of one call. The message's size never changes, so that programs of other revisions can be told
 * from this one. */
#define LKS_AGREE_MOST 7

/* Compares @p items [n] over the ranks: the same number in the same order on all. Where a text differs from rank
 * 0's, rank 0 tells the lowest such rank, its host, how many there are, and the first line that either has and
 * the other has not; where it has to be the same, that is an error of status @p refusal on all ranks.
 * One reduction of 128 bytes where all agree. Collective; errors are agreed. */
lks_status lks_agree(lks_comm *comm, const lks_agree_item *items, int n, lks_status refusal,
                     lks_error *err);

/* The resolved configuration, or why this rank has none: @p status and @p err, which come back where all ranks have
 * the same. Ranks make it from one file and the same settings, so it differs only where their programs do, or one
 * is out of memory: LKS_ERR_CONFIG. Collective; errors are agreed. */
lks_status lks_agree_config(lks_comm *comm, const lks_config *config, lks_status status,
                            lks_error *err);

#endif
