/* Batches: the epoch's order, and the images brought to the ranks that train on them. */
#ifndef LKS_FEED_LOADER_H
#define LKS_FEED_LOADER_H

#include "augment/augment.h"
#include "feed/dataset.h"
#include "measure/phases.h"

typedef struct lks_loader lks_loader;

/* A loader of d's training part for batches of config->train.global_batch, which `threads` put together and `augment`,
 * for as many threads, changes; NULL: nothing does. Both are borrowed, as is `phases`, which is told when it is at
 * work. Nothing collective. */
lks_status lks_loader_create(lks_loader **loader, const lks_dataset *d, lks_augment *augment,
                             lks_comm *comm, const lks_config *config, int threads,
                             lks_phases *phases, lks_error *err);
void lks_loader_free(lks_loader *loader);

/* Batches in an epoch: the last one may be short. */
int64_t lks_loader_batches(const lks_loader *loader);

/* The largest number of samples of a batch on this rank. */
int lks_loader_capacity(const lks_loader *loader);

/* Goes to batch `batch` of epoch `epoch` (both 0-based). */
void lks_loader_seek(lks_loader *loader, int64_t epoch, int64_t batch);

/* This rank's samples of the next batch, valid until the next call. Sends some of its images to other ranks, and now and
 * then waits for theirs: collective, at the same batch on every rank. LKS_ERR_REPLICA, agreed, where a rank's list of the
 * epoch's images changed in its memory. Leaves the clock in LKS_PHASE_BATCH or LKS_PHASE_AUGMENT. */
lks_status lks_loader_next(lks_loader *loader, lks_batch *batch, lks_error *err);

/* LKS_ERR_REPLICA where that list changed since. Not collective. */
lks_status lks_loader_check_list(const lks_loader *loader, lks_error *err);

/* An image whose pixels or label are not what was loaded. */
typedef struct lks_image_fault {
    uint32_t image; /* its number in the file */
    int home;       /* the rank that holds it, or one of the host that does */
    bool known;     /* false: something changed on its way; which image that was cannot be told */
} lks_image_fault;

/* Whether such a one was in a batch of this rank, and the first of them. */
bool lks_loader_image_changed(const lks_loader *loader, lks_image_fault *image);

/* Whether one of the images that this rank holds changed in its memory, and the first of them. Reads them all. */
bool lks_loader_share_changed(const lks_loader *loader, lks_image_fault *image);

/* Waits for images that are under way. Every rank calls it. */
void lks_loader_await(lks_loader *loader);

/* How often in an epoch images go from rank to rank; 0: never. */
int64_t lks_loader_windows(const lks_loader *loader);

/* Largest number of bytes that the buffers for images on their way held so far. */
size_t lks_loader_bytes(const lks_loader *loader);

/* The same as it will be after some epochs, nearly. */
size_t lks_loader_forecast(const lks_loader *loader);

#endif
