/* Images that scales are chosen by, and accuracies measured with. */
#ifndef LKS_EXPORT_C_IMAGES_H
#define LKS_EXPORT_C_IMAGES_H

#include "export/exporting.h"
#include "feed/image_file.h"

/* Opens the part of the network's data. LKS_ERR_MISMATCH where its images have another shape; errors of
 * lks_image_file_open(). */
lks_status lks_c_open_images(lks_image_file *file, const lks_exporting *x, lks_image_part part,
                             lks_error *err);

/* Opens the images that the network was trained on. LKS_ERR_MISMATCH where these are others, by their digest; of an imported
 * network that is not known, which is warned of. */
lks_status lks_c_open_training(lks_image_file *file, const lks_exporting *x, lks_error *err);

#endif
