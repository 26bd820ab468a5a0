/* Images whose given label people reject: of public test sets, as somebody published them. Nobody's errors among them
 * say much, and beyond them a network agrees with labels that people do not give. */
#ifndef LKS_INFER_CONTESTED_H
#define LKS_INFER_CONTESTED_H

#include <stdbool.h>

#include "feed/dataset.h"

typedef struct lks_contested {
    lks_digest_text digest; /* the set as it is stored: lks_set_digest_total() */
    int64_t images;         /* in the set */
    const char *source;     /* "Northcutt et al. 2021" */
    const uint32_t *ids;    /* [n] ascending, counted from 0 */
    int n;
} lks_contested;

/* contested_sets.c: the known set of that digest; NULL: none. */
const lks_contested *lks_contested_find(const lks_digest_words *digest);

/* Whether a known set has so many images. */
bool lks_contested_possible(int64_t images);

/* *c is the known one of the set that the ranks hold, on all ranks; NULL: none. Collective. */
lks_status lks_contested_of_set(const lks_contested **c, const lks_image_set *set, lks_comm *comm,
                                lks_error *err);

/* The same for a file of images with `labels` as they are handed out, which is read as a whole only where a known set
 * has as many. Nothing is collective. */
lks_status lks_contested_of_file(const lks_contested **c, const lks_image_file *file,
                                 const uint8_t *labels, lks_error *err);

/* Whether image `id` is one of them; false where c is NULL. */
bool lks_contested_has(const lks_contested *c, int64_t id);

/* How many of them are answered otherwise than labelled. */
int lks_contested_errors(const lks_contested *c, const uint8_t *labels, const uint8_t *answers);

#endif
