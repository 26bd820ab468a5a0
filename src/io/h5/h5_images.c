/* HDF5 files of images that anybody made: confined processes read them, piece by piece. */
#include "io/h5/h5_images.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "io/h5/h5.h"
#include "io/h5/h5_images_file.h"
#include "lockstep/log.h"
#include "base/memory.h"
#include "base/observe/pulse.h"

/* What one process reads: so it shows that the reading of many goes on. */
#define PIECE_BYTES      ((int64_t)1 << 26)
#define CHUNK_BYTES      ((int64_t)1 << 32) /* HDF5 has no larger ones */
#define OWN_BYTES        ((size_t)96 << 20) /* of HDF5 itself */
#define DESCRIBE_SECONDS 4
#define PIECE_SECONDS    60
#define BYTES_A_SECOND   ((int64_t)1 << 26) /* that slow machines inflate */

static lks_status open_regular(const char *path, int *file, int64_t *size, lks_error *err) {
    struct stat s;
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for a writer */
    if (*file < 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: %s; point data.dir to where it is", path,
                        errno == ENOENT ? "no such file" : strerror(errno));
    if (fstat(*file, &s) == 0 && S_ISREG(s.st_mode)) {
        *size = s.st_size;
        return LKS_OK;
    }
    close(*file);
    return lks_fail(err, LKS_ERR_DATA, "%s: is no file; expected an HDF5 file", path);
}

/** *bytes, freed with free(), gets the @p wanted bytes of the reply. A small file, in which HDF5 may loop, does not get
 * all of the @p seconds. */
static lks_status run(lks_confined_work work, const lks_h5_part *part, int seconds, size_t wanted,
                      unsigned char **bytes, lks_error *err) {
    int file;
    int64_t size = 0;
    size_t found = 0;
    LKS_TRY(open_regular(part->path, &file, &size, err));
    const int64_t chunk =
        size < CHUNK_BYTES / LKS_H5_EXPANSION ? size * LKS_H5_EXPANSION : CHUNK_BYTES;
    const int64_t enough = DESCRIBE_SECONDS + ((int64_t)wanted + chunk) / BYTES_A_SECOND;
    const lks_confined_job job = {.work = work,
                                  .argument = part,
                                  .argument_size = sizeof *part,
                                  .memory = OWN_BYTES + 4 * wanted + 3 * (size_t)chunk,
                                  .most = wanted,
                                  .seconds = enough < seconds ? (int)enough : seconds};
    const lks_status status = lks_confined_run(&job, part->path, file, bytes, &found, err);
    close(file);
    if (status == LKS_OK && found != wanted) {
        free(*bytes);
        return lks_fail(err, LKS_ERR_DATA, "%s: %zu bytes came where %zu belong", part->path, found,
                        wanted);
    }
    if (status == LKS_ERR_FORMAT) /* of images that is a defect of the data */
        return lks_fail(err, LKS_ERR_DATA, "%s", err ? err->text : "");
    return status;
}

lks_status lks_h5_images_open(lks_h5_images *h, const char *path, lks_error *err) {
    lks_h5_part part = {.labels = false};
    lks_h5_shape shape;
    unsigned char *bytes;
    memset(h, 0, sizeof *h);
    snprintf(h->path, sizeof h->path, "%s", path);
    snprintf(part.path, sizeof part.path, "%s", path);
    LKS_TRY(run(lks_h5_describe_images, &part, DESCRIBE_SECONDS, sizeof shape, &bytes, err));
    memcpy(&shape, bytes, sizeof shape);
    free(bytes);
    if (!lks_h5_sound_shape(&shape))
        return lks_fail(err, LKS_ERR_DATA, "%s: what HDF5 finds in it makes no sense", path);
    h->count = shape.count;
    h->rows = shape.rows;
    h->columns = shape.columns;
    h->channels = shape.channels;
    lks_detail("opened %s, %lld images", path, (long long)h->count);
    return LKS_OK;
}

/** Items of @p item bytes from @p part->first on, piece by piece. */
static lks_status read_items(lks_h5_part *part, int64_t item, int64_t count, unsigned char *out,
                             lks_error *err) {
    const int64_t most = item < PIECE_BYTES ? PIECE_BYTES / item : 1, end = part->first + count;
    for (; part->first < end; part->first += part->count) {
        unsigned char *bytes;
        part->count = end - part->first < most ? end - part->first : most;
        const size_t size = (size_t)(part->count * item);
        LKS_TRY(run(lks_h5_read_images, part, PIECE_SECONDS, size, &bytes, err));
        memcpy(out, bytes, size);
        free(bytes);
        out += size;
        lks_pulse_tick();
    }
    return LKS_OK;
}

static lks_status check_range(const lks_h5_images *h, int64_t first, int64_t count,
                              lks_error *err) {
    if (first >= 0 && count >= 0 && count <= h->count - first)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: %" PRId64 " images from image %" PRId64
                    " on asked for, but it has %" PRId64,
                    h->path, count, first, h->count);
}

lks_status lks_h5_images_read(const lks_h5_images *h, int64_t first, int64_t count, uint8_t *out,
                              lks_error *err) {
    lks_h5_part part = {.first = first};
    LKS_TRY(check_range(h, first, count, err));
    memcpy(part.path, h->path, sizeof part.path);
    return read_items(&part, (int64_t)h->rows * h->columns * h->channels, count, out, err);
}

lks_status lks_h5_images_read_labels(const lks_h5_images *h, int64_t first, int64_t count,
                                     uint8_t *out, lks_error *err) {
    lks_h5_part part = {.labels = true, .first = first};
    LKS_TRY(check_range(h, first, count, err));
    int64_t *wide = lks_alloc((size_t)count, sizeof *wide, "labels", err);
    if (!wide)
        return LKS_ERR_MEMORY;
    memcpy(part.path, h->path, sizeof part.path);
    lks_status status = read_items(&part, sizeof *wide, count, (unsigned char *)wide, err);
    for (int64_t i = 0; status == LKS_OK && i < count; i++) {
        out[i] = (uint8_t)wide[i];
        if (wide[i] < 0 || wide[i] > UINT8_MAX)
            status = lks_fail(err, LKS_ERR_DATA,
                              "%s: label %" PRId64 " of image %" PRId64 " is not within 0..255",
                              h->path, wide[i], first + i);
    }
    lks_free(wide);
    return status;
}

void lks_h5_begin(void) {
    lks_h5_lock();
    H5open(); /* a failure comes again, and is told, when a file is made */
    lks_h5_unlock();
}

void lks_h5_library(char *text, size_t size) {
    unsigned major = 0, minor = 0, release = 0;
    lks_h5_lock();
    H5get_libversion(&major, &minor, &release);
    lks_h5_unlock();
    snprintf(text, size, "%u.%u.%u", major, minor, release);
}
