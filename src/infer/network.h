/* Networks read back from checkpoints: one, or several that answer together. */
#ifndef LKS_INFER_NETWORK_H
#define LKS_INFER_NETWORK_H

#include "io/checkpoint.h"
#include "lockstep/comm.h"
#include "lockstep/model.h"
#include "run/run_folder.h"

/* A network as it stands in a checkpoint: with the averaged weights where there are some. */
typedef struct lks_network {
    char path[LKS_FOLDER_PATH_MAX]; /* the file it was read from */
    lks_config config;
    lks_data_identity data;
    lks_cursor cursor;
    char weights_sha256[LKS_SHA256_HEX];
    bool averaged;
    lks_temperature temperature;
    lks_checkpoint checkpoint; /* rank 0, until the network is built */
    lks_model *model;          /* NULL until then */
} lks_network;

/* Where networks come from, and what of their configurations is said otherwise. Borrowed. */
typedef struct lks_network_source {
    const char *const *checkpoints; /* [n]: files, or run folders: lks_folder_read() */
    int n;
    const char *data; /* folder instead of data.dir, or NULL */
    const char *const *sets;
    int n_sets;
    int shifts; /* images are looked at from -shifts to shifts pixels off, both ways */
} lks_network_source;

/* Networks whose probabilities are averaged: over members, in order, then over shifts. */
typedef struct lks_ensemble {
    lks_network *members; /* [n] */
    int n, shifts, capacity;
    lks_shape shape; /* of an image */
    int classes;
    uint8_t *moved;       /* [capacity] images */
    float *probabilities; /* [capacity][classes] of one network looking once */
    double *means;        /* [capacity][classes] */
} lks_ensemble;

/* Reads the checkpoints; images are of one shape and classes, and learnt from the same data, else
 * LKS_ERR_MISMATCH names both. `comm` may be NULL in this and the next: this process is alone. Else
 * collective, errors agreed; rank 0 reads. Freed by lks_ensemble_free(), also after a failure. */
lks_status lks_ensemble_load(lks_ensemble *e, lks_comm *comm, const lks_network_source *source,
                             lks_error *err);

/* Makes the models, for batches of up to `capacity` images: the first network's eval.batch, where the
 * caller has not lowered it. */
lks_status lks_ensemble_build(lks_ensemble *e, lks_comm *comm, int threads, lks_error *err);
void lks_ensemble_free(lks_ensemble *e);

/* Scores a batch of at most e->capacity images, into scores [n], and the mean probabilities into
 * e->means. One network that looks once scores as lks_model_evaluate(); else the answer is the first
 * class of the largest mean, the loss -log of the label's, which counts as no less than 2^-126. Nothing
 * collective. */
void lks_ensemble_score(lks_ensemble *e, const lks_batch *batch, lks_score *scores);

/* The mean probabilities, into means [classes], of one image that is moved by `down` and `right` pixels; what comes in is
 * black. e->means stays. Nothing collective. */
void lks_ensemble_look(lks_ensemble *e, const uint8_t *image, int down, int right, double *means);

#endif
