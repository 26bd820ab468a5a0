/* A share of the batches is computed once more, each rank's chunks by another rank, and what both added to the sums is
 * compared (train.audit). That finds what comparing states cannot: a gradient that was wrong before it went into the
 * sum. */
#ifndef LKS_TRAIN_AUDIT_H
#define LKS_TRAIN_AUDIT_H

#include <stddef.h>
#include <stdint.h>

typedef struct lks_audit {
    char *sent, *received; /* chunks on their way; NULL: there is no audit */
    uint64_t *again; /* [2][chunks][operations] hashes, of this rank's look and its second one */
    size_t bytes;    /* of all this */
    int64_t batches; /* audited by this process */
} lks_audit;

#endif
