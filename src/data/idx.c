#include "data/data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/byte_source.h"
#include "files/kind/file_kind.h"
#include "lockstep/log.h"
#include "base/beside.h"
#include "base/memory.h"
#include "base/shell.h"

enum { MAX_SIDE = 65536, MAX_IMAGE_BYTES = 1 << 28, TYPE_UNSIGNED_BYTE = 0x08 };

/* DEFLATE's best case: 258 bytes for one bit of length and one of distance. */
enum { MAX_DEFLATE_RATIO = 1032 };

/* --- paths -------------------------------------------------------------------------------------
 */

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* "~/..." in a configuration is what a shell would have made of it; "~" alone may be a folder's name. */
static const char *home_of(const char *path) {
    const char *home = path[0] == '~' && path[1] == '/' ? getenv("HOME") : NULL;
    return home ? home : "";
}

static lks_status join_path(char path[LKS_PATH_MAX], const char *dir, const char *name,
                            const char *suffix, lks_error *err) {
    const bool alone = name[0] == '/' || dir[0] == '\0' || home_of(name)[0];
    const char *home = home_of(alone ? name : dir);
    dir = alone ? "" : dir + (home[0] ? 1 : 0);
    name += alone && home[0] ? 1 : 0;
    int length = snprintf(path, LKS_PATH_MAX, "%s%s%s%s%s", home, dir,
                          alone || ends_with(dir, "/") ? "" : "/", name, suffix);
    if (length < 0 || length >= LKS_PATH_MAX)
        return lks_fail(err, LKS_ERR_DATA, "%.60s...: path of %d bytes; at most %d are possible",
                        path, length, LKS_PATH_MAX - 1);
    return LKS_OK;
}

lks_status lks_data_path(char path[LKS_PATH_MAX], const char *dir, const char *name,
                         lks_error *err) {
    return join_path(path, dir, name, "", err);
}

static lks_status missing(const char *path, const char *dir, bool tried_gz, lks_error *err) {
    char fetcher[LKS_BESIDE_MAX];
    const char *place = dir[0] ? dir : ".", *script = lks_beside("jobs/fetch-data.sh", fetcher);
    char *word = lks_shell_word(place), *command = lks_shell_word(script);
    lks_fail(err, LKS_ERR_DATA,
             "%s: no such file%s%s; fetch the data set with `%s mnist %s` (or fashion-mnist), or "
             "point data.dir to where it is",
             path, tried_gz ? " (nor with .gz)" : "",
             strchr(path, '\\') ? "; folders are told apart by /, not by \\" : "",
             command ? command : script, word ? word : place);
    free(command);
    free(word);
    return err->status;
}

static bool exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 || errno != ENOENT;
}

/* NAME, or NAME.gz where NAME is missing. */
static lks_status find(char path[LKS_PATH_MAX], const char *dir, const char *name, lks_error *err) {
    if (name[0] == '\0')
        return lks_fail(err, LKS_ERR_DATA, "%s: an IDX file is needed, but no name is given", dir);
    LKS_TRY(join_path(path, dir, name, "", err));
    if (exists(path))
        return LKS_OK;
    if (ends_with(name, ".gz"))
        return missing(path, dir, false, err);
    LKS_TRY(join_path(path, dir, name, ".gz", err));
    if (exists(path))
        return LKS_OK;
    LKS_TRY(join_path(path, dir, name, "", err));
    return missing(path, dir, true, err);
}

/* --- header ------------------------------------------------------------------------------------
 */

static uint32_t big_endian_32(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static lks_status other_kind(const char *path, bool compressed, lks_error *err) {
    uint8_t head[LKS_FILE_KIND_HEAD];
    size_t count;
    lks_byte_source source;
    LKS_TRY(lks_byte_source_open(&source, path, err));
    lks_status status = lks_byte_source_read(&source, 0, head, sizeof head, &count, err);
    lks_byte_source_close(&source);
    LKS_TRY(status);
    return lks_fail_file_kind(err, path, lks_file_kind_of(head, count),
                              compressed ? LKS_WANTED_UNPACKED : LKS_WANTED_IMAGES);
}

static lks_status check_dimensions(const char *path, unsigned found, int dimensions,
                                   lks_error *err) {
    if (dimensions == 1 ? found == 1 : found == 3 || found == 4)
        return LKS_OK;
    const char *hint =
        found != 2        ? "are the image and the label file exchanged?"
        : dimensions == 1 ? "write one byte for each image: its class, not a row of zeros and a one"
                          : "write rows and columns as two dimensions";
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: has %u dimension%s (magic number 0x%08x); expected %s; %s", path, found,
                    found == 1 ? "" : "s", TYPE_UNSIGNED_BYTE << 8 | found,
                    dimensions == 1 ? "0x00000801 (labels)"
                                    : "0x00000803 or 0x00000804 (images, 3 or 4 dimensions)",
                    hint);
}

/* Checked one by one before anything is multiplied: count < 2^32 and an image of at most 2^28 bytes
 * make any product of them fit in int64. */
static lks_status check_counts(const char *path, const uint32_t counts[4], lks_error *err) {
    const uint32_t n = counts[0], channels = counts[1], rows = counts[2], columns = counts[3];
    if (n == 0 || channels == 0 || rows == 0 || columns == 0)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: empty: the header says %" PRIu32 " items of %" PRIu32 " x %" PRIu32
                        " x %" PRIu32 " (channels, rows, columns); expected at least 1 of each",
                        path, n, channels, rows, columns);
    if (rows > MAX_SIDE || columns > MAX_SIDE)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: the header says images of %" PRIu32 " rows x %" PRIu32
                        " columns; at most %d of each can be read",
                        path, rows, columns, MAX_SIDE);
    if (channels > LKS_CHANNELS_MAX)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: the header says %" PRIu32 " channels; at most %d can be read (4-d "
                        "files are count x channels x rows x columns)",
                        path, channels, LKS_CHANNELS_MAX);
    if ((int64_t)channels * rows * columns > MAX_IMAGE_BYTES)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: the header says images of %" PRId64 " bytes; at most %d can be read",
                        path, (int64_t)channels * rows * columns, MAX_IMAGE_BYTES);
    return LKS_OK;
}

/* Keras and TensorFlow keep channels last: 28 x 28 x 3 would be read as 28 channels of 28 x 3. */
static lks_status check_layout(const char *path, const uint32_t counts[4], lks_error *err) {
    const uint32_t n = counts[0], channels = counts[1], rows = counts[2], columns = counts[3];
    if (columns > 4 || rows <= 4 || channels <= 4 ||
        (channels != rows && channels <= LKS_CHANNELS_MAX))
        return LKS_OK;
    if (columns == 1)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: %" PRIu32 " x %" PRIu32 " x %" PRIu32
                        " x 1: the channel stands last, but 4-d files are count x channels x rows "
                        "x columns: write it as %" PRIu32 " x %" PRIu32 " x %" PRIu32,
                        path, n, channels, rows, n, channels, rows);
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: %" PRIu32 " x %" PRIu32 " x %" PRIu32 " x %" PRIu32
                    ": the channels stand last, but 4-d files are count x channels x rows x "
                    "columns: write numpy.moveaxis(images, 3, 1), or an HDF5 file, which has them "
                    "last",
                    path, n, channels, rows, columns);
}

static int64_t item_bytes(const lks_idx_info *info) {
    return (int64_t)info->channels * info->rows * info->columns;
}

static lks_status read_header(lks_byte_source *source, lks_idx_info *info, int dimensions,
                              lks_error *err) {
    uint8_t bytes[4 + 4 * 4];
    size_t got;
    LKS_TRY(lks_byte_source_read(source, 0, bytes, 4, &got, err));
    if (got < 4)
        return lks_fetch_again(err, "%s: truncated: %zu bytes, less than an IDX magic number",
                               info->path, got);
    if (big_endian_32(bytes) >> 8 != TYPE_UNSIGNED_BYTE)
        return other_kind(info->path, source->gunzip != NULL, err);
    LKS_TRY(check_dimensions(info->path, bytes[3], dimensions, err));
    const size_t n = bytes[3];
    LKS_TRY(lks_byte_source_read(source, 4, bytes + 4, 4 * n, &got, err));
    if (got < 4 * n)
        return lks_fetch_again(err, "%s: truncated: %zu bytes, less than an IDX header of %zu",
                               info->path, 4 + got, 4 + 4 * n);
    uint32_t counts[4] = {0, 1, 1, 1};
    counts[0] = big_endian_32(bytes + 4);
    for (size_t i = 1; i < n; i++)
        counts[4 - n + i] = big_endian_32(bytes + 4 + 4 * i);
    LKS_TRY(check_layout(info->path, counts, err));
    LKS_TRY(check_counts(info->path, counts, err));
    info->count = counts[0];
    info->channels = (int)counts[1];
    info->rows = (int)counts[2];
    info->columns = (int)counts[3];
    info->compressed = source->gunzip != NULL;
    info->header_bytes = 4 + 4 * (int)n;
    return LKS_OK;
}

/* So that nobody allocates what the header says before the file could hold it. */
static lks_status check_size(const lks_byte_source *source, const lks_idx_info *info,
                             lks_error *err) {
    const int64_t expected = info->header_bytes + info->count * item_bytes(info);
    const int64_t found = source->file_size;
    if (info->compressed && expected / MAX_DEFLATE_RATIO > found)
        return lks_fetch_again(err,
                               "%s: truncated: the header says %" PRId64 " items of %" PRId64
                               " bytes, more than %" PRId64 " bytes of gzip data can hold",
                               info->path, info->count, item_bytes(info), found);
    if (!info->compressed && found != expected)
        return lks_fetch_again(err,
                               "%s: %s: the header says %" PRId64 " items of %" PRId64
                               " bytes, %" PRId64
                               " bytes with the header, but the file has %" PRId64,
                               info->path, found < expected ? "truncated" : "trailing bytes",
                               info->count, item_bytes(info), expected, found);
    return LKS_OK;
}

lks_status lks_idx_open(lks_idx_info *info, const char *dir, const char *name, int dimensions,
                        lks_error *err) {
    *info = (lks_idx_info){0};
    LKS_TRY(find(info->path, dir, name, err));
    lks_byte_source source;
    LKS_TRY(lks_byte_source_open(&source, info->path, err));
    lks_status status = read_header(&source, info, dimensions, err);
    if (status == LKS_OK)
        status = check_size(&source, info, err);
    lks_byte_source_close(&source);
    if (status == LKS_OK)
        lks_detail("opened %s, %" PRId64 " items", info->path, info->count);
    return status;
}

/* --- items -------------------------------------------------------------------------------------
 */

/* [channel][pixel] to [pixel][channel], image by image. */
static lks_status interleave(const lks_idx_info *info, int64_t count, uint8_t *images,
                             lks_error *err) {
    const size_t channels = (size_t)info->channels;
    const size_t pixels = (size_t)info->rows * (size_t)info->columns;
    if (channels == 1 || pixels == 1)
        return LKS_OK;
    uint8_t *planes = lks_alloc(pixels, channels, "one image", err);
    if (!planes)
        return LKS_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++, images += pixels * channels) {
        memcpy(planes, images, pixels * channels);
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                images[p * channels + c] = planes[c * pixels + p];
    }
    lks_free(planes);
    return LKS_OK;
}

static lks_status read_items(lks_byte_source *source, const lks_idx_info *info, int64_t first,
                             int64_t count, uint8_t *out, lks_error *err) {
    const int64_t offset = info->header_bytes + first * item_bytes(info);
    const size_t bytes = (size_t)(count * item_bytes(info));
    size_t got, beyond = 0;
    LKS_TRY(lks_byte_source_read(source, offset, out, bytes, &got, err));
    if (got < bytes)
        return lks_fetch_again(err,
                               "%s: truncated: the header says %" PRId64 " items of %" PRId64
                               " bytes, but the data end in item %" PRId64,
                               info->path, info->count, item_bytes(info),
                               first + (int64_t)got / item_bytes(info));
    uint8_t byte;
    if (first + count == info->count)
        LKS_TRY(lks_byte_source_read(source, offset + (int64_t)bytes, &byte, 1, &beyond, err));
    if (beyond)
        return lks_fetch_again(err,
                               "%s: trailing bytes: the data go on after the %" PRId64
                               " items of %" PRId64 " bytes that the header says",
                               info->path, info->count, item_bytes(info));
    return LKS_OK;
}

struct lks_idx_reader {
    const lks_idx_info *info;
    lks_byte_source source;
};

lks_status lks_idx_reader_open(lks_idx_reader **reader, const lks_idx_info *info, lks_error *err) {
    lks_idx_reader *r = *reader = lks_alloc(1, sizeof *r, "the reader of an IDX file", err);
    if (!r)
        return LKS_ERR_MEMORY;
    r->info = info;
    const lks_status status = lks_byte_source_open(&r->source, info->path, err);
    if (status != LKS_OK) {
        lks_free(r);
        *reader = NULL;
    }
    return status;
}

lks_status lks_idx_reader_next(lks_idx_reader *r, int64_t first, int64_t count, uint8_t *out,
                               lks_error *err) {
    const lks_idx_info *info = r->info;
    if (first < 0 || count < 0 || count > info->count - first)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: %" PRId64 " items from item %" PRId64
                        " on asked for, but it has %" PRId64,
                        info->path, count, first, info->count);
    if (count == 0)
        return LKS_OK;
    LKS_TRY(read_items(&r->source, info, first, count, out, err));
    return interleave(info, count, out, err);
}

void lks_idx_reader_close(lks_idx_reader *r) {
    if (r)
        lks_byte_source_close(&r->source);
    lks_free(r);
}

lks_status lks_idx_read(const lks_idx_info *info, int64_t first, int64_t count, uint8_t *out,
                        lks_error *err) {
    lks_idx_reader *reader;
    LKS_TRY(lks_idx_reader_open(&reader, info, err));
    const lks_status status = lks_idx_reader_next(reader, first, count, out, err);
    lks_idx_reader_close(reader);
    return status;
}
