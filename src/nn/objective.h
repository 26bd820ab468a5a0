/* What training minimises, and what evaluation makes of the last layer's outputs, sample by sample. */
#ifndef LKS_NN_OBJECTIVE_H
#define LKS_NN_OBJECTIVE_H

#include "lockstep/config.h"
#include "lockstep/model_data.h"
#include "lockstep/status.h"

typedef struct lks_objective lks_objective;

struct lks_objective {
    int classes;
    double smoothing;     /* share of the target spread evenly over all classes, in training */
    double *class_weight; /* [classes] factor on the training loss of each class's samples; owned */
    /* The training loss of one sample with outputs z [classes], whether its largest output is the
     * label's, and the loss's gradient dz [classes]. */
    double (*train)(const lks_objective *o, const float *z, int label, float *dz, bool *correct);
    /* The probabilities [classes] of a sample, where not NULL, and its score, where not NULL: the
     * label is read only then. The loss of a score knows neither smoothing nor factors. */
    void (*score)(const lks_objective *o, const float *z, const uint8_t *label, lks_score *score,
                  float *probabilities);
    /* The score of a sample with probabilities p [classes] that are means of several networks'. */
    lks_score (*judge)(const lks_objective *o, const double *p, int label);
};

/* Softmax cross-entropy, the only one so far. Freed by lks_objective_free(), also after a failure.
 * LKS_ERR_MEMORY. */
lks_status lks_objective_create(lks_objective *o, const lks_train_config *config, int classes,
                                lks_error *err);
void lks_objective_free(lks_objective *o);

#endif
