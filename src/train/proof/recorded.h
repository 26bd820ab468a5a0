/* What a run folder says of its run, read by rank 0 for `replay`, and what of it can be checked without computing.
 * Nothing is collective. */
#ifndef LKS_TRAIN_PROOF_RECORDED_H
#define LKS_TRAIN_PROOF_RECORDED_H

#include "run/run_folder.h"

/* A checkpoint file, and of what is in it that which is compared once training stands there again. */
typedef struct lks_saved {
    char path[LKS_FOLDER_PATH_MAX];
    lks_cursor cursor;
    lks_best best;
    lks_temperature temperature;
    char state_sha256[LKS_SHA256_HEX];
} lks_saved;

typedef struct lks_recorded {
    const char *folder;   /* borrowed */
    char *summary;        /* text of summary.json; NULL: the run has not ended */
    lks_history history;  /* as far as it is known, the chain with it */
    bool from_saved;      /* that is the newest checkpoint\'s, not that of history.h5 */
    lks_predictions test; /* n 0: none */
    lks_saved *saved;     /* [n_saved] whole checkpoints, oldest first */
    int n_saved;
    lks_init_source init_from; /* path "": initial weights */
    char data_digest[LKS_SHA256_HEX],
        origin[LKS_SHA256_HEX]; /* the chain's first link as it must be */
} lks_recorded;

/* Reads `folder` and checks it. LKS_ERR_MISMATCH names the first record or layer that is not as it should be:
 * checkpoints against the chain, by hashes of their layers and their cursor; the chain's links; records of steps and epochs
 * against its sums; summary.json and metrics.jsonl against history.h5. LKS_ERR_CONFIG: there is no chain; errors of
 * files. `config`: the run's. Ended by lks_recorded_free(), also after a failure. */
lks_status lks_recorded_read(lks_recorded *r, const char *folder, const lks_config *config,
                             lks_error *err);
void lks_recorded_free(lks_recorded *r);

/* examine.c: the checks of what was read. `c`: a checkpoint of it, of file `path`. */
lks_status lks_recorded_check(const lks_recorded *r, lks_error *err);
lks_status lks_recorded_check_saved(const lks_recorded *r, const char *path,
                                    const lks_checkpoint *c, lks_error *err);

/* The record of step `step`; NULL: none. */
const lks_step_record *lks_recorded_step(const lks_history *h, int64_t step);

/* Equal, or both not a number. */
bool lks_same_figure(double a, double b);

/* A difference in words, which go into a caller's text. */
#define LKS_DIFFERENCE_ROOM (LKS_TENSOR_NAME_MAX + 192)

/* "NAME (A in place of B)"; the name alone where both print alike. Returns `text`. */
const char *lks_figures(char text[LKS_DIFFERENCE_ROOM], const char *name, double a, double b);

/* Reproducible figures of an epoch's record: NULL, or the first that differs, with both values. */
const char *lks_epoch_difference(const lks_epoch_record *a, const lks_epoch_record *b,
                                 char text[LKS_DIFFERENCE_ROOM]);

/* NULL where rows `i` and `k` of two chains say the same, else what the first difference is in: "layer conv1", "the
 * count of right answers (12 in place of 13)". A layer comes before sums. */
const char *lks_row_difference(const lks_chain *a, size_t i, const lks_chain *b, size_t k,
                               char text[LKS_DIFFERENCE_ROOM]);

/* bundle.c: bundle.json in `folder` tells of that run: LKS_ERR_MISMATCH. */
lks_status lks_bundle_compare(const char *folder, const lks_recorded *r, lks_error *err);

#endif
