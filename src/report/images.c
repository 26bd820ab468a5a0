#include "report/images.h"

#include <string.h>

#include "base/memory.h"

static lks_status same_labels(const lks_image_file *file, const uint8_t *labels, lks_error *err) {
    uint8_t *found = lks_alloc((size_t)file->count, 1, "labels", err);
    if (!found)
        return LKS_ERR_MEMORY;
    lks_status status = lks_image_file_read_labels(file, found, err);
    if (status == LKS_OK && memcmp(found, labels, (size_t)file->count) != 0)
        status = lks_fail(err, LKS_ERR_DATA, "%s has other labels than the run's test set",
                          file->labels_path);
    lks_free(found);
    return status;
}

static lks_status open_images(lks_report_images *i, const lks_data_config *config,
                              const uint8_t *labels, int64_t n, lks_error *err) {
    LKS_TRY(lks_image_file_open(&i->file, config, LKS_PART_TEST, err));
    if (i->file.count != n)
        return lks_fail(err, LKS_ERR_DATA, "%s has %lld images, the run's test set had %lld",
                        i->file.path, (long long)i->file.count, (long long)n);
    LKS_TRY(same_labels(&i->file, labels, err));
    i->image_bytes = (size_t)i->file.rows * (size_t)i->file.columns * (size_t)i->file.channels;
    if (!i->file.compressed)
        return LKS_OK;
    i->all = lks_alloc((size_t)n, i->image_bytes, "test images", err);
    return i->all ? lks_image_file_read(&i->file, 0, n, i->all, err) : LKS_ERR_MEMORY;
}

lks_status lks_report_images_open(lks_report_images **images, const lks_data_config *config,
                                  const uint8_t *labels, int64_t n, lks_error *err) {
    *images = lks_alloc(1, sizeof **images, "test images", err);
    if (!*images)
        return LKS_ERR_MEMORY;
    lks_status status = open_images(*images, config, labels, n, err);
    if (status != LKS_OK) {
        lks_report_images_free(*images);
        *images = NULL;
    }
    return status;
}

void lks_report_images_free(lks_report_images *images) {
    if (images)
        lks_free(images->all);
    lks_free(images);
}

lks_status lks_report_images_read(const lks_report_images *i, int64_t index, uint8_t *pixels,
                                  lks_error *err) {
    if (!i->all)
        return lks_image_file_read(&i->file, index, 1, pixels, err);
    memcpy(pixels, i->all + (size_t)index * i->image_bytes, i->image_bytes);
    return LKS_OK;
}
