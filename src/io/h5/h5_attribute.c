#include "io/h5/h5.h"

#include <string.h>
#include "base/memory.h"

/** An attribute on its object, both open; the name "object@attribute" is for messages. */
typedef struct attribute {
    hid_t object, id;
    char label[320];
} attribute;

static void label_attribute(attribute *a, const char *object, const char *name) {
    snprintf(a->label, sizeof a->label, "%s@%s", object, name);
}

static void close_attribute(attribute *a) {
    if (a->id >= 0)
        H5Aclose(a->id);
    if (a->object >= 0)
        H5Oclose(a->object);
}

/** @p scalar: one value without dimensions. */
static lks_status put(lks_h5 *h, const char *object, const char *name, hid_t file_type,
                      hid_t memory_type, const void *values, size_t n, bool scalar) {
    attribute a = {.object = H5Oopen(h->file, object, H5P_DEFAULT), .id = -1};
    label_attribute(&a, object, name);
    hsize_t count = n;
    hid_t space = scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, NULL);
    if (a.object >= 0 && space >= 0)
        a.id = H5Acreate2(a.object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    lks_status status = LKS_OK;
    if (a.id < 0 || H5Awrite(a.id, memory_type, values) < 0)
        status = lks_h5_fail_call(h, a.label);
    H5Sclose(space);
    close_attribute(&a);
    return status;
}

lks_status lks_h5_put(lks_h5 *h, const char *object, const char *name, lks_h5_type type,
                      const void *values, size_t n) {
    return put(h, object, name, lks_h5_file_type(type), lks_h5_memory_type(type), values, n,
               n == 1);
}

lks_status lks_h5_put_text(lks_h5 *h, const char *object, const char *name, const char *text) {
    hid_t type = lks_h5_text_type(strlen(text) + 1);
    lks_status status = put(h, object, name, type, type, text, 1, true);
    H5Tclose(type);
    return status;
}

lks_status lks_h5_put_texts(lks_h5 *h, const char *object, const char *name, const char *texts,
                            size_t stride, size_t n) {
    size_t width = 1;
    for (size_t i = 0; i < n; i++)
        if (strlen(texts + i * stride) >= width)
            width = strlen(texts + i * stride) + 1;
    char *rows = lks_alloc(n, width, "names", h->err);
    if (!rows)
        return LKS_ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        strcpy(rows + i * width, texts + i * stride);
    hid_t type = lks_h5_text_type(width);
    lks_status status = put(h, object, name, type, type, rows, n, false);
    H5Tclose(type);
    lks_free(rows);
    return status;
}
