#include "files/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/system_error.h"
#include "lockstep/pulse.h"

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
