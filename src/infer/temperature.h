/* A temperature is fitted on held-out images, and asked how sure an answer is. */
#ifndef LKS_INFER_TEMPERATURE_H
#define LKS_INFER_TEMPERATURE_H

#include "infer/evaluate.h"
#include "io/checkpoint.h"

/* Whether there is one, within its limits. */
bool lks_temperature_known(const lks_temperature *t);

/* The temperature to go by: what was fitted, or what is expected of a network of which nothing is known but the label
 * smoothing it was trained with (lks_config.train.label_smoothing, or its mean over several networks). The smoothed
 * target of s, over K classes, sets the label's logit ln(1 + K (1 - s) / s) above the others, and no higher, while a
 * plain target draws it on to some 10: their ratio, from LKS_TEMPERATURE_LEAST to 1; 1 where nothing is smoothed.
 * (Networks of mnist-half-minute's form, trained with s = 0.02, 0.05, 0.1 and 0.2, were fitted 1 / 10.5, 1 / 9.7,
 * 1 / 10.1 and 1 / 9.8 of that difference.) */
double lks_temperature_value(const lks_temperature *fitted, double smoothing, int classes);

/* How sure an answer is at `temperature`: p[chosen]^(1/T) over the sum of all p[k]^(1/T), for probabilities
 * p [classes]. */
double lks_temperature_confidence(const double *p, int classes, int chosen, double temperature);

/* Log-probabilities of held-out images, as they are scored. */
typedef struct lks_held_out {
    lks_model *model;
    int classes;
    int64_t n, capacity;
    float *logs; /* [capacity][classes]: natural logarithms of probabilities, the label's first */
    float *probabilities; /* [batch][classes] */
    int64_t wrong;
} lks_held_out;

/* Room for `capacity` images that `model` scores in batches of at most `batch`. LKS_ERR_MEMORY; freed by
 * lks_held_out_free(), also after a failure. */
lks_status lks_held_out_open(lks_held_out *h, lks_model *model, int classes, int64_t capacity,
                             int batch, lks_error *err);
void lks_held_out_free(lks_held_out *h);

/* Scores as lks_evaluate() does, and keeps what the fit needs. */
lks_scorer lks_held_out_scorer(lks_held_out *h);

/* Fits the temperature to what all ranks hold: the inverse temperature at which the sum of the images' negative
 * log-likelihoods is least. That sum is convex in it (its second derivative is a variance), so Newton's steps,
 * kept inside a bracket, find it. All sums over images and ranks are exact, and so is what follows from them:
 * the same bits on any number of ranks.
 *  Few wrong answers, or none, would ask for a temperature near 0: therefore one image more counts, to which
 * the second likeliest class is the right answer, the mean over all images being taken for it. So n images
 * without a wrong answer speak for an error of about 1 in n + 1 (Laplace's rule of succession, in spirit).
 * Without images all of *t is 0. Collective; errors are agreed. */
lks_status lks_temperature_fit(lks_temperature *t, const lks_held_out *h, lks_comm *comm,
                               lks_error *err);

#endif
