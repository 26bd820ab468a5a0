/* IDX files of images and of labels, plain and .gz: opened, and read as `predict` and `train` do. */
#include <stdlib.h>

#include "fuzz.h"
#include "data/data.h"

static void read_all(const lks_idx_info *info, lks_error *err) {
    const int64_t bytes = (int64_t)info->rows * info->columns * info->channels;
    const int64_t count = info->count < 64 ? info->count : 64;
    if (bytes > 1 << 20)
        return;
    uint8_t *out = malloc((size_t)(bytes * count));
    if (out && lks_idx_read(info, 0, count, out, err) == LKS_OK)
        lks_idx_read(info, info->count - count, count, out, err);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lks_idx_info info;
    lks_error err;
    const char *path = fuzz_file(0, data, size);
    for (int dimensions = 1; dimensions <= 3; dimensions += 2)
        if (lks_idx_open(&info, "", path, dimensions, &err) == LKS_OK)
            read_all(&info, &err);
    return 0;
}
