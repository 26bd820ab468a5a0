/** @file picture.h  One picture file: read, and brought to the form that a network wants.
 *
 *  PNG (by libpng), JPEG (by libjpeg-turbo) and the formats of Netpbm: PBM, PGM and PPM, plain and binary (P1
 * to P6; format: netpbm.sourceforge.net/doc). What is in the file counts, not its name. Everything is integer
 * arithmetic, so a file gives the same bytes on every machine. Nothing here is collective. */
#ifndef LOCKSTEP_PICTURE_H
#define LOCKSTEP_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/public.h"
#include "lockstep/status.h"

LKS_PUBLIC_BEGIN

/** Most pixels of a picture; a file that says more is refused before memory is asked for. */
#define LKS_PICTURE_PIXELS_MAX (1 << 26)

typedef struct lks_picture {
    int rows, columns;
    int channels;    /**< 1 grey, 2 grey and alpha, 3 red green blue, 4 these and alpha */
    uint8_t *pixels; /**< [rows][columns][channels], owned (lks_picture_free()) */
} lks_picture;

/** Reads regular file @p path; symbolic links are followed. Palettes and fewer than 8 bits become 8
 * bits, 16 bits and any other largest value of Netpbm's are scaled to 0..255 and rounded; where 16 bits a value
 * could be and none has more than 8, 10 or 12, to what these can say. Values are taken as they stand in the
 * file: no gamma, no colour profile.
 *
 *  JPEG: baseline, progressive and arithmetic coding, grey, RGB, YCbCr, and the CMYK and YCCK of Adobe's
 * programs (red = cyan x black / 255, and so on, where 255 is no ink). Inverse DCT in exact integers; a sample
 * of colour counts for all pixels that it covers, without interpolation.
 *
 *  A picture is turned as Exif's Orientation says (JPEG's APP1, PNG's eXIf), so rows and columns are those that
 * are seen; Exif data that are malformed say nothing. Of an animated PNG the first picture is read, with a
 * warning. So is a JPEG without its last scans.
 *  @return LKS_ERR_DATA names the path and what is wrong: missing, a folder, not readable, another
 * kind of file (named where it is known, with the command that converts it), damaged, truncated, more than one
 * picture (Netpbm), too large, JPEG of 12 bits or lossless. JPEG has no check sums: a changed bit may pass. On
 * failure @p picture owns nothing. */
lks_status lks_picture_read(lks_picture *picture, const char *path, lks_error *err);

/** Frees the pixels and zeroes the struct. */
void lks_picture_free(lks_picture *picture);

/** Puts a picture with alpha on a ground of grey value @p background (0..255): 2 channels become 1,
 * 4 become 3; others stay as they are. v = round((alpha v + (255 - alpha) background) / 255). */
void lks_picture_flatten(lks_picture *picture, int background);

/** True if red, green and blue are equal in every pixel, or there are none. */
bool lks_picture_is_grey(const lks_picture *picture);

/** True if no pixel lets the ground through: alpha is 255 everywhere, or there is none. */
bool lks_picture_is_opaque(const lks_picture *picture);

/** What a picture is brought to. */
typedef struct lks_picture_form {
    int rows, columns; /**< 1 to 65,536 */
    int channels;      /**< 1 or 3 */
    int background;    /**< 0..255: behind alpha, and beside a picture of another shape */
    bool invert;       /**< in the end every value v becomes 255 - v, the background's too */
} lks_picture_form;

/** Brings @p picture to @p form, into @p out [rows][columns][channels]. It is flattened, for one
 * channel made grey (luma of ITU-R BT.601: 0.299 red + 0.587 green + 0.114 blue), resized as much as
 * fits with its sides' ratio kept, and put into the middle of the background. A side that shrinks is
 * averaged over areas, one that grows is interpolated linearly between the centres of its pixels,
 * one that stays is copied; rounded once. Uses the picture up: it is what it is on the way.
 *  LKS_ERR_MEMORY. */
lks_status lks_picture_fit(lks_picture *picture, const lks_picture_form *form, uint8_t *out,
                           lks_error *err);

/** Rows and columns of an image of MNIST's. */
#define LKS_MNIST_SIDE 28

/** What lks_picture_center() found. */
typedef struct lks_picture_info {
    bool blank;     /**< there is no ink: the image is black */
    bool unchanged; /**< the picture was such an image already, and is handed on as it was */
    int lines;      /**< long straight lines, frames and grids that were dropped */
    int specks;     /**< specks that were dropped */
    int parts; /**< half as long as the main one, with 3 tenths of its ink: digits, or halves */
    int64_t dropped, kept; /**< the ink that was dropped and kept: sums of values, of one scale */
} lks_picture_info;

/** Prepares a photo or drawing of one digit, @p picture, as MNIST's images were, into @p out
 * [LKS_MNIST_SIDE][LKS_MNIST_SIDE], light ink on black. A picture that is such an image is handed on as it is: 28 x 28,
 * opaque, grey, longest side of the ink 19 or 20, largest value 254 or 255, at most one pixel from its place; all 70,000
 * images of MNIST are. Of any other the ink is separated and made an image (ink.h): the part with the most ink, and
 * those near it that are a quarter as long. Uses the picture up: it is what it is on the way. LKS_ERR_MEMORY. */
lks_status lks_picture_center(lks_picture *picture, uint8_t *out, lks_picture_info *info,
                              lks_error *err);

/** Writes 8-bit pixels [rows][columns][channels] (channels 1 to 4 as above) as a PNG into *bytes [*size],
 * freed with free(). LKS_ERR_MEMORY, also where libpng fails. */
lks_status lks_png_encode(const uint8_t *pixels, int rows, int columns, int channels,
                          unsigned char **bytes, size_t *size, lks_error *err);

LKS_PUBLIC_END

#endif
