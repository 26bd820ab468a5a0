/** @file picture.h  One picture file: read, and brought to the form that a network wants.
 *
 *  PNG (by libpng) and the formats of Netpbm: PBM, PGM and PPM, plain and binary (P1 to P6; format:
 * netpbm.sourceforge.net/doc). What is in the file counts, not its name. Everything is integer
 * arithmetic, so a file gives the same bytes on every machine. Nothing here is collective. */
#ifndef LOCKSTEP_PICTURE_H
#define LOCKSTEP_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lockstep/status.h"

/** Most pixels of a picture; a file that says more is refused before memory is asked for. */
#define LKS_PICTURE_PIXELS_MAX (1 << 26)

typedef struct lks_picture {
    int rows, columns;
    int channels;    /**< 1 grey, 2 grey and alpha, 3 red green blue, 4 these and alpha */
    uint8_t *pixels; /**< [rows][columns][channels], owned (lks_picture_free()) */
} lks_picture;

/** Reads regular file @p path; symbolic links are followed. Palettes and fewer than 8 bits become 8
 * bits, 16 bits and any other largest value of Netpbm's are scaled to 0..255 and rounded. Values are
 * taken as they stand in the file: no gamma, no colour profile.
 *  @return LKS_ERR_DATA names the path and what is wrong: missing, a folder, not readable, another
 * format (named where it is known), damaged, truncated, more than one picture, too large. On failure
 * @p picture owns nothing. */
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

/** Prepares a photo or drawing of a digit, @p picture, as MNIST's images were, into @p out
 * [LKS_MNIST_SIDE][LKS_MNIST_SIDE], light ink on black:
 *
 *  1. flattened on white, and made grey as lks_picture_fit() does;
 *  2. inverted if the mean of the border (first and last rows and columns, every pixel once) is above 127;
 *  3. ground g = the smallest value that three quarters of the border do not exceed, top = the largest
 *     value. top - g < 16: nothing stands out, *blank is set and @p out black. g = 0: values stay;
 *     else t = g + (top - g) / 4 (integers) becomes 0 and top 255, with all between in ratio, rounded,
 *     and what is below t 0;
 *  4. cropped to the box around all values above 0;
 *  5. its longest side brought to 20, the other in ratio, rounded, at least 1, resized as by
 *     lks_picture_fit(); where that was not its length already, values in ratio so that the largest is 255;
 *  6. put so that the centre of mass in pixel-centre coordinates (pixel i lies at i + 0.5) comes next to
 *     14.5 in both directions, ties towards the end, but all inside.
 *
 * An image of MNIST's comes out as it went in (9,996 of the 10,000 test images do). Uses the picture
 * up: it is what it is on the way. LKS_ERR_MEMORY. */
lks_status lks_picture_center(lks_picture *picture, uint8_t *out, bool *blank, lks_error *err);

/** Writes 8-bit pixels [rows][columns][channels] (channels 1 to 4 as above) as a PNG into *bytes [*size],
 * freed with free(). LKS_ERR_MEMORY, also where libpng fails. */
lks_status lks_png_encode(const uint8_t *pixels, int rows, int columns, int channels,
                          unsigned char **bytes, size_t *size, lks_error *err);

#endif
