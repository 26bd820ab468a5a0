#include "io/h5.h"

#include <string.h>
#include "lockstep/memory.h"
#include "lockstep/pulse.h"

/* --- writing ---------------------------------------------------------------------------------- */

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

/* --- reading ---------------------------------------------------------------------------------- */

static lks_status read_dims(lks_h5 *h, const char *path, hid_t dataset, int *ndim,
                            hsize_t dims[LKS_H5_DIMS_MAX]) {
    hid_t space = H5Dget_space(dataset);
    *ndim = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    bool known = *ndim >= 1 && *ndim <= LKS_H5_DIMS_MAX &&
                 H5Sget_simple_extent_dims(space, dims, NULL) == *ndim;
    H5Sclose(space);
    return known ? LKS_OK : lks_h5_fail(h, path, "not an array of 1 to 4 dimensions");
}

/** Nothing is compressed, so what claims to be larger than the file is not there. */
static lks_status count_elements(lks_h5 *h, const char *path, int ndim, const hsize_t *dims,
                                 size_t element, size_t *count) {
    hsize_t most = h->size / element;
    *count = 1;
    for (int i = 0; i < ndim; i++) {
        if (dims[i] > most || (dims[i] > 0 && *count > most / dims[i]))
            return lks_h5_fail(h, path, "claims to be larger than the whole file");
        *count *= (size_t)dims[i];
    }
    return LKS_OK;
}

static lks_status check_type(lks_h5 *h, const char *path, hid_t dataset, lks_h5_type type) {
    hid_t stored = H5Dget_type(dataset);
    htri_t equal = stored < 0 ? -1 : H5Tequal(stored, lks_h5_file_type(type));
    lks_status status = LKS_OK;
    if (equal < 0)
        status = lks_h5_fail_call(h, path);
    else if (!equal)
        status = lks_h5_fail(h, path, "another element type than expected");
    H5Tclose(stored);
    return status;
}

static lks_status inspect(lks_h5 *h, const char *path, hid_t dataset, lks_h5_type type, int *ndim,
                          int64_t shape[LKS_H5_DIMS_MAX], size_t *count) {
    hsize_t dims[LKS_H5_DIMS_MAX];
    LKS_TRY(check_type(h, path, dataset, type));
    LKS_TRY(read_dims(h, path, dataset, ndim, dims));
    LKS_TRY(count_elements(h, path, *ndim, dims, lks_h5_type_size(type), count));
    for (int i = 0; i < *ndim; i++)
        shape[i] = (int64_t)dims[i];
    return LKS_OK;
}

lks_status lks_h5_get_shape(lks_h5 *h, const char *path, lks_h5_type type, int *ndim,
                            int64_t shape[LKS_H5_DIMS_MAX], size_t *count) {
    hid_t dataset = H5Dopen2(h->file, path, H5P_DEFAULT);
    if (dataset < 0)
        return lks_h5_fail_call(h, path);
    lks_status status = inspect(h, path, dataset, type, ndim, shape, count);
    H5Dclose(dataset);
    return status;
}

static lks_status read_values(lks_h5 *h, const char *path, hid_t dataset, lks_h5_type type,
                              size_t count, void *values) {
    int ndim;
    int64_t shape[LKS_H5_DIMS_MAX];
    size_t found;
    LKS_TRY(inspect(h, path, dataset, type, &ndim, shape, &found));
    if (found != count)
        return lks_h5_fail(h, path, "%zu elements where %zu belong", found, count);
    if (count > 0 &&
        H5Dread(dataset, lks_h5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        return lks_h5_fail_call(h, path);
    return LKS_OK;
}

lks_status lks_h5_get_array(lks_h5 *h, const char *path, lks_h5_type type, size_t count,
                            void *values) {
    hid_t dataset = H5Dopen2(h->file, path, H5P_DEFAULT);
    if (dataset < 0)
        return lks_h5_fail_call(h, path);
    lks_status status = read_values(h, path, dataset, type, count, values);
    H5Dclose(dataset);
    lks_pulse_tick();
    return status;
}

static lks_status read_string(lks_h5 *h, const char *path, hid_t dataset, char **text) {
    int ndim;
    hsize_t dims[LKS_H5_DIMS_MAX];
    LKS_TRY(read_dims(h, path, dataset, &ndim, dims));
    hid_t type = H5Dget_type(dataset);
    bool fixed = type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
    size_t size = fixed ? H5Tget_size(type) : 0;
    lks_status status = LKS_OK;
    if (size == 0 || size > h->size || ndim != 1 || dims[0] != 1)
        status = lks_h5_fail(h, path, "not a text");
    if (status == LKS_OK && !(*text = lks_alloc(size + 1, 1, path, h->err)))
        status = LKS_ERR_MEMORY;
    if (status == LKS_OK && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text) < 0)
        status = lks_h5_fail_call(h, path);
    H5Tclose(type);
    return status;
}

lks_status lks_h5_get_string(lks_h5 *h, const char *path, char **text) {
    *text = NULL;
    hid_t dataset = H5Dopen2(h->file, path, H5P_DEFAULT);
    if (dataset < 0)
        return lks_h5_fail_call(h, path);
    lks_status status = read_string(h, path, dataset, text);
    H5Dclose(dataset);
    if (status != LKS_OK) {
        lks_free(*text);
        *text = NULL;
    }
    return status;
}
