/* Evaluation of a labelled set by all ranks: every rank scores the images it holds. */
#ifndef LKS_INFER_EVALUATE_H
#define LKS_INFER_EVALUATE_H

#include "nn/metrics.h"
#include "feed/dataset.h"

/* Predictions of the samples that were asked for, on rank 0, in their order. */
typedef struct lks_predicted {
    int64_t n;
    uint32_t *ids;             /* [n] numbers in the file, ascending */
    uint8_t *labels, *classes; /* [n]: true and predicted */
    float *probabilities;      /* [n][classes] */
    double *losses;            /* [n] */
} lks_predicted;

/* Who scores: [n] scores of a batch, and [n][classes] probabilities where that is not NULL. */
typedef struct lks_scorer {
    void (*score)(void *of, const lks_batch *batch, lks_score *scores, float *probabilities);
    void *of;
} lks_scorer;

/* Scores samples of `set`, at most `batch` at a time: the `n_ids` of this rank's share, ascending, or where `ids` is NULL on
 * all ranks the whole set. Collective; all ranks get the counts. Where `predicted` is not NULL, rank 0 gets arrays to be
 * freed with lks_predicted_free(). LKS_ERR_REPLICA where an image, its label or its number changed in a rank's memory,
 * LKS_ERR_NUMERIC where a loss is not finite. */
lks_status lks_evaluate_by(lks_scorer scorer, const lks_image_set *set, const uint32_t *ids,
                           int64_t n_ids, int batch, lks_comm *comm, lks_counts *counts,
                           lks_predicted *predicted, lks_error *err);

/* The same by a network alone. */
lks_status lks_evaluate(lks_model *model, const lks_image_set *set, const uint32_t *ids,
                        int64_t n_ids, int batch, lks_comm *comm, lks_counts *counts,
                        lks_predicted *predicted, lks_error *err);
void lks_predicted_free(lks_predicted *p);

#endif
