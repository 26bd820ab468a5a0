/* The only HDF5 files that are not made by Lockstep, and the only ones that HDF5 reads from the
 * disk itself: they may be larger than memory. */
#include "lockstep/h5_images.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "files/kind/file_kind.h"
#include "io/h5.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"
#include "lockstep/pulse.h"

/* The bounds of IDX files (lks_idx_open()). */
enum { MAX_SIDE = 65536, MAX_IMAGE_BYTES = 1 << 28 };

/* --- files ------------------------------------------------------------------------------------ */

static const char *advice(const char *reason) {
    if (strstr(reason, "lock"))
        return "; the file system refuses locks, or another program holds one: set "
               "HDF5_USE_FILE_LOCKING=FALSE";
    if (strstr(reason, "open for write"))
        return "; another program is writing it, or was killed while it did: close it there, or "
               "clear the mark with h5clear -s";
    if (strstr(reason, "truncated"))
        return "; copy or make it again";
    return "";
}

static lks_status open_file(lks_h5 *file, const char *path, lks_error *err) {
    char reason[LKS_H5_REASON];
    if (lks_h5_open_file(file, path, reason, err))
        return LKS_OK;
    if (strstr(reason, "signature"))
        return lks_fail_file_kind(err, path, lks_file_kind_at(path), LKS_WANTED_IMAGES);
    return lks_fail(err, LKS_ERR_DATA, "%s: cannot be opened as HDF5: %s%s", path, reason,
                    advice(reason));
}

static lks_status check_regular(const char *path, lks_error *err) {
    struct stat s;
    if (stat(path, &s) != 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: %s; point data.dir to where it is", path,
                        errno == ENOENT ? "no such file" : strerror(errno));
    if (!S_ISREG(s.st_mode))
        return lks_fail(err, LKS_ERR_DATA, "%s: is no file; expected an HDF5 file", path);
    return LKS_OK;
}

/* --- data sets -------------------------------------------------------------------------------- */

typedef struct opened {
    hid_t id;
    int ndim;
    hsize_t dims[LKS_H5_DIMS_MAX];
    H5T_class_t class;
    size_t size; /* of an element */
    H5T_sign_t sign;
} opened;

static lks_status look_at(opened *d, const char *path, const char *name, lks_error *err) {
    hid_t space = H5Dget_space(d->id), type = H5Dget_type(d->id);
    d->ndim = H5Sget_simple_extent_ndims(space);
    if (d->ndim >= 1 && d->ndim <= LKS_H5_DIMS_MAX)
        H5Sget_simple_extent_dims(space, d->dims, NULL);
    d->class = H5Tget_class(type);
    d->size = H5Tget_size(type);
    d->sign = d->class == H5T_INTEGER ? H5Tget_sign(type) : H5T_SGN_ERROR;
    H5Sclose(space);
    H5Tclose(type);
    if (d->ndim < 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: %s cannot be examined; the file is damaged", path,
                        name);
    return LKS_OK;
}

static lks_status open_dataset(opened *d, hid_t file, const char *path, const char *name,
                               lks_error *err) {
    *d = (opened){.id = H5Dopen2(file, name, H5P_DEFAULT)};
    char reason[LKS_H5_REASON];
    if (d->id >= 0)
        return look_at(d, path, name, err);
    lks_h5_reason(reason);
    if (H5Lexists(file, name, H5P_DEFAULT) == 0)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: there is no data set %s; expected " LKS_H5_IMAGES
                        " (uint8, N x H x W or N x H x W x C) and " LKS_H5_LABELS " (N integers)",
                        path, name);
    return lks_fail(err, LKS_ERR_DATA, "%s: %s cannot be opened as a data set: %s", path, name,
                    reason);
}

static const char *class_name(H5T_class_t class) {
    switch (class) {
    case H5T_INTEGER:
        return "integers";
    case H5T_FLOAT:
        return "floats";
    case H5T_STRING:
        return "texts";
    default:
        return "values of another kind";
    }
}

static lks_status check_images(const opened *d, const char *path, lks_error *err) {
    if (d->class != H5T_INTEGER || d->size != 1 || d->sign != H5T_SGN_NONE)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: " LKS_H5_IMAGES
                        " holds %s%zu-bit %s, but only unsigned 8-bit integers (uint8) can be read",
                        path, d->sign == H5T_SGN_2 ? "signed " : "", 8 * d->size,
                        class_name(d->class));
    if (d->ndim != 3 && d->ndim != 4)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: " LKS_H5_IMAGES
                        " has %d dimension%s; expected N x H x W or N x H x W x C",
                        path, d->ndim, d->ndim == 1 ? "" : "s");
    const hsize_t n = d->dims[0], rows = d->dims[1], columns = d->dims[2];
    const hsize_t channels = d->ndim == 4 ? d->dims[3] : 1;
    if (n == 0 || rows == 0 || columns == 0 || channels == 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: " LKS_H5_IMAGES " is empty", path);
    if (n > UINT32_MAX || rows > MAX_SIDE || columns > MAX_SIDE || channels > LKS_CHANNELS_MAX ||
        rows * columns * channels > MAX_IMAGE_BYTES)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: " LKS_H5_IMAGES " has %" PRIu64 " images of %" PRIu64 " x %" PRIu64
                        " x %" PRIu64 " (rows, columns, channels); at most %" PRIu32
                        " of sides up to %d, %d channels and %d bytes can be read",
                        path, (uint64_t)n, (uint64_t)rows, (uint64_t)columns, (uint64_t)channels,
                        UINT32_MAX, MAX_SIDE, LKS_CHANNELS_MAX, MAX_IMAGE_BYTES);
    return LKS_OK;
}

static lks_status check_labels(const opened *d, const opened *images, const char *path,
                               lks_error *err) {
    if (d->class != H5T_INTEGER)
        return lks_fail(err, LKS_ERR_DATA, "%s: " LKS_H5_LABELS " holds %s; expected integers",
                        path, class_name(d->class));
    if (d->ndim != 1)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: " LKS_H5_LABELS
                        " has %d dimensions; expected 1, one number for each image",
                        path, d->ndim);
    if (d->dims[0] != images->dims[0])
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: " LKS_H5_IMAGES " has %" PRIu64 " images, but " LKS_H5_LABELS
                        " has %" PRIu64 " labels",
                        path, (uint64_t)images->dims[0], (uint64_t)d->dims[0]);
    return LKS_OK;
}

/* How many chunks were never written; 0 where there are no chunks. (H5Dget_space_status() of 1.10 takes compressed
 * chunks for missing ones.) -1: the file is damaged. */
static int64_t missing_chunks(const opened *d) {
    hsize_t chunk[LKS_H5_DIMS_MAX], written = 0, all = 1;
    hid_t creation = H5Dget_create_plist(d->id), space = H5Dget_space(d->id);
    const bool chunked = H5Pget_layout(creation) == H5D_CHUNKED;
    bool good = true;
    if (chunked) {
        good = H5Pget_chunk(creation, LKS_H5_DIMS_MAX, chunk) == d->ndim &&
               H5Dget_num_chunks(d->id, space, &written) >= 0;
        for (int i = 0; good && i < d->ndim; i++)
            all *= (d->dims[i] + chunk[i] - 1) / chunk[i];
    }
    H5Sclose(space);
    H5Pclose(creation);
    return !good ? -1 : chunked ? (int64_t)(all - written) : 0;
}

/* What was never written would read as zeros. Room is taken at the latest when a data set, or a chunk of it, is first
 * written. */
static lks_status check_written(const opened *d, const char *path, const char *name,
                                lks_error *err) {
    if (H5Dget_storage_size(d->id) == 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: %s was created, but never written", path, name);
    const int64_t missing = missing_chunks(d);
    if (missing < 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: %s cannot be examined; the file is damaged", path,
                        name);
    if (missing > 0)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: %s was written only in part: %" PRId64
                        " of its chunks are missing and would read as zeros; let the program "
                        "that makes the file write all of it, zeros too",
                        path, name, missing);
    return LKS_OK;
}

static lks_status describe(lks_h5_images *h, const opened *images, const opened *labels,
                           lks_error *err) {
    LKS_TRY(check_images(images, h->path, err));
    LKS_TRY(check_labels(labels, images, h->path, err));
    LKS_TRY(check_written(images, h->path, LKS_H5_IMAGES, err));
    LKS_TRY(check_written(labels, h->path, LKS_H5_LABELS, err));
    h->count = (int64_t)images->dims[0];
    h->rows = (int)images->dims[1];
    h->columns = (int)images->dims[2];
    h->channels = images->ndim == 4 ? (int)images->dims[3] : 1;
    return LKS_OK;
}

/* Data sets that stay open are closed with the file. */
static lks_status open_both(lks_h5_images *h, hid_t file, lks_error *err) {
    opened images, labels;
    LKS_TRY(open_dataset(&images, file, h->path, LKS_H5_IMAGES, err));
    LKS_TRY(open_dataset(&labels, file, h->path, LKS_H5_LABELS, err));
    return describe(h, &images, &labels, err);
}

lks_status lks_h5_images_open(lks_h5_images *h, const char *path, lks_error *err) {
    lks_h5 file;
    memset(h, 0, sizeof *h);
    snprintf(h->path, sizeof h->path, "%s", path);
    LKS_TRY(check_regular(path, err));
    LKS_TRY(open_file(&file, path, err));
    lks_status status = open_both(h, file.file, err);
    lks_h5_close(&file);
    if (status == LKS_OK)
        lks_detail("opened %s, %lld images", path, (long long)h->count);
    return status;
}

/* --- items ------------------------------------------------------------------------------------ */

/* Items [first, first + count) of a data set of `ndim` dimensions as `type` in memory. */
static bool read_slab(hid_t dataset, hid_t type, int ndim, const hsize_t *shape, int64_t first,
                      int64_t count, void *out, char reason[LKS_H5_REASON]) {
    hsize_t start[LKS_H5_DIMS_MAX] = {(hsize_t)first}, extent[LKS_H5_DIMS_MAX] = {(hsize_t)count};
    for (int i = 1; i < ndim; i++)
        extent[i] = shape[i];
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(ndim, extent, NULL);
    bool good = space >= 0 && memory >= 0 && H5Sget_simple_extent_ndims(space) == ndim &&
                H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) >= 0 &&
                H5Dread(dataset, type, memory, space, H5P_DEFAULT, out) >= 0;
    if (!good)
        lks_h5_reason(reason);
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

/* The same in pieces, so that it shows that the reading of many goes on. */
#define PIECE_BYTES ((int64_t)1 << 26)

static bool read_pieces(const opened *d, hid_t type, int64_t first, int64_t count, void *out,
                        char reason[LKS_H5_REASON]) {
    int64_t bytes = (int64_t)H5Tget_size(type);
    for (int i = 1; i < d->ndim; i++)
        bytes *= (int64_t)d->dims[i];
    const int64_t most = bytes > 0 && bytes < PIECE_BYTES ? PIECE_BYTES / bytes : 1;
    for (int64_t done = 0, n; done < count; done += n) {
        n = count - done < most ? count - done : most;
        if (!read_slab(d->id, type, d->ndim, d->dims, first + done, n, (char *)out + done * bytes,
                       reason))
            return false;
        lks_pulse_tick();
    }
    return true;
}

static lks_status read_items(const lks_h5_images *h, const char *name, lks_h5_type type,
                             int64_t first, int64_t count, void *out, lks_error *err) {
    lks_h5 file;
    opened d;
    char reason[LKS_H5_REASON];
    LKS_TRY(open_file(&file, h->path, err));
    lks_status status = open_dataset(&d, file.file, h->path, name, err);
    if (status == LKS_OK && !read_pieces(&d, lks_h5_memory_type(type), first, count, out, reason)) {
        status = lks_fail(err, LKS_ERR_DATA,
                          "%s: reading items %" PRId64 " to %" PRId64
                          " of %s failed: %s; the file is damaged, or needs a filter that this "
                          "HDF5 library lacks",
                          h->path, first, first + count - 1, name, reason);
    }
    lks_h5_close(&file);
    return status;
}

lks_status lks_h5_images_read(const lks_h5_images *h, int64_t first, int64_t count, uint8_t *out,
                              lks_error *err) {
    if (first < 0 || count < 0 || count > h->count - first)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: %" PRId64 " images from image %" PRId64
                        " on asked for, but it has %" PRId64,
                        h->path, count, first, h->count);
    return count == 0 ? LKS_OK : read_items(h, LKS_H5_IMAGES, LKS_H5_U8, first, count, out, err);
}

lks_status lks_h5_images_read_labels(const lks_h5_images *h, uint8_t *out, lks_error *err) {
    int64_t *wide = lks_alloc((size_t)h->count, sizeof *wide, "labels", err);
    if (!wide)
        return LKS_ERR_MEMORY;
    lks_status status = read_items(h, LKS_H5_LABELS, LKS_H5_I64, 0, h->count, wide, err);
    for (int64_t i = 0; status == LKS_OK && i < h->count; i++) {
        out[i] = (uint8_t)wide[i];
        if (wide[i] < 0 || wide[i] > UINT8_MAX)
            status = lks_fail(err, LKS_ERR_DATA,
                              "%s: label %" PRId64 " of image %" PRId64 " is not within 0..255",
                              h->path, wide[i], i);
    }
    lks_free(wide);
    return status;
}

void lks_h5_library(char *text, size_t size) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, size, "%u.%u.%u", major, minor, release);
}
