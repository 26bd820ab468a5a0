/** @file target.h  One file on its way to its name: the temporary beside it, and the step that gives it the
 * name. All functions belong to one process; none is collective. */
#ifndef LKS_FILES_TARGET_H
#define LKS_FILES_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include "lockstep/status.h"

#define LKS_TEMPORARY_PREFIX ".tmp-"
#define LKS_TARGET_BLOCK     16384
#define LKS_TARGET_TRIES     1000 /**< names for a temporary, where others have taken the first ones */

/** Where a file is going to be. */
typedef struct lks_target {
    const char *path;             /**< as the caller gave it, for messages; borrowed */
    const char *name;             /**< last component of path */
    int folder;                   /**< descriptor */
    char temporary[NAME_MAX + 1]; /**< "": there is none */
} lks_target;

/** Opens the folder of @p path. LKS_ERR_IO names path and cause. Ended by lks_target_close(), which removes
 * a temporary that got no name. */
lks_status lks_target_open(lks_target *t, const char *path, lks_error *err);
void lks_target_close(lks_target *t);

/** A new name for the temporary, ".tmp-LIFE-NAME.HOST-PID-N". Creating it must be exclusive. */
void lks_target_next_name(lks_target *t);

/** Creates the temporary: *file is open to read and to write, and the caller's to close. LKS_ERR_IO, also where the name is
 * that of a device, pipe or folder. */
lks_status lks_target_create(lks_target *t, int *file, lks_error *err);

/** Writes; flushes to the disk, and drops what was flushed from memory where the system allows it, so that
 * the disk's answer is compared; reads *n bytes from @p at on, 0 at the end. LKS_ERR_IO. */
lks_status lks_target_write(int file, const lks_target *t, const char *bytes, size_t size,
                            lks_error *err);
lks_status lks_target_flush(int file, const lks_target *t, lks_error *err);
lks_status lks_target_read(int file, const lks_target *t, size_t at, char block[LKS_TARGET_BLOCK],
                           size_t *n, lks_error *err);
lks_status lks_target_fail_bytes(const lks_target *t, lks_error *err);

/** The temporary with these bytes, flushed and read back. LKS_ERR_IO. */
lks_status lks_target_fill(lks_target *t, const char *bytes, size_t size, lks_error *err);

/** Gives the temporary its name, once the guard has been asked, and flushes the folder. LKS_ERR_IO, or what
 * the guard says. */
lks_status lks_target_rename(lks_target *t, lks_error *err);

/** The same, but never in the place of what has the name: then *taken, LKS_OK, and the temporary stays. */
lks_status lks_target_rename_new(lks_target *t, bool *taken, lks_error *err);

/** Number of the life that is guarded; 0: none is. */
long long lks_target_life(void);

#endif
