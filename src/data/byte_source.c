#include "data/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/beside.h"
#include "base/memory.h"
#include "base/observe/pulse.h"

enum { GZIP_INPUT = 1 << 16, SKIP_OUTPUT = 1 << 16, GZIP_ID1 = 0x1f, GZIP_ID2 = 0x8b };

struct lks_gunzip {
    z_stream z;
    int64_t next_input;  /* offset in the file behind input[] */
    int64_t next_output; /* offset in the uncompressed content */
    bool ended;
    uint8_t input[GZIP_INPUT];
    uint8_t skipped[SKIP_OUTPUT];
};

lks_status lks_fetch_again(lks_error *err, const char *format, ...) {
    char text[2048], script[LKS_BESIDE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return lks_fail(err, LKS_ERR_DATA, "%s; delete the file and fetch it again (%s)", text,
                    lks_beside("jobs/fetch-data.sh", script));
}

/* --- plain bytes -------------------------------------------------------------------------------
 */

static lks_status read_file_at(const lks_byte_source *source, int64_t offset, void *out,
                               size_t count, size_t *got, lks_error *err) {
    *got = 0;
    while (*got < count) {
        ssize_t n = pread(source->fd, (char *)out + *got, count - *got, offset + (int64_t)*got);
        lks_pulse_tick();
        if (n == 0)
            break;
        if (n > 0)
            *got += (size_t)n;
        else if (errno != EINTR)
            return lks_fail(err, LKS_ERR_IO, "%s: reading at byte %" PRId64 " failed: %s",
                            source->path, offset + (int64_t)*got, strerror(errno));
    }
    return LKS_OK;
}

/* --- gzip (RFC 1952) ---------------------------------------------------------------------------
 */

static lks_status gunzip_make(lks_gunzip **gunzip, lks_error *err) {
    *gunzip = lks_alloc(1, sizeof **gunzip, "the gzip reader", err);
    if (!*gunzip)
        return LKS_ERR_MEMORY;
    /* 16 + 15: a gzip wrapper, whose CRC and length zlib checks, and the largest window */
    if (inflateInit2(&(*gunzip)->z, 16 + MAX_WBITS) != Z_OK) {
        lks_free(*gunzip);
        *gunzip = NULL;
        return lks_fail(err, LKS_ERR_MEMORY, "out of memory for the gzip reader");
    }
    return LKS_OK;
}

static lks_status refill(lks_byte_source *source, lks_error *err) {
    lks_gunzip *g = source->gunzip;
    if (g->z.avail_in > 0)
        return LKS_OK;
    size_t got;
    LKS_TRY(read_file_at(source, g->next_input, g->input, GZIP_INPUT, &got, err));
    g->next_input += (int64_t)got;
    g->z.next_in = g->input;
    g->z.avail_in = (uInt)got;
    return LKS_OK;
}

/* What may follow a member: nothing, another member, or zeros (padding of block devices), as
 * gzip(1) has it. */
static lks_status after_member(lks_byte_source *source, lks_error *err) {
    lks_gunzip *g = source->gunzip;
    LKS_TRY(refill(source, err));
    if (g->z.avail_in > 0 && g->z.next_in[0] == GZIP_ID1) {
        inflateReset(&g->z);
        return LKS_OK;
    }
    while (g->z.avail_in > 0 && g->z.next_in[0] == 0) {
        g->z.next_in++;
        g->z.avail_in--;
        LKS_TRY(refill(source, err));
    }
    g->ended = g->z.avail_in == 0;
    if (g->ended)
        return LKS_OK;
    return lks_fetch_again(err, "%s: %" PRId64 " trailing bytes after the end of the gzip data",
                           source->path,
                           source->file_size - (g->next_input - (int64_t)g->z.avail_in));
}

static lks_status inflate_failed(const lks_byte_source *source, int code, lks_error *err) {
    const lks_gunzip *g = source->gunzip;
    if (code == Z_MEM_ERROR)
        return lks_fail(err, LKS_ERR_MEMORY, "%s: out of memory for inflating it", source->path);
    return lks_fetch_again(err, "%s: damaged gzip data near byte %" PRId64 " (%s)", source->path,
                           g->next_input - (int64_t)g->z.avail_in,
                           g->z.msg ? g->z.msg : zError(code));
}

/* The next bytes of the content. */
static lks_status inflate_next(lks_byte_source *source, void *out, size_t count, size_t *got,
                               lks_error *err) {
    lks_gunzip *g = source->gunzip;
    *got = 0;
    while (*got < count && !g->ended) {
        LKS_TRY(refill(source, err));
        if (g->z.avail_in == 0)
            return lks_fetch_again(err,
                                   "%s: truncated: the gzip data break off after %" PRId64 " bytes",
                                   source->path, source->file_size);
        const uInt room = count - *got < (1u << 30) ? (uInt)(count - *got) : 1u << 30;
        g->z.next_out = (Bytef *)out + *got;
        g->z.avail_out = room;
        int code = inflate(&g->z, Z_NO_FLUSH);
        *got += room - g->z.avail_out;
        g->next_output += room - g->z.avail_out;
        if (code == Z_STREAM_END)
            LKS_TRY(after_member(source, err));
        else if (code != Z_OK)
            return inflate_failed(source, code, err);
    }
    return LKS_OK;
}

static lks_status skip_to(lks_byte_source *source, int64_t offset, lks_error *err) {
    lks_gunzip *g = source->gunzip;
    while (g->next_output < offset && !g->ended) {
        const int64_t left = offset - g->next_output;
        size_t got;
        LKS_TRY(inflate_next(source, g->skipped, left < SKIP_OUTPUT ? (size_t)left : SKIP_OUTPUT,
                             &got, err));
    }
    return LKS_OK;
}

/* --- opening -----------------------------------------------------------------------------------
 */

static lks_status open_regular(lks_byte_source *source, const char *expected, lks_error *err) {
    const char *path = source->path;
    /* O_NONBLOCK: opening a named pipe must not wait for a writer; regular files ignore it */
    do
        source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (source->fd < 0 && errno == EINTR);
    if (source->fd < 0 && errno == ENOENT)
        return lks_fail(err, LKS_ERR_DATA, "%s: no such file%s", path,
                        strchr(path, '\\') ? "; folders are told apart by /, not by \\" : "");
    if (source->fd < 0 && errno == ENOTDIR)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: a file stands where this path has a folder: data.dir and --data name "
                        "a folder, the name of a file does not end in /",
                        path);
    if (source->fd < 0 && errno == EACCES)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: not readable (permission denied); check the permissions of the file "
                        "and of the folders above it",
                        path);
    if (source->fd < 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat status;
    if (fstat(source->fd, &status) != 0)
        return lks_fail(err, LKS_ERR_IO, "%s: cannot be examined: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return lks_fail(err, LKS_ERR_DATA, "%s: is a folder; expected %s", path, expected);
    if (!S_ISREG(status.st_mode))
        return lks_fail(err, LKS_ERR_DATA, "%s: is a device or pipe; expected %s", path, expected);
    source->file_size = status.st_size;
    return LKS_OK;
}

static lks_status open_and_sniff(lks_byte_source *source, lks_error *err) {
    LKS_TRY(open_regular(source, "an IDX file", err));
    uint8_t id[2];
    size_t got;
    LKS_TRY(read_file_at(source, 0, id, sizeof id, &got, err));
    if (got == sizeof id && id[0] == GZIP_ID1 && id[1] == GZIP_ID2)
        return gunzip_make(&source->gunzip, err);
    return LKS_OK;
}

lks_status lks_byte_source_open(lks_byte_source *source, const char *path, lks_error *err) {
    *source = (lks_byte_source){.path = path, .fd = -1};
    lks_status status = open_and_sniff(source, err);
    if (status != LKS_OK)
        lks_byte_source_close(source);
    return status;
}

lks_status lks_byte_source_open_plain(lks_byte_source *source, const char *path,
                                      const char *expected, lks_error *err) {
    *source = (lks_byte_source){.path = path, .fd = -1};
    lks_status status = open_regular(source, expected, err);
    if (status != LKS_OK)
        lks_byte_source_close(source);
    return status;
}

lks_status lks_byte_source_read(lks_byte_source *source, int64_t offset, void *out, size_t count,
                                size_t *got, lks_error *err) {
    if (!source->gunzip)
        return read_file_at(source, offset, out, count, got, err);
    LKS_TRY(skip_to(source, offset, err));
    return inflate_next(source, out, count, got, err);
}

void lks_byte_source_close(lks_byte_source *source) {
    if (source->gunzip) {
        inflateEnd(&source->gunzip->z);
        lks_free(source->gunzip);
    }
    if (source->fd >= 0)
        close(source->fd);
    *source = (lks_byte_source){.fd = -1};
}
