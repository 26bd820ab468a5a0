/* Folders, links, removals and left-overs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files/system_error.h"
#include "files/target.h"
#include "lockstep/log.h"
#include "files/publish.h"

lks_status lks_publish_folder(const char *path, lks_error *err) {
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return lks_fail_system(err, "make the folder", path);
    }
    for (char *c = part + 1;; c++) {
        if (*c && *c != '/')
            continue;
        char end = *c;
        *c = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return lks_fail(err, LKS_ERR_IO, "%s: cannot make the folder: %s", part,
                            strerror(errno));
        if (!end)
            return LKS_OK;
        *c = end;
    }
}

/* The end of the path of the folder above, 0 where there is none in it. */
static size_t end_above(const char *path, size_t end) {
    while (end > 0 && path[end - 1] != '/')
        end--;
    while (end > 0 && path[end - 1] == '/')
        end--;
    return end;
}

size_t lks_publish_there(const char *path) {
    char part[PATH_MAX];
    struct stat info;
    size_t end = strlen(path);
    if (end >= sizeof part)
        return end;
    memcpy(part, path, end + 1);
    while (end > 0 && lstat(part, &info) != 0) {
        end = end_above(part, end);
        part[end] = '\0';
    }
    return end;
}

void lks_publish_unfolder(const char *path, size_t there) {
    char part[PATH_MAX];
    size_t end = strlen(path);
    if (end >= sizeof part)
        return;
    memcpy(part, path, end + 1);
    while (end > there && rmdir(part) == 0) {
        end = end_above(part, end);
        part[end] = '\0';
    }
}

/* --- links ------------------------------------------------------------------------------------ */

/** Gives the temporary a name that is free, as a symbolic link or, where the file system has none, as another name
 * of the file. errno tells why neither could be made. */
static bool make_link(lks_target *p, const char *target) {
    for (int try = 0; try < LKS_TARGET_TRIES; try++) {
        lks_target_next_name(p);
        if (symlinkat(target, p->folder, p->temporary) == 0)
            return true;
        const int code = errno;
        if (code != EEXIST && linkat(p->folder, target, p->folder, p->temporary, 0) == 0)
            return true;
        errno = code;
        if (code != EEXIST)
            break;
    }
    p->temporary[0] = 0;
    return false;
}

static lks_status add_file(lks_publication *p, int file, const lks_target *from, lks_error *err) {
    char block[LKS_TARGET_BLOCK];
    size_t n = 1;
    for (size_t done = 0; n > 0; done += n) {
        LKS_TRY(lks_target_read(file, from, done, block, &n, err));
        LKS_TRY(lks_publish_add(p, block, n, err));
    }
    return LKS_OK;
}

static lks_status publish_copy(const lks_target *t, int file, lks_error *err) {
    lks_publication *p;
    LKS_TRY(lks_publish_start(&p, t->path, err));
    return lks_publish_finish(p, add_file(p, file, t, err), err);
}

lks_status lks_publish_link(const char *path, const char *target, lks_error *err) {
    lks_target p;
    char made[NAME_MAX + 1];
    lks_status status;
    LKS_TRY(lks_target_open(&p, path, err));
    if (make_link(&p, target)) {
        memcpy(made, p.temporary, sizeof made);
        status = lks_target_rename(&p, err);
        if (status == LKS_OK) /* by POSIX, renaming to another name of the same file does nothing */
            unlinkat(p.folder, made, 0);
    } else {
        status = lks_fail_system(err, "make the link", path);
        const int file = openat(p.folder, target, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            status = publish_copy(&p, file, err);
            close(file);
        }
    }
    lks_target_close(&p);
    return status;
}

/* --- trying out ------------------------------------------------------------------------------- */

static lks_link_kind try_links(const lks_target *file) {
    lks_target link = *file;
    lks_link_kind kind = LKS_LINK_SYMBOLIC;
    lks_target_next_name(&link);
    if (symlinkat(file->temporary, link.folder, link.temporary) != 0)
        kind = linkat(file->folder, file->temporary, link.folder, link.temporary, 0) == 0
                   ? LKS_LINK_NAME
                   : LKS_LINK_COPY;
    if (kind != LKS_LINK_COPY)
        unlinkat(link.folder, link.temporary, 0);
    return kind;
}

static lks_status try_file(lks_target *file, lks_link_kind *links, lks_error *err) {
    static const char text[] = "tried out\n";
    LKS_TRY(lks_target_fill(file, text, sizeof text - 1, err));
    const lks_target before = *file;
    lks_target_next_name(file);
    if (renameat(before.folder, before.temporary, file->folder, file->temporary) != 0) {
        *file = before;
        return lks_fail_system(err, "rename a file in", file->path);
    }
    *links = try_links(file);
    if (unlinkat(file->folder, file->temporary, 0) != 0)
        return lks_fail_system(err, "remove a file from", file->path);
    file->temporary[0] = 0;
    return LKS_OK;
}

lks_status lks_publish_try(const char *folder, lks_link_kind *links, lks_error *err) {
    char path[PATH_MAX];
    lks_target file;
    if (snprintf(path, sizeof path, "%s/try", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return lks_fail_system(err, "write", folder);
    }
    LKS_TRY(lks_target_open(&file, path, err));
    const lks_status status = try_file(&file, links, err);
    lks_target_close(&file);
    return status;
}

/* --- removals --------------------------------------------------------------------------------- */

static bool is_gone(int code) {
    return code == ENOENT || code == ESTALE;
}

/* Moves the file into a folder of this life, which the next life removes: a life that was stopped after
 * it was allowed to cannot remove a file of the next one. */
static lks_status move_away(lks_target *t, lks_error *err) {
    char away[2 * NAME_MAX + 2];
    LKS_TRY(lks_publish_allowed(err));
    snprintf(away, sizeof away, "%s/%s", t->temporary, t->name);
    if (renameat(t->folder, t->name, t->folder, away) == 0) {
        unlinkat(t->folder, away, 0); /* else the next life does it */
        return LKS_OK;
    }
    if (!is_gone(errno))
        return lks_fail_system(err, "remove", t->path);
    return lks_publish_allowed(err); /* it was not there; or this life lost its place */
}

static lks_status remove_at_once(const lks_target *t, lks_error *err) {
    LKS_TRY(lks_publish_allowed(err));
    if (unlinkat(t->folder, t->name, 0) != 0 && !is_gone(errno))
        return lks_fail_system(err, "remove", t->path);
    return LKS_OK;
}

static lks_status remove_guarded(lks_target *t, lks_error *err) {
    int result = -1;
    for (int try = 0; result != 0 && try < LKS_TARGET_TRIES; try++) {
        lks_target_next_name(t);
        result = mkdirat(t->folder, t->temporary, 0777);
        if (result != 0 && errno != EEXIST)
            break;
    }
    lks_status status = LKS_OK;
    if (result == 0) {
        status = move_away(t, err);
        unlinkat(t->folder, t->temporary, AT_REMOVEDIR);
    } else { /* no space: what frees some is not to fail by that */
        status = remove_at_once(t, err);
    }
    t->temporary[0] = 0;
    return status;
}

lks_status lks_publish_remove(const char *path, lks_error *err) {
    lks_target t;
    LKS_TRY(lks_target_open(&t, path, err));
    lks_status status = LKS_OK;
    struct stat there;
    const int result = fstatat(t.folder, t.name, &there, AT_SYMLINK_NOFOLLOW);
    if (result != 0 && is_gone(errno))
        status = LKS_OK; /* the usual case where a run begins */
    else if (result == 0 && S_ISDIR(there.st_mode))
        status = lks_fail(err, LKS_ERR_IO, "cannot remove %s: it is a folder", path);
    else
        status = lks_target_life() > 0 ? remove_guarded(&t, err) : remove_at_once(&t, err);
    lks_target_close(&t);
    return status;
}

/* --- left-overs ------------------------------------------------------------------------------- */

/* The life that a temporary belongs to; 0 where it tells none. -1: it is no temporary. */
static long long life_of(const char *name) {
    const size_t prefix = strlen(LKS_TEMPORARY_PREFIX);
    if (strncmp(name, LKS_TEMPORARY_PREFIX, prefix) != 0)
        return -1;
    char *end;
    const long long life = strtoll(name + prefix, &end, 10);
    return life > 0 && *end == '-' ? life : 0;
}

/* What a removal left. */
static void empty(int parent, const char *name) {
    const int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (!folder && descriptor >= 0)
        close(descriptor);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

static void clean(int parent, const char *dir, const char *name) {
    int result = unlinkat(parent, name, 0);
    if (result != 0 && (errno == EISDIR || errno == EPERM)) {
        empty(parent, name);
        result = unlinkat(parent, name, AT_REMOVEDIR);
    }
    if (result != 0 && !is_gone(errno))
        lks_warn("left-over %s/%s cannot be removed: %s", dir, name, strerror(errno));
}

void lks_publish_clean(const char *dir) {
    DIR *folder = opendir(dir);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        const long long life = life_of(entry->d_name);
        if (life == 0 || (life > 0 && (lks_target_life() == 0 || life < lks_target_life())))
            clean(dirfd(folder), dir, entry->d_name);
    }
    closedir(folder);
}
