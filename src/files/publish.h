/** @file publish.h  Files that are complete or absent.
 *
 *  A file is written under a temporary name in its own folder (".tmp-LIFE-NAME.HOST-PID-N"), flushed to
 * the disk, read back and compared, renamed, and the folder is flushed too. Whoever looks sees the
 * old file or the new one, never a part. */
#ifndef LKS_FILES_PUBLISH_H
#define LKS_FILES_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include "lockstep/status.h"

/** Writes @p size bytes as @p path, replacing what is there. LKS_ERR_IO names the path and the
 * cause (no space, quota, permission); the temporary is removed and an older file of that name is
 * untouched. One exception: if only the last step fails, flushing the folder, the complete new file
 * is in place and the message says so. Not collective. */
lks_status lks_publish_text(const char *path, const char *text, size_t size, lks_error *err);

/** The same for a file that is to be new: where @p path is there, *taken, nothing is changed, and LKS_OK. */
lks_status lks_publish_new(const char *path, const char *bytes, size_t size, bool *taken,
                           lks_error *err);

/** The same in two steps. lks_publish_prepare() writes, flushes and reads back the temporary, and allocates
 * *p where it succeeds. lks_publish_commit() gives it its name, lks_publish_drop() removes it (NULL: nothing);
 * both free @p p, in any thread. Errors as above, and those of lks_publish_allowed(). Not collective. */
typedef struct lks_unpublished lks_unpublished;
lks_status lks_publish_prepare(lks_unpublished **p, const char *path, const char *text, size_t size,
                               lks_error *err);
lks_status lks_publish_commit(lks_unpublished *p, lks_error *err);
void lks_publish_drop(lks_unpublished *p);

/** The same for a file that is written part by part, since it is too large for memory.
 * lks_publish_start() allocates *p where it succeeds, and borrows @p path until
 * lks_publish_finish(), which frees *p: where @p so_far is LKS_OK it publishes the file, else it
 * removes the temporary and returns @p so_far. Not collective. */
typedef struct lks_publication lks_publication;
lks_status lks_publish_start(lks_publication **p, const char *path, lks_error *err);
lks_status lks_publish_add(lks_publication *p, const char *bytes, size_t size, lks_error *err);
lks_status lks_publish_finish(lks_publication *p, lks_status so_far, lks_error *err);

/** Finds out early whether @p path could be published, by making a temporary and removing it:
 * LKS_ERR_IO as lks_publish_text(), also where @p path is there and no regular file. Not
 * collective. */
lks_status lks_publish_check(const char *path, lks_error *err);

/** One file of a set. */
typedef struct lks_publish_item {
    const char *path;
    const void *bytes; /**< NULL: the file is to be absent */
    size_t size;
} lks_publish_item;

/** Writes files that belong together. First all are complete under temporary names; then the old
 * ones are removed, and then the new ones renamed. So what can fail by lack of space or permission
 * leaves the old set as it was, and a program that is killed on the way leaves files missing at
 * worst, never some of one set and some of another. LKS_ERR_IO as above. Not collective. */
lks_status lks_publish_set(const lks_publish_item *items, int n, lks_error *err);

/** Makes folder @p path and the folders above it where they are missing (mkdir -p). LKS_ERR_IO names
 * the one that could not be made. */
lks_status lks_publish_folder(const char *path, lks_error *err);

/** Length of the part of @p path that is there: all of it, or as far as the last folder above it that
 * exists; 0: none. */
size_t lks_publish_there(const char *path);

/** Removes @p path and the folders above it as long as they are empty and their paths longer than
 * @p there: what lks_publish_folder() made, in vain. */
void lks_publish_unfolder(const char *path, size_t there);

/** Points the symbolic link @p path at @p target (taken as it is, so relative to the link's folder)
 * in one step. Where the file system has no such links, @p path becomes another name of that file, and where it has
 * none of those either, a copy. LKS_ERR_IO, LKS_ERR_MEMORY. */
lks_status lks_publish_link(const char *path, const char *target, lks_error *err);

/** What lks_publish_link() makes. */
typedef enum lks_link_kind { LKS_LINK_SYMBOLIC, LKS_LINK_NAME, LKS_LINK_COPY } lks_link_kind;

/** Tries out in @p folder what publishing needs: makes a file, flushes it, reads it back, renames it, links to it,
 * and removes both. *links tells what links are there. LKS_ERR_IO names what is not possible. Nothing stays, but where
 * removing fails. */
lks_status lks_publish_try(const char *folder, lks_link_kind *links, lks_error *err);

/** Removes the file or link @p path; one that is not there is removed already. In a guarded process it is
 * first moved into a temporary folder, so that what holds for a rename holds for a removal, too. LKS_ERR_IO, or
 * what lks_publish_allowed() says. */
lks_status lks_publish_remove(const char *path, lks_error *err);

/** Removes temporaries that killed programs left in @p dir: in a guarded process those of former lives, and
 * those that tell no life. A folder that is missing is clean; what cannot be removed is warned of. Without a
 * guard only where no other program is publishing into the folder. */
void lks_publish_clean(const char *dir);

/** Says whether this process may still publish: LKS_OK, or a failure with @p err filled. Any thread may ask. */
typedef lks_status (*lks_publish_ask)(void *context, lks_error *err);

/** From now on all of the above call @p ask, with the borrowed @p context, before a file gets or loses its
 * name, and temporaries carry the number @p life (> 0). After it was asked a file is renamed or moved at once,
 * and neither is possible any more where another process has removed the temporary: who takes over forbids first
 * and cleans then. 0, NULL, NULL: nobody is asked. Only while no other thread publishes. */
void lks_publish_guard(long long life, lks_publish_ask ask, void *context);

/** Asks: LKS_OK without a guard. For what becomes visible by another way than a rename. */
lks_status lks_publish_allowed(lks_error *err);

#endif
