/** @file picture_stream.h  A picture file byte by byte, the readers, and what they share. Private to src/pictures. */
#ifndef LKS_PICTURES_PICTURE_STREAM_H
#define LKS_PICTURES_PICTURE_STREAM_H

#include "data/byte_source.h"
#include "lockstep/picture.h"

typedef struct lks_picture_stream {
    lks_byte_source source;
    int64_t offset;   /**< in the file, behind buffer[] */
    size_t at, count; /**< the next byte of buffer[], and how many it has */
    lks_status status;
    lks_error *err;  /**< borrowed; filled where status is not LKS_OK */
    int orientation; /**< Exif's, 1 to 8; 0: none was found so far */
    int bits_used;   /**< of values that have 16 (lks_picture_narrow()); else 0 */
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

/** Gives @p p its size, checked before, and memory: @p depth, 8 or 16, bits a value. @p least_bytes must still
 * follow in the file, so that a small file that claims to be a large picture is found out before anything is
 * allocated. */
lks_status lks_picture_allocate(lks_picture *p, const lks_picture_stream *s, int64_t rows,
                                int64_t columns, int channels, int depth, int64_t least_bytes,
                                lks_error *err);

/** Makes 8 bits of @p p's values of 16, big-endian in its pixels: v / (2^b - 1) of 255, rounded. b is 16, but
 * where no value needs so many, alpha apart, 8, 10 or 12: so scanners and cameras write that have only these. */
void lks_picture_narrow(lks_picture *p, lks_picture_stream *s);

/** Notes the orientation in Exif data: the TIFF itself, without a name before it. The first one counts. */
void lks_picture_note_exif(lks_picture_stream *s, const uint8_t *exif, size_t count);

/** Turns and mirrors @p p, so that it is as it is to be shown. LKS_ERR_MEMORY. */
lks_status lks_picture_turn(lks_picture *p, const lks_picture_stream *s, lks_error *err);

lks_status lks_png_decode(lks_picture *p, lks_picture_stream *s, lks_error *err);
lks_status lks_jpeg_decode(lks_picture *p, lks_picture_stream *s, lks_error *err);
lks_status lks_pnm_decode(lks_picture *p, lks_picture_stream *s, lks_error *err);

#endif
