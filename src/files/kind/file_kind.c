#include "files/kind/file_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/kind/detect.h"
#include "files/whole_file.h"

const lks_file_kind *lks_file_kind_of(const void *bytes, size_t count) {
    static const lks_file_kind empty = {"empty", LKS_FILE_UNKNOWN, NULL, NULL},
                               unknown = {"a file of no kind that is known here", LKS_FILE_UNKNOWN,
                                          NULL, NULL};
    static const lks_file_kind *(*const looks[])(const unsigned char *, size_t) = {
        lks_kind_by_signature, lks_kind_by_structure, lks_kind_by_text};
    const lks_file_kind *kind = count ? NULL : &empty;
    for (size_t i = 0; !kind && i < sizeof looks / sizeof *looks; i++)
        kind = looks[i](bytes, count);
    return kind ? kind : &unknown;
}

/* The first bytes of an open file; -1 where it is no regular file, or cannot be read. */
static ssize_t read_head(int file, unsigned char *bytes, size_t room) {
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
        return -1;
    return lks_read_up_to(file, bytes, room);
}

const lks_file_kind *lks_file_kind_at(const char *path) {
    unsigned char bytes[LKS_FILE_KIND_HEAD];
    /* O_NONBLOCK: opening a pipe must not wait for a writer */
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0)
        return NULL;
    const ssize_t count = read_head(file, bytes, sizeof bytes);
    close(file);
    return count < 0 ? NULL : lks_file_kind_of(bytes, (size_t)count);
}
