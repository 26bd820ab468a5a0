#include "files/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "files/system_error.h"
#include "lockstep/log.h"
#include "files/publish.h"
#include "base/observe/pulse.h"

/* --- the guard -------------------------------------------------------------------------------- */

static struct {
    long long life;
    lks_publish_ask ask;
    void *context;
} guard;

void lks_publish_guard(long long life, lks_publish_ask ask, void *context) {
    guard.life = life;
    guard.ask = ask;
    guard.context = context;
}

lks_status lks_publish_allowed(lks_error *err) {
    return guard.ask ? guard.ask(guard.context, err) : LKS_OK;
}

long long lks_target_life(void) {
    return guard.life;
}

/* --- messages --------------------------------------------------------------------------------- */

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

/* --- the file --------------------------------------------------------------------------------- */

lks_status lks_target_open(lks_target *p, const char *path, lks_error *err) {
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
 * may repeat in containers, so creating it must still be exclusive. The life's number tells the next
 * life whose it is. */
void lks_target_next_name(lks_target *p) {
    static atomic_uint count;
    char host[33] = "";
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c == '/')
            *c = '_';
    snprintf(p->temporary, sizeof p->temporary, LKS_TEMPORARY_PREFIX "%lld-%.140s.%s-%ld-%u",
             lks_target_life(), p->name, host, (long)getpid(), atomic_fetch_add(&count, 1));
}

/* Renaming would put a file in the place of a device, and fail on a folder. */
static lks_status check_replaceable(const lks_target *p, lks_error *err) {
    struct stat there;
    if (fstatat(p->folder, p->name, &there, 0) != 0 || S_ISREG(there.st_mode))
        return LKS_OK;
    return lks_fail(err, LKS_ERR_IO, "cannot write %s: it is %s; name a file", p->path,
                    S_ISDIR(there.st_mode) ? "a folder" : "no regular file");
}

lks_status lks_target_create(lks_target *p, int *file, lks_error *err) {
    LKS_TRY(check_replaceable(p, err));
    for (int try = 0; try < LKS_TARGET_TRIES; try++) {
        lks_target_next_name(p);
        *file = openat(p->folder, p->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*file >= 0)
            return LKS_OK;
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    p->temporary[0] = 0;
    return lks_fail_system(err, "write", p->path);
}

lks_status lks_target_write(int file, const lks_target *p, const char *bytes, size_t size,
                            lks_error *err) {
    while (size > 0) {
        ssize_t n = write(file, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lks_fail_system(err, "write", p->path);
        bytes += n;
        size -= (size_t)n;
        lks_pulse_tick();
    }
    return LKS_OK;
}

lks_status lks_target_flush(int file, const lks_target *p, lks_error *err) {
    while (fsync(file) != 0)
        if (errno != EINTR)
            return lks_fail_system(err, "write", p->path);
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    return LKS_OK;
}

lks_status lks_target_read(int file, const lks_target *p, size_t at, char block[LKS_TARGET_BLOCK],
                           size_t *n, lks_error *err) {
    ssize_t found;
    do
        found = pread(file, block, LKS_TARGET_BLOCK, (off_t)at);
    while (found < 0 && errno == EINTR);
    *n = found < 0 ? 0 : (size_t)found;
    lks_pulse_tick();
    return found < 0 ? lks_fail_system(err, "read back", p->path) : LKS_OK;
}

lks_status lks_target_fail_bytes(const lks_target *p, lks_error *err) {
    return lks_fail(err, LKS_ERR_IO,
                    "cannot write %s: the disk gave back other bytes than were written; do not "
                    "trust it",
                    p->path);
}

static lks_status read_back(int file, const lks_target *p, const char *bytes, size_t size,
                            lks_error *err) {
    char block[LKS_TARGET_BLOCK];
    size_t n = 1;
    for (size_t done = 0; n > 0; done += n) {
        LKS_TRY(lks_target_read(file, p, done, block, &n, err));
        if (n > size - done || memcmp(block, bytes + done, n) != 0 || (n == 0 && done < size))
            return lks_target_fail_bytes(p, err);
    }
    return LKS_OK;
}

lks_status lks_target_fill(lks_target *p, const char *bytes, size_t size, lks_error *err) {
    int file;
    LKS_TRY(lks_target_create(p, &file, err));
    lks_status status = lks_target_write(file, p, bytes, size, err);
    if (status == LKS_OK)
        status = lks_target_flush(file, p, err);
    if (status == LKS_OK)
        status = read_back(file, p, bytes, size, err);
    if (close(file) != 0 && errno != EINTR && status == LKS_OK)
        status = lks_fail_system(err, "write", p->path);
    return status;
}

/* Why the temporary is not there any more: the next life removes those of the lives before it. */
static lks_status fail_rename(const lks_target *p, lks_error *err) {
    int code = errno;
    if (code == ENOENT || code == ESTALE)
        LKS_TRY(lks_publish_allowed(err));
    errno = code;
    return lks_fail_system(err, "write", p->path);
}

/* The temporary has its name. */
static lks_status settle(lks_target *p, lks_error *err) {
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

lks_status lks_target_rename(lks_target *p, lks_error *err) {
    LKS_TRY(lks_publish_allowed(err));
    if (renameat(p->folder, p->temporary, p->folder, p->name) != 0)
        return fail_rename(p, err);
    return settle(p, err);
}

/* Some file systems cannot refuse to replace; there a look before has to do. */
static int rename_new(const lks_target *p) {
    struct stat there;
    if (renameat2(p->folder, p->temporary, p->folder, p->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (fstatat(p->folder, p->name, &there, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(p->folder, p->temporary, p->folder, p->name);
}

lks_status lks_target_rename_new(lks_target *p, bool *taken, lks_error *err) {
    *taken = false;
    LKS_TRY(lks_publish_allowed(err));
    if (rename_new(p) == 0)
        return settle(p, err);
    *taken = errno == EEXIST;
    return *taken ? LKS_OK : fail_rename(p, err);
}

void lks_target_close(lks_target *p) {
    if (p->temporary[0])
        unlinkat(p->folder, p->temporary, 0);
    close(p->folder);
}
