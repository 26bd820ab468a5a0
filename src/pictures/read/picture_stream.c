#include "pictures/read/picture_stream.h"

#include <inttypes.h>
#include <string.h>

#include "lockstep/memory.h"

/* --- byte by byte ----------------------------------------------------------------------------- */

lks_status lks_picture_stream_open(lks_picture_stream *s, const char *path, lks_error *err) {
    *s = (lks_picture_stream){.err = err};
    return lks_byte_source_open_plain(&s->source, path, "a picture", err);
}

void lks_picture_stream_close(lks_picture_stream *s) {
    lks_byte_source_close(&s->source);
}

bool lks_picture_stream_fill(lks_picture_stream *s) {
    if (s->status != LKS_OK)
        return false;
    s->at = s->count = 0;
    s->status =
        lks_byte_source_read(&s->source, s->offset, s->buffer, sizeof s->buffer, &s->count, s->err);
    s->offset += (int64_t)s->count;
    return s->status == LKS_OK && s->count > 0;
}

int lks_picture_stream_byte(lks_picture_stream *s) {
    if (s->at == s->count && !lks_picture_stream_fill(s))
        return -1;
    return s->buffer[s->at++];
}

size_t lks_picture_stream_read(lks_picture_stream *s, uint8_t *out, size_t count) {
    size_t got = 0;
    while (got < count && (s->at < s->count || lks_picture_stream_fill(s))) {
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
