#include "lockstep/picture.h"

#include <inttypes.h>
#include <string.h>

#include "data/picture_stream.h"
#include "lockstep/log.h"
#include "lockstep/memory.h"

/* --- byte by byte ----------------------------------------------------------------------------- */

lks_status lks_picture_stream_open(lks_picture_stream *s, const char *path, lks_error *err) {
    *s = (lks_picture_stream){.err = err};
    return lks_byte_source_open_plain(&s->source, path, "a picture", err);
}

void lks_picture_stream_close(lks_picture_stream *s) {
    lks_byte_source_close(&s->source);
}

/* False where no byte is left. */
static bool refill(lks_picture_stream *s) {
    if (s->status != LKS_OK)
        return false;
    s->at = s->count = 0;
    s->status =
        lks_byte_source_read(&s->source, s->offset, s->buffer, sizeof s->buffer, &s->count, s->err);
    s->offset += (int64_t)s->count;
    return s->status == LKS_OK && s->count > 0;
}

int lks_picture_stream_byte(lks_picture_stream *s) {
    if (s->at == s->count && !refill(s))
        return -1;
    return s->buffer[s->at++];
}

size_t lks_picture_stream_read(lks_picture_stream *s, uint8_t *out, size_t count) {
    size_t got = 0;
    while (got < count && (s->at < s->count || refill(s))) {
        const size_t have = s->count - s->at, left = count - got;
        const size_t n = have < left ? have : left;
        memcpy(out + got, s->buffer + s->at, n);
        s->at += n;
        got += n;
    }
    return got;
}

int64_t lks_picture_stream_offset(const lks_picture_stream *s) {
    return s->offset - (int64_t)(s->count - s->at);
}

/* --- size and memory -------------------------------------------------------------------------- */

lks_status lks_picture_check_size(const lks_picture_stream *s, int64_t rows, int64_t columns,
                                  lks_error *err) {
    if (rows < 1 || columns < 1)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: damaged: the header says %" PRId64 " rows x %" PRId64 " columns",
                        s->source.path, rows, columns);
    if (columns > LKS_PICTURE_PIXELS_MAX / rows)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: the header says %" PRId64 " rows x %" PRId64
                        " columns; at most %d pixels can be read",
                        s->source.path, rows, columns, LKS_PICTURE_PIXELS_MAX);
    return LKS_OK;
}

lks_status lks_picture_allocate(lks_picture *p, const lks_picture_stream *s, int64_t rows,
                                int64_t columns, int channels, int64_t least_bytes,
                                lks_error *err) {
    const int64_t left = s->source.file_size - lks_picture_stream_offset(s);
    if (least_bytes > left)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: truncated: the header says %" PRId64 " rows x %" PRId64
                        " columns, for which %" PRId64 " bytes are too few",
                        s->source.path, rows, columns, left);
    p->rows = (int)rows;
    p->columns = (int)columns;
    p->channels = channels;
    p->pixels = lks_alloc((size_t)(rows * columns), (size_t)channels, s->source.path, err);
    return p->pixels ? LKS_OK : LKS_ERR_MEMORY;
}

/* --- which format ----------------------------------------------------------------------------- */

/* Formats that people have and that are not read, by their first bytes. */
static const struct {
    const char *bytes;
    size_t count;
    const char *name;
} others[] = {{"\xff\xd8\xff", 3, "a JPEG picture"},
              {"GIF8", 4, "a GIF picture"},
              {"BM", 2, "a BMP picture"},
              {"II*\0", 4, "a TIFF picture"},
              {"MM\0*", 4, "a TIFF picture"},
              {"RIFF", 4, "a WebP picture"},
              {"P7\n", 3, "a PAM picture"},
              {"Pf\n", 3, "a PFM picture"},
              {"PF\n", 3, "a PFM picture"},
              {"\x1f\x8b", 2, "a gzip'd file"}};

static lks_status unknown_format(const lks_picture_stream *s, lks_error *err) {
    if (s->count == 0)
        return lks_fail(err, LKS_ERR_DATA, "%s: is empty", s->source.path);
    const char *what = "no picture that is known here";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (s->count >= others[i].count && memcmp(s->buffer, others[i].bytes, others[i].count) == 0)
            what = others[i].name;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: is %s; PNG, PGM, PPM and PBM files can be read: convert it to one of them",
                    s->source.path, what);
}

static lks_status decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    static const char png[4] = "\x89PNG";
    refill(s);
    LKS_TRY(s->status);
    if (s->count >= sizeof png && memcmp(s->buffer, png, sizeof png) == 0)
        return lks_png_decode(p, s, err);
    if (s->count >= 2 && s->buffer[0] == 'P' && s->buffer[1] >= '1' && s->buffer[1] <= '6')
        return lks_pnm_decode(p, s, err);
    return unknown_format(s, err);
}

lks_status lks_picture_read(lks_picture *p, const char *path, lks_error *err) {
    *p = (lks_picture){0};
    lks_picture_stream s;
    LKS_TRY(lks_picture_stream_open(&s, path, err));
    lks_status status = decode(p, &s, err);
    lks_picture_stream_close(&s);
    if (status != LKS_OK)
        lks_picture_free(p);
    else
        lks_detail("read %s, %d x %d", path, p->rows, p->columns);
    return status;
}

void lks_picture_free(lks_picture *p) {
    lks_free(p->pixels);
    *p = (lks_picture){0};
}
