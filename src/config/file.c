#include "config/option.h"
#include "files/kind/file_kind.h"
#include "files/whole_file.h"
#include "base/digest.h"
#include "lockstep/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static lks_status fail_path(lks_error *err, const char *path, const char *why) {
    return lks_fail(err, LKS_ERR_CONFIG, "cannot read configuration %.600s: %s", path, why);
}

/* Opens without waiting for the writer of a pipe; reading does, for seconds. */
static int open_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    struct stat info;
    if (fstat(fd, &info) == 0) {
        if (!S_ISDIR(info.st_mode) && fcntl(fd, F_SETFL, O_RDONLY) == 0)
            return fd;
        if (S_ISDIR(info.st_mode))
            errno = EISDIR;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* What is text may be a configuration, and is parsed. */
static lks_status check_kind(const char *path, const char *text, size_t size, lks_error *err) {
    const lks_file_kind *kind = lks_file_kind_of(text, size);
    switch (kind->family) {
    case LKS_FILE_UNKNOWN:
    case LKS_FILE_CONFIG:
    case LKS_FILE_TABLE:
        return LKS_OK;
    case LKS_FILE_TEXT:
        if (!kind->command)
            return LKS_OK;
        /* fall through */
    default:
        return lks_fail_file_kind(err, path, kind, LKS_WANTED_CONFIG);
    }
}

lks_status lks_config_read_file(const char *path, char **text, size_t *size, lks_error *err) {
    *text = NULL;
    *size = 0;
    int fd = open_file(path);
    if (fd < 0)
        return fail_path(err, path, strerror(errno));
    char *buffer = malloc(LKS_CONFIG_SIZE_MAX + 2);
    if (!buffer) {
        close(fd);
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for configuration %.600s", path);
    }
    ssize_t n = lks_read_up_to(fd, buffer, LKS_CONFIG_SIZE_MAX + 1);
    int saved = errno;
    close(fd);
    lks_status status = n < 0 ? fail_path(err, path, lks_read_reason(saved))
                              : check_kind(path, buffer, (size_t)n, err);
    if (status == LKS_OK && n > LKS_CONFIG_SIZE_MAX)
        status = fail_path(err, path, "larger than 1 MiB");
    if (status != LKS_OK) {
        free(buffer);
        return status;
    }
    lks_detail("read %s, %zd bytes", path, n);
    buffer[n] = '\0';
    *text = buffer;
    *size = (size_t)n;
    return LKS_OK;
}

void lks_config_check_seal(const char *path, const char *text, size_t size) {
    if (lks_seal_of_text(text, LKS_CONFIG_SEAL, "\n", &size) == LKS_SEAL_BROKEN)
        lks_warn(
            "%s was changed since a run wrote it: edited, or damaged. It is taken as it is; if you "
            "edited it, remove its line that begins with \"%s\"",
            path, LKS_CONFIG_SEAL);
}
