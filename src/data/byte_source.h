/** @file byte_source.h  A file read as a sequence of bytes, plain or gzip'd, without the reader
 * having to care. Private to src/data. */
#ifndef LKS_DATA_BYTE_SOURCE_H
#define LKS_DATA_BYTE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/status.h"

typedef struct lks_gunzip lks_gunzip;

typedef struct lks_byte_source {
    const char *path; /**< borrowed */
    int fd;
    int64_t file_size;  /**< as stored */
    lks_gunzip *gunzip; /**< NULL: plain */
} lks_byte_source;

/** Opens regular file @p path and looks whether it is gzip'd (by its first bytes, not by its name).
 *  @return LKS_ERR_DATA for a missing file, a folder, a pipe, no permission; on failure nothing is
 * left open. */
lks_status lks_byte_source_open(lks_byte_source *source, const char *path, lks_error *err);

/** The same, but the file is taken as it is, gzip'd or not; @p expected says in messages what it
 * should be: "a picture". */
lks_status lks_byte_source_open_plain(lks_byte_source *source, const char *path,
                                      const char *expected, lks_error *err);

/** Reads bytes [offset, offset + count) of the uncompressed content; *got < count only where it
 * ends. A gzip'd source goes forwards only: @p offset must not lie before the end of the previous
 * read.
 *  @return LKS_ERR_DATA if a gzip stream is cut off, damaged or followed by something else. */
lks_status lks_byte_source_read(lks_byte_source *source, int64_t offset, void *out, size_t count,
                                size_t *got, lks_error *err);

void lks_byte_source_close(lks_byte_source *source);

/** LKS_ERR_DATA, with the message that printf() makes of @p format, and which script fetches the file again. */
lks_status lks_fetch_again(lks_error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
