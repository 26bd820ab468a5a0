/* What a network sees of some training images, epoch by epoch. Nothing is collective. */
#ifndef LKS_FEED_PREVIEW_H
#define LKS_FEED_PREVIEW_H

#include "lockstep/config.h"
#include "lockstep/model_data.h"
#include "lockstep/status.h"

typedef struct lks_preview {
    lks_shape shape;
    int64_t n_train; /* images that train */
    int images, epochs;
    uint32_t *ids;   /* [images] their numbers in the file, class by class */
    uint8_t *labels; /* [images] */
    uint8_t *cells;  /* [images][1 + epochs][bytes]: as in the file, then as each epoch shows it */
} lks_preview;

/* Reads up to `images` images of `config`'s training part, of each class as many, evenly spread over the file, and
 * changes them as `epochs` epochs of training do. LKS_ERR_DATA, also for images of more than 1 MiB;
 * LKS_ERR_CONFIG, LKS_ERR_MEMORY; ended by lks_preview_free(), also after an error. */
lks_status lks_preview_make(lks_preview *p, const lks_config *config, int images, int epochs,
                            lks_error *err);
void lks_preview_free(lks_preview *p);

/* Channels of its pictures: red, green and blue, else the first one. */
int lks_preview_channels(const lks_preview *p);

/* Puts image `image` as `epoch` shows it, from 1 (0: as it is in the file), into a picture of lks_preview_channels()
 * whose rows have `columns` pixels, from `to` on. */
void lks_preview_put(const lks_preview *p, int image, int epoch, uint8_t *to, int columns);

#endif
