/* Netpbm's PBM, PGM and PPM. A header is "P" and a digit, then columns, rows and, but for PBM, the
 * largest value, in decimal; a comment, from # to the end of its line, may stand wherever white
 * space may. In the binary formats one white space follows, and then the raster. */
#include <inttypes.h>

#include "pictures/read/picture_stream.h"

enum { LARGEST = 65535, NUMBER_MAX = 1000000000 };

typedef struct raster {
    bool plain; /* decimal numbers, not bytes */
    bool bits;  /* PBM: 1 is black */
    int channels;
    int64_t rows, columns, largest;
} raster;

/* The file goes on otherwise than it should: it ends, cannot be read, or is wrong. */
static lks_status wrong(lks_picture_stream *s, int c, const char *expected, lks_error *err) {
    LKS_TRY(s->status);
    const int64_t at = lks_picture_stream_offset(s);
    if (c < 0)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: truncated: it ends at byte %" PRId64 ", where %s should be",
                        s->source.path, at, expected);
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: damaged: 0x%02x at byte %" PRId64 ", where %s should be", s->source.path,
                    (unsigned)c, at - 1, expected);
}

/* --- characters and numbers ------------------------------------------------------------------- */

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next character; a comment counts as the line end behind it. */
static int next(lks_picture_stream *s) {
    int c = lks_picture_stream_byte(s);
    if (c == '#')
        while (c >= 0 && c != '\n' && c != '\r')
            c = lks_picture_stream_byte(s);
    return c;
}

static int skip_space(lks_picture_stream *s) {
    int c;
    do
        c = next(s);
    while (is_space(c));
    return c;
}

/* A number and the white space behind it, or the end of the file where @p may_end. */
static lks_status read_number(lks_picture_stream *s, const char *what, bool may_end, int64_t *value,
                              lks_error *err) {
    int c = skip_space(s);
    if (c < '0' || c > '9')
        return wrong(s, c, what, err);
    for (*value = 0; c >= '0' && c <= '9'; c = next(s))
        if (*value < NUMBER_MAX)
            *value = 10 * *value + (c - '0');
    if (!is_space(c) && !(c < 0 && may_end))
        return wrong(s, c, "white space", err);
    return s->status;
}

static lks_status read_header(lks_picture_stream *s, raster *r, lks_error *err) {
    lks_picture_stream_byte(s); /* "P" */
    const int kind = lks_picture_stream_byte(s) - '0';
    *r = (raster){.plain = kind <= 3, .bits = kind % 3 == 1, .channels = kind % 3 ? 1 : 3};
    r->largest = 1;
    LKS_TRY(read_number(s, "the number of columns", false, &r->columns, err));
    LKS_TRY(read_number(s, "the number of rows", false, &r->rows, err));
    if (!r->bits)
        LKS_TRY(read_number(s, "the largest value", false, &r->largest, err));
    if (r->largest < 1 || r->largest > LARGEST)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: damaged: the largest value is %" PRId64 "; expected 1 to %d",
                        s->source.path, r->largest, LARGEST);
    return lks_picture_check_size(s, r->rows, r->columns, err);
}

/* What fills 16 bits may have fewer in truth, which shows only when all of it is there. */
static bool is_wide(const raster *r) {
    return r->largest == LARGEST;
}

/* --- rasters ---------------------------------------------------------------------------------- */

static int64_t row_bytes(const raster *r) {
    return r->bits ? (r->columns + 7) / 8 : r->columns * r->channels * (r->largest > 255 ? 2 : 1);
}

/* The fewest bytes of pixels: a number of the plain formats has a digit, and is set off. */
static int64_t least_bytes(const raster *r) {
    if (!r->plain)
        return r->rows * row_bytes(r);
    const int64_t samples = r->rows * r->columns * r->channels;
    return r->bits ? samples : 2 * samples - 1;
}

/* Puts the i-th value of a row, in one byte of @p row or two. */
static lks_status store(const raster *r, const lks_picture_stream *s, int64_t value, uint8_t *row,
                        int64_t i, lks_error *err) {
    if (value > r->largest)
        return lks_fail(err, LKS_ERR_DATA,
                        "%s: damaged: a value of %" PRId64 " near byte %" PRId64
                        ", but the header says at most %" PRId64,
                        s->source.path, value, lks_picture_stream_offset(s), r->largest);
    if (is_wide(r)) {
        row[2 * i] = (uint8_t)(value >> 8);
        row[2 * i + 1] = (uint8_t)value;
    } else
        row[i] = (uint8_t)((value * 255 + r->largest / 2) / r->largest);
    return LKS_OK;
}

static lks_status read_bit_row(const raster *r, lks_picture_stream *s, uint8_t *out,
                               lks_error *err) {
    int byte = 0;
    for (int64_t x = 0; x < r->columns; x++) {
        if (x % 8 == 0)
            byte = lks_picture_stream_byte(s);
        if (byte < 0)
            return wrong(s, byte, "the picture", err);
        out[x] = byte & (128 >> x % 8) ? 0 : 255;
    }
    return LKS_OK;
}

static lks_status read_byte_row(const raster *r, lks_picture_stream *s, uint8_t *out,
                                lks_error *err) {
    for (int64_t i = 0; i < r->columns * r->channels; i++) {
        int high = r->largest > 255 ? lks_picture_stream_byte(s) : 0;
        int low = lks_picture_stream_byte(s);
        if (high < 0 || low < 0)
            return wrong(s, -1, "the picture", err);
        LKS_TRY(store(r, s, high << 8 | low, out, i, err));
    }
    return LKS_OK;
}

static lks_status read_plain_row(const raster *r, lks_picture_stream *s, uint8_t *out,
                                 lks_error *err) {
    for (int64_t i = 0; i < r->columns * r->channels; i++) {
        int64_t value;
        LKS_TRY(read_number(s, "a value of the picture", true, &value, err));
        LKS_TRY(store(r, s, value, out, i, err));
    }
    return LKS_OK;
}

/* Digits 0 and 1, which need no white space between them. */
static lks_status read_plain_bit_row(const raster *r, lks_picture_stream *s, uint8_t *out,
                                     lks_error *err) {
    for (int64_t x = 0; x < r->columns; x++) {
        const int c = skip_space(s);
        if (c != '0' && c != '1')
            return wrong(s, c, "0 or 1", err);
        out[x] = c == '1' ? 0 : 255;
    }
    return LKS_OK;
}

static lks_status check_end(const raster *r, lks_picture_stream *s, lks_error *err) {
    const int c = r->plain ? skip_space(s) : lks_picture_stream_byte(s);
    LKS_TRY(s->status);
    if (c < 0)
        return LKS_OK;
    return lks_fail(err, LKS_ERR_DATA,
                    "%s: goes on at byte %" PRId64
                    ", after the picture that the header says: damaged, or several pictures in one "
                    "file",
                    s->source.path, lks_picture_stream_offset(s) - 1);
}

lks_status lks_pnm_decode(lks_picture *p, lks_picture_stream *s, lks_error *err) {
    static lks_status (*const row_readers[2][2])(const raster *, lks_picture_stream *, uint8_t *,
                                                 lks_error *) = {
        {read_byte_row, read_bit_row}, {read_plain_row, read_plain_bit_row}};
    raster r;
    LKS_TRY(read_header(s, &r, err));
    const int depth = is_wide(&r) ? 16 : 8;
    LKS_TRY(lks_picture_allocate(p, s, r.rows, r.columns, r.channels, depth, least_bytes(&r), err));
    const int64_t stride = r.columns * r.channels * depth / 8;
    for (int64_t y = 0; y < r.rows; y++)
        LKS_TRY(row_readers[r.plain][r.bits](&r, s, p->pixels + y * stride, err));
    LKS_TRY(check_end(&r, s, err));
    if (is_wide(&r))
        lks_picture_narrow(p, s);
    return LKS_OK;
}
