/* What a network will see of its training images, as a picture. */
#ifndef LKS_TOOL_VIEW_PREVIEW_H
#define LKS_TOOL_VIEW_PREVIEW_H

#include "lockstep/config.h"
#include "lockstep/status.h"

enum {
    LKS_PREVIEW_IMAGES = 20, /* at most; of more classes the first ones */
    LKS_PREVIEW_EPOCHS = 12
};

/* Writes a PNG with a row for each image: its label, the image as it is in the file, and as the first epochs show it.
 * Errors as lks_preview_make(), and LKS_ERR_IO. */
lks_status lks_view_write_preview(const lks_config *config, const char *path, lks_error *err);

#endif
