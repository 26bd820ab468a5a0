/* All that is in a file, as a list of items: what a confined process sends. Nothing of the file is believed; what
 * Lockstep itself does not write is refused before a value is read. */
#include "io/h5/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8, OBJECTS_MAX = 262144 };

/** What the walk through the file needs everywhere. */
typedef struct walk {
    lks_h5_walk at;
    lks_h5 *h;
    lks_reply *reply;
} walk;

/** A value that is to be read, with its type and shape. */
typedef struct value {
    hid_t stored;
    lks_h5_item item;
} value;

static size_t filled_up(size_t n) {
    return (n + 7) / 8 * 8;
}

/** Room for the values of an item, whose head and name are written; NULL with the error filled. */
static void *add_item(walk *w, const char *name, lks_h5_item *item) {
    const size_t length = strlen(name);
    item->name = (uint32_t)length;
    const size_t head = sizeof *item + filled_up(length);
    char *to = lks_reply_room(w->reply, head + filled_up(item->bytes), w->h->err);
    if (!to) {
        w->at.status = w->h->err->status == LKS_ERR_FORMAT
                           ? lks_h5_fail(w->h, name, "more than the file's size can hold")
                           : LKS_ERR_MEMORY;
        return NULL;
    }
    memcpy(to, item, sizeof *item);
    memcpy(to + sizeof *item, name, length);
    return to + head;
}

/* --- types and shapes ------------------------------------------------------------------------- */

static lks_status find_type(lks_h5 *h, const char *name, value *v) {
    for (int type = 0; type < LKS_H5_TEXT; type++)
        if (H5Tequal(v->stored, lks_h5_file_type((lks_h5_type)type)) > 0) {
            v->item.type = (uint32_t)type;
            v->item.element = (uint32_t)lks_h5_type_size((lks_h5_type)type);
            return LKS_OK;
        }
    if (H5Tget_class(v->stored) != H5T_STRING || H5Tis_variable_str(v->stored) != 0)
        return lks_h5_fail(h, name, "another type than Lockstep writes");
    const size_t size = H5Tget_size(v->stored);
    if (size == 0 || size > h->size || size > UINT32_MAX)
        return lks_h5_fail(h, name, "not a text");
    v->item.type = LKS_H5_TEXT;
    v->item.element = (uint32_t)size;
    return LKS_OK;
}

/** Nothing is compressed, so what claims to be larger than the file is not there. */
static lks_status find_shape(lks_h5 *h, const char *name, hid_t space, value *v) {
    hsize_t dims[LKS_H5_DIMS_MAX] = {0};
    const int ndim = H5Sget_simple_extent_ndims(space);
    const H5S_class_t class = H5Sget_simple_extent_type(space);
    if (ndim < 0 || ndim > LKS_H5_DIMS_MAX || (class != H5S_SIMPLE && class != H5S_SCALAR) ||
        H5Sget_simple_extent_dims(space, dims, NULL) != ndim)
        return lks_h5_fail(h, name, "not an array of at most %d dimensions", LKS_H5_DIMS_MAX);
    const size_t most = h->size / v->item.element;
    size_t count = 1;
    v->item.ndim = (uint32_t)ndim;
    for (int i = 0; i < ndim; i++) {
        if (dims[i] > most || (dims[i] > 0 && count > most / dims[i]))
            return lks_h5_fail(h, name, "claims to be larger than the whole file");
        count *= (size_t)dims[i];
        v->item.dims[i] = dims[i];
    }
    v->item.bytes = (uint64_t)count * v->item.element;
    return LKS_OK;
}

/** Type and shape; both handles are closed, but @p v's type is kept for reading, to be closed. */
static lks_status describe(walk *w, const char *name, hid_t type, hid_t space, value *v) {
    *v = (value){.stored = type};
    lks_status status = type < 0 || space < 0 ? lks_h5_fail_call(w->h, name) : LKS_OK;
    if (status == LKS_OK)
        status = find_type(w->h, name, v);
    if (status == LKS_OK)
        status = find_shape(w->h, name, space, v);
    H5Sclose(space);
    return status;
}

/* --- attributes ------------------------------------------------------------------------------- */

static lks_status list_value(walk *w, const char *name, hid_t id) {
    value v;
    lks_status status = describe(w, name, H5Aget_type(id), H5Aget_space(id), &v);
    void *to = status == LKS_OK ? add_item(w, name, &v.item) : NULL;
    if (status == LKS_OK && !to)
        status = w->at.status;
    if (status == LKS_OK && v.item.bytes > 0 && H5Aread(id, v.stored, to) < 0)
        status = lks_h5_fail_call(w->h, name);
    H5Tclose(v.stored);
    return status;
}

static herr_t list_attribute(hid_t object, const char *attribute, const H5A_info_t *info,
                             void *data) {
    walk *w = data;
    char name[2 * LKS_H5_WALK_PATH];
    (void)info;
    if (snprintf(name, sizeof name, "%s@%s", w->at.path, attribute) >= (int)sizeof name) {
        w->at.status = lks_h5_fail(w->h, w->at.path, "name too long");
        return -1;
    }
    const hid_t id = H5Aopen(object, attribute, H5P_DEFAULT);
    w->at.status = id < 0 ? lks_h5_fail_call(w->h, name) : list_value(w, name, id);
    H5Aclose(id);
    return w->at.status == LKS_OK ? 0 : -1;
}

/* --- data sets -------------------------------------------------------------------------------- */

static bool one_checked_chunk(hid_t creation, const lks_h5_item *item) {
    hsize_t chunk[LKS_H5_DIMS_MAX];
    size_t n_values = 0;
    unsigned flags, config;
    if (item->ndim < 1 || H5Pget_chunk(creation, LKS_H5_DIMS_MAX, chunk) != (int)item->ndim ||
        H5Pget_nfilters(creation) != 1)
        return false;
    for (uint32_t i = 0; i < item->ndim; i++)
        if (chunk[i] != item->dims[i])
            return false;
    return H5Pget_filter2(creation, 0, &flags, &n_values, NULL, 0, NULL, &config) ==
           H5Z_FILTER_FLETCHER32;
}

/** Where the values are: only in the file, checked, and all of them. */
static lks_status check_layout(lks_h5 *h, const char *name, hid_t id, hid_t creation,
                               const lks_h5_item *item) {
    enum { FLETCHER32_BYTES = 4 };
    switch (H5Pget_layout(creation)) {
    case H5D_COMPACT:
        return LKS_OK;
    case H5D_CHUNKED:
        if (!one_checked_chunk(creation, item))
            return lks_h5_fail(h, name, "not one chunk with Fletcher32");
        if (H5Dget_storage_size(id) != item->bytes + FLETCHER32_BYTES)
            return lks_h5_fail(h, name, "values are missing");
        return LKS_OK;
    case H5D_CONTIGUOUS:
        return H5Pget_external_count(creation) != 0
                   ? lks_h5_fail(h, name, "leads into another file, which is not followed")
                   : lks_h5_fail(h, name, "not one chunk with Fletcher32");
    default:
        return lks_h5_fail(h, name, "leads into other files, which are not followed");
    }
}

static lks_status list_values(walk *w) {
    value v;
    const hid_t id = w->at.object, creation = H5Dget_create_plist(id);
    lks_status status = describe(w, w->at.path, H5Dget_type(id), H5Dget_space(id), &v);
    if (status == LKS_OK)
        status = check_layout(w->h, w->at.path, id, creation, &v.item);
    void *to = status == LKS_OK ? add_item(w, w->at.path, &v.item) : NULL;
    if (status == LKS_OK && !to)
        status = w->at.status;
    if (status == LKS_OK && v.item.bytes > 0 &&
        H5Dread(id, v.stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) < 0)
        status = lks_h5_fail_call(w->h, w->at.path);
    H5Tclose(v.stored);
    H5Pclose(creation);
    return status;
}

/* --- groups ----------------------------------------------------------------------------------- */

static lks_status list_group(walk *w) {
    lks_h5_item item = {.type = LKS_H5_GROUP};
    return add_item(w, w->at.path, &item) ? lks_h5_walk_links(&w->at) : w->at.status;
}

static lks_status list_object(lks_h5_walk *at) {
    walk *w = (walk *)at;
    const H5I_type_t kind = H5Iget_type(at->object);
    if (kind != H5I_GROUP && kind != H5I_DATASET)
        return lks_h5_fail(w->h, at->path, "neither a group nor a data set");
    LKS_TRY(kind == H5I_GROUP ? list_group(w) : list_values(w));
    return lks_h5_walk_ended(
        at, H5Aiterate2(at->object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, list_attribute, w));
}

static lks_status fail(lks_h5_walk *at, const char *why) {
    lks_h5 *h = ((walk *)at)->h;
    return why ? lks_h5_fail(h, at->path, "%s", why) : lks_h5_fail_call(h, at->path);
}

lks_status lks_h5_list(lks_h5 *h, lks_reply *reply) {
    walk w = {.at = {.depth_most = DEPTH_MAX,
                     .objects_most = OBJECTS_MAX,
                     .room = LKS_H5_WALK_PATH,
                     .visit = list_object,
                     .fail = fail},
              .h = h,
              .reply = reply};
    return lks_h5_walk_file(&w.at, h->file);
}
