/* Images brought from the ranks that hold them to those that train on them, some batches at once: a window, as much of an
 * epoch as fits into a budget. The next window is on its way while this one is trained on. */
#ifndef LKS_FEED_SUPPLY_H
#define LKS_FEED_SUPPLY_H

#include "feed/dataset.h"

/* Memory for images on their way, each rank's: what it sends, receives and trains on. A window has one batch at least. */
#define LKS_SUPPLY_BUDGET ((size_t)16 << 20)

/* What goes before an image's pixels, in bytes. */
#define LKS_SUPPLY_HEADER 32

/* An image for a position of an epoch, where it is kept or was received. */
typedef struct lks_source {
    const uint8_t *pixels; /* NULL: nothing sound has come for the position */
    uint64_t sum;          /* lks_image_sum() of it, as it was loaded */
    uint32_t image, id;    /* its number in the file; its item's (lks_epoch_list) */
    int home;              /* the rank that holds it; this one where its host does */
    uint8_t label;
} lks_source;

typedef struct lks_supply lks_supply;

/* For the training part of d, dealt by `deal`, in the orders of `seed`, of which there are `epochs`; `budget` as above. d
 * and comm are borrowed. A rank that is alone, or whose host has all images, takes them from where they are kept: it needs no
 * buffers. Not collective.
 * LKS_ERR_MEMORY, LKS_ERR_COMM. Ended by lks_supply_free(), also after a failure. */
lks_status lks_supply_create(lks_supply **supply, const lks_dataset *d, const lks_deal *deal,
                             uint64_t seed, int64_t epochs, size_t budget, lks_comm *comm,
                             lks_error *err);

/* Waits for what is under way. Collective, unless a call of MPI has failed. */
void lks_supply_free(lks_supply *supply);

/* The images of batch `batch` of epoch `epoch` are here, once this returns. Calls with the same arguments on all ranks;
 * collective at the first batch of a window. Within it, this rank's next share of the window after it is sent.
 * LKS_ERR_REPLICA, agreed, where a rank's list of the epoch's images changed in its memory. */
lks_status lks_supply_need(lks_supply *supply, int64_t epoch, int64_t batch, lks_error *err);

/* Whether lks_supply_need() has to bring images, or to send some of the next window's. */
bool lks_supply_works(const lks_supply *supply, int64_t epoch, int64_t batch);

/* LKS_ERR_REPLICA where this rank's list of the epoch's images changed in its memory. Not collective. */
lks_status lks_supply_check(const lks_supply *supply, lks_error *err);

/* The image for one of this rank's positions in that batch. */
lks_source lks_supply_find(const lks_supply *supply, int64_t position);

/* Waits for what is under way, so that no messages of it stand in the way of others. Every rank calls it. */
void lks_supply_await(lks_supply *supply);

/* Windows in an epoch; 0: images stay where they are. */
int64_t lks_supply_windows(const lks_supply *supply);

/* Largest number of bytes that the buffers held so far. */
size_t lks_supply_bytes(const lks_supply *supply);

/* The same as it will be after `epochs` epochs, nearly: nothing is sent. */
size_t lks_supply_forecast(const lks_supply *supply);

#endif
