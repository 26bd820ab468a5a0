#include "pictures/read/picture_stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"

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
                                int64_t columns, int channels, int depth, int64_t least_bytes,
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
    p->pixels =
        lks_alloc((size_t)(rows * columns), (size_t)(channels * depth / 8), s->source.path, err);
    return p->pixels ? LKS_OK : LKS_ERR_MEMORY;
}

/* --- 16 bits ---------------------------------------------------------------------------------- */

static unsigned value_at(const lks_picture *p, size_t i) {
    return (unsigned)p->pixels[2 * i] << 8 | p->pixels[2 * i + 1];
}

static bool has_alpha(const lks_picture *p) {
    return p->channels % 2 == 0;
}

static unsigned largest_value(const lks_picture *p, size_t count) {
    const size_t channels = (size_t)p->channels, colours = channels - has_alpha(p);
    unsigned largest = 0;
    for (size_t i = 0; i < count; i++)
        if (i % channels < colours && value_at(p, i) > largest)
            largest = value_at(p, i);
    return largest;
}

void lks_picture_narrow(lks_picture *p, lks_picture_stream *s) {
    const size_t channels = (size_t)p->channels, colours = channels - has_alpha(p);
    const size_t count = (size_t)p->rows * (size_t)p->columns * channels;
    const unsigned largest = largest_value(p, count);
    const int bits = largest == 0      ? 16
                     : largest <= 255  ? 8
                     : largest <= 1023 ? 10
                     : largest <= 4095 ? 12
                                       : 16;
    const unsigned white = (1u << bits) - 1, opaque = 65535;
    for (size_t i = 0; i < count; i++) {
        const unsigned whole = i % channels < colours ? white : opaque;
        p->pixels[i] = (uint8_t)((value_at(p, i) * 255 + whole / 2) / whole);
    }
    s->bits_used = bits;
}
