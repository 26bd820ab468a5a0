/* The table of kinds of image files. */
#include "feed/kind.h"

const lks_data_format *const lks_data_formats[] = {&lks_image_kind_idx.format,
                                                   &lks_image_kind_hdf5.format, NULL};

const lks_image_kind *lks_image_kind_of(const char *name) {
    return (const lks_image_kind *)lks_data_format_of(name); /* its first member */
}
