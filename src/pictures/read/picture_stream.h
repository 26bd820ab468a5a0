/** @file picture_stream.h  A picture file byte by byte, and the two readers. Private to src/pictures. */
#ifndef LKS_PICTURES_PICTURE_STREAM_H
#define LKS_PICTURES_PICTURE_STREAM_H

#include "data/byte_source.h"
#include "lockstep/picture.h"

typedef struct lks_picture_stream {
    lks_byte_source source;
    int64_t offset;   /**< in the file, behind buffer[] */
    size_t at, count; /**< the next byte of buffer[], and how many it has */
    lks_status status;
    lks_error *err; /**< borrowed; filled where status is not LKS_OK */
    uint8_t buffer[1 << 14];
} lks_picture_stream;

/** Opens @p path, a plain file; @p err is kept. The caller closes it. Not collective. */
lks_status lks_picture_stream_open(lks_picture_stream *s, const char *path, lks_error *err);
void lks_picture_stream_close(lks_picture_stream *s);

/** Reads the next buffer[]; false where no byte is left or reading fails. */
bool lks_picture_stream_fill(lks_picture_stream *s);

/** The next byte, or -1 where the file ends or reading fails (then s->status says so, for good). */
int lks_picture_stream_byte(lks_picture_stream *s);

/** The next @p count bytes; returns how many there were, as above. */
size_t lks_picture_stream_read(lks_picture_stream *s, uint8_t *out, size_t count);

/** Offset in the file of the next byte. */
int64_t lks_picture_stream_offset(const lks_picture_stream *s);

/** LKS_ERR_DATA unless a picture of that size has pixels, and not too many. */
lks_status lks_picture_check_size(const lks_picture_stream *s, int64_t rows, int64_t columns,
                                  lks_error *err);

/** Gives @p p its size, checked before, and memory. @p least_bytes must still follow in the file, so
 * that a small file that claims to be a large picture is found out before anything is allocated. */
lks_status lks_picture_allocate(lks_picture *p, const lks_picture_stream *s, int64_t rows,
                                int64_t columns, int channels, int64_t least_bytes, lks_error *err);

lks_status lks_png_decode(lks_picture *p, lks_picture_stream *s, lks_error *err);
lks_status lks_pnm_decode(lks_picture *p, lks_picture_stream *s, lks_error *err);

#endif
