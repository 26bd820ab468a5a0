/* An HDF5 file of images and labels. */
#include <stdlib.h>

#include "fuzz.h"
#include "io/h5/h5_images.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_h5_images set;
    lks_error err;
    if (lks_h5_images_open(&set, fuzz_file(0, data, size), &err) != LKS_OK)
        return 0;
    const int64_t count = set.count < 16 ? set.count : 16;
    const int64_t bytes = (int64_t)set.rows * set.columns * set.channels;
    if (bytes > 1 << 20 || set.count > 1 << 20)
        return 0;
    uint8_t *out = malloc((size_t)(bytes * count)), *labels = malloc((size_t)set.count);
    if (out && labels && lks_h5_images_read(&set, set.count - count, count, out, &err) == LKS_OK)
        lks_h5_images_read_labels(&set, 0, set.count, labels, &err);
    free(out);
    free(labels);
    return 0;
}
