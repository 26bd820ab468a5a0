#include "io/checkpoint_format.h"
#include "files/kind/file_kind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char opening[] = "lockstep checkpoint, format ";

static int seal_lines(char text[LKS_SEAL_SIZE], size_t size, const char *digest) {
    return snprintf(text, LKS_SEAL_SIZE, "%s%d\nbytes %zu\nsha256 %s\n", opening,
                    LKS_CHECKPOINT_FORMAT, size, digest);
}

static lks_status make_seal(char seal[LKS_SEAL_SIZE], const unsigned char *file, size_t size,
                            lks_error *err) {
    char digest[LKS_SHA256_HEX];
    LKS_TRY(lks_sha256_buffer(file + LKS_SEAL_SIZE, size - LKS_SEAL_SIZE, digest, err));
    memset(seal, 0, LKS_SEAL_SIZE);
    seal_lines(seal, size, digest);
    return LKS_OK;
}

lks_status lks_seal_write(unsigned char *file, size_t size, lks_error *err) {
    char seal[LKS_SEAL_SIZE];
    LKS_TRY(make_seal(seal, file, size, err));
    memcpy(file, seal, LKS_SEAL_SIZE);
    return LKS_OK;
}

/** Names another format only where the line is otherwise as it must be. That it may be a damaged digit is why it is
 * no LKS_ERR_MISMATCH: an older checkpoint may be whole. */
static lks_status refuse_format(const char *path, const char *number, lks_error *err) {
    char *end;
    long format = strtol(number, &end, 10);
    if (format > 0 && *end == '\n' && format != LKS_CHECKPOINT_FORMAT)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s has checkpoint format %ld, this program reads %d: use the version of "
                        "lockstep that wrote it",
                        path, format, LKS_CHECKPOINT_FORMAT);
    return lks_fail(err, LKS_ERR_FORMAT, "%s is damaged or incomplete: its first lines are broken",
                    path);
}

lks_status lks_seal_check_header(const char *path, const unsigned char seal[LKS_SEAL_SIZE],
                                 size_t size, lks_error *err) {
    char found[LKS_SEAL_SIZE + 1], expected[LKS_SEAL_SIZE];
    memcpy(found, seal, LKS_SEAL_SIZE);
    found[LKS_SEAL_SIZE] = 0;
    if (strncmp(found, opening, strlen(opening)) != 0)
        return lks_fail_file_kind(
            err, path, lks_file_kind_of(seal, size < LKS_SEAL_SIZE ? size : LKS_SEAL_SIZE),
            LKS_WANTED_CHECKPOINT);
    int length = seal_lines(expected, size, "");
    if (strncmp(found, expected, (size_t)length - 1) == 0)
        return LKS_OK;
    size_t said;
    int format;
    if (sscanf(found + strlen(opening), "%d bytes %zu", &format, &said) == 2 &&
        format == LKS_CHECKPOINT_FORMAT && said != size)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s is damaged or incomplete: %zu bytes where its first lines say %zu",
                        path, size, said);
    return refuse_format(path, found + strlen(opening), err);
}

lks_status lks_seal_check(const char *path, const unsigned char *file, size_t size,
                          lks_error *err) {
    char seal[LKS_SEAL_SIZE];
    if (size < LKS_SEAL_SIZE)
        return lks_fail(err, LKS_ERR_FORMAT, "%s is damaged or incomplete: only %zu bytes", path,
                        size);
    LKS_TRY(lks_seal_check_header(path, file, size, err));
    LKS_TRY(make_seal(seal, file, size, err));
    if (memcmp(seal, file, LKS_SEAL_SIZE) != 0)
        return lks_fail(err, LKS_ERR_FORMAT,
                        "%s is damaged or incomplete: its bytes do not have the SHA-256 written in "
                        "its first lines",
                        path);
    return LKS_OK;
}
