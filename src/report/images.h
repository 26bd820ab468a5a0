/* The test images of a run. */
#ifndef LKS_REPORT_IMAGES_H
#define LKS_REPORT_IMAGES_H

#include "feed/image_file.h"

/* A compressed file is read once, and then all its images are in memory. */
typedef struct lks_report_images {
    lks_image_file file;
    size_t image_bytes;
    uint8_t *all; /* [file.count][image_bytes], or NULL */
} lks_report_images;

/* Opens the configuration's test set, which must have `n` images with the labels `labels`. LKS_ERR_DATA
 * says what is wrong. On failure nothing needs freeing. */
lks_status lks_report_images_open(lks_report_images **images, const lks_data_config *config,
                                  const uint8_t *labels, int64_t n, lks_error *err);
void lks_report_images_free(lks_report_images *images);

lks_status lks_report_images_read(const lks_report_images *images, int64_t index, uint8_t *pixels,
                                  lks_error *err);

#endif
