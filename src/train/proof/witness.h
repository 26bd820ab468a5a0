/* Compares what training leaves with what was recorded of it before. Rank 0; nothing is collective. Each returns
 * LKS_ERR_MISMATCH with the step and layer, or the record, that is another one than was recorded. */
#ifndef LKS_TRAIN_PROOF_WITNESS_H
#define LKS_TRAIN_PROOF_WITNESS_H

#include "train/proof/recorded.h"
#include "train/run.h"

struct lks_witness {
    const lks_recorded *recorded; /* borrowed */
    int64_t epochs, checkpoints;  /* compared so far */
};

/* Before the first step: the initial state, against the chain's first row. `own`: a chain that began there. */
lks_status lks_witness_start(const lks_witness *w, const lks_chain *own, lks_error *err);

/* At the end of the whole run: predictions of the test set, summary.json's figures, the last line of metrics.jsonl. */
lks_status lks_witness_end(const lks_witness *w, lks_run *run, const lks_predicted *predicted,
                           lks_error *err);

#endif
