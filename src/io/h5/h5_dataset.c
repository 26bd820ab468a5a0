#include "io/h5/h5.h"

#include <string.h>
#include "base/observe/pulse.h"

/** One chunk a data set: Fletcher32 needs chunks, and everything is read and written whole. */
static hid_t dataset_properties(int ndim, const hsize_t *dims, bool empty) {
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    bool good = creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0;
    if (good && empty)
        good = H5Pset_layout(creation, H5D_COMPACT) >= 0;
    else if (good)
        good = H5Pset_chunk(creation, ndim, dims) >= 0 && H5Pset_fletcher32(creation) >= 0;
    if (good)
        return creation;
    H5Pclose(creation);
    return -1;
}

static lks_status parent_group(lks_h5 *h, const char *path) {
    char parent[256];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length == 0)
        return LKS_OK;
    if (length >= sizeof parent)
        return lks_h5_fail(h, path, "name too long");
    memcpy(parent, path, length);
    parent[length] = 0;
    return lks_h5_group(h, parent);
}

static lks_status put(lks_h5 *h, const char *path, hid_t file_type, hid_t memory_type, int ndim,
                      const hsize_t *dims, const void *values) {
    LKS_TRY(parent_group(h, path));
    bool empty = false;
    for (int i = 0; i < ndim; i++)
        empty = empty || dims[i] == 0;
    hid_t creation = dataset_properties(ndim, dims, empty);
    hid_t space = H5Screate_simple(ndim, dims, NULL);
    hid_t dataset = -1;
    if (creation >= 0 && space >= 0)
        dataset = H5Dcreate2(h->file, path, file_type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    lks_status status = LKS_OK;
    if (dataset < 0 ||
        (!empty && H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0))
        status = lks_h5_fail_call(h, path);
    /* Filters run on closing at the latest: a failure shows here. */
    if (dataset >= 0 && H5Dclose(dataset) < 0 && status == LKS_OK)
        status = lks_h5_fail_call(h, path);
    H5Sclose(space);
    H5Pclose(creation);
    lks_pulse_tick();
    return status;
}

lks_status lks_h5_put_array(lks_h5 *h, const char *path, lks_h5_type type, int ndim,
                            const int64_t *shape, const void *values) {
    hsize_t dims[LKS_H5_DIMS_MAX];
    for (int i = 0; i < ndim; i++)
        dims[i] = (hsize_t)shape[i];
    return put(h, path, lks_h5_file_type(type), lks_h5_memory_type(type), ndim, dims, values);
}

lks_status lks_h5_put_string(lks_h5 *h, const char *path, const char *text) {
    const hsize_t one = 1;
    hid_t type = lks_h5_text_type(strlen(text) + 1);
    lks_status status = put(h, path, type, type, 1, &one, text);
    H5Tclose(type);
    return status;
}
