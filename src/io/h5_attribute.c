#include "io/h5.h"

#include <string.h>
#include "lockstep/memory.h"

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

/** Opens an attribute and reports how many elements it has. */
static lks_status open_attribute(lks_h5 *h, const char *object, const char *name, attribute *a,
                                 size_t *n) {
    label_attribute(a, object, name);
    a->id = -1;
    a->object = H5Oopen(h->file, object, H5P_DEFAULT);
    if (a->object >= 0)
        a->id = H5Aopen(a->object, name, H5P_DEFAULT);
    hid_t space = a->id < 0 ? -1 : H5Aget_space(a->id);
    hssize_t points = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    lks_status status = LKS_OK;
    if (points < 0)
        status = lks_h5_fail_call(h, a->label);
    else if ((uint64_t)points > h->size)
        status = lks_h5_fail(h, a->label, "more elements than the file has bytes");
    else
        *n = (size_t)points;
    H5Sclose(space);
    return status;
}

static lks_status get_numbers(lks_h5 *h, attribute *a, size_t found, lks_h5_type type, void *values,
                              size_t n) {
    hid_t stored = H5Aget_type(a->id);
    htri_t equal = stored < 0 ? -1 : H5Tequal(stored, lks_h5_file_type(type));
    lks_status status = LKS_OK;
    if (equal == 0 || found != n)
        status = lks_h5_fail(h, a->label, "another type or number of elements than expected");
    else if (equal < 0 || H5Aread(a->id, lks_h5_memory_type(type), values) < 0)
        status = lks_h5_fail_call(h, a->label);
    H5Tclose(stored);
    return status;
}

lks_status lks_h5_get(lks_h5 *h, const char *object, const char *name, lks_h5_type type,
                      void *values, size_t n) {
    attribute a;
    size_t found = 0;
    lks_status status = open_attribute(h, object, name, &a, &found);
    if (status == LKS_OK)
        status = get_numbers(h, &a, found, type, values, n);
    close_attribute(&a);
    return status;
}

/** Reads texts into rows of @p width bytes, each with a terminating zero. */
static lks_status get_rows(lks_h5 *h, attribute *a, size_t n, size_t width, char *rows) {
    hid_t stored = H5Aget_type(a->id);
    bool fixed =
        stored >= 0 && H5Tget_class(stored) == H5T_STRING && H5Tis_variable_str(stored) == 0;
    size_t size = fixed ? H5Tget_size(stored) : 0;
    H5Tclose(stored);
    if (size == 0 || size > width)
        return lks_h5_fail(h, a->label, "not a text of at most %zu bytes", width - 1);
    hid_t type = lks_h5_text_type(width);
    lks_status status = LKS_OK;
    if (type < 0 || H5Aread(a->id, type, rows) < 0)
        status = lks_h5_fail_call(h, a->label);
    H5Tclose(type);
    for (size_t i = 0; i < n; i++)
        rows[i * width + width - 1] = 0;
    return status;
}

lks_status lks_h5_get_text(lks_h5 *h, const char *object, const char *name, char *text,
                           size_t size) {
    attribute a;
    size_t n = 0;
    lks_status status = open_attribute(h, object, name, &a, &n);
    if (status == LKS_OK && n != 1)
        status = lks_h5_fail(h, a.label, "not one text");
    if (status == LKS_OK)
        status = get_rows(h, &a, 1, size, text);
    close_attribute(&a);
    return status;
}

lks_status lks_h5_get_texts(lks_h5 *h, const char *object, const char *name, size_t width,
                            char **texts, size_t *n) {
    attribute a;
    *texts = NULL;
    lks_status status = open_attribute(h, object, name, &a, n);
    if (status == LKS_OK) {
        *texts = lks_alloc(*n, width, "names", h->err);
        status = *texts ? get_rows(h, &a, *n, width, *texts) : LKS_ERR_MEMORY;
    }
    if (status != LKS_OK) {
        lks_free(*texts);
        *texts = NULL;
    }
    close_attribute(&a);
    return status;
}

bool lks_h5_has_attribute(lks_h5 *h, const char *object, const char *name) {
    return H5Aexists_by_name(h->file, object, name, H5P_DEFAULT) > 0;
}
