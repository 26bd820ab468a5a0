/* A labelled image file dealt to the ranks, and the training part of it. */
#ifndef LKS_FEED_DATASET_H
#define LKS_FEED_DATASET_H

#include "feed/findings.h"
#include "feed/place/room.h"
#include "feed/set_digest.h"
#include "io/checkpoint.h"
#include "lockstep/comm.h"
#include "data/data.h"
#include "feed/image_file.h"
#include "lockstep/model.h"

/* All images of a set, where this rank can read them all: it is alone, or its host has them once (data.placement). */
typedef struct lks_whole_set {
    lks_room room;   /* of a host's ranks; else there is none */
    uint8_t *images; /* [info.count][image_bytes]; NULL: this rank has its share alone */
    uint64_t *sums;  /* [info.count] */
    uint8_t *labels; /* [info.count] */
} lks_whole_set;

/* Every rank vouches for a contiguous share of the images and their labels, which it looks at, checks and evaluates, whoever
 * read it. */
typedef struct lks_image_set {
    lks_image_file info;
    size_t image_bytes;
    int64_t counts[LKS_CLASSES_MAX],
        first_of[LKS_CLASSES_MAX]; /* of each label, in the whole set */
    lks_range share;               /* ids of the images that this rank vouches for */
    lks_range read;                /* of those that it read: its share, or its part of the host's */
    uint8_t *images;               /* [share.count][image_bytes] */
    uint8_t *labels;               /* [share.count] */
    uint64_t *sums; /* [share.count] lks_image_sum() of each, made once it was read */
    lks_whole_set whole;
    lks_set_digest digest; /* of this rank's share */
    bool checked;          /* compared with a file of digests */
} lks_image_set;

/* Room for the images of this rank's share, their labels and sums, by s->info. LKS_ERR_MEMORY. Not collective. */
lks_status lks_image_set_allocate(lks_image_set *s, const lks_comm *comm, lks_error *err);

/* check.c: the ranks' shares against the digests that stand beside the images, which rank 0 reads: LKS_ERR_DATA
 * names the block and the ranks that read it, or what is wrong with the file. Without a file nothing is compared.
 * Collective; errors are agreed. */
lks_status lks_image_set_check(lks_image_set *s, lks_comm *comm, lks_error *err);

/* examine.c: looks at the pixels and labels of the open sets, fills d->findings and warns of what may be meant
 * otherwise. LKS_ERR_DATA where nothing can be learned. Images that occur more than once are looked for where both
 * sets have at most 2^28 images. Collective; errors are agreed. */
struct lks_dataset;
lks_status lks_dataset_examine(struct lks_dataset *d, lks_comm *comm, const lks_config *config,
                               lks_error *err);

/* A checksum of one image of `set` with its label: what is in memory must still give it. It sees each change
 * within 32 bits, and of others all but 1 in 2^64. */
uint64_t lks_image_sum(const lks_image_set *set, const uint8_t *image, uint8_t label, uint32_t id);

/* The training part as an epoch shows it. */
typedef struct lks_epoch_list {
    int64_t count;       /* items */
    uint64_t hash;       /* sum of lks_hash64(id) modulo 2^64 over all items */
    lks_items own;       /* of images that this rank vouches for; none with a room */
    const lks_item *all; /* [count] by number, where this rank has all images; else NULL */
    lks_room room;       /* of `all`, where the ranks of a host have them once */
} lks_epoch_list;

typedef struct lks_dataset {
    lks_image_set train, test;
    bool has_test;
    lks_split_rule rule;
    lks_split own; /* of this rank's share, by the rule */
    lks_epoch_list epoch;
    lks_data_identity identity;
    float (*pixels)[256];  /* [channels]: float value of every byte */
    lks_findings findings; /* what lks_dataset_examine() found */
} lks_dataset;

/* Opens, checks, reads and deals both files, splits off validation, computes normalisation and the
 * digest. Collective; errors are agreed. `saved` (may be NULL) gives the normalisation and classes
 * of a checkpoint's network instead. */
lks_status lks_dataset_open(lks_dataset *d, lks_comm *comm, const lks_config *config,
                            const lks_data_identity *saved, bool need_train, lks_error *err);

/* The same without files, for measuring: 60,000 scribbles of 28 x 28 pixels, in equal classes, as many as
 * data.classes or data.class_names say, else 10, and no test set. Collective; errors are agreed. */
lks_status lks_dataset_make_up(lks_dataset *d, lks_comm *comm, const lks_config *config,
                               lks_error *err);
void lks_dataset_free(lks_dataset *d);

/* Whether means and deviations that are given are those of images of so many channels. LKS_ERR_CONFIG. Not collective. */
lks_status lks_check_given_normalisation(const lks_data_config *c, int channels, lks_error *err);

/* How the training images would be split by `wish`: the rule, and of this rank's share the lists, which the caller frees
 * by lks_split_free(), also after a failure. LKS_ERR_REPLICA where the ranks' lists together are not what the rule
 * says. Collective; errors are agreed. */
lks_status lks_dataset_split(const lks_dataset *d, lks_comm *comm, const lks_split_wish *wish,
                             lks_split_rule *rule, lks_split *own, lks_error *err);

/* scribble.c: image number `id` of them, [LKS_SCRIBBLE_SIDE][LKS_SCRIBBLE_SIDE]. */
#define LKS_SCRIBBLE_SIDE 28
void lks_scribble(uint8_t *image, uint32_t id);

/* measure_traits.c: d->identity.traits of the training part; of images with several channels all 0. Collective;
 * errors are agreed. */
lks_status lks_dataset_find_traits(lks_dataset *d, lks_comm *comm, lks_error *err);

/* Bytes of images, labels and checksums that this rank holds: of those that its host has once, its part. */
size_t lks_image_set_bytes(const lks_image_set *s);

/* Bytes of the list of an epoch's items, likewise, and of the lists of which images train and validate. */
size_t lks_dataset_list_bytes(const lks_dataset *d, const lks_comm *comm);

/* Prints sizes, classes and normalisation. */
void lks_dataset_print(const lks_dataset *d);

lks_shape lks_dataset_shape(const lks_dataset *d);

#endif
