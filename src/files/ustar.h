/** @file ustar.h  Archives in the tar format of POSIX.1-1988 ("ustar"), of plain files only. What is written is the same
 * for the same files: no times, no owners. What is read may be anybody's: nothing but plain files with plain names. */
#ifndef LKS_FILES_USTAR_H
#define LKS_FILES_USTAR_H

#include <stddef.h>
#include "lockstep/status.h"

#define LKS_USTAR_NAME_MAX  100   /**< bytes of a name, its zero included */
#define LKS_USTAR_FILES_MAX 16384 /**< of an archive */

/** A file: "run/config.yaml" and its bytes. */
typedef struct lks_ustar_file {
    char name[LKS_USTAR_NAME_MAX];
    unsigned char *bytes;
    size_t size;
} lks_ustar_file;

/** Publishes @p path with @p files [n] in their order. LKS_ERR_USAGE for a name that is not plain: parts of letters,
 * digits, '.', '_' and '-', which do not begin with '.' or '-', with '/' between them. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_ustar_write(const char *path, const lks_ustar_file *files, size_t n, lks_error *err);

/** The files of the archive in @p bytes, as *files [*n], which is freed with free(); their bytes are those of the
 * archive. LKS_ERR_FORMAT names what is not of this format, or was cut: a link, a folder, another kind of name, a
 * header with another checksum, a name that comes twice. @p path is for messages. */
lks_status lks_ustar_read(const char *path, unsigned char *bytes, size_t size,
                          lks_ustar_file **files, size_t *n, lks_error *err);

#endif
