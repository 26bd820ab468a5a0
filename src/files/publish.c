#include "lockstep/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files/system_error.h"
#include "lockstep/digest.h"
#include "lockstep/log.h"

#define TEMPORARY_PREFIX ".tmp-"
#define BLOCK            16384
#define NAME_TRIES       1000

/** Where a file is going to be. */
typedef struct place {
    const char *path; /**< as the caller gave it, for messages */
    const char *name; /**< last component of path */
    int folder;       /**< descriptor */
    char temporary[NAME_MAX + 1];
} place;

static const char *advice(int code) {
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return "; free some space there or write somewhere else";
    case EFBIG:
        return "; raise the limit on file sizes (ulimit -f)";
    case EACCES:
    case EPERM:
    case EROFS:
        return "; check the permissions of the file and its folder";
    case ENOENT:
        return "; check the path";
    default:
        return "";
    }
}

lks_status lks_fail_system(lks_error *err, const char *action, const char *path) {
    int code = errno;
    return lks_fail(err, LKS_ERR_IO, "cannot %s %s: %s%s", action, path, strerror(code),
                    advice(code));
}

static lks_status open_place(place *p, const char *path, lks_error *err) {
    const char *slash = strrchr(path, '/');
    p->path = path;
    p->name = slash ? slash + 1 : path;
    p->temporary[0] = 0;
    char folder[PATH_MAX] = ".";
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof folder) {
        errno = ENAMETOOLONG;
        return lks_fail_system(err, "write", path);
    }
    if (!p->name[0])
        return lks_fail(err, LKS_ERR_IO, "cannot write \"%s\": it does not name a file", path);
    if (slash) {
        memcpy(folder, length ? path : "/", length ? length : 1);
        folder[length ? length : 1] = 0;
    }
    p->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->folder < 0)
        return lks_fail_system(err, "write", path);
    return LKS_OK;
}

/** A name that no other program on this or another host uses: host, process and a count. Host names
 * may repeat in containers, so creating it must still be exclusive. */
static void next_temporary_name(place *p) {
    static atomic_uint count;
    char host[33] = "";
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/')
            *c = '_';
    snprintf(p->temporary, sizeof p->temporary, TEMPORARY_PREFIX "%.150s.%s-%ld-%u", p->name, host,
             (long)getpid(), atomic_fetch_add(&count, 1));
}

static lks_status create_temporary(place *p, int *file, lks_error *err) {
    for (int try = 0; try < NAME_TRIES; try++) {
        next_temporary_name(p);
        *file = openat(p->folder, p->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*file >= 0)
            return LKS_OK;
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    p->temporary[0] = 0;
    return lks_fail_system(err, "write", p->path);
}

static lks_status write_all(int file, const place *p, const char *bytes, size_t size,
                            lks_error *err) {
    while (size > 0) {
        ssize_t n = write(file, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lks_fail_system(err, "write", p->path);
        bytes += n;
        size -= (size_t)n;
    }
    return LKS_OK;
}

static lks_status flush_file(int file, const place *p, lks_error *err) {
    while (fsync(file) != 0)
        if (errno != EINTR)
            return lks_fail_system(err, "write", p->path);
    return LKS_OK;
}

/** What was flushed is dropped from memory where the system allows it, so that the disk's answer is
 * compared. */
static void forget_pages(int file) {
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

/** The bytes from @p at on: *n of them, 0 at the end. */
static lks_status read_block(int file, const place *p, size_t at, char block[BLOCK], size_t *n,
                             lks_error *err) {
    ssize_t found;
    do
        found = pread(file, block, BLOCK, (off_t)at);
    while (found < 0 && errno == EINTR);
    *n = found < 0 ? 0 : (size_t)found;
    return found < 0 ? lks_fail_system(err, "read back", p->path) : LKS_OK;
}

static lks_status fail_other_bytes(const place *p, lks_error *err) {
    return lks_fail(err, LKS_ERR_IO,
                    "cannot write %s: the disk gave back other bytes than were written; do not "
                    "trust it",
                    p->path);
}

static lks_status read_back(int file, const place *p, const char *bytes, size_t size,
                            lks_error *err) {
    char block[BLOCK];
    size_t n = 1;
    forget_pages(file);
    for (size_t done = 0; n > 0; done += n) {
        LKS_TRY(read_block(file, p, done, block, &n, err));
        if (n > size - done || memcmp(block, bytes + done, n) != 0 || (n == 0 && done < size))
            return fail_other_bytes(p, err);
    }
    return LKS_OK;
}

static lks_status fill_temporary(place *p, const char *bytes, size_t size, lks_error *err) {
    int file;
    LKS_TRY(create_temporary(p, &file, err));
    lks_status status = write_all(file, p, bytes, size, err);
    if (status == LKS_OK)
        status = flush_file(file, p, err);
    if (status == LKS_OK)
        status = read_back(file, p, bytes, size, err);
    if (close(file) != 0 && errno != EINTR && status == LKS_OK)
        status = lks_fail_system(err, "write", p->path);
    return status;
}

static lks_status rename_temporary(place *p, lks_error *err) {
    if (renameat(p->folder, p->temporary, p->folder, p->name) != 0)
        return lks_fail_system(err, "write", p->path);
    p->temporary[0] = 0;
    lks_detail("wrote %s", p->path);
    while (fsync(p->folder) != 0) {
        if (errno == EINVAL || errno == ENOTSUP) /* a file system that has no such call */
            break;
        if (errno != EINTR)
            return lks_fail(err, LKS_ERR_IO,
                            "%s is complete, but flushing its folder failed (%s): a power cut may "
                            "lose it",
                            p->path, strerror(errno));
    }
    return LKS_OK;
}

static void close_place(place *p) {
    if (p->temporary[0])
        unlinkat(p->folder, p->temporary, 0);
    close(p->folder);
}

lks_status lks_publish_text(const char *path, const char *text, size_t size, lks_error *err) {
    place p;
    LKS_TRY(open_place(&p, path, err));
    lks_status status = fill_temporary(&p, text, size, err);
    if (status == LKS_OK)
        status = rename_temporary(&p, err);
    close_place(&p);
    return status;
}

/* --- part by part ----------------------------------------------------------------------------- */

struct lks_publication {
    place place;
    int file;
    lks_sha256 *digest; /**< of what was written, which is not kept for comparison */
};

static lks_status begin_parts(lks_publication *p, lks_error *err) {
    LKS_TRY(create_temporary(&p->place, &p->file, err));
    p->digest = lks_sha256_start(err);
    if (p->digest)
        return LKS_OK;
    close(p->file);
    return LKS_ERR_MEMORY;
}

lks_status lks_publish_start(lks_publication **publication, const char *path, lks_error *err) {
    *publication = NULL;
    lks_publication *p = calloc(1, sizeof *p);
    if (!p)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for %s", path);
    lks_status status = open_place(&p->place, path, err);
    if (status == LKS_OK) {
        status = begin_parts(p, err);
        if (status != LKS_OK)
            close_place(&p->place);
    }
    if (status == LKS_OK)
        *publication = p;
    else
        free(p);
    return status;
}

lks_status lks_publish_add(lks_publication *p, const char *bytes, size_t size, lks_error *err) {
    lks_sha256_add(p->digest, bytes, size);
    return write_all(p->file, &p->place, bytes, size, err);
}

static lks_status read_digest(lks_publication *p, char hex[LKS_SHA256_HEX], lks_error *err) {
    lks_sha256 *digest = lks_sha256_start(err);
    if (!digest)
        return LKS_ERR_MEMORY;
    char block[BLOCK];
    size_t n = 1;
    lks_status status = LKS_OK;
    forget_pages(p->file);
    for (size_t done = 0; n > 0 && status == LKS_OK; done += n) {
        status = read_block(p->file, &p->place, done, block, &n, err);
        lks_sha256_add(digest, block, n);
    }
    lks_sha256_finish(digest, hex);
    return status;
}

/** Everything between the last part and the file's name. */
static lks_status complete_parts(lks_publication *p, const char *written, lks_error *err) {
    char found[LKS_SHA256_HEX];
    LKS_TRY(flush_file(p->file, &p->place, err));
    LKS_TRY(read_digest(p, found, err));
    return written[0] && strcmp(written, found) == 0 ? LKS_OK : fail_other_bytes(&p->place, err);
}

lks_status lks_publish_finish(lks_publication *p, lks_status so_far, lks_error *err) {
    char written[LKS_SHA256_HEX];
    lks_sha256_finish(p->digest, written);
    lks_status status = so_far == LKS_OK ? complete_parts(p, written, err) : so_far;
    if (close(p->file) != 0 && errno != EINTR && status == LKS_OK)
        status = lks_fail_system(err, "write", p->place.path);
    if (status == LKS_OK)
        status = rename_temporary(&p->place, err);
    close_place(&p->place);
    free(p);
    return status;
}

/** Renaming would put a file in the place of a device, and fail on a folder. */
static lks_status check_replaceable(const place *p, lks_error *err) {
    struct stat there;
    if (fstatat(p->folder, p->name, &there, 0) != 0 || S_ISREG(there.st_mode))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "cannot write %s: it is %s; name a file", p->path,
                    S_ISDIR(there.st_mode) ? "a folder" : "no regular file");
}

lks_status lks_publish_check(const char *path, lks_error *err) {
    place p;
    int file;
    LKS_TRY(open_place(&p, path, err));
    lks_status status = check_replaceable(&p, err);
    if (status == LKS_OK)
        status = create_temporary(&p, &file, err);
    if (status == LKS_OK)
        close(file);
    close_place(&p);
    return status;
}

/* --- sets ------------------------------------------------------------------------------------- */

#define SET_MAX 8

static lks_status remove_old(const place *p, lks_error *err) {
    if (unlinkat(p->folder, p->name, 0) != 0 && errno != ENOENT)
        return lks_fail_system(err, "replace", p->path);
    return LKS_OK;
}

/* The files' places are open in @p places. */
static lks_status publish_places(place *places, const lks_publish_item *items, int n,
                                 lks_error *err) {
    for (int i = 0; i < n; i++)
        if (items[i].bytes)
            LKS_TRY(fill_temporary(&places[i], items[i].bytes, items[i].size, err));
    for (int i = 0; i < n; i++)
        LKS_TRY(remove_old(&places[i], err));
    for (int i = 0; i < n; i++)
        if (items[i].bytes)
            LKS_TRY(rename_temporary(&places[i], err));
    return LKS_OK;
}

lks_status lks_publish_set(const lks_publish_item *items, int n, lks_error *err) {
    place places[SET_MAX];
    int opened = 0;
    lks_status status =
        n <= SET_MAX ? LKS_OK
                     : lks_fail(err, LKS_ERR_IO, "a set of %d files; at most %d", n, SET_MAX);
    for (; opened < n && status == LKS_OK; opened += status == LKS_OK)
        status = open_place(&places[opened], items[opened].path, err);
    if (status == LKS_OK)
        status = publish_places(places, items, n, err);
    while (opened > 0)
        close_place(&places[--opened]);
    return status;
}

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

/* --- links and left-overs --------------------------------------------------------------------- */

/** Gives the temporary a name that is free, as a symbolic link or, where the file system has none, as another name
 * of the file. errno tells why neither could be made. */
static bool make_link(place *p, const char *target) {
    for (int try = 0; try < NAME_TRIES; try++) {
        next_temporary_name(p);
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

static lks_status add_file(lks_publication *p, int file, lks_error *err) {
    char block[BLOCK];
    size_t n = 1;
    for (size_t done = 0; n > 0; done += n) {
        LKS_TRY(read_block(file, &p->place, done, block, &n, err));
        LKS_TRY(lks_publish_add(p, block, n, err));
    }
    return LKS_OK;
}

static lks_status publish_copy(const char *path, int file, lks_error *err) {
    lks_publication *p;
    LKS_TRY(lks_publish_start(&p, path, err));
    return lks_publish_finish(p, add_file(p, file, err), err);
}

lks_status lks_publish_link(const char *path, const char *target, lks_error *err) {
    place p;
    char made[NAME_MAX + 1];
    lks_status status;
    LKS_TRY(open_place(&p, path, err));
    if (make_link(&p, target)) {
        memcpy(made, p.temporary, sizeof made);
        status = rename_temporary(&p, err);
        if (status == LKS_OK) /* by POSIX, renaming to another name of the same file does nothing */
            unlinkat(p.folder, made, 0);
    } else {
        status = lks_fail_system(err, "make the link", path);
        const int file = openat(p.folder, target, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            status = publish_copy(path, file, err);
            close(file);
        }
    }
    close_place(&p);
    return status;
}

void lks_publish_clean(const char *dir) {
    DIR *folder = opendir(dir);
    if (!folder)
        return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0)
            continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0 && errno != ENOENT)
            lks_warn("left-over %s/%s cannot be removed: %s", dir, entry->d_name, strerror(errno));
    }
    closedir(folder);
}
