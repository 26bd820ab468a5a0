#include "files/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/system_error.h"
#include "base/observe/pulse.h"

/** False with errno ETIMEDOUT: a pipe gives no bytes, and does not end either. */
static bool is_ready(int file) {
    enum { PATIENCE_MS = 2000 };
    struct pollfd writer = {.fd = file, .events = POLLIN};
    if (poll(&writer, 1, PATIENCE_MS) != 0)
        return true;
    errno = ETIMEDOUT;
    return false;
}

ssize_t lks_read_up_to(int file, void *bytes, size_t room) {
    size_t count = 0;
    while (count < room) {
        if (!is_ready(file))
            return -1;
        const ssize_t n = read(file, (unsigned char *)bytes + count, room - count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        count += (size_t)n;
    }
    return (ssize_t)count;
}

const char *lks_read_reason(int error) {
    return error == ETIMEDOUT ? "nobody writes to this pipe" : strerror(error);
}

bool lks_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static lks_status read_at(int file, const char *path, unsigned char *bytes, size_t size,
                          size_t offset, lks_error *err) {
    while (size > 0) {
        ssize_t n = pread(file, bytes, size, (off_t)offset);
        lks_pulse_tick();
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lks_fail_system(err, "read", path);
        if (n == 0)
            return lks_fail(err, LKS_ERR_FORMAT, "%s is damaged or incomplete: it became shorter",
                            path);
        bytes += n;
        offset += (size_t)n;
        size -= (size_t)n;
    }
    return LKS_OK;
}

static lks_status check_start(int file, const char *path, size_t head, lks_check_head check,
                              size_t size, lks_error *err) {
    unsigned char start[LKS_HEAD_MAX];
    memset(start, 0, sizeof start);
    LKS_TRY(read_at(file, path, start, size < head ? size : head, 0, err));
    LKS_TRY(check(path, start, size, err));
    if (size < head)
        return lks_fail(err, LKS_ERR_FORMAT, "%s is damaged or incomplete: only %zu bytes", path,
                        size);
    return LKS_OK;
}

/** Nothing that was written is a thousand times smaller on the disk, on file systems that compress either. */
static bool is_hole(const struct stat *info) {
    enum { UNIT = 512, SMALL = 1 << 26, PACKED = 1000 };
    return info->st_size > SMALL && info->st_size / PACKED > (off_t)info->st_blocks * UNIT;
}

static lks_status read_open(int file, const char *path, size_t head, lks_check_head check,
                            unsigned char **bytes, size_t *size, lks_error *err) {
    struct stat info;
    if (fstat(file, &info) != 0)
        return lks_fail_system(err, "read", path);
    if (!S_ISREG(info.st_mode))
        return lks_fail(err, LKS_ERR_IO, "cannot read %s: it is not a file", path);
    *size = (size_t)info.st_size;
    if (check)
        LKS_TRY(check_start(file, path, head, check, *size, err));
    if (is_hole(&info))
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s is damaged, or made to do harm: of its %zu bytes nearly none are on "
                        "the disk",
                        path, *size);
    *bytes = malloc(*size ? *size : 1);
    if (!*bytes)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: %zu bytes for %s", *size, path);
    return read_at(file, path, *bytes, *size, 0, err);
}

lks_status lks_read_whole_file(const char *path, size_t head, lks_check_head check,
                               unsigned char **bytes, size_t *size, lks_error *err) {
    *bytes = NULL;
    *size = 0;
    /* Opening a pipe would wait for a writer without O_NONBLOCK. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return lks_fail_system(err, "read", path);
    lks_status status = read_open(file, path, head, check, bytes, size, err);
    close(file);
    return status;
}

/* --- streams ---------------------------------------------------------------------------------- */

/** Closes @p file, keeping errno, or making it @p code. */
static int give_up(int file, int code) {
    const int kept = code ? code : errno;
    if (file >= 0)
        close(file);
    errno = kept;
    return -1;
}

/** -1 with errno. Never waits; reading then does. */
static int open_at_once(const char *path, struct stat *info) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0 || fstat(file, info) != 0)
        return give_up(file, 0);
    if (S_ISDIR(info->st_mode))
        return give_up(file, EISDIR);
    return fcntl(file, F_SETFL, O_RDONLY) == 0 ? file : give_up(file, 0);
}

static FILE *stream_of(int file) {
    FILE *f = file < 0 ? NULL : fdopen(file, "r");
    if (!f)
        give_up(file, 0);
    return f;
}

FILE *lks_open_regular(const char *path) {
    struct stat info;
    int file = open_at_once(path, &info);
    if (file >= 0 && !S_ISREG(info.st_mode))
        file = give_up(file, ENXIO);
    return stream_of(file);
}

/** Room for a byte and the 0 after it. */
static bool make_room(char **line, size_t *room, size_t used) {
    if (used + 2 <= *room)
        return true;
    const size_t wanted = *room < 128 ? 256 : 2 * *room;
    char *larger = realloc(*line, wanted);
    if (!larger)
        return false;
    *line = larger;
    *room = wanted;
    return true;
}

ssize_t lks_read_line(FILE *f, char **line, size_t *room) {
    size_t used = 0;
    for (int c = 0; c != '\n' && (c = getc_unlocked(f)) != EOF; (*line)[used++] = (char)c) {
        if (used == LKS_LINE_MAX)
            return -2;
        if (!make_room(line, room, used))
            return -1;
    }
    if (used == 0)
        return -1;
    (*line)[used] = '\0';
    return (ssize_t)used;
}

FILE *lks_open_list(const char *path) {
    struct stat info;
    int file = open_at_once(path, &info);
    if (file >= 0 && S_ISFIFO(info.st_mode) && !is_ready(file))
        file = give_up(file, 0);
    else if (file >= 0 && !S_ISFIFO(info.st_mode) && !S_ISREG(info.st_mode))
        file = give_up(file, ENXIO);
    return stream_of(file);
}
