#include "files/ustar.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files/publish.h"

#define BLOCK 512
#define END   (2 * BLOCK) /* zeros */

/* POSIX.1-1988: numbers are octal digits with a zero behind them. */
typedef struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], unused[12];
} header;

_Static_assert(sizeof(header) == BLOCK, "a header is one block");

static const char plain_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

static bool is_plain(const char *name) {
    const size_t length = strlen(name);
    if (length == 0 || length >= LKS_USTAR_NAME_MAX)
        return false;
    for (const char *part = name;; part++) {
        const size_t n = strspn(part, plain_letters);
        if (n == 0 || part[0] == '.' || part[0] == '-')
            return false;
        part += n;
        if (!*part)
            return true;
        if (*part != '/')
            return false;
    }
}

/* The sum of the header's bytes, those of the checksum taken for spaces. */
static unsigned sum_of(const header *h) {
    const unsigned char *bytes = (const unsigned char *)h;
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        const bool own = i >= offsetof(header, checksum) && i < offsetof(header, type);
        sum += own ? ' ' : bytes[i];
    }
    return sum;
}

static size_t padded(size_t size) {
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void fill_header(header *h, const lks_ustar_file *file) {
    memset(h, 0, sizeof *h);
    strcpy(h->name, file->name);
    strcpy(h->mode, "0000644");
    strcpy(h->uid, "0000000");
    strcpy(h->gid, "0000000");
    snprintf(h->size, sizeof h->size, "%011zo", file->size);
    strcpy(h->mtime, "00000000000");
    h->type = '0';
    memcpy(h->magic, "ustar", 6);
    memcpy(h->version, "00", 2);
    snprintf(h->checksum, sizeof h->checksum, "%06o", sum_of(h));
    h->checksum[7] = ' ';
}

lks_status lks_ustar_write(const char *path, const lks_ustar_file *files, size_t n,
                           lks_error *err) {
    const size_t most = (size_t)1 << 33; /* of a file: eleven octal digits */
    size_t size = END;
    if (n > LKS_USTAR_FILES_MAX)
        return lks_fail(err, LKS_ERR_USAGE, "%s: %zu files are more than the %d of an archive",
                        path, n, LKS_USTAR_FILES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (!is_plain(files[i].name) || files[i].size >= most)
            return lks_fail(err, LKS_ERR_USAGE, "%s: no archive has room for %s", path,
                            files[i].name);
        size += BLOCK + padded(files[i].size);
    }
    unsigned char *bytes = calloc(1, size), *at = bytes;
    if (!bytes)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: %zu bytes of %s", size, path);
    for (size_t i = 0; i < n; i++) {
        fill_header((header *)(void *)at, &files[i]);
        memcpy(at + BLOCK, files[i].bytes, files[i].size);
        at += BLOCK + padded(files[i].size);
    }
    const lks_status status = lks_publish_text(path, (const char *)bytes, size, err);
    free(bytes);
    return status;
}

/* --- reading ---------------------------------------------------------------------------------- */

static lks_status refuse(const char *path, const char *what, lks_error *err) {
    return lks_fail(err, LKS_ERR_FORMAT, "%s is no archive that lockstep wrote, or is damaged: %s",
                    path, what);
}

/* Octal digits and a zero; false for anything else. */
static bool read_octal(const char *text, size_t width, size_t *value) {
    size_t digits = 0;
    while (digits < width && text[digits] >= '0' && text[digits] <= '7')
        digits++;
    if (digits == 0 || digits >= width || text[digits])
        return false;
    *value = (size_t)strtoull(text, NULL, 8);
    return true;
}

static bool has_name(const lks_ustar_file *files, size_t n, const char *name) {
    while (n > 0 && strcmp(files[n - 1].name, name) != 0)
        n--;
    return n > 0;
}

/* One file, its header at `at` with `left` bytes from there on. */
static lks_status read_file(const char *path, unsigned char *at, size_t left, lks_ustar_file *files,
                            size_t n, lks_error *err) {
    lks_ustar_file *file = &files[n];
    header h;
    size_t checksum;
    memcpy(&h, at, sizeof h);
    if (!read_octal(h.checksum, sizeof h.checksum, &checksum) || checksum != sum_of(&h))
        return refuse(path, "a header has another checksum", err);
    if (memcmp(h.magic, "ustar", 6) != 0 || h.type != '0' || h.link[0] || h.prefix[0])
        return refuse(path, "it has something else than plain files", err);
    if (!memchr(h.name, 0, sizeof h.name) || !is_plain(h.name) || has_name(files, n, h.name))
        return refuse(path, "a name in it is not plain, or comes twice", err);
    if (!read_octal(h.size, sizeof h.size, &file->size) || file->size > left - BLOCK ||
        padded(file->size) > left - BLOCK)
        return refuse(path, "it ends within a file", err);
    strcpy(file->name, h.name);
    file->bytes = at + BLOCK;
    return LKS_OK;
}

static bool is_zero(const unsigned char *at, size_t n) {
    while (n > 0 && !at[n - 1])
        n--;
    return n == 0;
}

static lks_status read_all(const char *path, unsigned char *bytes, size_t size,
                           lks_ustar_file *files, size_t most, size_t *n, lks_error *err) {
    size_t at = 0;
    while (size - at >= END && !is_zero(bytes + at, BLOCK)) {
        if (*n == most)
            return refuse(path, "it has too many files", err);
        LKS_TRY(read_file(path, bytes + at, size - at, files, *n, err));
        at += BLOCK + padded(files[(*n)++].size);
    }
    return size - at >= END && is_zero(bytes + at, size - at)
               ? LKS_OK
               : refuse(path, "it does not end with zeros", err);
}

lks_status lks_ustar_read(const char *path, unsigned char *bytes, size_t size,
                          lks_ustar_file **files, size_t *n, lks_error *err) {
    const size_t room = size / BLOCK < LKS_USTAR_FILES_MAX ? size / BLOCK : LKS_USTAR_FILES_MAX;
    *n = 0;
    *files = calloc(room + 1, sizeof **files);
    if (!*files)
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory: files of %s", path);
    const lks_status status = read_all(path, bytes, size, *files, room, n, err);
    if (status != LKS_OK) {
        free(*files);
        *files = NULL;
    }
    return status;
}
