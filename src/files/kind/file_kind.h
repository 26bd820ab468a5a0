/** @file file_kind.h  What a file is, by its first bytes and not by its name, and what brings it to a kind that
 * can be read. Every message "this is X, not Y" comes from here. Not collective. */
#ifndef LKS_FILES_FILE_KIND_H
#define LKS_FILES_FILE_KIND_H

#include <stddef.h>

#include "files/kind/kind.h"
#include "lockstep/status.h"

/** With so many bytes from the start all is told that can be told; fewer do, and tell less. */
#define LKS_FILE_KIND_HEAD 4096

/** The pictures that are read, for messages and help. */
#define LKS_PICTURE_FORMATS "PNG, JPEG, PGM, PPM or PBM"

/** What a file that begins with @p bytes [@p count] is; never NULL. */
const lks_file_kind *lks_file_kind_of(const void *bytes, size_t count);

/** The same of regular file @p path, symbolic links followed; NULL where it cannot be read. */
const lks_file_kind *lks_file_kind_at(const char *path);

/** The command of @p kind for @p path, with its package: "`heif-convert a.heic a.png` (package
 * libheif-examples)". Returns @p text; "" where there is no command, or no memory for it. */
char *lks_file_kind_command(const lks_file_kind *kind, const char *path, char *text, size_t size);

typedef enum lks_file_wanted {
    LKS_WANTED_PICTURE,    /**< fails with LKS_ERR_DATA */
    LKS_WANTED_IMAGES,     /**< IDX or HDF5: LKS_ERR_DATA */
    LKS_WANTED_UNPACKED,   /**< the same, of what gzip packed */
    LKS_WANTED_ANY,        /**< whatever `lockstep info` describes: LKS_ERR_DATA */
    LKS_WANTED_CHECKPOINT, /**< LKS_ERR_FORMAT */
    LKS_WANTED_WEIGHTS,    /**< of another program: LKS_ERR_FORMAT */
    LKS_WANTED_BUNDLE,     /**< LKS_ERR_FORMAT */
    LKS_WANTED_CONFIG      /**< LKS_ERR_CONFIG */
} lks_file_wanted;

/** Fails: @p path is of @p kind (NULL: an unknown one), and something else is wanted. The message says what it
 * is, what can be read, and the command that brings the one to the other. */
lks_status lks_fail_file_kind(lks_error *err, const char *path, const lks_file_kind *kind,
                              lks_file_wanted wanted);

#endif
