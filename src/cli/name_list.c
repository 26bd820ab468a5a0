#include "cli/name_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/whole_file.h"

/* All up to the first byte 0, with it; *n bytes. */
static lks_status read_text(FILE *f, const char *path, char **text, size_t *n, lks_error *err) {
    size_t size = 0;
    *text = NULL;
    errno = 0;
    const ssize_t got = getdelim(text, &size, '\0', f);
    *n = got < 0 ? 0 : (size_t)got;
    if (got < 0) { /* the room that there is has nothing in it */
        free(*text);
        *text = NULL;
    }
    return got >= 0 || feof(f)
               ? LKS_OK
               : lks_fail(err, LKS_ERR_IO, "cannot read %s: %s", path, strerror(errno));
}

/* In place; a carriage return elsewhere belongs to a name. */
static void take_off_windows(char *text) {
    static const char mark[] = "\xef\xbb\xbf";
    const char *from = text;
    char *to = text;
    if (strncmp(from, mark, 3) == 0)
        from += 3;
    for (; *from; from++)
        if (*from != '\r' || (from[1] != '\n' && from[1]))
            *to++ = *from;
    *to = '\0';
}

static lks_status clean(char *text, size_t n, const char *path, lks_error *err) {
    const unsigned char *b = (const unsigned char *)text;
    const bool utf16 = n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff));
    if (utf16)
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s is a text in UTF-16, but names are read as UTF-8: `iconv -f UTF-16 -t "
                        "UTF-8` makes one of it",
                        path);
    if (n > 0 && text[n - 1] == '\0')
        return lks_fail(err, LKS_ERR_USAGE,
                        "%s has a byte 0 after %zu bytes: give one name a line, in UTF-8 (`find "
                        "-print`, not -print0)",
                        path, n - 1);
    if (n > 0)
        take_off_windows(text);
    return LKS_OK;
}

lks_status lks_name_list_read(const char *path, char **text, lks_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : lks_open_list(path);
    size_t n;
    *text = NULL;
    if (!f)
        return lks_fail(err, LKS_ERR_IO, "cannot read %s: %s", path, lks_read_reason(errno));
    const char *name = is_stdin ? "standard input" : path;
    lks_status status = read_text(f, name, text, &n, err);
    if (!is_stdin)
        fclose(f);
    return status == LKS_OK ? clean(*text, n, name, err) : status;
}
