/** @file zip.h  Archives in the zip format, of files in memory. What is written is the same for the same files: no times,
 * no owners, nothing compressed. What is read may be anybody's, and takes no more memory than its reader asks for. */
#ifndef LKS_FILES_ZIP_H
#define LKS_FILES_ZIP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lockstep/status.h"

/** A file: "conv1/weight.npy" and its bytes. */
typedef struct lks_zip_file {
    const char *name;
    const void *bytes;
    size_t size;
} lks_zip_file;

/** Writes the archive of @p files [n], in their order, to @p to, whose errors are the caller's. LKS_ERR_MEMORY. */
lks_status lks_zip_write(FILE *to, const lks_zip_file *files, size_t n, lks_error *err);

/** An archive that is read. */
typedef struct lks_zip lks_zip;

/** Opens the archive in @p bytes [size], which have to last; @p path is for messages. Closed by lks_zip_close(); on failure
 * *zip is NULL. LKS_ERR_FORMAT for what is none, was cut, has more than LKS_ZIP_FILES_MAX files, one that is encrypted or
 * packed otherwise than by deflate, or two of one name; LKS_ERR_MEMORY. */
#define LKS_ZIP_FILES_MAX 65536
lks_status lks_zip_open(lks_zip **zip, const void *bytes, size_t size, const char *path,
                        lks_error *err);
void lks_zip_close(lks_zip *zip); /**< NULL is allowed */

/** How many files it has; name and size of file @p i, as the archive says. */
size_t lks_zip_count(const lks_zip *zip);
const char *lks_zip_name(const lks_zip *zip, size_t i);
uint64_t lks_zip_size(const lks_zip *zip, size_t i);

/** Reads @p n bytes of file @p i from @p at on, which has that many; where they end the file, its checksum is checked.
 * LKS_ERR_FORMAT names a file that is damaged or has another size than the archive says. */
lks_status lks_zip_read(const lks_zip *zip, size_t i, uint64_t at, void *to, size_t n,
                        lks_error *err);

#endif
