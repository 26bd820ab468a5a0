/** @file whole_file.h  Files that are read as a whole, into memory. */
#ifndef LKS_FILES_WHOLE_FILE_H
#define LKS_FILES_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "lockstep/status.h"

/** Looks at the first bytes of a file of @p size bytes, and refuses it with @p err filled. */
typedef lks_status (*lks_check_head)(const char *path, const unsigned char *head, size_t size,
                                     lks_error *err);

/** The most that a check can ask for. */
#define LKS_HEAD_MAX 512

/** Opens regular file @p path to read from its start; NULL with errno for anything else: a pipe, a device or a socket
 * gives ENXIO, and is not waited for. The caller closes it. */
FILE *lks_open_regular(const char *path);

/** As getline(3), for files of lines that may be anybody's: -2 at a line of more than LKS_LINE_MAX bytes. */
#define LKS_LINE_MAX (1 << 24)
ssize_t lks_read_line(FILE *f, char **line, size_t *room);

/** As lks_open_regular(), for a list of names, which may come through a pipe: somebody has to write to that within
 * seconds, else errno is ETIMEDOUT. */
FILE *lks_open_list(const char *path);

/** Reads from the open @p file until @p room bytes are there or it ends. Returns how many; -1 with errno: ETIMEDOUT
 * where it is a pipe and nobody writes to it for seconds. */
ssize_t lks_read_up_to(int file, void *bytes, size_t room);

/** The words for an errno that these two left. */
const char *lks_read_reason(int error);

/** Whether both names lead to one file or folder; false where one leads to none. */
bool lks_same_file(const char *a, const char *b);

/** Reads regular file @p path into *bytes [*size], freed with free(), also after a failure. @p check (or NULL)
 * sees the first @p head bytes, at most LKS_HEAD_MAX, before the whole gets memory: a file of another kind may
 * have any size. Of a shorter file it sees zeros after the end. LKS_ERR_IO names the cause; LKS_ERR_FORMAT
 * where there are fewer than @p head bytes, the file becomes shorter while it is read, or nearly all of it is a hole:
 * a few bytes on the disk must not ask for all memory. LKS_ERR_MEMORY. Not collective. */
lks_status lks_read_whole_file(const char *path, size_t head, lks_check_head check,
                               unsigned char **bytes, size_t *size, lks_error *err);

#endif
