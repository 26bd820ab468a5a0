/* Augmentation: training images changed anew in each epoch. What is done to an image depends on the seed, the epoch and
 * the sample's number alone, and is computed in whole numbers or in double: the same bytes on any rank, thread and
 * processor. Nothing here is collective. */
#ifndef LKS_AUGMENT_AUGMENT_H
#define LKS_AUGMENT_AUGMENT_H

#include "lockstep/config.h"
#include "kernels/kernels.h"
#include "lockstep/model_data.h"

typedef struct lks_augment lks_augment;

/* Whether anything is done to an image. */
bool lks_augment_is_on(const lks_augment_config *config);

/* Prepares it for images of `shape`, bytes [rows][columns][channels], with memory for `threads` threads. `config` is
 * copied, `kernels` borrowed. *a is NULL where nothing is to be done. LKS_ERR_MEMORY; LKS_ERR_CONFIG for images of more
 * than 4,096 rows or columns, whose places the map cannot tell. Ended by lks_augment_free(), also after an error. */
lks_status lks_augment_create(lks_augment **a, const lks_augment_config *config, uint64_t seed,
                              lks_shape shape, const lks_kernels *kernels, int threads,
                              lks_error *err);
void lks_augment_free(lks_augment *a);

/* Changes `image` to what the network sees of sample `id` in `epoch` (0-based). `thread` < threads: no two at a time
 * have the same. */
void lks_augment_image(lks_augment *a, int thread, uint8_t *image, uint32_t epoch, uint32_t id);

#endif
