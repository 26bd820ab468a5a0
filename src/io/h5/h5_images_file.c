/* Images in an HDF5 file, as a confined process sees them: the only HDF5 files that are not made by Lockstep, and the
 * only ones that HDF5 reads from the disk itself: they may be larger than memory. */
#include "io/h5/h5_images_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "files/kind/file_kind.h"
#include "io/h5/h5.h"

/* The bounds of IDX files (lks_idx_open()). */
enum { MAX_SIDE = 65536, MAX_IMAGE_BYTES = 1 << 28, FEW_CHANNELS = 4 };

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

/** What is open in the course of a job. */
typedef struct source {
    const char *path; /* for messages */
    int64_t bytes;    /* of the file */
    hid_t file;
} source;

static lks_status open_source(source *s, lks_h5 *h, int input, lks_error *err) {
    char reason[LKS_H5_REASON];
    struct stat info;
    if (fstat(input, &info) != 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: cannot be examined", s->path);
    if (!lks_h5_open_file(h, input, reason, err)) {
        char own[64];
        snprintf(own, sizeof own, "/proc/self/fd/%d", input);
        if (strstr(reason, "signature"))
            return lks_fail_file_kind(err, s->path, lks_file_kind_at(own), LKS_WANTED_IMAGES);
        return lks_fail(err, LKS_ERR_DATA, "%s: cannot be opened as HDF5: %s%s", s->path, reason,
                        advice(reason));
    }
    lks_confined_no_more_files();
    s->bytes = info.st_size;
    s->file = h->file;
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

static lks_status cannot_be_examined(const char *path, const char *name, lks_error *err) {
    return lks_fail(err, LKS_ERR_DATA, "%s: %s cannot be examined; the file is damaged", path,
                    name);
}

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
        return cannot_be_examined(path, name, err);
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
    if (d->ndim == 4 && rows <= FEW_CHANNELS && columns > FEW_CHANNELS && channels > FEW_CHANNELS)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: " LKS_H5_IMAGES " is %" PRIu64 " x %" PRIu64 " x %" PRIu64
                        " x %" PRIu64
                        ", which looks like N x C x H x W; expected N x H x W x C: write it with "
                        "the channels last (numpy.moveaxis(x, 1, 3))",
                        path, (uint64_t)n, (uint64_t)rows, (uint64_t)columns, (uint64_t)channels);
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

/* --- values ----------------------------------------------------------------------------------- */

/** No filter makes less of anything than deflate does: what claims to be larger than the file then holds is not
 * there. @p what is it that has these dimensions. */
static lks_status check_size(const source *s, const opened *d, const hsize_t *dims,
                             const char *name, const char *what, lks_error *err) {
    hsize_t bytes = d->size;
    for (int i = 0; i < d->ndim; i++)
        if (dims[i] == 0 || __builtin_mul_overflow(bytes, dims[i], &bytes) ||
            bytes / LKS_H5_EXPANSION > (hsize_t)s->bytes)
            return lks_fail(err, LKS_ERR_DATA,
                            "%s: %s%s to be larger than a file of %" PRId64
                            " bytes can hold; it is damaged, or made to do harm",
                            s->path, name, what, s->bytes);
    return LKS_OK;
}

/* Chunks that were never written would read as zeros. (H5Dget_space_status() of 1.10 takes compressed chunks for
 * missing ones.) */
static lks_status check_chunks(const source *s, const opened *d, hid_t creation, const char *name,
                               lks_error *err) {
    hsize_t chunk[LKS_H5_DIMS_MAX], written = 0, all = 1;
    hid_t space = H5Dget_space(d->id);
    const bool good = H5Pget_chunk(creation, LKS_H5_DIMS_MAX, chunk) == d->ndim &&
                      H5Dget_num_chunks(d->id, space, &written) >= 0;
    H5Sclose(space);
    if (!good)
        return cannot_be_examined(s->path, name, err);
    LKS_TRY(check_size(s, d, chunk, name, " has chunks that claim", err));
    for (int i = 0; i < d->ndim; i++)
        all *= (d->dims[i] - 1) / chunk[i] + 1;
    if (written < all)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: %s was written only in part: %" PRIu64
                        " of its chunks are missing and would read as zeros; let the program "
                        "that makes the file write all of it, zeros too",
                        s->path, name, (uint64_t)(all - written));
    return LKS_OK;
}

/** Where the values are. */
static lks_status check_place(const source *s, const opened *d, hid_t creation, const char *name,
                              lks_error *err) {
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL || (layout == H5D_CONTIGUOUS && H5Pget_external_count(creation) != 0))
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: the values of %s lie in other files, which are not followed; copy "
                        "them into one file (read and write them with h5py)",
                        s->path, name);
    /* Room for a data set is taken when it is first written, at the latest. */
    if (H5Dget_storage_size(d->id) == 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: %s was created, but never written", s->path, name);
    LKS_TRY(check_size(s, d, d->dims, name, " claims", err));
    return layout == H5D_CHUNKED ? check_chunks(s, d, creation, name, err) : LKS_OK;
}

static lks_status check_values(const source *s, const opened *d, const char *name, lks_error *err) {
    const hid_t creation = H5Dget_create_plist(d->id);
    const lks_status status = creation < 0 ? cannot_be_examined(s->path, name, err)
                                           : check_place(s, d, creation, name, err);
    H5Pclose(creation);
    return status;
}

/* Data sets that stay open are closed with the file. */
static lks_status open_both(const source *s, opened *images, opened *labels, lks_error *err) {
    LKS_TRY(open_dataset(images, s->file, s->path, LKS_H5_IMAGES, err));
    LKS_TRY(open_dataset(labels, s->file, s->path, LKS_H5_LABELS, err));
    LKS_TRY(check_images(images, s->path, err));
    LKS_TRY(check_labels(labels, images, s->path, err));
    LKS_TRY(check_values(s, images, LKS_H5_IMAGES, err));
    return check_values(s, labels, LKS_H5_LABELS, err);
}

/* --- the shape -------------------------------------------------------------------------------- */

static lks_status describe(const source *s, lks_reply *reply, lks_error *err) {
    opened images, labels;
    LKS_TRY(open_both(s, &images, &labels, err));
    lks_h5_shape *shape = lks_reply_room(reply, sizeof *shape, err);
    if (!shape)
        return LKS_ERR_MEMORY;
    shape->count = (int64_t)images.dims[0];
    shape->rows = (int)images.dims[1];
    shape->columns = (int)images.dims[2];
    shape->channels = images.ndim == 4 ? (int)images.dims[3] : 1;
    return LKS_OK;
}

lks_status lks_h5_describe_images(int input, const void *argument, lks_reply *reply,
                                  lks_error *err) {
    lks_h5 h;
    const lks_h5_part *part = argument;
    source s = {.path = part->path};
    LKS_TRY(open_source(&s, &h, input, err));
    const lks_status status = describe(&s, reply, err);
    lks_h5_close(&h);
    return status;
}

bool lks_h5_sound_shape(const lks_h5_shape *s) {
    return s->count >= 1 && s->count <= UINT32_MAX && s->rows >= 1 && s->rows <= MAX_SIDE &&
           s->columns >= 1 && s->columns <= MAX_SIDE && s->channels >= 1 &&
           s->channels <= LKS_CHANNELS_MAX &&
           (int64_t)s->rows * s->columns * s->channels <= MAX_IMAGE_BYTES;
}

/* --- items ------------------------------------------------------------------------------------ */

/* Items [first, first + count) as `type` in memory. */
static bool read_slab(const opened *d, hid_t type, int64_t first, int64_t count, void *out) {
    hsize_t start[LKS_H5_DIMS_MAX] = {(hsize_t)first}, extent[LKS_H5_DIMS_MAX] = {(hsize_t)count};
    for (int i = 1; i < d->ndim; i++)
        extent[i] = d->dims[i];
    hid_t space = H5Dget_space(d->id), memory = H5Screate_simple(d->ndim, extent, NULL);
    return space >= 0 && memory >= 0 && H5Sget_simple_extent_ndims(space) == d->ndim &&
           H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL) >= 0 &&
           H5Dread(d->id, type, memory, space, H5P_DEFAULT, out) >= 0;
}

static lks_status read_part(const source *s, const lks_h5_part *part, lks_reply *reply,
                            lks_error *err) {
    opened images, labels;
    char reason[LKS_H5_REASON];
    LKS_TRY(open_both(s, &images, &labels, err));
    const opened *d = part->labels ? &labels : &images;
    const hid_t type = lks_h5_memory_type(part->labels ? LKS_H5_I64 : LKS_H5_U8);
    size_t bytes = H5Tget_size(type) * (size_t)part->count;
    for (int i = 1; i < d->ndim; i++)
        bytes *= (size_t)d->dims[i];
    void *out = lks_reply_room(reply, bytes, err);
    if (!out)
        return lks_fail_context(err, "%s", s->path);
    if (read_slab(d, type, part->first, part->count, out))
        return LKS_OK;
    lks_h5_reason(reason);
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: reading items %" PRId64 " to %" PRId64
                    " of %s failed: %s; the file is damaged, or needs a filter that this "
                    "HDF5 library lacks",
                    s->path, part->first, part->first + part->count - 1,
                    part->labels ? LKS_H5_LABELS : LKS_H5_IMAGES, reason);
}

lks_status lks_h5_read_images(int input, const void *argument, lks_reply *reply, lks_error *err) {
    lks_h5 h;
    const lks_h5_part *part = argument;
    source s = {.path = part->path};
    LKS_TRY(open_source(&s, &h, input, err));
    const lks_status status = read_part(&s, part, reply, err);
    lks_h5_close(&h);
    return status;
}
